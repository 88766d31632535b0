//! The password: changed by whoever knows it, set by whoever has none.

use http::{Response, StatusCode};

use super::{Flow, FrameParts};
use crate::account::letters::password_chosen;
use crate::account::login::NOTICE;
use crate::account::prove::prove;
use crate::account::site::{Answer, Site, Visit};
use crate::account::{AccountError, Email, choice};
use crate::audit::Action;
use crate::crypto::Redacted;
use crate::http::{Body, respond};
use crate::page::{PasswordProblem, PasswordSettings};
use crate::scope::Account;
use crate::store::{LoginCounter, LoginUser, NewPassword, PasswordChange};

const DONE: &str = "password-set";
const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    let account = visit.account_in_person()?;
    let Some(user) = load(site, visit, &account).await? else { return Ok(away(site)) };
    let done = visit.query.get(NOTICE)? == Some(DONE);
    Ok(page(site, &user, StatusCode::OK, |page| page.changed = done))
}

/// Puts another password in the place of the present one. Every other session ends, and so does
/// every link that was mailed.
pub(super) async fn submit(site: &Site, visit: &Visit) -> Answer {
    let account = visit.account_in_person()?;
    let form = visit.form()?;
    let field = |name| Ok::<_, AccountError>(form.get(name)?.unwrap_or_default().to_owned());
    let (current, password) = (Redacted(field("current")?), Redacted(field("password")?));
    let Some(user) = load(site, visit, &account).await? else { return Ok(away(site)) };

    let refused = || Ok(page(site, &user, REFUSED, |page| page.refused = true));
    let to = account.email().unwrap_or_default();
    let mut problem = choice::problem(site, &password, to).await?;
    if user.password.is_some() && current == password {
        problem = problem.or(Some(PasswordProblem::Unchanged));
    }
    if problem.is_some() {
        return Ok(page(site, &user, REFUSED, |page| page.password_problem = problem));
    }
    let (replaces, counter, action) = if user.password.is_none() {
        (None, LoginCounter::Address, Action::SET_PASSWORD)
    } else {
        let Ok(email) = Email::parse(to) else { return refused() };
        match prove(site, visit, Action::CHANGE_PASSWORD, &email, current).await? {
            Some(proven) if proven.account.id() == account.id() => {
                (Some(proven.verified), proven.counter, Action::CHANGE_PASSWORD)
            }
            _ => return refused(),
        }
    };

    let change = NewPassword {
        user: account.id().clone(),
        replaces,
        password: site.passwords.hash(password).await?,
        keep: visit.session.id(),
        epoch: None,
        counter,
        chosen_at: site.now(),
    };
    let mut along = site.effects(visit.entry(action));
    if !to.is_empty() {
        let is_first = change.replaces.is_none();
        let letter = |forgot| password_chosen(is_first, forgot);
        along = along.and_delivery(site.letters.notice(to, letter, site.now()));
    }
    match site.store.change_password(&change, &along).await? {
        PasswordChange::Done { device_epoch } => {
            along.announce();
            visit.session.rotate().await?;
            let path = format!("{}?{NOTICE}={DONE}", Flow::Password.path(site));
            let mut response = respond::see_other(&path);
            if let Ok(email) = Email::parse(to) {
                let login = (&email, account.id(), device_epoch);
                site.remember_device(visit, login, &mut response);
            }
            Ok(response)
        }
        PasswordChange::Refused => refused(),
    }
}

/// The user, if it is one of ours. Who has no password has nothing to prove here, and so must have
/// proven just now who they are.
async fn load(
    site: &Site,
    visit: &Visit,
    account: &Account,
) -> Result<Option<LoginUser>, AccountError> {
    let user = site.store.load_login_user(account.id()).await?;
    if user.as_ref().is_some_and(|user| user.password.is_none()) {
        visit.fresh_account(site)?;
    }
    Ok(user)
}

/// Who is a user of the host's own has no password here.
fn away(site: &Site) -> Response<Body> {
    respond::see_other(&Flow::Overview.path(site))
}

fn page(
    site: &Site,
    user: &LoginUser,
    status: StatusCode,
    say: impl FnOnce(&mut PasswordSettings<'_>),
) -> Response<Body> {
    let parts = FrameParts::new(site, &user.account, Flow::Password);
    let action = Flow::Password.path(site);
    let length = site.password_rules.bounds();
    let email = user.account.email().unwrap_or_default();
    let mut page =
        PasswordSettings::new(parts.frame(site), (&action, email), user.password.is_some(), length);
    say(&mut page);
    respond::html(status, site.pages.settings_password(&page))
}
