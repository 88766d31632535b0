//! A forgotten password: ask for a link, and set a new one by it.

use http::{Response, StatusCode};

use super::confirm::request_entry;
use super::letters::{Linked, token};
use super::login::{LOGIN_HINT, NOTICE};
use super::mailed::{Followed, follow};
use super::register::check_mail;
use super::site::{Answer, Site, Visit};
use super::{Email, choice};
use crate::audit::Action;
use crate::crypto::{OpaqueToken, Redacted};
use crate::http::{Body, respond};
use crate::page::{
    ForgotPassword, Letter, LinkFor, LinkOver, MailSent, PasswordProblem, ResetPassword,
};
use crate::scope::Account;
use crate::store::{LinkPurpose, PasswordReset};

pub(super) fn show_request(site: &Site, visit: &Visit) -> Answer {
    let scope = visit.session.scope();
    let hint = visit.query.get(LOGIN_HINT)?.and_then(|hint| Email::parse(hint).ok());
    let hint = hint.as_ref().map(Email::as_str);
    let email = hint.or(scope.account().and_then(Account::email)).unwrap_or_default();
    Ok(respond::html(StatusCode::OK, request_page(site, visit, email, false)))
}

/// Writes the link, and answers the same whether there was anybody to write it for.
pub(super) async fn request(site: &Site, visit: &Visit) -> Answer {
    let form = visit.form()?;
    let typed = form.get("email")?.unwrap_or_default();
    let Ok(email) = Email::parse(typed) else {
        let page = request_page(site, visit, typed, true);
        return Ok(respond::html(StatusCode::UNPROCESSABLE_ENTITY, page));
    };
    let now = site.now();
    let life = (now, site.policy.reset_for);
    let mut link = site.letters.link(Linked::Reset, &email, (&site.paths, &visit.trip), life);
    link.effects = link.effects.and_entry(request_entry(site, visit, LinkPurpose::Reset));
    site.request_link(&email, &link, now).await?;
    Ok(respond::html(StatusCode::OK, check_mail(site, visit, MailSent::Reset, &email)))
}

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let Some(token) = token(visit.query.get("token")?) else { return Ok(over(site, visit)) };
    let followed = follow(site, LinkPurpose::Reset, &token).await?;
    let Some(Followed { owner, .. }) = followed else { return Ok(over(site, visit)) };
    Ok(respond::html(StatusCode::OK, page(site, visit, &token, &owner, None)))
}

/// Sets the password. Every session and every link of the user ends with it, and of all browsers
/// only this one is known to be the user's from now on: it must not be locked out by a stranger
/// before the first login.
pub(super) async fn submit(site: &Site, visit: &Visit) -> Answer {
    let form = visit.form()?;
    let password = Redacted(form.get("password")?.unwrap_or_default().to_owned());
    let Some(token) = token(form.get("token")?) else { return Ok(over(site, visit)) };
    // Who has no link makes us hash nothing.
    let followed = follow(site, LinkPurpose::Reset, &token).await?;
    let Some(Followed { owner, link }) = followed else { return Ok(over(site, visit)) };
    let to = owner.email().unwrap_or_default();
    if let Some(problem) = choice::problem(site, &password, to).await? {
        let page = page(site, visit, &token, &owner, Some(problem));
        return Ok(respond::html(StatusCode::UNPROCESSABLE_ENTITY, page));
    }

    let hash = site.passwords.hash(password).await?;
    let now = site.now();
    let notice = site.letters.notice(to, |forgot| Letter::PasswordSet { forgot }, now);
    // What somebody else has set up for an address of which nobody had shown that it is theirs goes.
    let entry = visit.entry(Action::RESET_PASSWORD).with("took_over", !owner.email_verified());
    let along = site.effects(entry).and_delivery(notice);
    match site.store.reset_password(&link, &hash, &along, now).await? {
        PasswordReset::Done { user, device_epoch } => {
            let login = visit.trip.via_with(&site.paths.login, &[(NOTICE, "password-set")]);
            let mut response = respond::see_other(&login);
            if let Ok(email) = Email::parse(to) {
                site.remember_device(visit, (&email, &user, device_epoch), &mut response);
            }
            Ok(response)
        }
        PasswordReset::Invalid => Ok(over(site, visit)),
    }
}

fn request_page(site: &Site, visit: &Visit, email: &str, invalid_email: bool) -> String {
    site.pages.forgot_password(&ForgotPassword {
        action: &visit.trip.via(&site.paths.forgot_password),
        login: &visit.trip.via(&site.paths.login),
        email,
        invalid_email,
    })
}

fn page(
    site: &Site,
    visit: &Visit,
    token: &OpaqueToken,
    owner: &Account,
    password_problem: Option<PasswordProblem>,
) -> String {
    site.pages.reset_password(&ResetPassword {
        action: &visit.trip.via(&site.paths.reset_password),
        token: &token.expose(),
        email: owner.email().unwrap_or_default(),
        password_problem,
        password_length: site.password_rules.bounds(),
    })
}

fn over(site: &Site, visit: &Visit) -> Response<Body> {
    let next = visit.trip.via(&site.paths.forgot_password);
    respond::html(
        StatusCode::GONE,
        site.pages.link_over(&LinkOver { was_for: LinkFor::Reset, next: &next }),
    )
}
