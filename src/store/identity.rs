use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Effects, LoginUser, NewUser, OpenWays, RateLimit, Result};
use crate::crypto::{Sealed, TokenHash};
use crate::scope::{Account, SessionId, UserId};

/// What a provider says of somebody, to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIdentity {
    /// The provider, by the name that the host gave it.
    pub provider: String,
    /// The user there: a name that never becomes another's.
    pub subject: String,
    /// The address that the provider knows, for people to recognise the identity by.
    pub email: Option<String>,
    /// The name that the provider knows, for the same.
    pub name: Option<String>,
    /// The provider's tokens, sealed.
    pub tokens: Option<Sealed>,
    /// When the provider said so.
    pub at: OffsetDateTime,
}

/// Who a user is at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The provider.
    pub provider: String,
    /// The user there.
    pub subject: String,
    /// The address that the provider knew last.
    pub email: Option<String>,
    /// The name that the provider knew last.
    pub name: Option<String>,
    /// Since when.
    pub created_at: OffsetDateTime,
    /// When the user last came by it.
    pub last_used_at: OffsetDateTime,
}

/// Whom an identity and an address belong to.
#[derive(Clone, Debug, Default)]
pub struct IdentityOwners {
    /// The user with this identity.
    pub identity: Option<LoginUser>,
    /// The account with this address.
    pub email: Option<Account>,
}

/// The ways in that a user has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaysIn {
    /// How many there are, of all kinds, that open the account at present.
    pub count: usize,
    /// Whether the user has a password.
    pub password: bool,
    /// The identities, in the order of their providers, whether or not they open it.
    pub identities: Vec<Identity>,
}

/// How a registration by an identity ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityRegistration {
    /// The user is written, or taken over, with the identity.
    Registered,
    /// The identity is somebody's: nothing changed.
    IdentityTaken,
    /// The address is somebody's, or not that user's any more, or confirmed: nothing changed.
    EmailTaken,
}

/// How a login by an identity ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityUse {
    /// What the provider says now is written.
    Done,
    /// The identity is gone, or its user's epoch is another: the login must not stand.
    Refused,
}

/// Which stored tokens those of a login take the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplacedTokens {
    /// Any: they stand by themselves.
    Any,
    /// Those of this version, unless somebody is about to refresh them: something of theirs goes on in
    /// the new ones, and would be older than what the refresh brings.
    Version(i64),
    /// None: they are kept only where there are no others.
    None,
}

/// How it ended to link an identity to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linking {
    /// It is linked.
    Linked,
    /// It was before: nothing changed.
    Already,
    /// It is somebody else's: nothing changed.
    Taken,
    /// The user has another identity of this provider: nothing changed.
    Another,
    /// There is no such user, or session.
    Gone,
}

/// How it ended to unlink an identity from a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlinking {
    /// It is gone, with its tokens.
    Unlinked,
    /// The user has no other way in that opens the account: nothing changed.
    LastWayIn,
    /// There is none.
    NotLinked,
}

/// An identity that waits, sealed, until somebody has said what is to become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedIdentity {
    /// The hash of the secret that it is found by.
    pub handle: TokenHash,
    /// The identity.
    pub identity: Sealed,
    /// From when on it is found no more.
    pub expires_at: OffsetDateTime,
}

/// A provider's tokens as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTokens {
    /// The user there.
    pub subject: String,
    /// The tokens.
    pub tokens: Sealed,
    /// Moves with every change of the tokens.
    pub version: i64,
    /// Until when somebody is about to refresh them.
    pub refreshing_until: Option<OffsetDateTime>,
}

/// Transitions of the identities that users have at other providers. What is given as `along` is
/// written if the transition did what it is named for, and with it.
///
/// An identity is found by provider and subject alone, never by an address; it belongs to one
/// user, who has at most one of each provider.
#[async_trait]
pub trait IdentityStore: std::fmt::Debug + Send + Sync + 'static {
    /// Whom this identity belongs to, and whom this address, if one is given.
    async fn find_identity(
        &self,
        provider: &str,
        subject: &str,
        email: Option<&str>,
    ) -> Result<IdentityOwners>;

    /// The ways in that a user has, of which those count that are open.
    async fn ways_in(&self, user: &UserId, open: &OpenWays) -> Result<WaysIn>;

    /// Writes a user together with an identity. Of any number of callers with one identity, or one
    /// address, exactly one registers.
    async fn register_with_identity(
        &self,
        user: &NewUser,
        identity: &NewIdentity,
        along: &Effects,
    ) -> Result<IdentityRegistration>;

    /// Gives an account whose address nobody has confirmed to whom a provider vouches for as the owner
    /// of the address. In the same transition the address is confirmed, the identity linked, and
    /// everything goes by which the account opened before: password, passkeys, other identities, the
    /// app with its backup codes, API tokens, links, sessions (with events) and known browsers. Of any
    /// number of callers exactly one is told [`IdentityRegistration::Registered`].
    async fn take_over_with_identity(
        &self,
        user: &UserId,
        email: &str,
        identity: &NewIdentity,
        along: &Effects,
    ) -> Result<IdentityRegistration>;

    /// Completes a login after its session was written, if the identity still is this user's and
    /// the user's [`LoginUser::device_epoch`] still is `epoch`: together with
    /// [`UserStore::reset_password`](super::UserStore::reset_password) and
    /// [`IdentityStore::unlink_identity`] it makes sure that no login outlives what took its ground
    /// away, whichever is first. What the provider says now takes the place of what it said before;
    /// what it does not say stays. Tokens are written only in the place of those that `replaced` tells
    /// of; if there are others by now they stay, and the login is completed all the same.
    async fn log_in_with_identity(
        &self,
        user: &UserId,
        identity: &NewIdentity,
        (epoch, replaced): (i64, ReplacedTokens),
        along: &Effects,
    ) -> Result<IdentityUse>;

    /// Links an identity to a user. Of any number of callers with one identity exactly one links.
    ///
    /// `made_in` is the session that it is made in, which must still be alive, and the user's: whoever
    /// lost it adds no way in by a request that had begun before. `None` if the host makes it.
    async fn link_identity(
        &self,
        user: &UserId,
        identity: &NewIdentity,
        made_in: Option<SessionId>,
        along: &Effects,
    ) -> Result<Linking>;

    /// Unlinks the identity of this provider from a user, unless no other way in would be left that is
    /// open. Of callers who take away the last two ways in at once, exactly one does.
    async fn unlink_identity(
        &self,
        user: &UserId,
        provider: &str,
        open: &OpenWays,
        along: &Effects,
    ) -> Result<Unlinking>;

    /// Lets an identity wait.
    async fn park_identity(&self, parked: &ParkedIdentity) -> Result<()>;

    /// Lets an identity wait for the answer to a mail; whoever has the address, or nobody, it is the
    /// same. The mail is written only so often for one address. Answers whether it was.
    async fn park_identity_with_mail(
        &self,
        parked: &ParkedIdentity,
        email: &str,
        mail: &Effects,
        limit: (RateLimit, OffsetDateTime),
    ) -> Result<bool>;

    /// The identity that waits under this handle.
    async fn parked_identity(
        &self,
        handle: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<Sealed>>;

    /// The same, which waits no more. Of any number of callers exactly one gets it.
    async fn take_parked_identity(
        &self,
        handle: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<Sealed>>;

    /// The tokens of a user's identity at this provider.
    async fn provider_tokens(&self, user: &UserId, provider: &str) -> Result<Option<StoredTokens>>;

    /// Claims the refresh of these tokens, if their version still is `version` and nobody else is
    /// at it. Of any number of callers exactly one is told so, until the time given is over.
    async fn begin_token_refresh(
        &self,
        user: &UserId,
        provider: &str,
        version: i64,
        (now, until): (OffsetDateTime, OffsetDateTime),
    ) -> Result<bool>;

    /// Ends a refresh: writes the new tokens, if there are any and the version still is `version`.
    /// Answers whether it was.
    async fn finish_token_refresh(
        &self,
        user: &UserId,
        provider: &str,
        version: i64,
        tokens: Option<&Sealed>,
    ) -> Result<bool>;

    /// Removes at most `limit` identities that have waited too long. Answers how many.
    async fn sweep_parked_identities(&self, now: OffsetDateTime, limit: u32) -> Result<u64>;
}
