use std::fmt::Write as _;

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::AuditEntry;
use crate::scope::UserId;

/// The first line of an export as CSV (RFC 4180).
pub const CSV_HEADER: &str = "id,at,action,outcome,actor_kind,actor,user,subject_kind,subject,\
                              organization,address,user_agent,metadata\r\n";

/// An entry as a line of CSV (RFC 4180), its end included. What a spreadsheet would take for a
/// formula begins with an apostrophe, also behind what other countries' spreadsheets take for the end
/// of a field.
pub fn csv_line(entry: &AuditEntry) -> String {
    let fields = [
        entry.id.to_string(),
        time(entry),
        entry.action.to_string(),
        entry.outcome.as_str().to_owned(),
        entry.actor_kind.clone(),
        entry.actor.as_ref().map(ToString::to_string).unwrap_or_default(),
        entry.user.as_ref().map(ToString::to_string).unwrap_or_default(),
        entry.subject_kind.clone().unwrap_or_default(),
        entry.subject.clone().unwrap_or_default(),
        entry.organization.map(|id| id.to_string()).unwrap_or_default(),
        entry.address.map(|address| address.to_string()).unwrap_or_default(),
        entry.user_agent.clone().unwrap_or_default(),
        Value::Object(entry.metadata.clone()).to_string(),
    ];
    let mut line = String::new();
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        quote(&mut line, field);
    }
    line.push_str("\r\n");
    line
}

fn quote(line: &mut String, field: &str) {
    let disarmed = disarmed(field);
    let escaped = disarmed.replace('"', "\"\"");
    let _ = match disarmed.len() > field.len() || field.contains([',', ';', '"', '\r', '\n']) {
        true => write!(line, "\"{escaped}\""),
        false => write!(line, "{escaped}"),
    };
}

/// With an apostrophe before whatever would begin a formula where a field, or what some take for one,
/// begins. Blanks and quotes before it do not help.
fn disarmed(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut begins = true;
    for c in field.chars() {
        let formula = matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
        let blank = matches!(c, '\t' | '\r') && text.is_empty();
        if begins && (formula || blank) {
            text.push('\'');
        }
        begins =
            matches!(c, ';' | '\t' | '\r' | '\n') || (begins && (c == '"' || c.is_whitespace()));
        text.push(c);
    }
    text
}

/// An entry as a line of JSON Lines, its end included. What is not there is `null`.
pub fn json_line(entry: &AuditEntry) -> String {
    format!("{}\n", json_value(entry))
}

/// An entry as a JSON object. What is not there is `null`.
pub fn json_value(entry: &AuditEntry) -> Value {
    json!({
        "id": entry.id,
        "at": time(entry),
        "action": entry.action.as_str(),
        "outcome": entry.outcome.as_str(),
        "actor_kind": entry.actor_kind,
        "actor": entry.actor.as_ref().map(UserId::as_str),
        "user": entry.user.as_ref().map(UserId::as_str),
        "subject_kind": entry.subject_kind,
        "subject": entry.subject,
        "organization": entry.organization,
        "address": entry.address,
        "user_agent": entry.user_agent,
        "metadata": entry.metadata,
    })
}

fn time(entry: &AuditEntry) -> String {
    entry.at.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Action, Entry};
    use crate::crypto::SystemRandom;
    use crate::scope::UserId;

    fn entry() -> AuditEntry {
        Entry::new(Action::of("account.rename"))
            .about(&UserId::new("u-1").unwrap())
            .to("name", "=cmd|' /C calc'!A0")
            .with("said", "a, \"b\"\nc")
            .from(Some("2001:db8::1".parse().unwrap()), None)
            .at(time::OffsetDateTime::UNIX_EPOCH, &SystemRandom)
    }

    #[test]
    fn csv_quotes_what_it_must_and_disarms_formulas() {
        let line = csv_line(&entry());
        let rest = line.split_once(',').unwrap().1;
        assert_eq!(
            rest,
            "1970-01-01T00:00:00Z,account.rename,success,visitor,,u-1,name,\
             \"'=cmd|' /C calc'!A0\",,2001:db8::1,,\
             \"{\"\"said\"\":\"\"a, \\\"\"b\\\"\"\\nc\"\"}\"\r\n"
        );
        assert_eq!(CSV_HEADER.matches(',').count(), 12);
    }

    #[test]
    fn a_formula_is_disarmed_where_a_semicolon_ends_a_field_too() {
        for (field, expected) in [
            ("x;=cmd|' /C calc'!A0", "\"x;'=cmd|' /C calc'!A0\""),
            ("x;\"=1", "\"x;\"\"'=1\""),
            ("x; @a", "\"x; '@a\""),
            ("a\t+1", "\"a\t'+1\""),
            ("\t=1", "\"'\t'=1\""),
            ("＝1", "\"'＝1\""),
            ("a=1-2", "a=1-2"),
            ("Mozilla/5.0 (X11; Linux) x-y", "\"Mozilla/5.0 (X11; Linux) x-y\""),
        ] {
            let mut line = String::new();
            quote(&mut line, field);
            assert_eq!(line, expected, "{field:?}");
        }
    }

    #[test]
    fn a_line_of_json_is_one_line() {
        let line = json_line(&entry());
        assert_eq!(line.matches('\n').count(), 1);
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["metadata"]["said"], "a, \"b\"\nc");
        assert_eq!(value["actor"], Value::Null);
    }
}
