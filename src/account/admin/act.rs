//! What an administrator does to an account: each with a fresh login, counted, and written into the
//! audit log with the change.

use super::{AdminAct, LIMIT, factor, find, impersonate, permit, user};
use crate::account::letters::Linked;
use crate::account::site::{Answer, Site, Visit};
use crate::account::trip::Trip;
use crate::account::{AccountError, Email};
use crate::audit::Action;
use crate::http::respond;
use crate::page::AdminProblem;
use crate::scope::{Account, UserId};
use crate::store::{Effects, KeptBy, NewDeletion};

pub(super) async fn submit(site: &Site, visit: &Visit, id: &UserId, name: &str) -> Answer {
    let act = match name {
        "revoke-sessions" => AdminAct::RevokeSessions,
        "send-reset" => AdminAct::SendReset,
        "require-password-change" => AdminAct::RequirePasswordChange,
        "disable" => AdminAct::Disable,
        "enable" => AdminAct::Enable,
        "remove-second-factor" => AdminAct::RemoveSecondFactor,
        "delete" => AdminAct::Delete,
        "keep" => AdminAct::Keep,
        "impersonate" => AdminAct::Impersonate,
        _ => return Err(AccountError::NotFound),
    };
    let administrator = visit.fresh_account(site)?;
    let target = find(site, visit, id).await?;
    let act = match (act, &site.authorizer) {
        (AdminAct::Impersonate, Some(who)) => AdminAct::to_act_as(&**who, &target).await,
        _ => act,
    };
    permit(site, visit, act, Some(&target)).await?;
    let drastic =
        [AdminAct::Disable, AdminAct::Delete, AdminAct::RemoveSecondFactor].contains(&act);
    let acts_as = [AdminAct::Impersonate, AdminAct::ImpersonateAdministrator].contains(&act);
    if (drastic || acts_as) && target.id() == administrator.id() {
        // Nobody shuts themselves out by a slip of the hand, nor does without their own code.
        return Err(AccountError::Forbidden);
    }
    if !site.store.count_admin_action(administrator.id(), LIMIT, site.now()).await? {
        return Err(AccountError::TooMany);
    }
    if acts_as {
        return impersonate::start(site, visit, &administrator, &target).await;
    }
    if act == AdminAct::RemoveSecondFactor {
        if !factor::remove(site, visit, &target).await? {
            return user::refused(site, visit, &target, AdminProblem::FactorNeeded).await;
        }
    } else {
        apply(site, visit, act, &target).await?;
    }
    Ok(respond::see_other(&user::path(site, id)))
}

async fn apply(
    site: &Site,
    visit: &Visit,
    act: AdminAct,
    target: &Account,
) -> Result<(), AccountError> {
    let (store, id, now) = (&site.store, target.id(), site.now());
    let along = |action: Action| site.effects(visit.entry(action).about(id));
    match act {
        AdminAct::RevokeSessions => {
            let along = along(Action::ADMIN_REVOKE_SESSIONS);
            visit.session.end_sessions_of(id, &along).await?;
            along.announce();
        }
        AdminAct::SendReset => send_reset(site, visit, target).await?,
        AdminAct::RequirePasswordChange => {
            let along = along(Action::REQUIRE_PASSWORD_CHANGE);
            announce(store.require_password_change(id, &along, now).await?, &along);
        }
        AdminAct::Disable => {
            let along = along(Action::DISABLE_ACCOUNT);
            announce(store.disable_account(id, &along, now).await?, &along);
        }
        AdminAct::Enable => {
            let along = along(Action::ENABLE_ACCOUNT);
            announce(store.enable_account(id, &along).await?, &along);
        }
        AdminAct::Delete => {
            let grace = site.policy.deletion.grace;
            let email = target.email().and_then(|email| Email::parse(email).ok());
            let keep = email.filter(|_| grace.is_positive()).map(|to| {
                let paths = (&site.paths, &Trip::default());
                let link = site.letters.link(Linked::Keep, &to, paths, (now, grace));
                (to.as_str().to_owned(), link)
            });
            let deletion = NewDeletion { user: id.clone(), at: now + grace, keep };
            let along = along(Action::REQUEST_DELETION);
            let asked = store.request_deletion(&deletion, &along, now).await?;
            announce(asked == crate::store::DeletionRequest::Scheduled, &along);
        }
        AdminAct::Keep => {
            let (by, along) = (KeptBy::Administrator(id.clone()), along(Action::CANCEL_DELETION));
            let cooldown = site.policy.deletion.cooldown;
            let kept = store.cancel_deletion(&by, cooldown, &along, now).await?;
            announce(matches!(kept, crate::store::DeletionCancel::Kept(_)), &along);
        }
        // Done elsewhere, or to no account.
        _ => {}
    }
    Ok(())
}

fn announce(done: bool, along: &Effects) {
    if done {
        along.announce();
    }
}

/// The same link as the user can ask for, under the same limit.
async fn send_reset(site: &Site, visit: &Visit, target: &Account) -> Result<(), AccountError> {
    let Some(to) = target.email().and_then(|email| Email::parse(email).ok()) else {
        return Ok(());
    };
    let (now, trip) = (site.now(), Trip::default());
    let life = (now, site.policy.reset_for);
    let mut link = site.letters.link(Linked::Reset, &to, (&site.paths, &trip), life);
    let entry = visit.entry(Action::REQUEST_LINK).about(target.id()).with("purpose", "reset");
    link.effects = link.effects.and_entry(entry.at(now, &*site.random));
    site.request_link(&to, &link, now).await
}
