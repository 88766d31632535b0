use async_trait::async_trait;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Authority, Effects, RateLimit, Result};
use crate::crypto::TokenHash;
use crate::scope::{Account, OrganizationId, SessionId, UserId};

/// The id of an API token or of a service account's credential: a UUIDv7. It names the token and
/// opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiTokenId(pub Uuid);

impl std::fmt::Display for ApiTokenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Whose an API token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenOwner {
    /// A user's, who made it for a program.
    User(UserId),
    /// A service account's: one of its credentials.
    ServiceAccount(UserId),
}

impl TokenOwner {
    /// The id of the user or service account.
    pub fn id(&self) -> &UserId {
        match self {
            Self::User(id) | Self::ServiceAccount(id) => id,
        }
    }
}

/// An API token to be written.
#[derive(Clone, Debug)]
pub struct NewApiToken {
    /// Its id.
    pub id: ApiTokenId,
    /// The hash of its text.
    pub hash: TokenHash,
    /// Whose it is.
    pub owner: TokenOwner,
    /// The session its user makes it in, which must still be alive; `None` if the host makes it.
    pub made_in: Option<SessionId>,
    /// Who makes it for a service account of an organization, and must be a member of it who may;
    /// `None` for the host itself.
    pub by: Option<Authority>,
    /// What its owner calls it.
    pub name: String,
    /// The scopes it carries.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// From when on it opens nothing; `None` for never.
    pub expires_at: Option<OffsetDateTime>,
}

/// How making an API token ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenCreation {
    /// It is written.
    Created,
    /// There is no such user or service account, or it is disabled, or the session is over, or
    /// whoever asks may not: nothing changed.
    NoOwner,
    /// The owner has as many as they may have: nothing changed.
    TooMany,
}

/// How making a service account ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceAccountCreation {
    /// It is written.
    Created,
    /// Whoever asks may not, or not any more: nothing changed.
    NotAllowed,
    /// The organization has as many as it may have: nothing changed.
    TooMany,
}

/// An API token as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredApiToken {
    /// Its id.
    pub id: ApiTokenId,
    /// What its owner calls it.
    pub name: String,
    /// The scopes it carries.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// From when on it opens nothing; `None` for never.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was last seen to be used.
    pub last_used_at: Option<OffsetDateTime>,
    /// When it was revoked.
    pub revoked_at: Option<OffsetDateTime>,
}

/// An API token that somebody shows, with its owner as they are now.
#[derive(Clone, Debug, PartialEq)]
pub struct PresentedToken {
    /// The token, whether or not it still opens anything.
    pub token: StoredApiToken,
    /// Whose it is.
    pub holder: TokenHolder,
}

/// The present state of whose an API token is.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenHolder {
    /// A user.
    User(Account),
    /// A service account; it is disabled, too, if its organization was deleted.
    ServiceAccount(ServiceAccount),
}

/// A program of the host's or of a customer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its id: a UUIDv7, and no user's.
    pub id: UserId,
    /// The organization it belongs to; `None` if it is the host's own.
    pub organization: Option<OrganizationId>,
    /// What it is called.
    pub name: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Since when none of its credentials opens anything.
    pub disabled_at: Option<OffsetDateTime>,
}

/// Which tokens of an owner, newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenPage {
    /// Whether revoked ones are shown too.
    pub with_revoked: bool,
    /// Those made before this one.
    pub before: Option<ApiTokenId>,
}

/// Transitions of API tokens: those that users make for their programs, and the credentials of
/// service accounts. What is given as `along` is written if the transition did what it is named for,
/// and with it.
///
/// A token lives only while its owner does. It ends with the password: see
/// [`UserStore::reset_password`](super::UserStore::reset_password); and when its user signs out
/// everywhere and from apps: see
/// [`SessionStore::end_sessions_along`](super::SessionStore::end_sessions_along).
#[async_trait]
pub trait ApiTokenStore: std::fmt::Debug + Send + Sync + 'static {
    /// Writes a token, unless its owner has `at_most` of them that are not revoked: any number of
    /// callers get that many and not one more. Together with
    /// [`UserStore::reset_password`](super::UserStore::reset_password) the session it is made in
    /// makes sure that none outlives a reset, whichever of the two is first.
    async fn create_api_token(
        &self,
        token: &NewApiToken,
        at_most: u32,
        along: &Effects,
    ) -> Result<TokenCreation>;

    /// The token with this hash, with its owner: one read. Whether it still opens anything is for
    /// the caller to see: it is shown as revoked, too, if its owner may not come in, or while
    /// single sign-on is enforced for the owner and would not let the session in that it was made in
    /// ([`SsoStore`](super::SsoStore)).
    async fn find_api_token(&self, hash: &TokenHash) -> Result<Option<PresentedToken>>;

    /// Notes that a token is used.
    async fn touch_api_token(&self, id: ApiTokenId, now: OffsetDateTime) -> Result<()>;

    /// Counts a token that was refused, under `key`, and writes `along` unless the limit is reached.
    /// Answers whether it was written. Of any number of callers only so many write.
    async fn note_refused_token(
        &self,
        key: &str,
        limit: RateLimit,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool>;

    /// At most `limit` tokens of an owner, newest first.
    async fn api_tokens_of(
        &self,
        owner: &TokenOwner,
        page: TokenPage,
        limit: u32,
    ) -> Result<Vec<StoredApiToken>>;

    /// Revokes one token of an owner, for good. Of two callers exactly one is told `true`. `by` says
    /// who asks about a credential of an organization's service account, and must be a member of it
    /// who may at that very moment: who may not is told `false`. It is absent for the host itself,
    /// and for users, whose tokens are their own.
    async fn revoke_api_token(
        &self,
        owner: &TokenOwner,
        id: ApiTokenId,
        by: Option<&Authority>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool>;

    /// Revokes all tokens of an owner. Answers how many it revoked; if none, `along` is not written.
    async fn revoke_api_tokens_of(
        &self,
        owner: &TokenOwner,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<u64>;

    /// Writes a service account, unless its organization has `at_most` of them, disabled ones
    /// included: any number of callers get that many and not one more. `by` says which member of
    /// the organization asks, and must be allowed to at that very moment; it is absent for the host
    /// itself.
    async fn create_service_account(
        &self,
        account: &ServiceAccount,
        by: Option<&Authority>,
        at_most: u32,
        along: &Effects,
    ) -> Result<ServiceAccountCreation>;

    /// The service account with this id.
    async fn find_service_account(&self, id: &UserId) -> Result<Option<ServiceAccount>>;

    /// At most `limit` service accounts of an organization, or of the host's own, newest first, those
    /// made before `before`.
    async fn service_accounts(
        &self,
        organization: Option<OrganizationId>,
        before: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<ServiceAccount>>;

    /// Disables a service account as of a moment, or with `None` enables it again. Of two callers
    /// who do the same exactly one is told `true`; who asks and may not is told `false`.
    async fn disable_service_account(
        &self,
        id: &UserId,
        disabled_at: Option<OffsetDateTime>,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<bool>;

    /// Removes at most `limit` tokens that were revoked or expired before `before`. Answers how
    /// many were removed.
    async fn sweep_api_tokens(&self, before: OffsetDateTime, limit: u32) -> Result<u64>;
}
