use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The id of an organization: a UUIDv7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrganizationId(pub Uuid);

impl fmt::Display for OrganizationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a member may do in an organization: a name of the host’s, such as `owner`. 1 to 64 of
/// `a-z`, `0-9`, `_` and `-`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MemberRole(std::borrow::Cow<'static, str>);

/// The text names no [`MemberRole`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role is named by 1 to 64 of a-z, 0-9, _ and -")]
pub struct InvalidMemberRole;

impl MemberRole {
    /// May do everything. An organization always has at least one.
    pub const OWNER: Self = Self(std::borrow::Cow::Borrowed("owner"));
    /// May invite and remove members.
    pub const ADMIN: Self = Self(std::borrow::Cow::Borrowed("admin"));
    /// Belongs to the organization.
    pub const MEMBER: Self = Self(std::borrow::Cow::Borrowed("member"));

    /// The role with this name.
    ///
    /// # Errors
    /// [`InvalidMemberRole`].
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidMemberRole> {
        let name = name.into();
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        let fits = (1..=64).contains(&name.len()) && name.bytes().all(plain);
        if fits { Ok(Self(name.into())) } else { Err(InvalidMemberRole) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for MemberRole {
    type Error = InvalidMemberRole;

    fn try_from(name: String) -> Result<Self, InvalidMemberRole> {
        Self::new(name)
    }
}

impl From<MemberRole> for String {
    fn from(role: MemberRole) -> Self {
        role.0.into_owned()
    }
}

impl fmt::Debug for MemberRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemberRole({})", self.0)
    }
}

impl fmt::Display for MemberRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The organization in which a user acts, and as what. Loaded with the session, so that a removed
/// member, a changed role and a deleted organization count from the next request on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Membership {
    /// The organization.
    pub organization: OrganizationId,
    /// Its short name, as in addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// As what the user acts.
    pub role: MemberRole,
    /// Whether the organization asks its members for a second factor, and the user has none.
    pub lacks_second_factor: bool,
    /// Whether the organization asks its members for a second factor.
    pub requires_second_factor: bool,
}

impl Membership {
    /// A membership.
    pub fn new(
        organization: OrganizationId,
        slug: impl Into<String>,
        name: impl Into<String>,
        role: MemberRole,
    ) -> Self {
        let (slug, name) = (slug.into(), name.into());
        Self {
            organization,
            slug,
            name,
            role,
            lacks_second_factor: false,
            requires_second_factor: false,
        }
    }

    /// The same, with whether the organization asks for a second factor that the user has not.
    #[must_use]
    pub fn lacking_second_factor(mut self, lacks: bool) -> Self {
        self.lacks_second_factor = lacks;
        self.requires_second_factor |= lacks;
        self
    }

    /// The same, with whether the organization asks for a second factor.
    #[must_use]
    pub fn requiring_second_factor(mut self, requires: bool) -> Self {
        self.requires_second_factor = requires;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_a_plain_name() {
        assert_eq!(MemberRole::new("owner").unwrap(), MemberRole::OWNER);
        for bad in ["", "Owner", "a b", "é", &"a".repeat(65)] {
            assert_eq!(MemberRole::new(bad), Err(InvalidMemberRole), "{bad}");
        }
    }
}
