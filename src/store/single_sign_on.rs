use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Authority, Effects, Linking, NewIdentity, Result};
use crate::scope::{Account, OrganizationId, UserId};

/// What single sign-on is to the users of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SsoMode {
    /// Nothing: they log in as everybody does.
    Off,
    /// A way to log in, beside the others.
    Offered,
    /// The only way to log in.
    Enforced,
}

impl SsoMode {
    /// Every mode there is.
    pub const ALL: [Self; 3] = [Self::Off, Self::Offered, Self::Enforced];

    /// The name it is stored by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Offered => "offered",
            Self::Enforced => "enforced",
        }
    }
}

impl std::str::FromStr for SsoMode {
    type Err = ();

    fn from_str(name: &str) -> std::result::Result<Self, ()> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name).ok_or(())
    }
}

/// A domain of email addresses that is an organization's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsoDomain {
    /// The domain, in its one spelling.
    pub domain: String,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Where its users log in: a path of the host, by which their sessions are known, too
    /// ([`Authentication::login_path`](crate::scope::Authentication::login_path)).
    pub login_path: String,
    /// What single sign-on is to its users.
    pub mode: SsoMode,
    /// Since when it is the organization's.
    pub created_at: OffsetDateTime,
}

/// What stands between a user and every login but that of their identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnforcedSso {
    /// Whose rule it is.
    pub organization: OrganizationId,
    /// Where the user logs in.
    pub login_path: String,
    /// Whether the user is one whom the organization lets in all the same.
    pub break_glass: bool,
}

/// How it ended to give a domain to an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DomainGrant {
    /// It is the organization's, and its users log in there.
    Granted,
    /// It is another organization's: nothing changed.
    Taken,
    /// There is no such organization.
    NoOrganization,
}

/// Another mode for a domain.
#[derive(Clone, Debug)]
pub struct NewSsoMode {
    /// Whose domain.
    pub organization: OrganizationId,
    /// The domain.
    pub domain: String,
    /// The mode.
    pub mode: SsoMode,
    /// Where whoever asks has logged in.
    pub came_by: Option<String>,
    /// When.
    pub at: OffsetDateTime,
}

/// How it ended to change what single sign-on is to a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SsoChange {
    /// It is done.
    Done,
    /// The organization has no such domain: nothing changed.
    NoDomain,
    /// Nobody would be left who is known to come in: nothing changed.
    LocksOut,
    /// There is no such organization, or whoever asks may not: nothing changed.
    Refused,
}

/// How it ended to say whether a member comes in by a password all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakGlassChange {
    /// It is done.
    Done,
    /// The user is no member: nothing changed.
    NotAMember,
    /// The user lacks a password, a second factor or a confirmed address: nothing changed.
    Unfit,
    /// Single sign-on is enforced, and no other owner would come in all the same: nothing changed.
    LastToComeIn,
    /// There is no such organization, or whoever asks may not: nothing changed.
    Refused,
}

/// Transitions of single sign-on. What is given as `along` is written if the transition did what it
/// is named for, and with it; `by` says who must be allowed to, at that very moment, and is absent
/// for the host itself.
///
/// While a domain is [enforced](SsoMode::Enforced), a session of a user with an address in it opens
/// nothing ([`SessionStore::load_session`](super::SessionStore::load_session)) unless
///
/// * its login came by the domain's `login_path`,
/// * or by [`BREAK_GLASS`](crate::scope::BREAK_GLASS), and the user is a member who is let in all
///   the same at that very moment,
/// * or an administrator acts as the user.
///
/// So nothing depends on who is faster: a session that is written while the domain becomes enforced
/// opens nothing either. The same goes for an API token, which counts as the session did that it was
/// made in ([`ApiTokenStore::find_api_token`](super::ApiTokenStore::find_api_token)); one that the host
/// makes is its word. And for what was granted to applications
/// ([`ProviderStore::redeem_code`](super::ProviderStore::redeem_code),
/// [`rotate_refresh`](super::ProviderStore::rotate_refresh)), by the session that it was granted in.
///
/// Whatever closes something of somebody's (a domain that becomes enforced, another path for one that
/// is, a member who is not let in any more, or is none) ends it in the same transition, for good:
///
/// * the sessions that would open nothing any more, each with its event,
/// * the API tokens that would not, and, where it begins or the path is another, those that the host
///   made before,
/// * what rests on no session, such as offline access: one event for each user whom it is about, a
///   [`SingleSignOn`](crate::scope::SessionEnd::SingleSignOn) that
///   [spares](crate::scope::SessionEvent::spares) what came by the domain's `login_path`.
///
/// An organization that enforces single sign-on, and once had an owner who came in all the same
/// (named, with a password, a confirmed address and a second factor, and not kept out), keeps one: of
/// any number of callers who take the name, the role, the membership or the last second factor from
/// such owners, at least one is refused. An account that is disabled or deleted goes all the same.
#[async_trait]
pub trait SsoStore: std::fmt::Debug + Send + Sync + 'static {
    /// Makes a domain an organization's as of its `created_at`, and says where its users log in. One
    /// that is the organization's already keeps its mode; what came by the old path ends if that is
    /// enforced. Of two organizations exactly one gets it.
    async fn grant_domain(&self, domain: &SsoDomain, along: &Effects) -> Result<DomainGrant>;

    /// Takes a domain from an organization: its users log in as everybody does. `false` if it was
    /// not the organization's.
    async fn withdraw_domain(
        &self,
        organization: OrganizationId,
        domain: &str,
        along: &Effects,
    ) -> Result<bool>;

    /// What is known of a domain. One read.
    async fn sso_of(&self, domain: &str) -> Result<Option<SsoDomain>>;

    /// The domains of an organization, by name; at most 100.
    async fn sso_domains(&self, organization: OrganizationId) -> Result<Vec<SsoDomain>>;

    /// Says what single sign-on is to the users of a domain. To enforce it takes somebody who is
    /// known to come in afterwards: either whoever asks came by the very login that is enforced, or
    /// there is an owner who is let in all the same, has a password and a second factor, and is not
    /// kept out.
    ///
    /// With it ends what would open nothing any more.
    async fn change_sso(
        &self,
        new: &NewSsoMode,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<SsoChange>;

    /// Says whether a member comes in by a password although single sign-on is enforced. To name one
    /// takes a password, a confirmed address and a second factor. Of who is named no longer ends what
    /// came so.
    async fn name_break_glass(
        &self,
        (organization, user): (OrganizationId, &UserId),
        named: bool,
        by: Option<&Authority>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<BreakGlassChange>;

    /// Links an identity to the user with this address, on the word of whoever owns its domain: only
    /// if, at that very moment, single sign-on is enforced for the domain of the address and leads to
    /// `login_path`, the address is the user's and confirmed, and the user is not kept out;
    /// otherwise it is [`Linking::Gone`]. Of any number of callers with one identity, or for one user,
    /// exactly one links.
    async fn link_by_domain(
        &self,
        to: (&UserId, &str),
        login_path: &str,
        identity: &NewIdentity,
        along: &Effects,
    ) -> Result<Linking>;

    /// The members who come in all the same; at most 100.
    async fn break_glass_of(&self, organization: OrganizationId) -> Result<Vec<Account>>;

    /// The owners of an organization who have an account of ours; at most 100.
    async fn owners_of(&self, organization: OrganizationId) -> Result<Vec<Account>>;
}
