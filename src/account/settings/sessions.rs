//! Where the user is logged in, and ending it. It takes no fresh login: who finds a stranger in the
//! list must not be held up.

use http::{Response, StatusCode};
use uuid::Uuid;

use super::{Flow, FrameParts};
use crate::account::Email;
use crate::account::seen::seen;
use crate::account::site::{Answer, Site, Visit};
use crate::audit::Action;
use crate::http::{Body, respond};
use crate::page::{SessionItem, SessionList, SessionsNotice};
use crate::scope::{Account, SessionId};
use crate::store::{StoreError, StoredSession};

/// The query field that says what was just done.
const DONE: &str = "done";

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let account = visit.account()?;
    let notice = match visit.query.get(DONE)? {
        Some("one") => Some(SessionsNotice::Revoked),
        Some("others") => Some(SessionsNotice::OthersRevoked),
        Some("browsers") => Some(SessionsNotice::BrowsersForgotten),
        _ => None,
    };
    let sessions = visit.session.sessions().await?;
    let apps = apps_of(site, &account).await?;
    let app = |session: &StoredSession| {
        let held = apps.iter().find(|(id, _)| *id == session.id);
        held.map(|(_, name)| name.clone())
    };
    let items: Vec<_> = sessions.iter().map(|it| item(site, visit, it).of_app(app(it))).collect();
    let parts = FrameParts::new(site, &account, Flow::Sessions);
    let paths = [Flow::RevokeSession, Flow::RevokeOtherSessions, Flow::SignOutEverywhere]
        .map(|flow| flow.path(site));
    let paths = paths.each_ref().map(String::as_str);
    let trusts = Flow::ForgetBrowsers.is_there(site) && {
        let proofs = site.store.find_proofs(account.id()).await?;
        proofs.app || proofs.passkey
    };
    let forget = trusts.then(|| Flow::ForgetBrowsers.path(site));
    let page = SessionList::new(parts.frame(site), &items, paths, notice);
    let page = page.forgetting_browsers_at(forget.as_deref());
    Ok(respond::html(StatusCode::OK, site.pages.settings_sessions(&page)))
}

/// Which sessions are held by apps of the host's own, and what those are called.
async fn apps_of(site: &Site, account: &Account) -> Result<Vec<(SessionId, String)>, StoreError> {
    let Some(apps) = &site.apps else { return Ok(Vec::new()) };
    let held = apps.store.app_sessions_of(account.id()).await?;
    let name = |id: String| apps.find(&id).map_or(id, |app| app.name.clone());
    Ok(held.into_iter().map(|(session, app)| (session, name(app))).collect())
}

fn item(site: &Site, visit: &Visit, session: &StoredSession) -> SessionItem {
    let times = [session.created_at, session.last_active_at];
    let impersonated = session.login.as_ref().is_some_and(|login| login.impersonator.is_some());
    SessionItem::new(session.id.0.to_string(), seen(site, &session.device), times)
        .current(visit.session.id() == Some(session.id))
        .impersonated(impersonated)
}

/// Ends one session. What is not the user's is as good as gone.
pub(super) async fn revoke(site: &Site, visit: &Visit) -> Answer {
    visit.account_in_person()?;
    let form = visit.form()?;
    let id = form.get("session")?.and_then(|id| Uuid::parse_str(id).ok()).map(SessionId);
    let Some(id) = id else { return Ok(back(site, "one")) };
    let along = site.effects(visit.entry(Action::REVOKE_SESSION).to("session", id.0));
    let is_own = visit.session.id() == Some(id);
    if visit.session.revoke_along(id, &along).await? {
        along.announce();
    }
    Ok(if is_own { respond::see_other(&site.paths.logout) } else { back(site, "one") })
}

/// Ends all sessions but this one. What was stolen comes in no more: no other browser is trusted, and
/// no mailed link opens anything; this one stays what it is.
pub(super) async fn revoke_others(site: &Site, visit: &Visit) -> Answer {
    let account = visit.account_in_person()?;
    let along = site.effects(visit.entry(Action::REVOKE_SESSIONS).with("kept", "this"));
    let (_, epoch) = visit.session.end_others(&along).await?;
    along.announce();
    let mut response = back(site, "others");
    if let Some(epoch) = epoch {
        site.keep_device(visit, (account.id(), epoch), &mut response);
    }
    Ok(response)
}

/// No browser is trusted any more, this one neither; nobody is logged out.
pub(super) async fn forget_browsers(site: &Site, visit: &Visit) -> Answer {
    let account = visit.account_in_person()?;
    let along = site.effects(visit.entry(Action::FORGET_BROWSERS));
    let epoch = site.store.forget_browsers(account.id(), &along).await?;
    let mut response = back(site, "browsers");
    if let Some(epoch) = epoch {
        along.announce();
        if let Some(email) = account.email().and_then(|email| Email::parse(email).ok()) {
            site.remember_device(visit, (&email, account.id(), epoch), &mut response);
        }
    }
    Ok(response)
}

/// Ends all sessions; if asked to, with what other applications may do in the user's name.
pub(super) async fn sign_out(site: &Site, visit: &Visit) -> Answer {
    visit.account_in_person()?;
    let apps = visit.form()?.get("apps")?.is_some();
    let along = site.effects(visit.entry(Action::REVOKE_SESSIONS).with("apps", apps));
    if apps {
        visit.session.sign_out_everywhere_along(&along).await?;
    } else {
        visit.session.revoke_all_along(&along).await?;
    }
    along.announce();
    Ok(respond::see_other(&site.paths.logout))
}

/// Back to the list.
pub(super) fn list(site: &Site) -> Response<Body> {
    respond::see_other(&Flow::Sessions.path(site))
}

fn back(site: &Site, done: &str) -> Response<Body> {
    respond::see_other(&format!("{}?{DONE}={done}", Flow::Sessions.path(site)))
}
