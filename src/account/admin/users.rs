//! Looking for users.

use http::StatusCode;

use super::frame::FrameParts;
use super::{AdminAct, may, permit};
use crate::account::AccountError;
use crate::account::manage::{begins, read};
use crate::account::site::{Answer, Site, Visit};
use crate::http::respond;
use crate::page::{AccountState, AdminUserLine, AdminUsers};
use crate::scope::{Account, UserId};
use crate::store::{AccountFilter, AccountSummary, Standing};

const PAGE: u32 = 50;
/// How many times as many accounts are read, at most, to fill a page.
const BATCHES: u32 = 5;

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let administrator = permit(site, visit, AdminAct::Look, None).await?;
    let typed = visit.query.get("email")?.unwrap_or_default();
    let email_prefix = begins(typed);
    let before = visit.query.get("before")?.and_then(|id| UserId::new(id).ok());
    let filter = AccountFilter { email_prefix, before };
    let (found, more) = visible(site, visit, &filter).await?;

    let root = &site.paths.admin;
    let path = |account: &Account| format!("{root}/users/{}", escaped(account.id().as_str()));
    let lines: Vec<_> = found
        .iter()
        .map(|summary| {
            let path = path(&summary.account);
            AdminUserLine::new(&summary.account, state(&summary.standing), summary.created_at, path)
        })
        .collect();
    let next = more.map(|last| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("email", &filter.email_prefix);
        query.append_pair("before", last.as_str());
        format!("{root}?{}", query.finish())
    });
    let parts = FrameParts::of(site, visit, &administrator).await;
    let page = AdminUsers::new(parts.frame(site), &filter.email_prefix, &lines, next.as_deref());
    Ok(respond::html(StatusCode::OK, site.pages.admin_users(&page)))
}

/// A page of the accounts that this administrator may look at, and the last one that was read if
/// there are more. Of what is hidden not even a gap is seen; who may look at few gets short pages.
async fn visible(
    site: &Site,
    visit: &Visit,
    filter: &AccountFilter,
) -> Result<(Vec<AccountSummary>, Option<UserId>), AccountError> {
    let mut filter = filter.clone();
    let mut shown = Vec::new();
    for _ in 0..BATCHES {
        let batch = read(site, &filter, PAGE).await?;
        let is_last = batch.next.is_none();
        for summary in batch.accounts {
            if shown.len() == PAGE as usize {
                return Ok((shown, filter.before));
            }
            let id = summary.account.id().clone();
            if may(site, visit, AdminAct::Look, Some(&summary.account)).await {
                shown.push(summary);
            }
            filter.before = Some(id);
        }
        if is_last {
            return Ok((shown, None));
        }
    }
    Ok((shown, filter.before))
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
