//! Characters: which are allowed, how references stand for them, how they are escaped.

use std::borrow::Cow;

use crate::saml::SamlError;

/// White space as XML defines it (production 3), which is less than Unicode's.
pub(crate) const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Production 2, `Char`.
const fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Whether any byte is one that `wanted` names. Looks at all of them: without a branch in the loop the
/// compiler makes it a few instructions per sixteen bytes.
pub(super) fn any_byte(text: &str, wanted: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(false, |found, byte| found | wanted(byte))
}

/// Where the first character stands that no XML document may hold.
pub(super) fn find_forbidden(xml: &str) -> Option<usize> {
    // 0xEF begins the two noncharacters U+FFFE and U+FFFF.
    let is_suspicious =
        |b: u8| ((b < 0x20) & (b != b'\t') & (b != b'\n') & (b != b'\r')) | (b == 0xEF);
    if !any_byte(xml, is_suspicious) {
        return None;
    }
    xml.char_indices().find(|(_, c)| !is_char(*c)).map(|(offset, _)| offset)
}

/// The character that a reference stands for; `name` is what stands between `&` and `;`.
pub(super) fn resolve_reference(name: &str) -> Result<char, SamlError> {
    let number = match name {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => name.strip_prefix('#').ok_or(SamlError::EntityExpansionForbidden)?,
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
    let valid = !digits.is_empty() && digits.bytes().all(|b| char::from(b).is_digit(radix));
    u32::from_str_radix(digits, radix)
        .ok()
        .filter(|_| valid)
        .and_then(char::from_u32)
        .filter(|c| is_char(*c))
        .ok_or(SamlError::EntityExpansionForbidden)
}

/// Text with its line ends normalised (XML 2.11); references are tokens of their own and never
/// reach this.
pub(super) fn normalize_text(raw: &str) -> Cow<'_, str> {
    if !any_byte(raw, |b| b == b'\r') {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.replace("\r\n", "\n").replace('\r', "\n"))
}

/// An attribute value with white space normalised and references resolved (XML 3.3.3, type CDATA).
pub(super) fn normalize_attribute(raw: &str) -> Result<Cow<'_, str>, SamlError> {
    let changes = |b| (b == b'&') | (b == b'\t') | (b == b'\n') | (b == b'\r');
    if !any_byte(raw, changes) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        rest = match c {
            '&' => {
                let (name, after) = rest
                    .strip_prefix('&')
                    .and_then(|reference| reference.split_once(';'))
                    .ok_or(SamlError::EntityExpansionForbidden)?;
                value.push(resolve_reference(name)?);
                after
            }
            _ => {
                value.push(if is_space(c) { ' ' } else { c });
                let line_end = if rest.starts_with("\r\n") { 2 } else { c.len_utf8() };
                rest.get(line_end..).unwrap_or_default()
            }
        };
    }
    Ok(Cow::Owned(value))
}

/// Writes character data as canonical XML has it.
pub(crate) fn escape_text(out: &mut Vec<u8>, text: &str) {
    escape(out, text, |b| match b {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'\r' => Some("&#xD;"),
        _ => None,
    });
}

/// Writes an attribute value, for between double quotes, as canonical XML has it.
pub(crate) fn escape_attribute(out: &mut Vec<u8>, value: &str) {
    escape(out, value, |b| match b {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'"' => Some("&quot;"),
        b'\t' => Some("&#x9;"),
        b'\n' => Some("&#xA;"),
        b'\r' => Some("&#xD;"),
        _ => None,
    });
}

fn escape(out: &mut Vec<u8>, text: &str, replacement: impl Fn(u8) -> Option<&'static str>) {
    let mut clean = text.as_bytes();
    while let Some(at) = clean.iter().position(|b| replacement(*b).is_some()) {
        let (before, from) = clean.split_at(at);
        out.extend_from_slice(before);
        if let Some((byte, after)) = from.split_first() {
            out.extend_from_slice(replacement(*byte).unwrap_or_default().as_bytes());
            clean = after;
        }
    }
    out.extend_from_slice(clean);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_predefined_or_numeric() {
        for (name, c) in
            [("amp", '&'), ("#65", 'A'), ("#x41", 'A'), ("#x1F600", '😀'), ("#xd", '\r')]
        {
            assert_eq!(resolve_reference(name), Ok(c), "{name}");
        }
        for name in [
            "", "#", "#x", "#X41", "#+5", "#x+5", "#0", "#xD800", "#xFFFF", "#x110000", "nbsp",
            "amp ", "#1_0",
        ] {
            assert_eq!(resolve_reference(name), Err(SamlError::EntityExpansionForbidden), "{name}");
        }
    }

    #[test]
    fn attribute_values_are_normalised() {
        assert_eq!(normalize_attribute("a\r\nb\tc\rd\n\ne").unwrap(), "a b c d  e");
        assert_eq!(normalize_attribute("&#xD;&#10;&#9;&quot;é\r").unwrap(), "\r\n\t\"é ");
        assert!(normalize_attribute("a & b").is_err());
        assert!(normalize_attribute("&custom;").is_err());
    }

    #[test]
    fn line_ends_are_normalised() {
        assert_eq!(normalize_text("a\r\nb\rc\r\r\n"), "a\nb\nc\n\n");
    }

    #[test]
    fn forbidden_characters_are_found() {
        assert_eq!(find_forbidden("ok é 漢 \u{FFFD} \u{F000} \u{10FFFF}"), None);
        assert_eq!(find_forbidden("a\u{0}"), Some(1));
        assert_eq!(find_forbidden("ab\u{1b}"), Some(2));
        assert_eq!(find_forbidden("\u{FFFE}"), Some(0));
        assert_eq!(find_forbidden("\u{FFFF}"), Some(0));
    }

    #[test]
    fn escapes_are_canonical() {
        let mut out = Vec::new();
        escape_text(&mut out, "a<b>&\"c\r\n");
        escape_attribute(&mut out, "|<>&\"'\t\r\n");
        assert_eq!(out, b"a&lt;b&gt;&amp;\"c&#xD;\n|&lt;>&amp;&quot;'&#x9;&#xD;&#xA;");
    }
}
