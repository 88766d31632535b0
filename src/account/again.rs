//! Prove again who is there: for what a borrowed computer must not be enough for. The session stays
//! the same, gets a new token, and is fresh for a few minutes.
//!
//! The user has the choice of what they have: the password, a code of the authenticator app or a backup
//! code, or a passkey. A password is counted with those of the logins and a code with theirs, and each
//! is locked with them: guesses here are guesses there. Who has nothing of the kind is shown the ways to
//! log in anew; and whose organization has them log in at its identity provider proves it there,
//! whatever they have here, if the provider says when it asked. One that does not say so proves nothing
//! for who has something of their own: they are asked for that, in the session that it opened. An
//! administrator who acts as the user has nothing to prove here.
//!
//! With `factor=second` it asks for no more than the [second factor](super::second_factor::step_up).

use http::header::SET_COOKIE;
use http::{Response, StatusCode};

use super::login::LOGIN_HINT;
use super::organization::EmailDomain;
use super::prove::{complete, prove};
use super::second_factor::{Checked, check_code, step_up, use_up};
use super::site::{Answer, Asking, Occasion, Site, Visit};
use super::{AccountError, Email, single_sign_on};
use crate::audit::Action;
use crate::crypto::Redacted;
use crate::http::{Body, respond};
use crate::page::{LoginAgain, OtherDoor};
use crate::scope::{Account, BREAK_GLASS};
use crate::store::{LoginCompletion, Proofs, SsoDomain};

/// What somebody typed, of what they have: one of the two, so that a request is one guess.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Typed<'a> {
    Password(&'a str),
    Code(&'a str),
}

impl<'a> Typed<'a> {
    fn of(proofs: Proofs, password: Option<&'a str>, code: Option<&'a str>) -> Option<Self> {
        match code {
            // A browser may have filled in the password.
            Some(code) if proofs.app && !code.is_empty() => Some(Self::Code(code)),
            _ if proofs.password => Some(Self::Password(password.unwrap_or_default())),
            _ if proofs.app => Some(Self::Code("")),
            _ => None,
        }
    }
}

/// What was refused, if anything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refused {
    Nothing,
    Typed,
    Passkey,
}

pub(super) async fn show(site: &Site, visit: &Visit) -> Answer {
    if step_up::is_asked(visit) {
        return step_up::show(site, visit).await;
    }
    let account = visit.account_in_person()?;
    if visit.is_fresh(site) {
        return Ok(go_on(site, visit));
    }
    let proofs = match way_of(site, visit, &account).await? {
        Way::Elsewhere(sso) => return Ok(elsewhere(site, visit, &account, &sso, StatusCode::OK)),
        Way::Here(proofs) => proofs,
    };
    page(site, visit, &account, proofs, Refused::Nothing).await
}

pub(super) async fn submit(site: &Site, visit: &Visit) -> Answer {
    if step_up::is_asked(visit) {
        return step_up::submit(site, visit).await;
    }
    let account = visit.account_in_person()?;
    let form = visit.form()?;
    let proofs = match way_of(site, visit, &account).await? {
        Way::Elsewhere(sso) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(elsewhere(site, visit, &account, &sso, status));
        }
        Way::Here(proofs) => proofs,
    };
    if let (Some(keys), Some(answer)) = (&site.passkeys, form.get("credential")?) {
        return match keys.prove_present(site, visit, &account, (Occasion::Again, answer)).await? {
            Some((_, _, over)) => {
                let mut response = freshen(site, visit).await?;
                response.headers_mut().append(SET_COOKIE, over);
                Ok(response)
            }
            None => page(site, visit, &account, proofs, Refused::Passkey).await,
        };
    }
    let is_proven = match Typed::of(proofs, form.get("password")?, form.get("code")?) {
        Some(Typed::Password(password)) => knows_password(site, visit, &account, password).await?,
        Some(Typed::Code(code)) => has_code(site, visit, &account, code).await?,
        None => false,
    };
    if is_proven {
        freshen(site, visit).await
    } else {
        page(site, visit, &account, proofs, Refused::Typed).await
    }
}

/// What every proof ends in. A new kind of proof checks its own, writes [`Action::REAUTHENTICATE`]
/// with what it uses up, and then calls this.
pub(super) async fn freshen(site: &Site, visit: &Visit) -> Answer {
    visit.session.mark_fresh().await?;
    Ok(go_on(site, visit))
}

/// To where they were going.
pub(super) fn go_on(site: &Site, visit: &Visit) -> Response<Body> {
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
            use_up(site, visit, (&user, user.device_epoch), proof, along).await
        }
        Checked::Wrong | Checked::Gone => Ok(false),
    }
}

async fn page(
    site: &Site,
    visit: &Visit,
    account: &Account,
    proofs: Proofs,
    refused: Refused,
) -> Answer {
    let asking = if refused == Refused::Passkey { Asking::Anew } else { Asking::Still };
    let asked = match &site.passkeys {
        Some(keys) if proofs.passkey => {
            keys.ask_present(site, visit, account, (Occasion::Again, asking)).await?
        }
        _ => None,
    };
    // A key that has never verified its user does not do here, and may never.
    let verifies = asked.as_ref().is_some_and(|asked| asked.verifies());
    let has_nothing = !proofs.password && !proofs.app && !verifies;
    let doors = if has_nothing { doors(site, visit, account).await? } else { Vec::new() };
    let others: Vec<_> = doors.iter().map(|(name, href)| OtherDoor { name, href }).collect();
    let hint = account.email().map(|email| (LOGIN_HINT, email));
    let links = has_nothing && site.policy.login_link_for.is_positive();
    let link = links.then(|| visit.trip.via_with(&site.paths.login_link, hint.as_slice()));
    let action = visit.trip.via(&site.paths.again);
    let forgot = visit.trip.via_with(&site.paths.forgot_password, hint.as_slice());
    let login = visit.trip.via(&site.paths.login);
    let name = account.email().unwrap_or(account.id().as_str());
    let prompt = asked.as_ref().map(|asked| asked.prompt(refused == Refused::Passkey));
    let page = LoginAgain::new([&action, &forgot, &login], name)
        .asking(proofs.password, proofs.app)
        .with_passkey(prompt)
        .with_doors(&others, link.as_deref())
        .offering_password(has_nothing)
        .refused(refused == Refused::Typed);
    let status = match refused {
        Refused::Nothing => StatusCode::OK,
        Refused::Typed | Refused::Passkey => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Ok(site.asking_page(visit, status, site.pages.login_again(&page), asked.as_ref()))
}

/// Where somebody proves who they are.
enum Way {
    /// At the identity provider of their organization, and nowhere else.
    Elsewhere(SsoDomain),
    /// Here, by any of these.
    Here(Proofs),
}

/// A provider that does not date its logins proves nothing of who has a proof of their own: to send
/// them there would lead round and round.
async fn way_of(site: &Site, visit: &Visit, account: &Account) -> Result<Way, AccountError> {
    let sso = provider_of(site, visit, account).await?;
    let sso = match sso {
        Some(sso) if dates_logins(site, &sso.login_path) => return Ok(Way::Elsewhere(sso)),
        undated => undated,
    };
    let proofs = site.store.find_proofs(account.id()).await?;
    Ok(match sso {
        Some(sso) if proofs == Proofs::default() => Way::Elsewhere(sso),
        _ => Way::Here(proofs),
    })
}

/// Whether the identity provider at this path says when it asked its user who they are. Those of
/// SAML do.
#[cfg(feature = "social")]
fn dates_logins(site: &Site, login_path: &str) -> bool {
    super::social::at_path(site, login_path).is_none_or(super::social::Provider::dates_logins)
}

#[cfg(not(feature = "social"))]
fn dates_logins(_: &Site, _: &str) -> bool {
    true
}

/// Where somebody who came by an identity provider logs in, if nowhere else.
async fn provider_of(
    site: &Site,
    visit: &Visit,
    account: &Account,
) -> Result<Option<SsoDomain>, AccountError> {
    let scope = visit.session.scope();
    let came_by = scope.authentication().and_then(|login| login.login_path.as_deref());
    let by_provider = came_by.is_some_and(|path| path != BREAK_GLASS);
    match account.email().and_then(|email| Email::parse(email).ok()) {
        Some(email) if by_provider && site.organizations.single_sign_on => {
            single_sign_on::enforced(site, &email).await
        }
        _ => Ok(None),
    }
}

/// The way there. Not by itself: a provider that does not ask anew would lead round and round.
fn elsewhere(
    site: &Site,
    visit: &Visit,
    account: &Account,
    sso: &SsoDomain,
    status: StatusCode,
) -> Response<Body> {
    let email = account.email().unwrap_or_default();
    let known = site.other_logins.iter().find(|door| door.path == sso.login_path);
    let name = known.map_or(sso.domain.as_str(), |door| &door.name);
    let href = visit.trip.via_with(&sso.login_path, &[(LOGIN_HINT, email)]);
    let page = LoginAgain::new([""; 3], email).with_provider(OtherDoor { name, href: &href });
    respond::html(status, site.pages.login_again(&page))
}

/// The doors to the providers that know the user, and to the one that the session came by: what each
/// is called, and where it is.
async fn doors(
    site: &Site,
    visit: &Visit,
    account: &Account,
) -> Result<Vec<(String, String)>, AccountError> {
    let ways = site.store.ways_in(account.id(), &site.open_ways()).await?;
    let known = |path: &str| {
        let id = path.strip_prefix(site.paths.social.as_str()).and_then(|id| id.strip_prefix('/'));
        id.is_some_and(|id| ways.identities.iter().any(|identity| identity.provider == id))
    };
    let scope = visit.session.scope();
    let came_by = scope.authentication().and_then(|login| login.login_path.as_deref());
    let came_by = came_by.filter(|path| *path != BREAK_GLASS);
    let listed = |path: &str| site.other_logins.iter().any(|door| door.path == path);
    let doors = site.other_logins.iter();
    let doors = doors.filter(|door| known(&door.path) || came_by == Some(door.path.as_str()));
    let mut doors: Vec<_> =
        doors.map(|door| (door.name.clone(), visit.trip.via(&door.path))).collect();
    if let Some(path) = came_by.filter(|path| !listed(path)) {
        let email = account.email().and_then(|email| Email::parse(email).ok());
        let domain = email.as_ref().and_then(EmailDomain::of);
        let name = domain.map_or_else(|| path.to_owned(), |domain| domain.as_str().to_owned());
        let hint = account.email().map(|email| (LOGIN_HINT, email));
        doors.push((name, visit.trip.via_with(path, hint.as_slice())));
    }
    Ok(doors)
}
