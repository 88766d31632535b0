use time::Duration;

use super::SlugRules;
use crate::scope::{MemberRole, UserId};
use crate::store::{Authority, InvitationLimits, RateLimit, reaches};

/// The rules of organizations.
#[derive(Clone, Debug)]
pub struct OrganizationPolicy {
    /// The roles that members can have, the mightiest first: `owner`, `admin`, `member`.
    pub roles: Vec<MemberRole>,
    /// Which of them, beside [`MemberRole::OWNER`], invite, and change and remove members: `admin`.
    /// Nobody gives a role that stands above their own, or touches a member who has one.
    pub managers: Vec<MemberRole>,
    /// How many organizations a user may make; 10 a day. `None` if only the host makes them.
    pub creations: Option<RateLimit>,
    /// How many may be invited; 20 a day by one user, 50 a day to one organization.
    pub invitations: InvitationLimits,
    /// How long an invitation is good for; 7 days.
    pub invite_for: Duration,
    /// Which slugs may be chosen.
    pub slugs: SlugRules,
    /// Whether organizations have single sign-on: a button on the page to log in, a page in the
    /// settings of each organization, and one at [`Paths::break_glass`](crate::account::Paths); not.
    /// Without it no domain can be granted; one that is enforced stays so.
    pub single_sign_on: bool,
    /// The context classes that stand for more than one factor where another party vouched for the
    /// login, as in
    /// [`RequireMembershipLayer::trust_vouched_factors`](crate::session::RequireMembershipLayer::trust_vouched_factors);
    /// `None`: nobody else is believed.
    pub vouched_factors: Option<Vec<String>>,
    /// How many service accounts an organization may have, disabled ones included, which its
    /// managers see to themselves: then with any scope of the application's
    /// [`ApiTokens`](crate::account::token::ApiTokens), and the application must look at the
    /// [`Credential::organization`](crate::scope::Credential::organization) of who calls. `None`, so
    /// that only the host makes them.
    pub service_accounts: Option<u32>,
}

impl Default for OrganizationPolicy {
    fn default() -> Self {
        let a_day = |times| RateLimit { times, window: Duration::DAY };
        Self {
            roles: vec![MemberRole::OWNER, MemberRole::ADMIN, MemberRole::MEMBER],
            managers: vec![MemberRole::ADMIN],
            creations: Some(a_day(10)),
            invitations: InvitationLimits { inviter: a_day(20), organization: a_day(50) },
            invite_for: Duration::WEEK,
            slugs: SlugRules::default(),
            single_sign_on: false,
            vouched_factors: None,
            service_accounts: None,
        }
    }
}

impl OrganizationPolicy {
    /// Whether members of this role invite and manage others.
    pub(in crate::account) fn manages(&self, role: &MemberRole) -> bool {
        *role == MemberRole::OWNER || self.managers.contains(role)
    }

    /// The roles that a member of this role may give.
    pub(in crate::account) fn may_give(&self, role: &MemberRole) -> Vec<MemberRole> {
        let gives = |given: &&MemberRole| self.reaches(role, given);
        let all = self.roles.iter().filter(gives).cloned().collect();
        if self.manages(role) { all } else { Vec::new() }
    }

    /// The roles that may give this role.
    pub(in crate::account) fn givers(&self, role: &MemberRole) -> Vec<MemberRole> {
        let owner = [MemberRole::OWNER];
        let managers = self.managers.iter().filter(|manager| **manager != MemberRole::OWNER);
        let gives = |giver: &&MemberRole| self.reaches(giver, role);
        managers.chain(&owner).filter(gives).cloned().collect()
    }

    /// Whether a role does not stand below another.
    pub(in crate::account) fn reaches(&self, own: &MemberRole, other: &MemberRole) -> bool {
        reaches(&self.ranks(), own, other)
    }

    /// What changes that every manager may do ask of a user.
    pub(in crate::account) fn manager(&self, user: &UserId) -> Authority {
        let roles = self.managers.iter().cloned().chain([MemberRole::OWNER]).collect();
        Authority { user: user.clone(), roles, ranks: self.ranks() }
    }

    /// What giving a role asks of a user.
    pub(in crate::account) fn giver(&self, user: &UserId, role: &MemberRole) -> Authority {
        Authority { user: user.clone(), roles: self.givers(role), ranks: self.ranks() }
    }

    /// What changes that only owners may do ask of a user.
    pub(in crate::account) fn owner(&self, user: &UserId) -> Authority {
        Authority { user: user.clone(), roles: vec![MemberRole::OWNER], ranks: self.ranks() }
    }

    /// Nothing stands above an owner, wherever the host lists it.
    fn ranks(&self) -> Vec<MemberRole> {
        let others = self.roles.iter().filter(|role| **role != MemberRole::OWNER);
        std::iter::once(MemberRole::OWNER).chain(others.cloned()).collect()
    }
}
