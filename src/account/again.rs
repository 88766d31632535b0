//! Prove again who is there: for what a borrowed computer must not be enough for. The session stays
//! the same, gets a new token, and is fresh for a few minutes.
//!
//! What is asked for is the password, or, of who has none, a code of the authenticator app. It is
//! counted with the logins, and locked with them. An administrator who acts as the user has nothing
//! to prove here.

use http::{Response, StatusCode};

use super::login::LOGIN_HINT;
use super::prove::{complete, prove};
use super::second_factor::{Checked, check_code, use_up};
use super::site::{Answer, Site, Visit};
use super::{AccountError, Email};
use crate::audit::Action;
use crate::crypto::Redacted;
use crate::http::{Body, respond};
use crate::page::LoginAgain;
use crate::scope::Account;
use crate::store::{LoginCompletion, Proofs};

/// What can be asked of a user, by what they have.
enum Way {
    Password,
    Code,
}

impl Way {
    fn of(proofs: Proofs) -> Option<Self> {
        match proofs {
            Proofs { password: true, .. } => Some(Self::Password),
            Proofs { app: true, .. } => Some(Self::Code),
            Proofs { .. } => None,
        }
    }
}

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let account = visit.account_in_person()?;
    if visit.is_fresh(site) {
        return Ok(go_on(site, visit));
    }
    let proofs = site.store.find_proofs(account.id()).await?;
    Ok(page(site, visit, &account, proofs, false))
}

pub(super) async fn submit(site: &Site, visit: &Visit) -> Answer {
    let account = visit.account_in_person()?;
    let form = visit.form()?;
    let proofs = site.store.find_proofs(account.id()).await?;
    let is_proven = match Way::of(proofs) {
        Some(Way::Password) => {
            let password = form.get("password")?.unwrap_or_default();
            knows_password(site, visit, &account, password).await?
        }
        Some(Way::Code) => {
            let code = form.get("code")?.unwrap_or_default();
            has_code(site, visit, &account, code).await?
        }
        None => false,
    };
    if is_proven {
        freshen(site, visit).await
    } else {
        Ok(page(site, visit, &account, proofs, true))
    }
}

/// What every proof ends in. A new kind of proof checks its own, writes [`Action::REAUTHENTICATE`]
/// with what it uses up, and then calls this.
pub(super) async fn freshen(site: &Site, visit: &Visit) -> Answer {
    visit.session.mark_fresh().await?;
    Ok(go_on(site, visit))
}

fn go_on(site: &Site, visit: &Visit) -> Response<Body> {
    respond::see_other(visit.trip.destination(&site.paths.home))
}

async fn knows_password(
    site: &Site,
    visit: &Visit,
    account: &Account,
    password: &str,
) -> Result<bool, AccountError> {
    let Some(email) = account.email().and_then(|email| Email::parse(email).ok()) else {
        return Ok(false);
    };
    let password = Redacted(password.to_owned());
    let proven = prove(site, visit, Action::REAUTHENTICATE, &email, password).await?;
    // The address may have become somebody else's this very moment.
    let Some(proven) = proven.filter(|proven| proven.account.id() == account.id()) else {
        return Ok(false);
    };
    let along = site.effects(visit.entry(Action::REAUTHENTICATE));
    let completion = complete(site, &email, &proven, &along).await?;
    Ok(completion == LoginCompletion::Completed)
}

async fn has_code(
    site: &Site,
    visit: &Visit,
    account: &Account,
    code: &str,
) -> Result<bool, AccountError> {
    let whom = (account.id(), account.email(), None);
    match check_code(site, visit, Action::REAUTHENTICATE, whom, code).await? {
        Checked::Right(user, proof) => {
            let along = site.effects(visit.entry(Action::REAUTHENTICATE));
            use_up(site, (account.id(), user.device_epoch), proof, along).await
        }
        Checked::Wrong | Checked::Gone => Ok(false),
    }
}

fn page(
    site: &Site,
    visit: &Visit,
    account: &Account,
    proofs: Proofs,
    refused: bool,
) -> Response<Body> {
    let way = Way::of(proofs);
    let hint = account.email().map(|email| (LOGIN_HINT, email));
    let action = visit.trip.via(&site.paths.again);
    let forgot = visit.trip.via_with(&site.paths.forgot_password, hint.as_slice());
    let login = visit.trip.via(&site.paths.login);
    let name = account.email().unwrap_or(account.id().as_str());
    let page = LoginAgain::new([&action, &forgot, &login], name)
        .asking(matches!(way, Some(Way::Password)), matches!(way, Some(Way::Code)))
        .refused(refused);
    let status = if refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = site.pages.login_again(&page);
    if visit.trip.leads_on() {
        respond::html_leading_on(status, page)
    } else {
        respond::html(status, page)
    }
}
