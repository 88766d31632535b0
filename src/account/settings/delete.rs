//! The end of the account, asked for by its user: with the password or a code typed again, however
//! fresh the login.

use http::{Response, StatusCode};

use super::{Flow, FrameParts};
use crate::account::deletion::{execute_own, request};
use crate::account::prove::{complete, prove};
use crate::account::second_factor::{Checked, check_code, use_up};
use crate::account::site::{Answer, Site, Visit};
use crate::account::{AccountError, Email};
use crate::audit::Action;
use crate::crypto::Redacted;
use crate::http::{Body, Form, respond};
use crate::page::{AccountLeaving, DeleteAccount, DeletionProblem};
use crate::scope::Account;
use crate::store::{DeletionRequest, Effects, LoginCompletion};

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let account = visit.fresh_account(site)?;
    page(site, &account, Asks::of(site, &account).await?, None).await
}

pub(super) async fn submit(site: &Site, visit: &Visit) -> Answer {
    let account = visit.fresh_account(site)?;
    let form = visit.form()?;
    let asks = Asks::of(site, &account).await?;
    if form.get("confirm")?.is_none() {
        return page(site, &account, asks, Some(DeletionProblem::Unconfirmed)).await;
    }
    if !proves(site, visit, &account, asks, &form).await? {
        return page(site, &account, asks, Some(DeletionProblem::NotProven)).await;
    }
    let grace = site.policy.deletion.grace;
    let entry = visit.entry(Action::REQUEST_DELETION);
    match request(site, &account, grace, entry).await? {
        DeletionRequest::Scheduled | DeletionRequest::AlreadyScheduled => {
            leave(site, visit, &account).await
        }
        DeletionRequest::CoolingDown { until } => {
            page(site, &account, asks, Some(DeletionProblem::CoolingDown { until })).await
        }
        DeletionRequest::SoleOwner(names) => {
            page(site, &account, asks, Some(DeletionProblem::SoleOwner(names))).await
        }
        DeletionRequest::NoAccount => Err(AccountError::LoginRequired),
    }
}

/// What the account can be asked for.
#[derive(Clone, Copy)]
struct Asks {
    password: bool,
    code: bool,
}

impl Asks {
    async fn of(site: &Site, account: &Account) -> Result<Self, AccountError> {
        let standing = site.store.standing(account.id()).await?;
        let factor = site.store.find_second_factor(account.id()).await?;
        let code = factor.is_some_and(|factor| factor.has_app());
        Ok(Self { password: standing.is_some_and(|standing| standing.has_password), code })
    }
}

/// Whether what was typed is the password or a code. Who has neither has just logged in otherwise,
/// and that must do.
async fn proves(
    site: &Site,
    visit: &Visit,
    account: &Account,
    asks: Asks,
    form: &Form,
) -> Result<bool, AccountError> {
    let (password, code) = (form.get("password")?, form.get("code")?);
    let password = password.filter(|text| asks.password && !text.is_empty());
    let code = code.filter(|text| asks.code && !text.is_empty());
    let id = account.id();
    if let Some(code) = code {
        let whom = (id, account.email(), None);
        let checked = check_code(site, visit, Action::REQUEST_DELETION, whom, code).await?;
        let Checked::Right(user, proof) = checked else { return Ok(false) };
        return use_up(site, visit, (&user, user.device_epoch), proof, Effects::none()).await;
    }
    if let Some(password) = password {
        let Some(email) = account.email().and_then(|email| Email::parse(email).ok()) else {
            return Ok(false);
        };
        let password = Redacted(password.to_owned());
        let proven = prove(site, visit, Action::REQUEST_DELETION, &email, password).await?;
        // The address may have become somebody else's this very moment.
        let Some(proven) = proven.filter(|proven| proven.account.id() == id) else {
            return Ok(false);
        };
        let completion = complete(site, &email, &proven, &Effects::none()).await?;
        return Ok(completion == LoginCompletion::Completed);
    }
    Ok(!asks.password && !asks.code)
}

/// The session is gone; the browser forgets it.
async fn leave(site: &Site, visit: &Visit, account: &Account) -> Answer {
    visit.session.log_out().await?;
    let grace = site.policy.deletion.grace;
    if !grace.is_positive() {
        // What fails now is done by the sweeper.
        if let Err(error) = execute_own(site, account.id()).await {
            tracing::warn!(%error, "an account was not deleted yet");
        }
    }
    let at = grace.is_positive().then(|| site.now() + grace);
    let page = site.pages.account_leaving(&AccountLeaving::new(at, &site.paths.login));
    Ok(respond::html(StatusCode::OK, page))
}

async fn page(
    site: &Site,
    account: &Account,
    asks: Asks,
    problem: Option<DeletionProblem>,
) -> Result<Response<Body>, AccountError> {
    let parts = FrameParts::new(site, account, Flow::Delete);
    let status = match &problem {
        None => StatusCode::OK,
        Some(DeletionProblem::CoolingDown { .. } | DeletionProblem::SoleOwner(_)) => {
            StatusCode::CONFLICT
        }
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let action = Flow::Delete.path(site);
    let days = site.policy.deletion.grace.whole_days();
    let page =
        DeleteAccount::new(parts.frame(site), &action, (asks.password, asks.code), days, problem);
    Ok(respond::html(status, site.pages.settings_delete(&page)))
}
