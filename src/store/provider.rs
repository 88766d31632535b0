use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{LimitCount, RateLimit, Result};
use crate::crypto::{Sealed, TokenHash};
use crate::scope::{Authentication, UserId};

/// The longest that any access token lives. Its revocation is remembered as long.
pub const LONGEST_ACCESS_TOKEN: Duration = Duration::DAY;

/// The issuer a row belongs to. Every key of the provider's tables starts with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IssuerId(std::sync::Arc<str>);

impl IssuerId {
    /// The id of the issuer with this URL.
    pub fn new(issuer: impl Into<std::sync::Arc<str>>) -> Self {
        Self(issuer.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A client, as stored: what the provider knows of it is a document of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredClient {
    /// The `client_id`.
    pub client_id: String,
    /// The provider's description of the client, as JSON.
    pub document: serde_json::Value,
}

/// A signing key, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Its `kid`.
    pub kid: String,
    /// Its `alg`.
    pub algorithm: String,
    /// The private key (PKCS #8), sealed.
    pub private_key: Sealed,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// From when on it signs; until then it is only published.
    pub signs_from: OffsetDateTime,
}

/// What a user granted a client: the family that all its tokens belong to. A token lives only
/// while its grant lives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id, carried by every token issued under it.
    pub id: Uuid,
    /// The client.
    pub client_id: String,
    /// The user.
    pub subject: UserId,
    /// The scopes granted.
    pub scopes: Vec<String>,
    /// The resources granted (RFC 8707).
    pub resources: Vec<String>,
    /// How, when and in which session the user had logged in: frozen when the code was issued.
    pub authentication: Authentication,
    /// Whether it outlives the login session (`offline_access`).
    pub offline: bool,
    /// The request's `nonce`.
    pub nonce: Option<String>,
    /// Whether the request asked for `auth_time`, by `max_age` or as an essential claim.
    pub auth_time_requested: bool,
}

/// An authorization code to be written, with its grant and, if the user was just asked, the
/// consent.
#[derive(Clone, Debug, PartialEq)]
pub struct NewCode {
    /// The hash of the code.
    pub code: TokenHash,
    /// The interaction it ends: an interaction yields one code at most.
    pub interaction_id: String,
    /// What it stands for.
    pub grant: Grant,
    /// The redirect URI it was sent to.
    pub redirect_uri: String,
    /// The PKCE challenge (S256), if the request had one.
    pub code_challenge: Option<String>,
    /// When it was issued.
    pub created_at: OffsetDateTime,
    /// From when on it is worth nothing.
    pub expires_at: OffsetDateTime,
    /// The end of the interaction. The row stays until then at least, so that neither the code
    /// nor the interaction is used twice.
    pub interaction_expires_at: OffsetDateTime,
    /// The consent to remember.
    pub consent: Option<Consent>,
}

/// How issuing a code ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeIssue {
    /// It is written.
    Issued,
    /// The interaction already yielded a code; nothing changed.
    AlreadyIssued {
        /// Whether that code has been redeemed.
        redeemed: bool,
    },
}

/// A code that was issued, whatever became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredCode {
    /// What it stands for.
    pub grant: Grant,
    /// The redirect URI it was sent to.
    pub redirect_uri: String,
    /// The PKCE challenge (S256).
    pub code_challenge: Option<String>,
    /// From when on it is worth nothing.
    pub expires_at: OffsetDateTime,
}

/// A refresh token to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefreshToken {
    /// The hash of the token.
    pub token: TokenHash,
    /// From when on it is worth nothing.
    pub expires_at: OffsetDateTime,
}

/// A client assertion (RFC 7523) that is used up by the transition it comes with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAssertionUse {
    /// The client.
    pub client_id: String,
    /// The hash of its `jti`.
    pub jti: TokenHash,
    /// Until when it must be remembered.
    pub expires_at: OffsetDateTime,
}

/// A code to be redeemed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedeemCode {
    /// The hash of the code.
    pub code: TokenHash,
    /// The client that was authenticated; a code of another's is unknown to it.
    pub client_id: String,
    /// The refresh token to be issued with it.
    pub refresh: Option<NewRefreshToken>,
    /// The assertion the client authenticated with.
    pub assertion: Option<ClientAssertionUse>,
    /// Now.
    pub now: OffsetDateTime,
    /// Until when a revocation caused by this must be known to verifiers: the end of the longest
    /// access token issued under the grant.
    pub revocation_expires_at: OffsetDateTime,
}

/// How redeeming a code ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeRedemption {
    /// The tokens may be handed out.
    Redeemed,
    /// It was redeemed before: its grant is revoked by this, now and for ever, with all that was
    /// issued.
    Replayed,
    /// It is over.
    Expired,
    /// There is no such code of this client, or its grant is revoked, or the login behind it has
    /// ended meanwhile.
    Unknown,
    /// The client's assertion was used before; nothing changed.
    AssertionReplayed,
}

/// A refresh token that was issued, whatever became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRefreshToken {
    /// Its grant.
    pub grant: Grant,
    /// Whether the grant is revoked.
    pub revoked: bool,
    /// Whether it was rotated.
    pub rotated: bool,
    /// When it was issued.
    pub issued_at: OffsetDateTime,
    /// From when on it is worth nothing.
    pub expires_at: OffsetDateTime,
}

/// A refresh token to be rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotateRefresh {
    /// The hash of the token presented.
    pub presented: TokenHash,
    /// The client that was authenticated; a token of another's is unknown to it.
    pub client_id: String,
    /// Its successor.
    pub successor: NewRefreshToken,
    /// The successor itself, sealed under a key made from the presented token, for a repetition
    /// within the grace window.
    pub successor_sealed: Sealed,
    /// How long a repetition gets the same successor.
    pub grace: Duration,
    /// The assertion the client authenticated with.
    pub assertion: Option<ClientAssertionUse>,
    /// Now.
    pub now: OffsetDateTime,
    /// As in [`RedeemCode`].
    pub revocation_expires_at: OffsetDateTime,
}

/// How rotating a refresh token ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshRotation {
    /// The successor is in place.
    Rotated,
    /// It was rotated within the grace window and the successor is still unused: this is the
    /// successor, sealed as it was given. Nothing changed.
    Repeated {
        /// What [`RotateRefresh::successor_sealed`] was.
        successor_sealed: Sealed,
    },
    /// It was rotated before: its grant is revoked by this, now and for ever, with all that was
    /// issued.
    Reused,
    /// It is over.
    Expired,
    /// There is no such token of this client, or its grant is revoked, or the login behind it has
    /// ended meanwhile.
    Unknown,
    /// The client's assertion was used before; nothing changed.
    AssertionReplayed,
}

/// What a user agreed to let a client do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The user.
    pub subject: UserId,
    /// The client.
    pub client_id: String,
    /// The resources it is about (RFC 8707), sorted, each once. A consent is kept for each such
    /// set: agreeing to `read` at one resource and to `write` at another is no consent to `write`
    /// at the first.
    pub resources: Vec<String>,
    /// The scopes agreed to; a new consent about the same resources adds to an older one.
    pub scopes: Vec<String>,
    /// When.
    pub granted_at: OffsetDateTime,
}

/// An interaction whose sealed state is too large for a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredInteraction {
    /// Its id.
    pub interaction_id: String,
    /// The sealed state.
    pub state: Sealed,
    /// From when on it is over.
    pub expires_at: OffsetDateTime,
}

/// An interaction to be kept: anybody can begin one, so there is a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveInteraction {
    /// The interaction.
    pub interaction: StoredInteraction,
    /// The network it came from.
    pub network: String,
    /// How often one network may.
    pub per_network: RateLimit,
    /// How often all together may.
    pub in_all: RateLimit,
    /// Now.
    pub now: OffsetDateTime,
}

/// How keeping an interaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InteractionSave {
    /// It is kept.
    Saved,
    /// A limit is reached; only the attempt was counted.
    Limited {
        /// When the limit's window is over.
        until: OffsetDateTime,
    },
}

/// An entry of the log by which every node learns what access tokens are revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Its place in the log.
    pub sequence: i64,
    /// What is revoked.
    pub target: RevocationTarget,
    /// From when on no token could still be alive, so that it can be forgotten.
    pub expires_at: OffsetDateTime,
}

/// What is revoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RevocationTarget {
    /// All access tokens of a grant.
    Grant(Uuid),
    /// One access token, by its `jti`.
    Token(String),
}

/// Transitions of the authorization server.
#[async_trait]
pub trait ProviderStore: std::fmt::Debug + Send + Sync + 'static {
    /// The client with this id.
    async fn client(&self, issuer: &IssuerId, client_id: &str) -> Result<Option<StoredClient>>;

    /// Writes a client, in place of an older one with the same id.
    async fn save_client(&self, issuer: &IssuerId, client: &StoredClient) -> Result<()>;

    /// All signing keys, oldest first.
    async fn signing_keys(&self, issuer: &IssuerId) -> Result<Vec<StoredKey>>;

    /// Writes the first signing key of each algorithm that has none; of several nodes that start
    /// at once exactly one writes each. Answers all keys there are afterwards.
    async fn ensure_signing_keys(
        &self,
        issuer: &IssuerId,
        keys: &[StoredKey],
    ) -> Result<Vec<StoredKey>>;

    /// Writes one more signing key.
    async fn add_signing_key(&self, issuer: &IssuerId, key: &StoredKey) -> Result<()>;

    /// Counts a wrong secret of a client from a network; answers how many there were in the window.
    async fn count_client_failure(
        &self,
        issuer: &IssuerId,
        client_id: &str,
        network: &str,
        limit: RateLimit,
        now: OffsetDateTime,
    ) -> Result<LimitCount>;

    /// What a user agreed to let a client do with exactly these resources (sorted, each once).
    async fn consent(
        &self,
        issuer: &IssuerId,
        subject: &UserId,
        client_id: &str,
        resources: &[String],
    ) -> Result<Option<Consent>>;

    /// Keeps the state of an interaction that is too large for a cookie, if neither its network nor
    /// all together have kept too many. What its network's limit refuses does not count for all.
    async fn save_interaction(
        &self,
        issuer: &IssuerId,
        save: &SaveInteraction,
    ) -> Result<InteractionSave>;

    /// The state of an interaction, while it lasts.
    async fn load_interaction(
        &self,
        issuer: &IssuerId,
        interaction_id: &str,
        now: OffsetDateTime,
    ) -> Result<Option<StoredInteraction>>;

    /// Writes a code, its grant and the consent, unless the interaction already yielded one.
    /// If the grant rests on a session of this store, that says where the user logged in
    /// ([`Authentication::login_path`]), whatever the grant says.
    async fn issue_code(&self, issuer: &IssuerId, code: &NewCode) -> Result<CodeIssue>;

    /// What a code stands for, even one that was redeemed or is over; `None` if it was swept.
    async fn load_code(&self, issuer: &IssuerId, code: &TokenHash) -> Result<Option<StoredCode>>;

    /// Redeems a code; of two callers exactly one does, and the other revokes the grant. A code
    /// whose login ended after it was issued is not redeemed, even if the event is not applied
    /// yet; nor is one whose login is let in no more where single sign-on is enforced
    /// ([`SsoStore`](super::SsoStore)), however late it was.
    async fn redeem_code(&self, issuer: &IssuerId, redeem: &RedeemCode) -> Result<CodeRedemption>;

    /// What a refresh token stands for, even one that was rotated or is over.
    async fn load_refresh(
        &self,
        issuer: &IssuerId,
        token: &TokenHash,
    ) -> Result<Option<StoredRefreshToken>>;

    /// Rotates a refresh token; of two callers exactly one does. The other gets the same
    /// successor within the grace window; outside it, or once the successor was used, the grant
    /// is revoked. A token whose login ended, or is let in no more, is neither rotated nor repeated,
    /// even if the event is not applied yet.
    async fn rotate_refresh(
        &self,
        issuer: &IssuerId,
        rotate: &RotateRefresh,
    ) -> Result<RefreshRotation>;

    /// Revokes a grant with all its tokens; `false` if it already was, or never existed.
    async fn revoke_grant(
        &self,
        issuer: &IssuerId,
        grant: Uuid,
        now: OffsetDateTime,
        revocation_expires_at: OffsetDateTime,
    ) -> Result<bool>;

    /// Revokes one access token by its `jti`.
    async fn revoke_access_token(
        &self,
        issuer: &IssuerId,
        jti: &str,
        expires_at: OffsetDateTime,
    ) -> Result<()>;

    /// At most `limit` entries of the revocation log after a place in it, oldest first.
    async fn revocations(
        &self,
        issuer: &IssuerId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Revocation>>;

    /// Uses up a client assertion outside a token request; `false` if it was used before.
    async fn consume_client_assertion(
        &self,
        issuer: &IssuerId,
        assertion: &ClientAssertionUse,
        now: OffsetDateTime,
    ) -> Result<bool>;

    /// Reads at most `limit` session events after this issuer's cursor, revokes the grants that
    /// end with them, and moves the cursor: all in one. Answers how many events were read.
    ///
    /// An issuer has a cursor from its first call on, before the oldest event there is then; so it
    /// must call before it issues its first code. What lies before a cursor may be
    /// [swept](super::SessionStore::sweep_session_events).
    ///
    /// The end of a session ends its grants without offline access; an end that
    /// [reaches offline access](crate::scope::SessionEnd::ends_offline_access) ends all grants of
    /// the user that rest on a login before it; that of [single
    /// sign-on](crate::scope::SessionEnd::SingleSignOn) also those by a login after it that is let in
    /// no more, since it was under way.
    async fn apply_session_events(
        &self,
        issuer: &IssuerId,
        limit: u32,
        now: OffsetDateTime,
        revocation_expires_at: OffsetDateTime,
    ) -> Result<u32>;

    /// Removes rows that are over, of all issuers, at most `limit` of each kind; answers how many.
    /// What is over: grants that can yield no token any more (with their codes and tokens),
    /// refresh tokens, sealed successors an hour old, interactions, assertions, revocations, and
    /// the windows of limits.
    async fn sweep_provider(&self, now: OffsetDateTime, limit: u32) -> Result<u64>;
}
