use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Effects, RateLimit, Result};
use crate::scope::{Account, MemberRole, Membership, OrganizationId, UserId};

/// An organization to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// Its short name, as in addresses; nobody else has it, and nobody gets it when it is gone.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Who makes it, and becomes its first [owner](MemberRole::OWNER).
    pub owner: UserId,
    /// When.
    pub created_at: OffsetDateTime,
}

/// How it ended to make an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrganizationCreation {
    /// It is there, with its owner.
    Created,
    /// Another one has the slug, or had it: nothing changed.
    SlugTaken,
    /// The user has made too many of late: only the attempt was counted.
    Limited,
}

/// An organization that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its short name, as in addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Whether its members act in it with a second factor only.
    pub requires_second_factor: bool,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

impl Organization {
    /// An organization that asks for no second factor.
    pub fn new(
        id: OrganizationId,
        slug: impl Into<String>,
        name: impl Into<String>,
        created_at: OffsetDateTime,
    ) -> Self {
        let (slug, name) = (slug.into(), name.into());
        Self { id, slug, name, requires_second_factor: false, created_at }
    }

    /// The same, with whether its members act in it with a second factor only.
    #[must_use]
    pub fn requiring_second_factor(mut self, requires: bool) -> Self {
        self.requires_second_factor = requires;
        self
    }
}

/// Which organizations an administrator looks for. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrganizationFilter {
    /// How its name, its slug or one of its domains begins, whatever the case of ASCII letters.
    pub prefix: String,
    /// Made before this one: goes on after a page.
    pub before: Option<OrganizationId>,
}

/// Who belongs to an organization.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Member {
    /// Who; only the id is known of a user whom the host keeps.
    pub account: Account,
    /// As what.
    pub role: MemberRole,
    /// Since when.
    pub since: OffsetDateTime,
}

impl Member {
    /// A member.
    pub fn new(account: Account, role: MemberRole, since: OffsetDateTime) -> Self {
        Self { account, role, since }
    }
}

/// Who changes an organization, and which roles allow it. The store looks at it in the transition
/// itself, so that whoever lost the role a moment ago changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Who.
    pub user: UserId,
    /// The roles of which the user must have one.
    pub roles: Vec<MemberRole>,
    /// The roles, the mightiest first: no member is changed, and no role given, by a role below
    /// theirs. Roles that are not listed stand below those that are.
    pub ranks: Vec<MemberRole>,
}

/// Whether a role does not stand below another one in this order.
#[cfg(any(feature = "accounts", feature = "sqlite"))]
pub(crate) fn reaches(ranks: &[MemberRole], own: &MemberRole, other: &MemberRole) -> bool {
    let rank = |role| ranks.iter().position(|ranked| ranked == role).unwrap_or(ranks.len());
    rank(own) <= rank(other)
}

/// How it ended to change an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrganizationChange {
    /// It is done.
    Done,
    /// There is no such organization, or whoever asks may not: nothing changed.
    Refused,
}

/// How it ended to add a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberAddition {
    /// The user is a member now.
    Added,
    /// The user was one already: nothing changed.
    AlreadyMember,
    /// There is no such organization.
    NoOrganization,
}

/// How it ended to change or remove a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// It is done.
    Done,
    /// The user is no member, or there is no such organization: nothing changed.
    NotAMember,
    /// The organization would have no owner any more: nothing changed.
    LastOwner,
    /// The organization enforces single sign-on, and no other owner would come in all the same
    /// ([`SsoStore`](super::SsoStore)): nothing changed.
    LastToComeIn,
    /// Whoever asks may not, or may not any more: nothing changed.
    NotAllowed,
}

/// What becomes of a member whose role changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRole {
    /// What the member is from now on.
    pub role: MemberRole,
    /// The roles that the member may give from now on. The invitations that the member sent as
    /// another role, and that nobody followed yet, are void.
    pub gives: Vec<MemberRole>,
}

/// Transitions of organizations and their members. What is given as `along` is written if the
/// transition did what it is named for, and with it; `by` says who must be allowed to, at that
/// very moment, and is absent for the host itself.
///
/// An organization has an owner, always: of any number of callers who remove or demote its owners
/// at once, at least one is told [`MemberChange::LastOwner`]. Nobody counts as an owner who stays
/// if they are disabled, deleted, or going to be. One that was deleted is as good as
/// absent to everybody, but for its slug.
#[async_trait]
pub trait OrganizationStore: std::fmt::Debug + Send + Sync + 'static {
    /// Writes an organization with its first owner. If there is a `limit`, it is on how often the
    /// owner does so. Of two callers with one slug exactly one is told that it was made.
    async fn create_organization(
        &self,
        organization: &NewOrganization,
        limit: Option<RateLimit>,
        along: &Effects,
    ) -> Result<OrganizationCreation>;

    /// The organization with this id.
    async fn find_organization(&self, id: OrganizationId) -> Result<Option<Organization>>;

    /// The organizations that fit, those made last first; at most `limit`.
    async fn list_organizations(
        &self,
        filter: &OrganizationFilter,
        limit: u32,
    ) -> Result<Vec<Organization>>;

    /// The organization with this slug, and what the user is in it; `None` unless the user is a
    /// member.
    async fn organization_of(
        &self,
        slug: &str,
        user: &UserId,
    ) -> Result<Option<(Organization, MemberRole)>>;

    /// What a user is, and where, by the name of the organization; at most 100.
    async fn memberships_of(&self, user: &UserId) -> Result<Vec<Membership>>;

    /// What a user is in an organization.
    async fn membership(&self, id: OrganizationId, user: &UserId) -> Result<Option<Membership>>;

    /// The members, by their ids, from the one after `after` on; at most `limit`.
    async fn members_of(
        &self,
        id: OrganizationId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<Member>>;

    /// Gives it another name. The slug stays.
    async fn rename_organization(
        &self,
        id: OrganizationId,
        name: &str,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<OrganizationChange>;

    /// Says whether members act in it with a second factor only.
    async fn require_second_factor(
        &self,
        id: OrganizationId,
        requires: bool,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<OrganizationChange>;

    /// Deletes it: nobody is a member any more, no session acts in it, and its webhook endpoints are
    /// disabled, with what waits there. Of two callers exactly one is told [`OrganizationChange::Done`]. With the first entry of `along` there is one like it
    /// for each membership that ends, an
    /// [`END_MEMBERSHIP`](crate::audit::Action::END_MEMBERSHIP).
    async fn delete_organization(
        &self,
        id: OrganizationId,
        by: Option<&Authority>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<OrganizationChange>;

    /// Makes a user a member. While all its owners are about to be deleted an organization takes
    /// owners only: it is as good as absent to all others.
    async fn add_member(
        &self,
        id: OrganizationId,
        user: &UserId,
        role: &MemberRole,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<MemberAddition>;

    /// Ends a membership, by somebody else or by leaving. The invitations that the member sent, and
    /// that nobody followed yet, are void. What came by the break-glass login ends
    /// ([`SsoStore`](super::SsoStore)).
    async fn remove_member(
        &self,
        id: OrganizationId,
        user: &UserId,
        by: Option<&Authority>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<MemberChange>;

    /// Gives a member another role.
    async fn change_role(
        &self,
        id: OrganizationId,
        user: &UserId,
        role: &NewRole,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<MemberChange>;
}
