use async_trait::async_trait;

use crate::scope::{Account, CurrentScope};
use crate::store::Organization;

/// What an administrator is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AdminAct {
    /// Look for users, and at one of them: asked about no account for the pages as such, and about
    /// each account before it is shown, in a list too.
    Look,
    /// Read the audit log, and take it along: asked about no account for the log as such, and about
    /// the account of each entry before it is told. Entries that name no account are told to whoever
    /// reads the log at all; of an account that is gone only the id is there to decide by.
    ReadAudit,
    /// End a user's sessions.
    RevokeSessions,
    /// Mail a user the link to a new password.
    SendReset,
    /// Have a user choose another password at the next login.
    RequirePasswordChange,
    /// Keep a user out.
    Disable,
    /// Let a user in again.
    Enable,
    /// Take a user's second factor away, since it is lost: the app with its backup codes, and the
    /// passkeys, but for one that is the only way in.
    RemoveSecondFactor,
    /// Ask for the end of an account.
    Delete,
    /// Keep an account that is going to be deleted.
    Keep,
    /// Act as a user who is no administrator.
    Impersonate,
    /// Act as another administrator.
    ImpersonateAdministrator,
    /// Look for organizations, and at one of them with its members, invitations and domains: asked
    /// by [`AdminAuthorizer::may`] for the pages as such, and by [`AdminAuthorizer::may_in`] for each
    /// organization before it is shown, in a list too.
    LookAtOrganization,
    /// End a membership.
    RemoveMember,
    /// Give a member another role.
    ChangeRole,
    /// Take an invitation back.
    RevokeInvitation,
    /// Give an organization a domain of email addresses: whoever controls the login that it leads to
    /// can be all its users, once single sign-on is enforced.
    GrantDomain,
    /// Take a domain from an organization.
    WithdrawDomain,
    /// Delete an organization.
    DeleteOrganization,
    /// Look at the webhook endpoints, and at what could not be delivered: asked by
    /// [`AdminAuthorizer::may`] for the pages as such; of an endpoint of an organization, what may be
    /// done is asked by [`AdminAuthorizer::may_in`]. Once the organization is deleted its endpoints,
    /// which are disabled with it, are seen to as those that belong to none.
    LookAtWebhooks,
    /// Send events again that were given up.
    ReplayWebhook,
    /// Let an endpoint be told of what happens again.
    EnableWebhook,
    /// Tell an endpoint of nothing more.
    DisableWebhook,
    /// Make a new secret for an endpoint, and see it.
    RotateWebhookSecret,
    /// Look at the mails that were given up: their subjects, and the domains they were to go to.
    LookAtMails,
    /// Have mails tried again that were given up.
    ReviveMails,
}

impl AdminAct {
    /// What it is to act as this user.
    pub(super) async fn to_act_as(authorizer: &dyn AdminAuthorizer, user: &Account) -> Self {
        match authorizer.is_administrator(user).await {
            true => Self::ImpersonateAdministrator,
            false => Self::Impersonate,
        }
    }

    /// Its name, as the audit log tells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::ReadAudit => "read_audit",
            Self::RevokeSessions => "revoke_sessions",
            Self::SendReset => "send_reset",
            Self::RequirePasswordChange => "require_password_change",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::RemoveSecondFactor => "remove_second_factor",
            Self::Delete => "delete",
            Self::Keep => "keep",
            Self::Impersonate => "impersonate",
            Self::ImpersonateAdministrator => "impersonate_administrator",
            Self::LookAtOrganization => "look_at_organization",
            Self::RemoveMember => "remove_member",
            Self::ChangeRole => "change_role",
            Self::RevokeInvitation => "revoke_invitation",
            Self::GrantDomain => "grant_domain",
            Self::WithdrawDomain => "withdraw_domain",
            Self::DeleteOrganization => "delete_organization",
            Self::LookAtWebhooks => "look_at_webhooks",
            Self::ReplayWebhook => "replay_webhook",
            Self::EnableWebhook => "enable_webhook",
            Self::DisableWebhook => "disable_webhook",
            Self::RotateWebhookSecret => "rotate_webhook_secret",
            Self::LookAtMails => "look_at_mails",
            Self::ReviveMails => "revive_mails",
        }
    }
}

/// Says who is an administrator, and what each may do: the host's own business. What it does not
/// say is denied.
///
/// ```
/// use donjon::account::{AdminAct, AdminAuthorizer};
/// use donjon::scope::{Account, CurrentScope};
/// use donjon::store::Organization;
///
/// #[derive(Debug)]
/// struct Staff;
///
/// fn is_staff(account: &Account) -> bool {
///     account.attributes().get("staff").and_then(|value| value.as_bool()) == Some(true)
/// }
///
/// #[async_trait::async_trait]
/// impl AdminAuthorizer for Staff {
///     async fn may(&self, who: &CurrentScope, act: AdminAct, _: Option<&Account>) -> bool {
///         who.account().is_some_and(is_staff) && act != AdminAct::ImpersonateAdministrator
///     }
///
///     async fn may_in(&self, who: &CurrentScope, act: AdminAct, _: &Organization) -> bool {
///         who.account().is_some_and(is_staff) && act != AdminAct::DeleteOrganization
///     }
///
///     async fn is_administrator(&self, account: &Account) -> bool {
///         is_staff(account)
///     }
/// }
/// ```
#[async_trait]
pub trait AdminAuthorizer: std::fmt::Debug + Send + Sync + 'static {
    /// Whether `who`, who is there in person, may do this, to this account if it is about one. It is
    /// asked at each request, of lists for each line; and every minute for each impersonation that
    /// runs, which ends if the answer is no longer yes, comes after ten seconds, or is a panic. An
    /// account that they may not [look](AdminAct::Look) at is not found, and no list shows it.
    async fn may(&self, who: &CurrentScope, act: AdminAct, account: Option<&Account>) -> bool {
        let _ = (who, act, account);
        false
    }

    /// Whether `who`, who is there in person, may do this to this organization. It is asked at each
    /// request, of lists for each line. An organization that they may not
    /// [look at](AdminAct::LookAtOrganization) is not found, and no list shows it; of one that they
    /// may look at, no member is shown or changed whom they may not [look](AdminAct::Look) at. The
    /// webhook endpoints of an organization are hidden from whoever may not look at it, or not at
    /// [those](AdminAct::LookAtWebhooks) in it.
    ///
    /// What [`may`](AdminAuthorizer::may) says of accounts does not count here: nobody may, unless
    /// this is answered as well.
    async fn may_in(&self, who: &CurrentScope, act: AdminAct, organization: &Organization) -> bool {
        let _ = (who, act, organization);
        false
    }

    /// Whether this account is an administrator's own, so that acting as its user takes
    /// [`AdminAct::ImpersonateAdministrator`].
    async fn is_administrator(&self, account: &Account) -> bool {
        let _ = account;
        true
    }
}
