//! An administrator acts as a user: in a session of its own, which lives only while the one lives
//! that it is led from, and after which the browser goes back to that one.

use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderValue, Response};
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::user;
use crate::account::AccountError;
use crate::account::cookie::SealedCookie;
use crate::account::site::{Answer, Site, Visit};
use crate::audit::Action;
use crate::crypto::{Keyring, OpaqueToken, Purpose};
use crate::http::{Body, CookiePolicy, respond};
use crate::page::{AdminProblem, ImpersonationBanner, on_top};
use crate::scope::{Account, Actor, CurrentScope, Method, UserId, storable_text};
use crate::session::Proof;
use crate::store::NewImpersonation;

const PURPOSE: Purpose = Purpose::new("account/impersonator");
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
    /// When the impersonation ends in any case: whoever comes later is not the administrator.
    #[serde(with = "time::serde::timestamp::microseconds")]
    until: OffsetDateTime,
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
        return user::refused(site, visit, target, AdminProblem::NoReason).await;
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
    let until = visit.session.expires_at().unwrap_or(site.now());
    let (administrator, token) = (administrator.id().clone(), token.expose());
    let waiting = Waiting { administrator, token, until };
    let set = site.impersonator.set(&*site.random, &waiting, until - site.now());
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
    let mut response = respond::see_other(&go_back(site, visit).await?);
    forget(site, &mut response);
    Ok(response)
}

/// Where they are afterwards.
async fn go_back(site: &Site, visit: &Visit) -> Result<String, AccountError> {
    let scope = visit.session.scope();
    let acted_as = scope.account().map(|account| account.id().clone());
    let administrator = match scope.actor() {
        Actor::Impersonator(administrator) => {
            let along = site.effects(visit.entry(Action::IMPERSONATION_STOP));
            let id = visit.session.id().ok_or(AccountError::LoginRequired)?;
            if visit.session.revoke_along(id, &along).await? {
                along.announce();
            }
            Some(administrator.clone())
        }
        // It has run out meanwhile.
        Actor::Nobody => None,
        _ => return Ok(site.paths.admin.clone()),
    };
    if let Some(Waiting { administrator: waits, token, .. }) = waiting(site, visit)
        && administrator.is_none_or(|administrator| administrator == waits)
        && let Some(token) = OpaqueToken::parse(&token)
        && visit.session.take_up(token, &waits).await?
    {
        return Ok(acted_as.map_or_else(|| site.paths.admin.clone(), |id| user::path(site, &id)));
    }
    Ok(site.paths.login.clone())
}

fn forget(site: &Site, response: &mut Response<Body>) {
    response.headers_mut().append(SET_COOKIE, site.impersonator.clear());
}

/// Ends the administrator's own session if one waits while somebody logs in or out: it is not theirs.
pub(in crate::account) async fn leave(
    site: &Site,
    visit: &Visit,
    response: &mut Response<Body>,
) -> Result<(), AccountError> {
    let Some(Waiting { administrator, token, .. }) = waiting(site, visit) else { return Ok(()) };
    forget(site, response);
    if let Some(token) = OpaqueToken::parse(&token) {
        visit.session.end_aside(&token, &administrator).await?;
    }
    Ok(())
}

fn waiting(site: &Site, visit: &Visit) -> Option<Waiting> {
    let waiting: Waiting = site.impersonator.read(&visit.headers)?;
    (site.now() < waiting.until).then_some(waiting)
}

/// What must be seen on every page while an administrator acts as a user; `None` at all other times.
pub(in crate::account) fn banner(site: &Site, scope: &CurrentScope) -> Option<String> {
    let Actor::Impersonator(_) = scope.actor() else { return None };
    let account = scope.account()?;
    let name = account.email().unwrap_or(account.id().as_str());
    let stop = format!("{}/stop", site.paths.admin);
    Some(site.pages.impersonation_banner(&ImpersonationBanner::new(name, &stop)))
}

/// Puts it on top of one of our pages, whichever it is.
pub(in crate::account) async fn show_banner(
    site: &Site,
    scope: &CurrentScope,
    response: Response<Body>,
) -> Response<Body> {
    let kind = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_page = kind.is_some_and(|kind| kind.starts_with(b"text/html")) && !site.speaks_json;
    let Some(banner) = banner(site, scope).filter(|_| is_page) else { return response };
    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await;
    let page = on_top(&String::from_utf8_lossy(&body.to_bytes()), &banner);
    Response::from_parts(parts, Body::from(page))
}
