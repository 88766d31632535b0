//! Sign up. Whether the address has an account already is told only to its owner, by mail.

use http::{Response, StatusCode};

use super::config::SignUps;
use super::hook::{self, Applied, SignUpWay, may_sign_up};
use super::site::{Answer, Site, Visit};
use super::{Email, choice, single_sign_on};
use crate::audit::Action;
use crate::crypto::{RandomExt as _, Redacted};
use crate::http::{Body, Form, respond};
use crate::page::{
    CheckMail, Letter, MailSent, OtherDoor, PasswordProblem, Register, SignUpsClosed,
};
use crate::scope::{Account, UserId};
use crate::store::{Effects, NewUser, Registration};

pub(super) fn show(site: &Site, visit: &Visit) -> Answer {
    if site.policy.sign_ups != SignUps::Open {
        return Ok(closed(site, visit, StatusCode::OK));
    }
    Ok(respond::html(StatusCode::OK, page(site, visit, &Typed::default())))
}

pub(super) async fn submit(site: &Site, visit: &Visit) -> Answer {
    // Whose the address is has no part in it.
    if site.policy.sign_ups != SignUps::Open {
        return Ok(closed(site, visit, StatusCode::FORBIDDEN));
    }
    let form = visit.form()?;
    let typed = form.get("email")?.unwrap_or_default();
    let password = form.get("password")?.unwrap_or_default();
    let password = Redacted(password.to_owned());
    let email = Email::parse(typed);
    let problem = choice::problem(site, &password, typed).await?;
    let refused = |invalid_email, password_problem, refused| {
        let form = Some(&form);
        let typed = Typed { email: typed, form, invalid_email, password_problem, refused };
        Ok(respond::html(StatusCode::UNPROCESSABLE_ENTITY, page(site, visit, &typed)))
    };
    let (Ok(email), None, false) = (&email, problem, hook::problem(&site.sign_up_fields, &form))
    else {
        return refused(email.is_err(), problem, None);
    };

    if single_sign_on::enforced(site, email).await?.is_some() {
        return Ok(single_sign_on::point(site, visit, email.as_str()));
    }
    // Before anybody looks for the address, so that what the host says tells nothing of it.
    let who = Applied { email: email.as_str(), way: SignUpWay::Form, form: Some(&form) };
    let attributes = match may_sign_up(site, visit, who).await? {
        Ok(attributes) => attributes,
        Err(reason) => return refused(false, None, Some(&reason)),
    };
    let hash = site.passwords.hash(password).await?;
    let now = site.now();
    let user = NewUser {
        account: Account::new(UserId::from(site.random.uuid_v7(now)))
            .with_email(email.as_str(), false)
            .with_attributes(attributes),
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

/// What was typed, and what is wrong with it.
#[derive(Default)]
struct Typed<'a> {
    email: &'a str,
    form: Option<&'a Form>,
    invalid_email: bool,
    password_problem: Option<PasswordProblem>,
    refused: Option<&'a str>,
}

/// That nobody signs up by the form.
pub(super) fn closed(site: &Site, visit: &Visit, status: StatusCode) -> Response<Body> {
    let closed = match site.policy.sign_ups {
        SignUps::Open => None,
        SignUps::Invited => Some(SignUpsClosed::ButForInvited),
        SignUps::Closed => Some(SignUpsClosed::ForAll),
    };
    let page = site.pages.register(&Register {
        action: &visit.trip.via(&site.paths.register),
        login: &visit.trip.via(&site.paths.login),
        email: "",
        invalid_email: false,
        password_problem: None,
        password_length: site.password_rules.bounds(),
        others: &[],
        fields: &[],
        refused: None,
        closed,
    });
    respond::html(status, page)
}

fn page(site: &Site, visit: &Visit, typed: &Typed<'_>) -> String {
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
        email: typed.email,
        invalid_email: typed.invalid_email,
        password_problem: typed.password_problem,
        password_length: site.password_rules.bounds(),
        others: &others,
        fields: &hook::entries(&site.sign_up_fields, typed.form),
        refused: typed.refused,
        closed: None,
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
