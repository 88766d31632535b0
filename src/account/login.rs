//! Log in. Unknown, locked and wrong cost the same store and hash calls, and get the same answer.

use http::{Response, StatusCode};

use super::config::Unconfirmed;
use super::password::Verdict;
use super::site::{Answer, Site, Visit};
use super::{AccountError, Email, confirm};
use crate::crypto::Redacted;
use crate::http::{Body, respond};
use crate::page::{Login, LoginNotice};
use crate::scope::{Account, CurrentScope, Method};
use crate::session::Proof;
use crate::store::LoginCompletion;

/// The query field that says what a visitor did before.
pub(super) const NOTICE: &str = "notice";

pub(super) fn show(site: &Site, visit: &Visit) -> Answer {
    let scope = visit.session.scope();
    if is_welcome(site, visit, &scope) {
        return Ok(respond::see_other(visit.trip.destination(&site.paths.home)));
    }
    let notice = match visit.query.get(NOTICE)? {
        Some("confirmed") => Some(LoginNotice::Confirmed),
        Some("password-set") => Some(LoginNotice::PasswordSet),
        _ => None,
    };
    let hint = visit.query.get("login_hint")?.and_then(|hint| Email::parse(hint).ok());
    let hint = hint.as_ref().map(Email::as_str);
    let email = scope.account().and_then(Account::email).or(hint).unwrap_or_default();
    let again = scope.account().is_some();
    let entry = Entry { email, remember: false, again, refused: false, notice };
    Ok(page(site, visit, StatusCode::OK, &entry))
}

/// Whether a visitor is logged in well enough to go on: just now, and not sent here by the
/// authorization server, which knows what it wants.
fn is_welcome(site: &Site, visit: &Visit, scope: &CurrentScope) -> bool {
    let Some(authentication) = scope.authentication() else { return false };
    let fresh = authentication.fresh_until.is_some_and(|until| site.now() < until);
    !visit.trip.is_interaction() && (fresh || !visit.trip.leads_on())
}

pub(super) async fn submit(site: &Site, visit: &Visit) -> Answer {
    let form = visit.form()?;
    let typed = form.get("email")?.unwrap_or_default();
    let password = Redacted(form.get("password")?.unwrap_or_default().to_owned());
    let remember = form.get("remember")?.is_some();
    let refused = || {
        let again = visit.session.scope().account().is_some();
        let entry = Entry { email: typed, remember, again, refused: true, notice: None };
        Ok(page(site, visit, StatusCode::UNPROCESSABLE_ENTITY, &entry))
    };

    // What is no address is nobody’s.
    let Ok(email) = Email::parse(typed) else { return refused() };
    let Some(proven) = prove(site, &email, password).await? else { return refused() };
    let waits = !proven.account.email_verified() && site.policy.unconfirmed == Unconfirmed::Block;
    let completion = if waits {
        complete(site, &email, &proven).await?
    } else {
        log_in(site, visit, &email, &proven, remember).await?
    };
    match completion {
        LoginCompletion::PasswordChanged => refused(),
        LoginCompletion::Completed if waits => confirm::send(site, visit, &email).await,
        LoginCompletion::Completed => {
            Ok(respond::see_other(visit.trip.destination(&site.paths.home)))
        }
    }
}

/// A user whose password was just verified.
struct ProvenUser {
    account: Account,
    verified: Redacted<String>,
    rehashed: Option<Redacted<String>>,
}

/// Counts the attempt, then looks at the password, whatever is known by then.
async fn prove(
    site: &Site,
    email: &Email,
    password: Redacted<String>,
) -> Result<Option<ProvenUser>, AccountError> {
    let now = site.now();
    let notice = site.letters.locked(email, &site.paths, now);
    let lockout = site.policy.lockout;
    let attempt = site.store.begin_login(email.as_str(), lockout, &notice, now).await?;
    let stored = attempt.user.as_ref().and_then(|user| user.password.clone());
    let verdict = site.passwords.verify(password, stored).await?;
    Ok(match (attempt.locked_until, attempt.user, verdict) {
        (None, Some(user), Verdict::Right { verified, rehashed }) => {
            Some(ProvenUser { account: user.account, verified, rehashed })
        }
        _ => None,
    })
}

/// Writes the session, and only then makes sure that the password still is the one that was
/// verified: a reset that came in between either sees the session or is seen here.
async fn log_in(
    site: &Site,
    visit: &Visit,
    email: &Email,
    user: &ProvenUser,
    remember: bool,
) -> Result<LoginCompletion, AccountError> {
    let proof = Proof::by([Method::PASSWORD]).remembered(remember);
    visit.session.log_in(user.account.clone(), proof).await?;
    let completion = complete(site, email, user).await;
    if !matches!(completion, Ok(LoginCompletion::Completed)) {
        visit.session.log_out().await?;
    }
    completion
}

/// Forgets the attempts, and stores a better hash, if the password is still the same.
async fn complete(
    site: &Site,
    email: &Email,
    user: &ProvenUser,
) -> Result<LoginCompletion, AccountError> {
    let (verified, rehashed) = (&user.verified, user.rehashed.as_ref());
    Ok(site.store.complete_login(email.as_str(), verified, rehashed).await?)
}

/// What the form shows.
struct Entry<'a> {
    email: &'a str,
    remember: bool,
    again: bool,
    refused: bool,
    notice: Option<LoginNotice>,
}

fn page(site: &Site, visit: &Visit, status: StatusCode, entry: &Entry<'_>) -> Response<Body> {
    let page = site.pages.login(&Login {
        action: &visit.trip.via(&site.paths.login),
        register: &visit.trip.via(&site.paths.register),
        forgot: &visit.trip.via(&site.paths.forgot_password),
        email: entry.email,
        remember: entry.remember,
        again: entry.again,
        refused: entry.refused,
        notice: entry.notice,
    });
    if visit.trip.leads_on() {
        respond::html_leading_on(status, page)
    } else {
        respond::html(status, page)
    }
}
