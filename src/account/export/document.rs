use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::account::AccountError;
use crate::account::site::Site;
use crate::audit::{AuditEntry, json_value};
use crate::scope::{Account, UserId};
use crate::store::{AuditFilter, StoreError, omissions};

/// The version of the document: it changes when a reader of an older one would be misled.
const VERSION: u32 = 1;
/// Rows of each kind in one document.
const ROWS: u32 = 1_000;
/// Entries of the audit log in one document.
const ENTRIES: u32 = 5_000;
const PAGE: u32 = 500;

/// Everything about this user that there is to tell, and a list of what is left out.
pub(in crate::account) async fn document(
    site: &Site,
    account: &Account,
) -> Result<Value, AccountError> {
    let mut sections = Map::new();
    let mut left_out: Vec<Value> =
        omissions().map(|(what, reason)| json!({ "what": what, "reason": reason })).collect();
    left_out.push(json!({
        "what": "passwords, secrets, codes and tokens",
        "reason": "they open something; of backup codes, only the number is told",
    }));
    left_out.push(json!({
        "what": "who else acted, from where, and for what reason",
        "reason": "it is about others; that they acted, and what they did, is told",
    }));
    for source in &site.export_sources {
        let value = source.export(account).await.map_err(StoreError::Unavailable)?;
        sections.insert(source.section().to_owned(), value);
    }
    for section in site.store.user_data(account.id(), ROWS).await? {
        if section.truncated {
            left_out.push(more(section.name, ROWS));
        }
        let rows = section.rows.into_iter().map(Value::Object).collect();
        sections.insert(section.name.to_owned(), Value::Array(rows));
    }
    let about = AuditFilter { user: Some(account.id().clone()), ..AuditFilter::default() };
    let done = AuditFilter { actor: Some(account.id().clone()), ..AuditFilter::default() };
    for (name, filter) in [("audit_about_you", about), ("audit_done_by_you", done)] {
        let (entries, truncated) = entries(site, filter).await?;
        if truncated {
            left_out.push(more(name, ENTRIES));
        }
        let told = entries.into_iter().map(|entry| told(entry, account.id()));
        sections.insert(name.to_owned(), told.collect());
    }
    Ok(json!({
        "schema": "donjon.account_export",
        "version": VERSION,
        "made_at": site.now().format(&Rfc3339).unwrap_or_default(),
        "sections": sections,
        "omissions": left_out,
    }))
}

/// An entry as its user is told of it: that somebody else acted, and what was done, but neither who
/// nor from where, nor what colleagues are told as the reason.
fn told(mut entry: AuditEntry, user: &UserId) -> Value {
    let by_another = entry.actor.as_ref().is_some_and(|actor| actor != user);
    // The end of one that was not permitted any more is the system's, and tells whose it was.
    if entry.actor.as_ref() != Some(user) && entry.action.as_str().starts_with("impersonation.") {
        entry.metadata.remove("administrator");
        entry.metadata.remove("reason");
    }
    if by_another {
        entry.actor = None;
        entry.address = None;
        entry.user_agent = None;
        entry.metadata.remove("reason");
    }
    let mut value = json_value(&entry);
    if by_another && let Some(fields) = value.as_object_mut() {
        fields.insert("actor_kind".to_owned(), "another".into());
    }
    value
}

fn more(section: &str, limit: u32) -> Value {
    json!({ "what": section, "reason": format!("only {limit} of them are in one document") })
}

/// The newest entries, page by page, and whether there are more.
async fn entries(
    site: &Site,
    mut filter: AuditFilter,
) -> Result<(Vec<AuditEntry>, bool), AccountError> {
    let mut all = Vec::new();
    loop {
        let page = site.store.audit_entries(&filter, PAGE).await?;
        let last: Option<Uuid> = page.last().map(|entry| entry.id);
        let full = page.len() as u64 == u64::from(PAGE);
        all.extend(page);
        if !full {
            return Ok((all, false));
        }
        if all.len() as u64 >= u64::from(ENTRIES) {
            return Ok((all, true));
        }
        filter.before = last;
    }
}
