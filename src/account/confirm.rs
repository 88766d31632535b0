//! Confirm an address by a mailed link, or by the [code](super::confirm_code) beside it. Opening it changes nothing, since mail scanners open
//! links; the button behind it does. In another browser than the one that signed up it takes the
//! account's password, too: see [`registrant`](super::registrant).

use http::{Response, StatusCode};

use super::letters::token;
use super::login::{LOGIN_HINT, NOTICE};
use super::mailed::{Followed, follow};
use super::prove::{complete, prove};
use super::register::check_mail;
use super::site::{Answer, Site, Visit};
use super::{AccountError, Email, confirm_code};
use crate::audit::{Action, AuditEntry};
use crate::crypto::{OpaqueToken, RandomExt as _, Redacted};
use crate::http::{Body, respond};
use crate::page::{Confirm, LinkFor, LinkOver, MailSent};
use crate::scope::{Account, UserId};
use crate::store::{Effects, FollowedLink, LinkPurpose, LinkUse, LoginCompletion};

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let token = match visit.query.get("token")? {
        Some(text) => token(Some(text)),
        None => return confirm_code::show(site, visit),
    };
    let Some(token) = token else { return Ok(over(site, visit)) };
    let followed = follow(site, LinkPurpose::Confirm, &token).await?;
    let Some(Followed { owner, .. }) = followed else { return Ok(over(site, visit)) };
    Ok(respond::html(StatusCode::OK, page(site, visit, &token, &owner, false)))
}

pub(super) async fn submit(site: &Site, visit: &Visit) -> Answer {
    let form = visit.form()?;
    if form.get("code")?.is_some() {
        return confirm_code::submit(site, visit).await;
    }
    let password = form.get("password")?.unwrap_or_default();
    let Some(token) = token(form.get("token")?) else { return Ok(over(site, visit)) };
    // Who has no link makes us hash nothing.
    let followed = follow(site, LinkPurpose::Confirm, &token).await?;
    let Some(Followed { owner, link }) = followed else { return Ok(over(site, visit)) };
    if !chose_password(site, visit, &owner)
        && !knows_password(site, visit, Action::CONFIRM_EMAIL, &owner, password).await?
    {
        let page = page(site, visit, &token, &owner, true);
        return Ok(respond::html(StatusCode::UNPROCESSABLE_ENTITY, page));
    }

    match confirm(site, visit, &link).await? {
        Some(response) => Ok(response),
        None => Ok(over(site, visit)),
    }
}

/// Uses the link up; `None` if it opens nothing any more.
pub(super) async fn confirm(
    site: &Site,
    visit: &Visit,
    link: &FollowedLink,
) -> Result<Option<Response<Body>>, AccountError> {
    let along = site.effects(visit.entry(Action::CONFIRM_EMAIL));
    let user = match site.store.confirm_email(link, &along, site.now()).await? {
        LinkUse::Done(user) => user,
        LinkUse::Invalid => return Ok(None),
    };
    let mut response = if is_logged_in(visit, &user) {
        respond::see_other(visit.trip.destination(&site.paths.home))
    } else {
        // Following a link does not log in: whoever sent it could have chosen whose it is.
        respond::see_other(&visit.trip.via_with(&site.paths.login, &[(NOTICE, "confirmed")]))
    };
    let seen = (&visit.headers, response.headers_mut());
    site.registrants.forget(&*site.random, seen, &user, site.now());
    Ok(Some(response))
}

/// Whether the account was made in this very browser, or is logged in there.
pub(super) fn chose_password(site: &Site, visit: &Visit, owner: &Account) -> bool {
    let user = owner.id();
    site.registrants.know(&visit.headers, user, site.now()) || is_logged_in(visit, user)
}

fn is_logged_in(visit: &Visit, user: &UserId) -> bool {
    visit.session.scope().account().is_some_and(|account| account.id() == user)
}

/// Whether the password is the account's: an attempt to log in as any other.
pub(super) async fn knows_password(
    site: &Site,
    visit: &Visit,
    action: Action,
    owner: &Account,
    password: &str,
) -> Result<bool, AccountError> {
    let Ok(email) = Email::parse(owner.email().unwrap_or_default()) else { return Ok(false) };
    let password = Redacted(password.to_owned());
    let Some(proven) = prove(site, visit, action, &email, password).await? else {
        return Ok(false);
    };
    let completion = complete(site, &email, &proven, &Effects::none()).await?;
    Ok(completion == LoginCompletion::Completed)
}

fn page(site: &Site, visit: &Visit, token: &OpaqueToken, owner: &Account, refused: bool) -> String {
    let email = owner.email().unwrap_or_default();
    site.pages.confirm(&Confirm {
        action: &visit.trip.via(&site.paths.confirm),
        token: &token.expose(),
        email,
        asks_password: !chose_password(site, visit, owner),
        refused,
        forgot: &visit.trip.via_with(&site.paths.forgot_password, &[(LOGIN_HINT, email)]),
    })
}

/// Sends the link again, if somebody waits for it.
pub(super) async fn resend(site: &Site, visit: &Visit) -> Answer {
    let form = visit.form()?;
    let Ok(email) = Email::parse(form.get("email")?.unwrap_or_default()) else {
        return Ok(respond::see_other(&visit.trip.via(&site.paths.register)));
    };
    send(site, visit, &email).await
}

/// Writes the link, and answers the same whether there was anybody to write it for.
pub(super) async fn send(site: &Site, visit: &Visit, email: &Email) -> Answer {
    let now = site.now();
    // Whose the code will be; without an account it is nobody's, and is not mailed.
    let owner = site.store.find_account_by_email(email.as_str()).await?;
    let nobody = || UserId::from(site.random.uuid_v7(now));
    let user = owner.map_or_else(nobody, |account| account.id().clone());
    let (places, life) = ((&site.paths, &visit.trip), (now, site.policy.confirm_for));
    let mut link = site.letters.confirmation(&user, email, places, life);
    link.effects = link.effects.and_entry(request_entry(site, visit, LinkPurpose::Confirm));
    site.request_link(email, &link, now).await?;
    Ok(respond::html(StatusCode::OK, check_mail(site, visit, MailSent::Confirmation, email)))
}

/// What the audit log tells of a link that somebody asked for.
pub(super) fn request_entry(site: &Site, visit: &Visit, purpose: LinkPurpose) -> AuditEntry {
    let entry = visit.entry(Action::REQUEST_LINK).with("purpose", purpose.as_str());
    entry.at(site.now(), &*site.random)
}

fn over(site: &Site, visit: &Visit) -> Response<Body> {
    let next = visit.trip.via(&site.paths.login);
    respond::html(
        StatusCode::GONE,
        site.pages.link_over(&LinkOver { was_for: LinkFor::Confirm, next: &next }),
    )
}
