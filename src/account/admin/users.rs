//! Looking for users.

use http::StatusCode;

use super::{AdminAct, permit};
use crate::account::site::{Answer, Site, Visit};
use crate::http::respond;
use crate::page::{AccountState, AdminFrame, AdminUserLine, AdminUsers};
use crate::scope::{Account, UserId, storable_text};
use crate::store::{AccountFilter, Standing};

const PAGE: u32 = 50;
/// The longest prefix that is looked for, in characters.
const PREFIX: usize = 254;

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let administrator = permit(site, visit, AdminAct::Look, None).await?;
    let typed = visit.query.get("email")?.unwrap_or_default();
    let email_prefix = storable_text(typed.trim().to_lowercase().chars().take(PREFIX).collect());
    let before = visit.query.get("before")?.and_then(|id| UserId::new(id).ok());
    let filter = AccountFilter { email_prefix, before };
    let mut found = site.store.list_accounts(&filter, PAGE + 1).await?;
    let more = found.len() > PAGE as usize;
    found.truncate(PAGE as usize);

    let root = &site.paths.admin;
    let path = |account: &Account| format!("{root}/users/{}", escaped(account.id().as_str()));
    let lines: Vec<_> = found
        .iter()
        .map(|summary| {
            let path = path(&summary.account);
            AdminUserLine::new(&summary.account, state(&summary.standing), summary.created_at, path)
        })
        .collect();
    let next = found.last().filter(|_| more).map(|last| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("email", &filter.email_prefix);
        query.append_pair("before", last.account.id().as_str());
        format!("{root}?{}", query.finish())
    });
    let name = administrator.email().unwrap_or(administrator.id().as_str());
    let audit = format!("{root}/audit");
    let frame = AdminFrame::new(name, root, &audit, &site.paths.home);
    let page = AdminUsers::new(frame, &filter.email_prefix, &lines, next.as_deref());
    Ok(respond::html(StatusCode::OK, site.pages.admin_users(&page)))
}

/// An id as one part of a path.
pub(super) fn escaped(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect()
}

/// What keeps a user out, as a page says it.
pub(super) fn state(standing: &Standing) -> AccountState {
    match standing {
        Standing { deleted_at: Some(_), .. } => AccountState::Deleted,
        Standing { disabled_at: Some(_), .. } => AccountState::Disabled,
        Standing { deletion_at: Some(_), .. } => AccountState::Leaving,
        _ => AccountState::Open,
    }
}
