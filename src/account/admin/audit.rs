//! The audit log: page by page, or as a file.

use http::header::CONTENT_DISPOSITION;
use http::{HeaderValue, StatusCode};
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use super::entries::{Readable, account};
use super::frame::FrameParts;
use super::{AdminAct, permit};
use crate::account::AccountError;
use crate::account::site::{Answer, Site, Visit};
use crate::audit::{Action, AuditEntry, CSV_HEADER, Outcome, csv_line, json_line};
use crate::http::respond;
use crate::page::{AdminAudit, AuditLine};
use crate::scope::UserId;
use crate::store::AuditFilter;

const PAGE: u32 = 50;
/// Entries that are read for one file.
const FILE: usize = 10_000;
const BATCH: u32 = 500;

/// What a file is made of.
#[derive(Clone, Copy)]
pub(super) enum Format {
    Csv,
    JsonLines,
}

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let administrator = permit(site, visit, AdminAct::ReadAudit, None).await?;
    let filter = filter(visit)?;
    in_reach(site, visit, &filter).await?;
    let mut entries = site.store.audit_entries(&filter, PAGE + 1).await?;
    let more = entries.len() > PAGE as usize;
    entries.truncate(PAGE as usize);
    let next = entries.last().filter(|_| more).map(|last| last.id);
    let (mut lines, mut readable) = (Vec::new(), Readable::new(site, visit));
    for entry in &entries {
        if readable.admits(entry).await? {
            lines.push(AuditLine::of(entry));
        }
    }

    let root = &site.paths.admin;
    let next = next.map(|id| format!("{root}/audit?{}", query(&filter, Some(id))));
    let asked = query(&filter, None);
    let (csv, jsonl) = (format!("{root}/audit.csv?{asked}"), format!("{root}/audit.jsonl?{asked}"));
    let parts = FrameParts::of(site, visit, &administrator).await;
    let action = filter.prefix.as_deref().unwrap_or_default();
    let user = filter.user.as_ref().map_or("", UserId::as_str);
    let frame = parts.frame(site);
    let page = AdminAudit::new(frame, &lines, (action, user), [&csv, &jsonl], next.as_deref());
    Ok(respond::html(StatusCode::OK, site.pages.admin_audit(&page)))
}

/// The newest entries that fit, as a file; that it was taken is noted first.
pub(super) async fn download(site: &Site, visit: &Visit, format: Format) -> Answer {
    visit.fresh_account(site)?;
    permit(site, visit, AdminAct::ReadAudit, None).await?;
    let mut filter = filter(visit)?;
    in_reach(site, visit, &filter).await?;
    let entry = visit.entry(Action::ADMIN_EXPORT_AUDIT).at(site.now(), &*site.random);
    site.store.write_audit_entry(&entry).await?;
    entry.announce();
    let (kind, name, line): (_, _, fn(&AuditEntry) -> String) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"audit.csv\"", csv_line),
        Format::JsonLines => {
            ("application/jsonl", "attachment; filename=\"audit.jsonl\"", json_line)
        }
    };
    let mut file = match format {
        Format::Csv => CSV_HEADER.to_owned(),
        Format::JsonLines => String::new(),
    };
    let (mut read, mut readable) = (0, Readable::new(site, visit));
    loop {
        let batch = site.store.audit_entries(&filter, BATCH).await?;
        for entry in &batch {
            if readable.admits(entry).await? {
                file.push_str(&line(entry));
            }
        }
        read += batch.len();
        filter.before = batch.last().map(|entry| entry.id);
        if (batch.len() as u64) < u64::from(BATCH) || read >= FILE {
            break;
        }
    }
    let mut response = respond::plain(StatusCode::OK, kind, file);
    let headers = response.headers_mut();
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(name));
    headers.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// A user whose entries are asked for by name is in reach, or is not found.
async fn in_reach(site: &Site, visit: &Visit, filter: &AuditFilter) -> Result<(), AccountError> {
    if let Some(user) = &filter.user {
        let account = account(site, user).await?;
        permit(site, visit, AdminAct::ReadAudit, Some(&account)).await?;
    }
    Ok(())
}

fn filter(visit: &Visit) -> Result<AuditFilter, AccountError> {
    let query = &visit.query;
    let text = |name| {
        query.get(name).map(|text| text.filter(|text| text.len() <= 255 && !text.contains('\0')))
    };
    Ok(AuditFilter {
        prefix: text("action")?.map(str::to_owned),
        user: text("user")?.and_then(|id| UserId::new(id).ok()),
        actor: text("actor")?.and_then(|id| UserId::new(id).ok()),
        outcome: match text("outcome")? {
            Some("success") => Some(Outcome::Success),
            Some("failure") => Some(Outcome::Failure),
            _ => None,
        },
        before: text("before")?.and_then(|id| Uuid::parse_str(id).ok()),
        ..AuditFilter::default()
    })
}

fn query(filter: &AuditFilter, before: Option<Uuid>) -> String {
    let mut query = Serializer::new(String::new());
    if let Some(prefix) = &filter.prefix {
        query.append_pair("action", prefix);
    }
    for (name, id) in [("user", &filter.user), ("actor", &filter.actor)] {
        if let Some(id) = id {
            query.append_pair(name, id.as_str());
        }
    }
    if let Some(outcome) = filter.outcome {
        query.append_pair("outcome", outcome.as_str());
    }
    if let Some(id) = before {
        query.append_pair("before", &id.to_string());
    }
    query.finish()
}
