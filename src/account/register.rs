//! Sign up. Whether the address has an account already is told only to its owner, by mail.

use http::StatusCode;

use super::site::{Answer, Site, Visit};
use super::{Email, choice, single_sign_on};
use crate::audit::Action;
use crate::crypto::{RandomExt as _, Redacted};
use crate::http::respond;
use crate::page::{CheckMail, Letter, MailSent, OtherDoor, PasswordProblem, Register};
use crate::scope::{Account, UserId};
use crate::store::{Effects, NewUser, Registration};

pub(super) fn show(site: &Site, visit: &Visit) -> Answer {
    Ok(respond::html(StatusCode::OK, page(site, visit, "", false, None)))
}

pub(super) async fn submit(site: &Site, visit: &Visit) -> Answer {
    let form = visit.form()?;
    let typed = form.get("email")?.unwrap_or_default();
    let password = form.get("password")?.unwrap_or_default();
    let password = Redacted(password.to_owned());
    let email = Email::parse(typed);
    let problem = choice::problem(site, &password, typed).await?;
    let (Ok(email), None) = (&email, problem) else {
        let page = page(site, visit, typed, email.is_err(), problem);
        return Ok(respond::html(StatusCode::UNPROCESSABLE_ENTITY, page));
    };

    if single_sign_on::enforced(site, email).await?.is_some() {
        return Ok(single_sign_on::point(site, visit, email.as_str()));
    }
    let hash = site.passwords.hash(password).await?;
    let now = site.now();
    let user = NewUser {
        account: Account::new(UserId::from(site.random.uuid_v7(now)))
            .with_email(email.as_str(), false),
        password: Some(hash),
        created_at: now,
    };
    let life = (now, site.policy.confirm_for);
    let places = (&site.paths, &visit.trip);
    let mut link = site.letters.confirmation(user.account.id(), email, places, life);
    link.effects = link.effects.and_entry(visit.entry(Action::REGISTER).at(now, &*site.random));
    let notice = site.letters.notice(email.as_str(), |forgot| Letter::EmailTaken { forgot }, now);
    let refused = visit.entry(Action::REGISTER).refused().at(now, &*site.random);
    let taken = Effects::from(notice).and_entry(refused);
    // Both outcomes look the same.
    let limit = (site.policy.link_requests, now);
    match site.store.register(&user, &link, &taken, limit).await? {
        Registration::Registered => link.effects.announce(),
        Registration::EmailTaken => taken.announce_if_written(),
    }
    let page = check_mail(site, visit, MailSent::Registration, email);
    let mut response = respond::html(StatusCode::OK, page);
    site.remember_registrant(visit, user.account.id(), &mut response);
    Ok(response)
}

fn page(
    site: &Site,
    visit: &Visit,
    email: &str,
    invalid_email: bool,
    password_problem: Option<PasswordProblem>,
) -> String {
    let doors: Vec<_> = site
        .other_logins
        .iter()
        .filter(|door| door.signs_up)
        .map(|door| (door, visit.trip.via(&door.path)))
        .collect();
    let others: Vec<_> =
        doors.iter().map(|(door, href)| OtherDoor { name: &door.name, href }).collect();
    site.pages.register(&Register {
        action: &visit.trip.via(&site.paths.register),
        login: &visit.trip.via(&site.paths.login),
        email,
        invalid_email,
        password_problem,
        password_length: site.password_rules.bounds(),
        others: &others,
    })
}

/// The page after something was mailed, or was not.
pub(super) fn check_mail(site: &Site, visit: &Visit, about: MailSent, email: &Email) -> String {
    let confirm = visit.trip.via(&site.paths.confirm);
    let (resend, code) = match about {
        MailSent::Registration | MailSent::Confirmation => {
            (&site.paths.resend, Some(confirm.as_str()))
        }
        MailSent::Reset => (&site.paths.forgot_password, None),
        MailSent::LoginLink => (&site.paths.login_link, None),
    };
    site.pages.check_mail(&CheckMail {
        about,
        code,
        email: email.as_str(),
        resend: &visit.trip.via(resend),
        login: &visit.trip.via(&site.paths.login),
    })
}
