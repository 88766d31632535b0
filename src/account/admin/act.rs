//! What an administrator does to an account: each with a fresh login, counted, and written into the
//! audit log with the change.

use super::{AdminAct, LIMIT, find, impersonate, permit, user};
use crate::account::AccountError;
use crate::account::manage::{
    By, Disabling, Enabling, Keeping, ResetMail, SecondFactorRemoval, disable, enable,
    end_sessions, keep, remove_second_factor, request_deletion, require_password_change,
    send_reset,
};
use crate::account::site::{Answer, Site, Visit};
use crate::http::respond;
use crate::page::AdminProblem;
use crate::scope::{Account, UserId};
use crate::store::DeletionRequest;

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
    match apply(site, &By::visitor(visit), act, &target).await? {
        Some(problem) => user::refused(site, visit, &target, problem).await,
        None => Ok(respond::see_other(&user::path(site, id))),
    }
}

/// Why it was not done, if it was not.
async fn apply(
    site: &Site,
    by: &By,
    act: AdminAct,
    target: &Account,
) -> Result<Option<AdminProblem>, AccountError> {
    let id = target.id();
    match act {
        AdminAct::RevokeSessions => {
            end_sessions(site, id, by).await?;
            Ok(None)
        }
        AdminAct::SendReset => match send_reset(site, id, by).await? {
            ResetMail::Sent => Ok(None),
            ResetMail::TooOften => Ok(Some(AdminProblem::MailedTooOften)),
            ResetMail::NoAddress => Ok(Some(AdminProblem::NoAddress)),
            ResetMail::NoAccount => Err(AccountError::NotFound),
        },
        AdminAct::RequirePasswordChange => match require_password_change(site, id, by).await? {
            true => Ok(None),
            false => Err(AccountError::NotFound),
        },
        AdminAct::Disable => match disable(site, id, by).await? {
            Disabling::Disabled => Ok(None),
            Disabling::AlreadyDisabled => Ok(Some(AdminProblem::AlreadyDisabled)),
            Disabling::NoAccount => Err(AccountError::NotFound),
        },
        AdminAct::Enable => match enable(site, id, by).await? {
            Enabling::Enabled => Ok(None),
            Enabling::NotDisabled => Ok(Some(AdminProblem::NotDisabled)),
            Enabling::NoAccount => Err(AccountError::NotFound),
        },
        AdminAct::RemoveSecondFactor => match remove_second_factor(site, id, by).await? {
            SecondFactorRemoval::Removed => Ok(None),
            SecondFactorRemoval::None => Ok(Some(AdminProblem::NoFactor)),
            SecondFactorRemoval::LastWayIn => Ok(Some(AdminProblem::OnlyWayIn)),
            SecondFactorRemoval::LastToComeIn => Ok(Some(AdminProblem::FactorNeeded)),
            SecondFactorRemoval::NoAccount => Err(AccountError::NotFound),
        },
        AdminAct::Delete => {
            match request_deletion(site, id, by, site.policy.deletion.grace).await? {
                DeletionRequest::Scheduled => Ok(None),
                DeletionRequest::AlreadyScheduled => Ok(Some(AdminProblem::AlreadyLeaving)),
                DeletionRequest::CoolingDown { until } => {
                    Ok(Some(AdminProblem::CoolingDown { until }))
                }
                DeletionRequest::SoleOwner(names) => Ok(Some(AdminProblem::SoleOwner(names))),
                DeletionRequest::NoAccount => Err(AccountError::NotFound),
            }
        }
        AdminAct::Keep => match keep(site, id, by).await? {
            Keeping::Kept => Ok(None),
            Keeping::NotLeaving => Ok(Some(AdminProblem::NotLeaving)),
            Keeping::NoAccount => Err(AccountError::NotFound),
        },
        // Done elsewhere, or to no account.
        _ => Ok(None),
    }
}
