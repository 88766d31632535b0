use std::fmt::Debug;

use async_trait::async_trait;

use crate::scope::{Account, MemberRole, OrganizationId};

/// What somebody is about to do, or has done, on the pages about organizations.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum OrganizationAct<'a> {
    /// Make an organization of this name.
    Create {
        /// The name.
        name: &'a str,
    },
    /// Invite an address to an organization.
    Invite {
        /// The organization.
        organization: OrganizationId,
        /// The address.
        email: &'a str,
        /// As what.
        role: &'a MemberRole,
    },
    /// Join an organization behind an invitation.
    Join {
        /// The organization.
        organization: OrganizationId,
        /// As what.
        role: &'a MemberRole,
    },
}

/// What the host has to say when users make organizations, invite and join: seats that a plan has,
/// names that are somebody's, a list of its own to be kept. What the host's own code does by
/// [`Organizations`](super::Organizations) is not asked about.
///
/// ```
/// use async_trait::async_trait;
/// use donjon::account::organization::{OrganizationAct, OrganizationHook};
/// use donjon::scope::Account;
///
/// /// Only who works here makes organizations.
/// #[derive(Debug)]
/// struct Ours;
///
/// #[async_trait]
/// impl OrganizationHook for Ours {
///     async fn permits(&self, who: &Account, act: &OrganizationAct<'_>) -> bool {
///         let works_here = who.email().is_some_and(|email| email.ends_with("@ours.example"));
///         works_here || !matches!(act, OrganizationAct::Create { .. })
///     }
/// }
/// ```
#[async_trait]
pub trait OrganizationHook: Debug + Send + Sync + 'static {
    /// Whether the user may; asked after every rule of ours, right before it is done. By default they
    /// may. Two who ask at once are both told what is so before either has done it: a number that
    /// must never be exceeded is for the host to count in a transaction of its own.
    async fn permits(&self, who: &Account, act: &OrganizationAct<'_>) -> bool {
        let _ = (who, act);
        true
    }

    /// It is done, and committed. Whoever must not miss anything, though the process may die right
    /// here, reads the audit log, or has a webhook: both are written with the change itself.
    async fn done(&self, who: &Account, act: &OrganizationAct<'_>) {
        let _ = (who, act);
    }
}
