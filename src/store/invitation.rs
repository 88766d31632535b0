use async_trait::async_trait;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Authority, Effects, NewUser, Organization, RateLimit, Result};
use crate::crypto::KeyedHash;
use crate::scope::{MemberRole, OrganizationId, UserId};

/// The id of an invitation. It names one and opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InvitationId(pub Uuid);

/// An invitation to be written.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// Its id.
    pub id: InvitationId,
    /// To which organization.
    pub organization: OrganizationId,
    /// Who is invited: the normalised address.
    pub email: String,
    /// As what.
    pub role: MemberRole,
    /// What is stored of the secret in the mailed link.
    pub secret: KeyedHash,
    /// Who invites; `None` for the host itself.
    pub inviter: Option<UserId>,
    /// When.
    pub created_at: OffsetDateTime,
    /// From when on it is over.
    pub expires_at: OffsetDateTime,
}

/// How many invitations there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvitationLimits {
    /// By one user.
    pub inviter: RateLimit,
    /// To one organization.
    pub organization: RateLimit,
}

/// How an invitation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invited {
    /// It is written, with its mail, in the place of an older one to the same address.
    Sent,
    /// The address is that of a member: nothing changed.
    AlreadyMember,
    /// Whoever invites has invited too many of late; only the attempt was counted.
    InviterLimited,
    /// Too many were invited to the organization of late; only the attempt was counted.
    OrganizationLimited,
    /// There is no such organization, or whoever invites may not: nothing changed.
    Refused,
}

/// An invitation that nobody has followed yet.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// To which organization.
    pub organization: Organization,
    /// Who is invited.
    pub email: String,
    /// As what.
    pub role: MemberRole,
    /// What is stored of the secret in the mailed link.
    pub secret: KeyedHash,
    /// Who invited.
    pub inviter: Option<UserId>,
    /// When.
    pub created_at: OffsetDateTime,
    /// From when on it is over.
    pub expires_at: OffsetDateTime,
}

/// An invitation that somebody follows.
#[derive(Clone, Debug)]
pub struct FollowedInvitation {
    /// Which one.
    pub id: InvitationId,
    /// What must be stored of the secret in its link.
    pub secret: KeyedHash,
    /// The roles that give its role. Whoever invited must have one of them at that very moment, and
    /// be neither disabled, nor deleted, nor going to be.
    pub givers: Vec<MemberRole>,
}

/// How it ended to follow an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// The user is a member now; the invitation is used up.
    Joined,
    /// The user was a member already, and stays what they were; the invitation is used up.
    AlreadyMember,
    /// The address has an account, of which this must be a new one: nothing changed.
    EmailTaken,
    /// The invitation is unknown, used, replaced, revoked or over, or it is for somebody else; or
    /// whoever sent it may not invite any more, or the organization has no owner who stays: nothing
    /// changed.
    Invalid,
}

/// Transitions of invitations to organizations. There is at most one for an organization and an
/// address. What is given as `along` is written if the transition did what it is named for, and
/// with it.
#[async_trait]
pub trait InvitationStore: std::fmt::Debug + Send + Sync + 'static {
    /// Writes an invitation. Both limits are counted in the same transition, so that any number of
    /// concurrent callers get what they allow and not one more; what the inviter's refuses does not
    /// count for the organization.
    async fn invite(
        &self,
        invitation: &NewInvitation,
        limits: Option<InvitationLimits>,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<Invited>;

    /// The invitation with this id, if it is not over and its organization is there.
    async fn find_invitation(
        &self,
        id: InvitationId,
        now: OffsetDateTime,
    ) -> Result<Option<Invitation>>;

    /// The invitations to an organization that are not over, the newest first; at most 100.
    async fn invitations_to(
        &self,
        id: OrganizationId,
        now: OffsetDateTime,
    ) -> Result<Vec<Invitation>>;

    /// Takes an invitation back; `false` if there is none, or whoever asks may not.
    async fn revoke_invitation(
        &self,
        organization: OrganizationId,
        id: InvitationId,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<bool>;

    /// Makes a user a member by an invitation that has this secret, and uses it up. If the account
    /// is one of ours, its address must be the invited one, and confirmed. Of two callers exactly
    /// one is told [`Acceptance::Joined`].
    async fn accept_invitation(
        &self,
        invitation: &FollowedInvitation,
        user: &UserId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<Acceptance>;

    /// Writes a user, whose address is the invited one, and makes it a member, in one transition.
    async fn register_invited(
        &self,
        invitation: &FollowedInvitation,
        user: &NewUser,
        along: &Effects,
    ) -> Result<Acceptance>;

    /// Removes at most `limit` invitations that are over. Answers how many.
    async fn sweep_invitations(&self, now: OffsetDateTime, limit: u32) -> Result<u64>;
}
