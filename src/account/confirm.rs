//! Confirm an address by a mailed link. Opening it changes nothing, since mail scanners open
//! links; the button behind it does.

use http::{Response, StatusCode};

use super::Email;
use super::letters::token;
use super::login::NOTICE;
use super::register::check_mail;
use super::site::{Answer, Site, Visit};
use crate::http::{Body, respond};
use crate::page::{Confirm, LinkOver, MailSent};
use crate::store::{LinkPurpose, LinkUse};

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let Some(token) = token(visit.query.get("token")?) else { return Ok(over(site, visit)) };
    let owner = site.store.load_link(LinkPurpose::Confirm, &token.hash(), site.now()).await?;
    let Some(owner) = owner else { return Ok(over(site, visit)) };
    let page = site.pages.confirm(&Confirm {
        action: &visit.trip.via(&site.paths.confirm),
        token: &token.expose(),
        email: owner.email().unwrap_or_default(),
    });
    Ok(respond::html(StatusCode::OK, page))
}

pub(super) async fn submit(site: &Site, visit: &Visit) -> Answer {
    let form = visit.form()?;
    let Some(token) = token(form.get("token")?) else { return Ok(over(site, visit)) };
    let user = match site.store.confirm_email(&token.hash(), site.now()).await? {
        LinkUse::Done(user) => user,
        LinkUse::Invalid => return Ok(over(site, visit)),
    };
    let scope = visit.session.scope();
    if scope.account().is_some_and(|account| *account.id() == user) {
        return Ok(respond::see_other(visit.trip.destination(&site.paths.home)));
    }
    // Following a link does not log in: whoever sent it could have chosen whose it is.
    let login = visit.trip.via_with(&site.paths.login, &[(NOTICE, "confirmed")]);
    Ok(respond::see_other(&login))
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
    let life = (now, site.policy.confirm_for);
    let link = site.letters.link(LinkPurpose::Confirm, email, (&site.paths, &visit.trip), life);
    site.store.request_link(email.as_str(), &link, site.policy.link_requests, now).await?;
    Ok(respond::html(StatusCode::OK, check_mail(site, visit, MailSent::Confirmation, email)))
}

fn over(site: &Site, visit: &Visit) -> Response<Body> {
    let next = visit.trip.via(&site.paths.login);
    respond::html(StatusCode::GONE, site.pages.link_over(&LinkOver { reset: false, next: &next }))
}
