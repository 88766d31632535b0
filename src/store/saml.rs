use async_trait::async_trait;
use time::OffsetDateTime;

use super::{LimitUse, Result};
use crate::crypto::{Sealed, TokenHash};

/// A login request that was sent to an identity provider, and waits for its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginIntent {
    /// The hash of the RelayState handle.
    pub relay_state: TokenHash,
    /// The AuthnRequest's ID.
    pub request_id: String,
    /// The connection it was sent over.
    pub connection_id: String,
    /// The hash of the secret in the cookie of the browser that began.
    pub browser: TokenHash,
    /// The local path to go to afterwards.
    pub return_to: String,
    /// When it was sent, if it told the identity provider to have the user prove anew who they are.
    pub forced_at: Option<OffsetDateTime>,
    /// From when on a response comes too late.
    pub expires_at: OffsetDateTime,
}

/// How it ended to write an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentSave {
    /// It is written.
    Saved,
    /// Too many in a window; nothing is written.
    Limited {
        /// When the window ends.
        until: OffsetDateTime,
    },
}

/// A message that a browser brought by a cross-site POST, kept until the same browser fetches the
/// result by a same-site GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedMessage {
    /// The hash of the handle in the GET's address.
    pub handle: TokenHash,
    /// The message, sealed.
    pub message: Sealed,
    /// From when on it is gone.
    pub expires_at: OffsetDateTime,
}

/// What is used up by a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionUse {
    /// The intent it answers.
    pub relay_state: TokenHash,
    /// The keys under which response and assertion are remembered, so that neither comes twice.
    pub replay_keys: Vec<TokenHash>,
    /// Until when they are remembered.
    pub keep_until: OffsetDateTime,
}

/// How using an assertion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionConsumption {
    /// It was used now: the login may go on.
    Consumed,
    /// It was used before.
    Replayed,
    /// Its intent was used before.
    IntentConsumed,
    /// Its intent is over.
    IntentExpired,
    /// There is no such intent.
    IntentUnknown,
}

/// Transitions of SAML logins.
#[async_trait]
pub trait SamlStore: std::fmt::Debug + Send + Sync + 'static {
    /// Counts the uses as [`LimitStore::count_uses`](super::LimitStore::count_uses) does, and writes
    /// an intent if none is over its limit.
    async fn save_intent(
        &self,
        intent: &LoginIntent,
        uses: &[LimitUse],
        now: OffsetDateTime,
    ) -> Result<IntentSave>;

    /// The intent behind a RelayState, used or not, over or not.
    async fn load_intent(&self, relay_state: &TokenHash) -> Result<Option<LoginIntent>>;

    /// Keeps a message under a handle.
    async fn park_message(&self, message: &ParkedMessage) -> Result<()>;

    /// Takes a message away; of two callers exactly one gets it.
    async fn take_message(
        &self,
        handle: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<ParkedMessage>>;

    /// Uses up the intent and remembers the replay keys, all in one: of two callers with the same
    /// response, or with two responses to the same request, exactly one gets
    /// [`AssertionConsumption::Consumed`]. On every other outcome nothing changed.
    async fn consume_assertion(
        &self,
        assertion: &AssertionUse,
        now: OffsetDateTime,
    ) -> Result<AssertionConsumption>;

    /// Removes at most `limit` intents, messages and replay keys that are over.
    async fn sweep_saml(&self, now: OffsetDateTime, limit: u32) -> Result<u64>;
}
