//! The last step of a login that must choose another password first: then, and not before, there is
//! a session.

use http::{Response, StatusCode};

use super::hook::{LoginDoor, refuse_login};
use super::letters::password_chosen;
use super::password::Verdict;
use super::sign_in::{SignIn, write_session};
use super::site::{Answer, Site, Visit};
use super::{choice, single_sign_on};
use crate::audit::Action;
use crate::crypto::Redacted;
use crate::http::{Body, respond};
use crate::page::{NewPasswordPage, PasswordProblem};
use crate::store::{Effects, LoginCounter, NewPassword, PasswordChange};

pub(super) fn show(site: &Site, visit: &Visit) -> Answer {
    Ok(match site.pending.read(&visit.headers, site.now()) {
        Some((_, email)) => page(site, visit, email.as_str(), None),
        None => site.begin_anew(visit),
    })
}

pub(super) async fn submit(site: &Site, visit: &Visit) -> Answer {
    let Some((pending, email)) = site.pending.read(&visit.headers, site.now()) else {
        return Ok(site.begin_anew(visit));
    };
    let form = visit.form()?;
    let password = Redacted(form.get("password")?.unwrap_or_default().to_owned());
    let user = site.store.load_login_user(&pending.user).await?;
    let Some(user) = user.filter(|user| user.device_epoch == pending.epoch) else {
        return Ok(site.begin_anew(visit));
    };
    let whom = (&pending.user, &email);
    let path = pending.login_path.as_deref();
    if let Some(answer) = single_sign_on::elsewhere_by_now(site, visit, whom, path).await? {
        return Ok(answer);
    }
    let mut problem = choice::problem(site, &password, email.as_str()).await?;
    if problem.is_none() && user.password.is_some() {
        let present = site.passwords.verify(password.clone(), user.password.clone()).await?;
        problem = (present != Verdict::Wrong).then_some(PasswordProblem::Unchanged);
    }
    if problem.is_some() {
        return Ok(page(site, visit, email.as_str(), problem));
    }
    let proven = (&user.account, pending.methods.as_slice());
    if let Some(answer) = refuse_login(site, visit, proven, LoginDoor::Browser).await? {
        return Ok(answer);
    }

    let hash = site.passwords.hash(password).await?;
    let who = SignIn {
        email: &email,
        account: &user.account,
        // The change moves it.
        device_epoch: pending.epoch + 1,
        methods: pending.methods,
        remember: pending.remember,
        must_change_password: false,
        proven_at: pending.proven_at,
        login_path: pending.login_path.clone(),
        counted: false,
        permitted: false,
    };
    let change = async |along: Effects| {
        let now = site.now();
        let change = NewPassword {
            user: pending.user.clone(),
            replaces: user.password.clone(),
            password: hash,
            // The one that was just written.
            keep: visit.session.id(),
            epoch: Some(pending.epoch),
            counter: LoginCounter::Address,
            chosen_at: now,
        };
        let entry = visit.entry(Action::CHANGE_PASSWORD).about(&pending.user);
        let is_first = user.password.is_none();
        let letter = |forgot| password_chosen(is_first, forgot);
        let notice = site.letters.notice(email.as_str(), letter, now);
        let along = along.and_entry(entry.at(now, &*site.random)).and_delivery(notice);
        let changed = site.store.change_password(&change, &along).await?;
        let done = changed != PasswordChange::Refused;
        if done {
            along.announce();
        }
        Ok(done)
    };
    match write_session(site, visit, &who, pending.trust, change).await? {
        Some(mut response) => {
            site.pending.forget(response.headers_mut());
            Ok(response)
        }
        None => Ok(site.begin_anew(visit)),
    }
}

fn page(
    site: &Site,
    visit: &Visit,
    email: &str,
    problem: Option<PasswordProblem>,
) -> Response<Body> {
    let page = site.pages.new_password(&NewPasswordPage::new(
        &visit.trip.via(&site.paths.new_password),
        &visit.trip.via(&site.paths.login),
        email,
        problem,
        site.password_rules.bounds(),
    ));
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    if visit.trip.leads_on() {
        respond::html_leading_on(status, page)
    } else {
        respond::html(status, page)
    }
}
