//! An administrator acts as a user: in a session of its own, which lives only while the one lives
//! that it is led from, and after which the browser goes back to that one.

use http::header::SET_COOKIE;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use time::Duration;

use super::user;
use crate::account::AccountError;
use crate::account::cookie::SealedCookie;
use crate::account::site::{Answer, Site, Visit};
use crate::audit::Action;
use crate::crypto::{Keyring, OpaqueToken, Purpose};
use crate::http::{Body, CookiePolicy, respond};
use crate::page::ImpersonationBanner;
use crate::scope::{Account, Actor, CurrentScope, Method, UserId, storable_text};
use crate::session::Proof;
use crate::store::NewImpersonation;

const PURPOSE: Purpose = Purpose::new("account/impersonator");
/// The longest that an impersonation, and what waits behind it, lasts.
const WAITS: Duration = Duration::hours(24);
/// The longest reason, in characters.
const REASON: usize = 500;

/// The cookie that keeps the administrator's own session.
pub(in crate::account) fn cookie(policy: CookiePolicy, keyring: &Keyring) -> SealedCookie {
    SealedCookie { name: "impersonator", purpose: PURPOSE, policy, keyring: keyring.clone() }
}

/// The session that waits.
#[derive(Serialize, Deserialize)]
struct Waiting {
    administrator: UserId,
    token: String,
}

/// Both have been permitted by now.
pub(super) async fn start(
    site: &Site,
    visit: &Visit,
    administrator: &Account,
    target: &Account,
) -> Answer {
    let form = visit.form()?;
    let reason = storable_text(form.get("reason")?.unwrap_or_default().trim().to_owned());
    if reason.is_empty() || reason.chars().count() > REASON {
        return user::page(site, visit, target, StatusCode::UNPROCESSABLE_ENTITY, true).await;
    }
    let Some(led_from) = visit.session.id() else { return Err(AccountError::LoginRequired) };
    let Some(token) = visit.session.set_aside().await else {
        return Err(AccountError::LoginRequired);
    };
    let begun = begin(site, visit, (administrator, led_from), target, &reason).await;
    if !matches!(begun, Ok(true)) {
        visit.session.log_out().await?;
        visit.session.take_up(token, administrator.id()).await?;
        begun?;
        return Err(AccountError::Forbidden);
    }
    let mut response = respond::see_other(&site.paths.home);
    let waiting = Waiting { administrator: administrator.id().clone(), token: token.expose() };
    let set = site.impersonator.set(&*site.random, &waiting, WAITS);
    response.headers_mut().append(SET_COOKIE, set);
    Ok(response)
}

/// The session is written, and only then bound: until it is, nobody has its token.
async fn begin(
    site: &Site,
    visit: &Visit,
    (administrator, led_from): (&Account, crate::scope::SessionId),
    target: &Account,
    reason: &str,
) -> Result<bool, AccountError> {
    let by = administrator.id().clone();
    let proof = Proof::by([Method::named("impersonation")]).impersonated_by(by.clone());
    visit.session.log_in(target.clone(), proof).await?;
    let Some(session) = visit.session.id() else { return Ok(false) };
    let reason = reason.to_owned();
    let entry = visit.entry(Action::IMPERSONATION_START).with("reason", reason.as_str());
    let along = site.effects(entry.to("session", session));
    let new = NewImpersonation { session, administrator: by, led_from, reason };
    let begun = site.store.begin_impersonation(&new, &along, site.now()).await?;
    if begun {
        along.announce();
    }
    Ok(begun)
}

/// Back to the administrator's own session, or to the login if that has ended.
pub(in crate::account) async fn stop(site: &Site, visit: &Visit) -> Answer {
    let scope = visit.session.scope();
    let waiting: Option<Waiting> = site.impersonator.read(&visit.headers);
    let acted_as = scope.account().map(|account| account.id().clone());
    let administrator = match scope.actor() {
        Actor::Impersonator(administrator) => {
            let entry = visit.entry(Action::IMPERSONATION_STOP).at(site.now(), &*site.random);
            site.store.write_audit_entry(&entry).await?;
            entry.announce();
            visit.session.log_out().await?;
            Some(administrator.clone())
        }
        // It has run out meanwhile.
        Actor::Nobody => None,
        _ => return Ok(forget(site, respond::see_other(&site.paths.admin))),
    };
    if let Some(Waiting { administrator: waits, token }) = waiting
        && administrator.is_none_or(|administrator| administrator == waits)
        && let Some(token) = OpaqueToken::parse(&token)
        && visit.session.take_up(token, &waits).await?
    {
        let back = acted_as.map_or_else(|| site.paths.admin.clone(), |id| user::path(site, &id));
        return Ok(forget(site, respond::see_other(&back)));
    }
    Ok(forget(site, respond::see_other(&site.paths.login)))
}

fn forget(site: &Site, mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().append(SET_COOKIE, site.impersonator.clear());
    response
}

/// What must be seen on every page while an administrator acts as a user; `None` at all other times.
pub(in crate::account) fn banner(site: &Site, scope: &CurrentScope) -> Option<String> {
    let Actor::Impersonator(_) = scope.actor() else { return None };
    let account = scope.account()?;
    let name = account.email().unwrap_or(account.id().as_str());
    let stop = format!("{}/stop", site.paths.admin);
    Some(site.pages.impersonation_banner(&ImpersonationBanner::new(name, &stop)))
}
