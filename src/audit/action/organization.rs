//! What is done to organizations.

use super::Action;

impl Action {
    /// An organization was made.
    pub const CREATE_ORGANIZATION: Self = Self::of("organization.create");
    /// An organization got another name.
    pub const RENAME_ORGANIZATION: Self = Self::of("organization.rename");
    /// An organization was deleted.
    pub const DELETE_ORGANIZATION: Self = Self::of("organization.delete");
    /// An organization asks its members for a second factor, or does so no longer.
    pub const REQUIRE_SECOND_FACTOR: Self = Self::of("organization.second_factor_require");
    /// A user became a member, by the host.
    pub const ADD_MEMBER: Self = Self::of("organization.member_add");
    /// A member was removed; refused if nobody else would own the organization.
    pub const REMOVE_MEMBER: Self = Self::of("organization.member_remove");
    /// A member left; refused if nobody else would own the organization.
    pub const LEAVE_ORGANIZATION: Self = Self::of("organization.leave");
    /// A membership ended with the organization, or with the account of the member.
    pub const END_MEMBERSHIP: Self = Self::of("organization.membership_end");
    /// A member got another role; refused if nobody else would own the organization.
    pub const CHANGE_ROLE: Self = Self::of("organization.role_change");
    /// The host, or an administrator, gave an organization a domain.
    pub const GRANT_DOMAIN: Self = Self::of("organization.domain_grant");
    /// The host, or an administrator, took a domain from an organization.
    pub const WITHDRAW_DOMAIN: Self = Self::of("organization.domain_withdraw");
    /// Single sign-on is off, offered or enforced from now on for the users of a domain; refused if
    /// nobody would have come in any more.
    pub const CHANGE_SSO: Self = Self::of("organization.sso_change");
    /// A member comes in although single sign-on is enforced, or does so no longer.
    pub const NAME_BREAK_GLASS: Self = Self::of("organization.break_glass_name");
    /// Somebody came in although single sign-on is enforced, since their organization lets them.
    pub const BREAK_GLASS: Self = Self::of("organization.break_glass");
    /// A session acts in another organization.
    pub const SWITCH_ORGANIZATION: Self = Self::of("organization.switch");
    /// A session acted in an organization that its user is no member of any more, and was moved.
    pub const RESELECT_ORGANIZATION: Self = Self::of("organization.reselect");
    /// Somebody was invited.
    pub const INVITE: Self = Self::of("organization.invite");
    /// An invitation was taken back.
    pub const REVOKE_INVITATION: Self = Self::of("organization.invitation_revoke");
    /// An invitation was followed.
    pub const ACCEPT_INVITATION: Self = Self::of("organization.invitation_accept");
}
