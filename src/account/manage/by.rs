use std::net::IpAddr;

use crate::account::site::Visit;
use crate::audit::{Action, AuditActor, Entry};
use crate::scope::UserId;

/// Who does something to an account, and why: the audit log tells it. Nobody is asked whether they
/// may: that is for the caller to know, as the pages of administrators ask the
/// [`AdminAuthorizer`](crate::account::AdminAuthorizer).
///
/// ```
/// use donjon::account::By;
/// use donjon::scope::UserId;
///
/// let nightly = By::system().because("unpaid for a year");
/// let support = By::administrator(&UserId::new("root")?, "ticket 4711");
/// # drop((nightly, support));
/// # Ok::<(), donjon::scope::InvalidUserId>(())
/// ```
#[derive(Clone, Debug)]
pub struct By {
    actor: AuditActor,
    reason: Option<String>,
    address: Option<IpAddr>,
    user_agent: Option<String>,
}

impl By {
    /// The application itself: a command, a task at night.
    pub fn system() -> Self {
        Self { actor: AuditActor::System, reason: None, address: None, user_agent: None }
    }

    /// An administrator, by the id of their own account, for this reason: field `reason` of the
    /// entry in the audit log.
    pub fn administrator(id: &UserId, reason: impl Into<String>) -> Self {
        Self { actor: AuditActor::User(id.clone()), ..Self::system() }.because(reason)
    }

    /// The same, for this reason. An empty one is none.
    #[must_use]
    pub fn because(self, reason: impl Into<String>) -> Self {
        let reason = Some(reason.into()).filter(|reason| !reason.is_empty());
        Self { reason, ..self }
    }

    /// The same, from this browser or program.
    #[must_use]
    pub fn from(self, address: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        Self { address, user_agent: user_agent.map(str::to_owned), ..self }
    }

    /// Whoever is logged in, and there in person.
    pub(in crate::account) fn visitor(visit: &Visit) -> Self {
        let scope = visit.session.scope();
        let account = scope.account();
        let actor =
            account.map_or(AuditActor::Visitor, |account| AuditActor::User(account.id().clone()));
        let device = visit.session.device();
        Self { actor, ..Self::system() }.from(device.address, device.user_agent.as_deref())
    }

    /// What the audit log tells of it.
    pub(super) fn entry(&self, action: Action, user: &UserId) -> Entry {
        let entry = Entry::new(action).by(self.actor.clone()).about(user);
        let entry = entry.from(self.address, self.user_agent.as_deref());
        match &self.reason {
            Some(reason) => entry.with("reason", reason.as_str()),
            None => entry,
        }
    }
}
