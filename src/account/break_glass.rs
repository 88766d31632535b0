//! The way in for those whom an organization lets in although it enforces single sign-on: for the day
//! on which its identity provider does not answer. Both factors are asked for, always, and the owners
//! are told.
//!
//! It is a page of its own, for everybody the same. The page to log in sends every address of the
//! domain to the identity provider, these too, so that it tells nobody who they are; and here the
//! password of everybody else is as wrong as a wrong one: counted, hashed and answered alike, after the
//! same calls to the store.

use http::StatusCode;

use super::Email;
use super::login::LOGIN_HINT;
use super::prove::{Attempt, Door, Mistaken, ProvenUser, attempt, complete, note_refusal};
use super::sign_in::{ProvenAt, SignIn, sign_in};
use super::single_sign_on::breaks_glass;
use super::site::{Answer, Site, Visit};
use crate::audit::Action;
use crate::crypto::Redacted;
use crate::http::respond;
use crate::page::BreakGlassPage;
use crate::scope::{BREAK_GLASS, Method};
use crate::store::Effects;

pub(super) fn show(site: &Site, visit: &Visit) -> Answer {
    let hint = visit.query.get(LOGIN_HINT)?.and_then(|hint| Email::parse(hint).ok());
    page(site, visit, hint.as_ref().map_or("", Email::as_str), false)
}

pub(super) async fn submit(site: &Site, visit: &Visit) -> Answer {
    let form = visit.form()?;
    let typed = form.get("email")?.unwrap_or_default();
    let password = Redacted(form.get("password")?.unwrap_or_default().to_owned());
    let refused = || page(site, visit, typed, true);
    let Ok(email) = Email::parse(typed) else { return refused() };
    let (proven, owner, is_locked) =
        match attempt(site, visit, (&email, Door::BreakGlass), password).await? {
            Attempt::Proven(user) => (Some(*user), None, false),
            Attempt::Mistaken(Mistaken { owner, is_locked }) => (None, owner, is_locked),
            Attempt::Elsewhere(_) => (None, None, false),
        };
    // Whether the password was right is not to be seen by what is asked of the store.
    let owner = proven.as_ref().map(|user| &user.account).or(owner.as_ref());
    let opens = breaks_glass(site, owner).await?;
    let is_fit = |user: &ProvenUser| user.has_second_factor && user.account.email_verified();
    let Some(proven) = proven.as_ref().filter(|user| opens && is_fit(user)) else {
        let entry = visit.entry(Action::LOG_IN).refused().with("locked", is_locked);
        note_refusal(site, entry, owner).await?;
        return refused();
    };
    let who = SignIn {
        email: &email,
        account: &proven.account,
        device_epoch: proven.device_epoch,
        methods: vec![Method::PASSWORD],
        remember: false,
        must_change_password: proven.must_change_password,
        proven_at: ProvenAt::Now,
        login_path: Some(BREAK_GLASS.to_owned()),
        counted: true,
        permitted: false,
    };
    let settle = async |along: Effects| {
        let completion = complete(site, &email, proven, &along).await?;
        Ok(completion == crate::store::LoginCompletion::Completed)
    };
    match sign_in(site, visit, &who, true, settle).await? {
        Some(response) => Ok(response),
        None => refused(),
    }
}

fn page(site: &Site, visit: &Visit, email: &str, refused: bool) -> Answer {
    let (action, login) =
        (visit.trip.via(&site.paths.break_glass), visit.trip.via(&site.paths.login));
    let html = site.pages.break_glass(&BreakGlassPage::new(&action, &login, email, refused));
    let status = if refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(match visit.trip.leads_on() {
        true => respond::html_leading_on(status, html),
        false => respond::html(status, html),
    })
}
