//! Keeps an account that is going to be deleted: for its user, who has just proven who they are and
//! gets a session only now; or for whoever follows the mailed link, who gets none.

use std::future::Future;

use http::{Response, StatusCode};
use time::OffsetDateTime;

use crate::account::hook::{LoginDoor, refuse_login};
use crate::account::letters::token;
use crate::account::login::NOTICE;
use crate::account::mailed::{Followed, follow};
use crate::account::pending::{PendingLogins, Step};
use crate::account::sign_in::{SignIn, enter};
use crate::account::site::{Answer, Site, Visit};
use crate::account::{AccountError, Email, single_sign_on};
use crate::audit::Action;
use crate::crypto::{Keyring, OpaqueToken};
use crate::http::{Body, CookiePolicy, respond};
use crate::page::{KeepAccount, Letter, LinkFor, LinkOver};
use crate::scope::{Account, UserId};
use crate::store::{DeletionCancel, Effects, KeptBy, LinkPurpose};

/// The cookie in which a login waits for the answer.
pub(in crate::account) fn waiting(policy: CookiePolicy, keyring: &Keyring) -> PendingLogins {
    PendingLogins::new(Step::Keep, policy, keyring)
}

/// Asks whoever has just proven who they are, in place of opening a session.
pub(in crate::account) async fn offer<F>(
    site: &Site,
    visit: &Visit,
    who: &SignIn<'_>,
    settle: impl FnOnce(Effects) -> F,
) -> Result<Option<Response<Body>>, AccountError>
where
    F: Future<Output = Result<bool, AccountError>>,
{
    if !settle(Effects::none()).await? {
        return Ok(None);
    }
    let mut response = respond::see_other(&visit.trip.via(&site.paths.keep_account));
    site.keeping.keep(&*site.random, response.headers_mut(), (who, false), site.now());
    Ok(Some(response))
}

pub(in crate::account) async fn show(site: &Site, visit: &Visit) -> Answer {
    let secret = visit.query.get("token")?;
    let user = match token(secret) {
        Some(token) => {
            let followed = follow(site, LinkPurpose::Keep, &token).await?;
            followed.map(|followed| followed.link.user)
        }
        None => site.keeping.read(&visit.headers, site.now()).map(|(pending, _)| pending.user),
    };
    let Some(at) = leaves_at(site, user.as_ref()).await? else { return Ok(over(site, visit)) };
    let page = site.pages.keep_account(&KeepAccount::new(
        &visit.trip.via(&site.paths.keep_account),
        secret.unwrap_or_default(),
        at,
    ));
    Ok(if visit.trip.leads_on() {
        respond::html_leading_on(StatusCode::OK, page)
    } else {
        respond::html(StatusCode::OK, page)
    })
}

async fn leaves_at(
    site: &Site,
    user: Option<&UserId>,
) -> Result<Option<OffsetDateTime>, AccountError> {
    let Some(user) = user else { return Ok(None) };
    let at = site.store.standing(user).await?.and_then(|standing| standing.deletion_at);
    Ok(at.filter(|at| site.now() < *at))
}

pub(in crate::account) async fn submit(site: &Site, visit: &Visit) -> Answer {
    let form = visit.form()?;
    match token(form.get("token")?) {
        Some(token) => by_link(site, visit, &token).await,
        None => by_login(site, visit).await,
    }
}

async fn by_link(site: &Site, visit: &Visit, token: &OpaqueToken) -> Answer {
    let followed = follow(site, LinkPurpose::Keep, token).await?;
    let Some(Followed { owner, link }) = followed else { return Ok(over(site, visit)) };
    let along = effects(site, visit, &owner);
    Ok(if keep(site, &KeptBy::Link(link), along).await? {
        respond::see_other(&visit.trip.via_with(&site.paths.login, &[(NOTICE, "kept")]))
    } else {
        over(site, visit)
    })
}

/// The session is written before it is known whether the account stays; it opens nothing till then.
async fn by_login(site: &Site, visit: &Visit) -> Answer {
    let waiting = site.keeping.read(&visit.headers, site.now());
    let Some((pending, email)) = waiting else { return Ok(over(site, visit)) };
    let Some(account) = site.store.find_account(&pending.user).await? else {
        return Ok(over(site, visit));
    };
    let who = SignIn {
        email: &email,
        account: &account,
        device_epoch: pending.epoch,
        methods: pending.methods,
        remember: pending.remember,
        must_change_password: pending.must_change_password,
        proven_at: pending.proven_at,
        login_path: pending.login_path.clone(),
        counted: false,
        permitted: false,
    };
    let settle = async |login: Effects| {
        let kept = effects(site, visit, &account);
        let mut along = login;
        along.audit.extend(kept.audit);
        along.deliveries.extend(kept.deliveries);
        keep(site, &KeptBy::Login(account.id().clone(), pending.epoch), along).await
    };
    let path = who.login_path.as_deref();
    let whom = (account.id(), &email);
    if let Some(answer) = single_sign_on::elsewhere_by_now(site, visit, whom, path).await? {
        return Ok(answer);
    }
    let proven = (who.account, who.methods.as_slice());
    if let Some(answer) = refuse_login(site, visit, proven, LoginDoor::Browser).await? {
        return Ok(answer);
    }
    let opened = enter(site, visit, &who, false, settle).await?;
    let mut response = opened.unwrap_or_else(|| over(site, visit));
    site.keeping.forget(response.headers_mut());
    Ok(response)
}

async fn keep(site: &Site, by: &KeptBy, along: Effects) -> Result<bool, AccountError> {
    let cooldown = site.policy.deletion.cooldown;
    let kept = site.store.cancel_deletion(by, cooldown, &along, site.now()).await?;
    let kept = matches!(kept, DeletionCancel::Kept(_));
    if kept {
        along.announce();
    }
    Ok(kept)
}

fn effects(site: &Site, visit: &Visit, account: &Account) -> Effects {
    let along = site.effects(visit.entry(Action::CANCEL_DELETION).about(account.id()));
    match account.email().and_then(|email| Email::parse(email).ok()) {
        Some(to) => along.and_delivery(site.letters.notice(
            to.as_str(),
            |forgot| Letter::DeletionCancelled { forgot },
            site.now(),
        )),
        None => along,
    }
}

fn over(site: &Site, visit: &Visit) -> Response<Body> {
    let next = visit.trip.via(&site.paths.login);
    respond::html(
        StatusCode::GONE,
        site.pages.link_over(&LinkOver { was_for: LinkFor::Confirm, next: &next }),
    )
}
