//! One user: what there is to know, and what can be done.

use http::{Response, StatusCode};

use super::frame::FrameParts;
use super::users::{escaped, state};
use super::{AdminAct, find, may};
use crate::account::AccountError;
use crate::account::site::{Answer, Site, Visit};
use crate::http::{Body, respond};
use crate::page::{AdminProblem, AdminSession, AdminUser, AuditLine};
use crate::scope::{Account, UserId};
use crate::session::UserAgent;
use crate::store::AuditFilter;

/// Entries of the audit log on the page.
const ENTRIES: u32 = 20;

pub(super) async fn show(site: &Site, visit: &Visit, id: &UserId) -> Answer {
    let account = find(site, visit, id).await?;
    page(site, visit, &account, None).await
}

/// The page, with why something was not done.
pub(super) async fn refused(
    site: &Site,
    visit: &Visit,
    account: &Account,
    problem: AdminProblem,
) -> Answer {
    page(site, visit, account, Some(problem)).await
}

/// The path of the page.
pub(super) fn path(site: &Site, id: &UserId) -> String {
    format!("{}/users/{}", site.paths.admin, escaped(id.as_str()))
}

async fn page(
    site: &Site,
    visit: &Visit,
    account: &Account,
    problem: Option<AdminProblem>,
) -> Result<Response<Body>, AccountError> {
    let id = account.id();
    let standing = site.store.standing(id).await?.ok_or(AccountError::NotFound)?;
    let proofs = site.store.find_proofs(id).await?;
    let factor = proofs.app || proofs.passkey;
    let sessions = visit.session.sessions_of(id).await?;
    let agents = sessions.iter().map(|session| session.device.user_agent.as_deref());
    let agents = agents.map(|agent| UserAgent::read(agent.unwrap_or_default()).to_string());
    let agents: Vec<String> = agents.collect();
    let sessions = sessions.iter().zip(&agents).map(|(session, agent)| {
        AdminSession::new(agent, session.created_at, session.last_active_at)
    });
    let sessions: Vec<_> = sessions.collect();
    let filter = AuditFilter { user: Some(id.clone()), ..AuditFilter::default() };
    let entries = match may(site, visit, AdminAct::ReadAudit, Some(account)).await {
        true => site.store.audit_entries(&filter, ENTRIES).await?,
        false => Vec::new(),
    };
    let entries: Vec<_> = entries.iter().map(AuditLine::of).collect();
    let administrator = visit.account()?;
    let parts = FrameParts::of(site, visit, &administrator).await;
    let action = path(site, id);
    let page = AdminUser::new(parts.frame(site), account, (state(&standing), factor), &action)
        .with_password(standing.has_password)
        .with_sessions(&sessions)
        .with_entries(&entries)
        .refused(problem);
    let status = match page.problem {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    Ok(respond::html(status, site.pages.admin_user(&page)))
}
