//! Confirm an address by the six digits that came with the link. Whoever has the digits has read the
//! mail; whether the password of the account is theirs is asked as behind the link.

use http::{Response, StatusCode};

use super::Email;
use super::MailCode;
use super::confirm::{chose_password, confirm, knows_password};
use super::letters::confirm_code;
use super::login::LOGIN_HINT;
use super::mailed::Followed;
use super::site::{Answer, Site, Visit};
use crate::audit::Action;
use crate::http::{Body, respond};
use crate::page::ConfirmCode;
use crate::store::{CodeTries, LinkPurpose};

/// How often one code may be tried.
pub(super) const TRIES: u32 = 5;

pub(super) fn show(site: &Site, visit: &Visit) -> Answer {
    let hint = visit.query.get(LOGIN_HINT)?.and_then(|hint| Email::parse(hint).ok());
    let email = hint.as_ref().map_or("", Email::as_str);
    Ok(page(site, visit, StatusCode::OK, email))
}

/// Nothing tells why a code is refused, nor whether anybody waits for one.
pub(super) async fn submit(site: &Site, visit: &Visit) -> Answer {
    let form = visit.form()?;
    let typed = form.get("email")?.unwrap_or_default();
    let password = form.get("password")?.unwrap_or_default();
    let refused = || Ok(page(site, visit, StatusCode::UNPROCESSABLE_ENTITY, typed));
    let Ok(email) = Email::parse(typed) else { return refused() };
    let code = MailCode::parse(form.get("code")?.unwrap_or_default());

    let tries = CodeTries { each: TRIES, address: site.policy.code_tries };
    let (purpose, now) = (LinkPurpose::Confirm, site.now());
    let mailed = site.store.begin_code(purpose, email.as_str(), tries, now).await?;
    let right = mailed.filter(|mailed| {
        let what = confirm_code(mailed.account.id(), &email);
        let keyring = &site.letters.keyring;
        code.is_some_and(|code| code.matches(keyring, what, &mailed.code))
    });
    let Some(mailed) = right else {
        let entry = visit.entry(Action::CONFIRM_EMAIL).refused().at(now, &*site.random);
        site.store.write_audit_entry(&entry).await?;
        entry.announce();
        return refused();
    };
    let action = Action::CONFIRM_EMAIL;
    if !chose_password(site, visit, &mailed.account)
        && !knows_password(site, visit, action, &mailed.account, password).await?
    {
        return refused();
    }
    // The code is bound to user and address, as the link is.
    let Followed { link, .. } = Followed::by(mailed.token, mailed.account);
    match confirm(site, visit, &link).await? {
        Some(response) => Ok(response),
        None => refused(),
    }
}

fn page(site: &Site, visit: &Visit, status: StatusCode, email: &str) -> Response<Body> {
    let confirm = visit.trip.via(&site.paths.confirm);
    let resend = visit.trip.via(&site.paths.resend);
    let forgot = visit.trip.via(&site.paths.forgot_password);
    // Whatever the code is worth: it depends on the browser alone.
    let asks_password = !site.registrants.wait(&visit.headers, site.now());
    let paths = [confirm.as_str(), &resend, &forgot];
    let refused = status != StatusCode::OK;
    let page = ConfirmCode::new(paths, email, asks_password, refused);
    respond::html(status, site.pages.confirm_code(&page))
}
