//! Log in. Unknown, locked, wrong and [unconfirmed](super::refused_login) cost the same store and hash
//! calls, and get the same answer.

use http::{Response, StatusCode};

use super::config::{Flow, Unconfirmed};
use super::prove::{Attempt, Door, attempt, complete};
use super::refused_login::{must_wait, refuse};
use super::second_factor::step_up;
use super::sign_in::{ProvenAt, SignIn, sign_in};
use super::site::{Answer, Asking, Site, Visit};
use super::{AccountError, Email, limits, single_sign_on};
use crate::crypto::Redacted;
use crate::http::{Body, respond};
use crate::page::{Login, LoginNotice, OtherDoor};
use crate::scope::{Account, Actor, CurrentScope, Method};
use crate::store::{Effects, LoginCompletion};

/// The query field that says what a visitor did before.
pub(super) const NOTICE: &str = "notice";
/// The field of the button to go on with single sign-on.
const SINGLE_SIGN_ON: &str = "single_sign_on";
/// The query field that says which address to begin with.
pub(super) const LOGIN_HINT: &str = "login_hint";

pub(super) fn show(site: &Site, visit: &Visit) -> Answer {
    let scope = visit.session.scope();
    if visit.trip.is_interaction() && matches!(scope.actor(), Actor::Impersonator(_)) {
        // To let an application in is for the user alone; nobody is to log in over it by mistake.
        return Err(AccountError::Impersonating);
    }
    // Whoever is logged in and was sent for a second factor shows it, and nothing else, in the session
    // that there is; not so for the authorization server, which knows what it wants.
    if step_up::is_asked(visit) && scope.account().is_some() && !visit.trip.is_interaction() {
        return Ok(respond::see_other(&step_up::path(site, &visit.trip)));
    }
    if is_welcome(site, visit, &scope) {
        return Ok(respond::see_other(visit.trip.destination(&site.paths.home)));
    }
    let notice = match visit.query.get(NOTICE)? {
        Some("confirmed") => Some(LoginNotice::Confirmed),
        Some("password-set") => Some(LoginNotice::PasswordSet),
        Some("kept") => Some(LoginNotice::Kept),
        Some("timed-out") => Some(LoginNotice::TimedOut),
        Some(single_sign_on::ENFORCED) => Some(LoginNotice::SingleSignOn),
        #[cfg(feature = "social")]
        Some(other) => super::social::notice_named(other),
        _ => None,
    };
    let hint = visit.query.get(LOGIN_HINT)?.and_then(|hint| Email::parse(hint).ok());
    let hint = hint.as_ref().map(Email::as_str);
    let email = scope.account().and_then(Account::email).or(hint).unwrap_or_default();
    let again = scope.account().is_some();
    let entry = Entry { email, remember: false, again, refused: Refused::Nothing, notice };
    Ok(page(site, visit, StatusCode::OK, &entry))
}

/// The query field that asks whoever is logged in already for a second factor.
pub(super) const FACTOR: &str = "factor";

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
    let refused_with = |refused, notice| {
        let again = visit.session.scope().account().is_some();
        let entry = Entry { email: typed, remember, again, refused, notice };
        Ok(page(site, visit, StatusCode::UNPROCESSABLE_ENTITY, &entry))
    };
    let refused_as = |refused| refused_with(refused, None);
    if let (Some(keys), Some(answer)) = (&site.passkeys, form.get("credential")?) {
        return match keys.log_in(site, visit, answer, remember).await? {
            Some(response) => Ok(response),
            None => refused_as(Refused::Passkey),
        };
    }
    let refused = || refused_as(Refused::Password);

    // What is no address is nobody’s.
    let Ok(email) = Email::parse(typed) else { return refused() };
    if form.get(SINGLE_SIGN_ON)?.is_some() {
        limits::count_form(site, visit, Flow::Login).await?;
        // The domain decides, and is no secret: whether anybody has the address is not looked at.
        return match single_sign_on::route(site, &email).await? {
            Some(sso) => Ok(single_sign_on::lead(visit, &sso.login_path, &email)),
            None => refused_with(Refused::Nothing, Some(LoginNotice::NoSingleSignOn)),
        };
    }
    let proven = match attempt(site, visit, (&email, Door::Login), password).await? {
        Attempt::Elsewhere(path) => return Ok(single_sign_on::lead(visit, &path, &email)),
        Attempt::Proven(proven) if !must_wait(site, &proven.account) => *proven,
        Attempt::Proven(proven) => {
            refuse(site, visit, &email, Ok(&proven)).await?;
            return refused();
        }
        Attempt::Mistaken(mistaken) => {
            refuse(site, visit, &email, Err(&mistaken)).await?;
            return refused();
        }
    };
    let settle = async |along: Effects| {
        let completion = complete(site, &email, &proven, &along).await?;
        Ok::<_, AccountError>(completion == LoginCompletion::Completed)
    };
    let who = SignIn {
        email: &email,
        account: &proven.account,
        device_epoch: proven.device_epoch,
        methods: vec![Method::PASSWORD],
        remember,
        must_change_password: proven.must_change_password,
        proven_at: ProvenAt::Now,
        login_path: None,
        counted: true,
        permitted: false,
    };
    match sign_in(site, visit, &who, proven.has_second_factor, settle).await? {
        Some(response) => Ok(response),
        None => refused(),
    }
}

/// What the form shows.
struct Entry<'a> {
    email: &'a str,
    remember: bool,
    again: bool,
    refused: Refused,
    notice: Option<LoginNotice>,
}

/// What was refused, if anything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refused {
    Nothing,
    Password,
    Passkey,
}

fn page(site: &Site, visit: &Visit, status: StatusCode, entry: &Entry<'_>) -> Response<Body> {
    let doors: Vec<_> =
        site.other_logins.iter().map(|door| (door, visit.trip.via(&door.path))).collect();
    let others: Vec<_> =
        doors.iter().map(|(door, href)| OtherDoor { name: &door.name, href }).collect();
    let refused = entry.refused == Refused::Passkey;
    let asking = if refused { Asking::Anew } else { Asking::Still };
    let asked = site.passkeys.as_ref().map(|keys| keys.ask_login(site, visit, asking));
    let has_links = site.policy.login_link_for.is_positive();
    let by_link = has_links.then(|| visit.trip.via(&site.paths.login_link));
    let typed = Email::parse(entry.email).ok();
    let hint = typed.as_ref().map(|email| (LOGIN_HINT, email.as_str()));
    let blocks = site.policy.unconfirmed == Unconfirmed::Block;
    let confirm = blocks.then(|| visit.trip.via_with(&site.paths.confirm, hint.as_slice()));
    let page = site.pages.login(&Login {
        action: &visit.trip.via(&site.paths.login),
        register: &visit.trip.via(&site.paths.register),
        forgot: &visit.trip.via(&site.paths.forgot_password),
        email: entry.email,
        remember: entry.remember,
        again: entry.again,
        refused: entry.refused == Refused::Password,
        notice: entry.notice,
        others: &others,
        passkey: asked.as_ref().map(|asked| asked.prompt(refused)),
        link: by_link.as_deref(),
        single_sign_on: site.organizations.single_sign_on,
        confirm: confirm.as_deref(),
    });
    site.asking_page(visit, status, page, asked.as_ref())
}
