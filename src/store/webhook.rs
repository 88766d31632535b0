use async_trait::async_trait;
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Effects, Result};
use crate::crypto::Sealed;
use crate::scope::{OrganizationId, UserId};

/// The id of an endpoint: a UUIDv7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebhookEndpointId(pub Uuid);

impl std::fmt::Display for WebhookEndpointId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Where somebody wants to be told of what happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Its id.
    pub id: WebhookEndpointId,
    /// Where events are posted to.
    pub url: String,
    /// The types of events it is told of.
    pub event_types: Vec<String>,
    /// What they are signed with, sealed.
    pub secrets: Sealed,
    /// The organization whose events it is told of; `None` for those of all.
    pub organization: Option<OrganizationId>,
    /// Whether it is told of anything.
    pub enabled: bool,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookEvent {
    /// Its id, which stays the same however often it is sent.
    pub id: Uuid,
    /// Its type, such as `user.created`.
    pub event_type: String,
    /// What was done, as the audit log calls it; of a session that ended, why.
    pub action: String,
    /// When it happened.
    pub at: OffsetDateTime,
    /// The user it is about.
    pub user: Option<UserId>,
    /// The kind and the id of what it is about, besides a user.
    pub subject: Option<(String, String)>,
    /// The organization in which it happened.
    pub organization: Option<OrganizationId>,
    /// The kind of whoever did it, and their id if they have one.
    pub actor: Option<(String, Option<String>)>,
    /// What the host tells of it, if it is an event of the host's own.
    pub payload: Option<Map<String, Value>>,
}

/// An event that this worker has taken to an endpoint, and nobody else will before the lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// The event.
    pub event: WebhookEvent,
    /// Where it goes.
    pub endpoint: WebhookEndpointId,
    /// The endpoint's address.
    pub url: String,
    /// The endpoint's secrets, sealed.
    pub secrets: Sealed,
    /// How many times it was taken, this time included.
    pub attempt: u32,
    /// The same, since it was last sent again by hand.
    pub attempt_of_round: u32,
}

/// How an attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookAttempt {
    /// Which one it was, from 1. One whose worker died left nothing.
    pub number: u32,
    /// When it ended.
    pub at: OffsetDateTime,
    /// The status of the answer, if one came.
    pub status: Option<u16>,
    /// What went wrong, in one word, if none came.
    pub fault: Option<String>,
}

/// What becomes of a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookOutcome {
    /// It arrived.
    Delivered,
    /// It did not; try again then.
    Retry {
        /// When it is due again.
        at: OffsetDateTime,
    },
    /// It never will, unless somebody sends it again by hand.
    Dead,
    /// Nor will any other: the endpoint says that it is gone, and is disabled.
    Gone,
}

/// The state of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookState {
    /// It is on its way.
    Waiting,
    /// It arrived.
    Delivered,
    /// It was given up.
    Dead,
}

impl WebhookState {
    /// Every state there is.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::Dead];

    /// The name it is stored by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// A delivery as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRecord {
    /// The event.
    pub event: WebhookEvent,
    /// Where it goes.
    pub endpoint: WebhookEndpointId,
    /// What became of it.
    pub state: WebhookState,
    /// How many times it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub due_at: Option<OffsetDateTime>,
}

/// Transitions of webhooks. An event is written in the transition that it tells of, for each endpoint
/// that is enabled and asked for it: the audit log's entry, or the end of a session, is what makes
/// it. Nothing is written of what nobody asked for. Events of the host's own are written by
/// [`emit_webhook`](WebhookStore::emit_webhook).
#[async_trait]
pub trait WebhookStore: std::fmt::Debug + Send + Sync + 'static {
    /// Writes an endpoint.
    async fn create_webhook_endpoint(
        &self,
        endpoint: &WebhookEndpoint,
        along: &Effects,
    ) -> Result<()>;

    /// At most `limit` endpoints of an organization, or those that belong to none, newest first.
    async fn webhook_endpoints(
        &self,
        organization: Option<OrganizationId>,
        limit: u32,
    ) -> Result<Vec<WebhookEndpoint>>;

    /// The endpoint with this id.
    async fn find_webhook_endpoint(&self, id: WebhookEndpointId)
    -> Result<Option<WebhookEndpoint>>;

    /// Sends an endpoint's events elsewhere, or others, from now on. `false` if there is none.
    async fn change_webhook_endpoint(
        &self,
        id: WebhookEndpointId,
        url: &str,
        event_types: &[String],
        along: &Effects,
    ) -> Result<bool>;

    /// Enables or disables an endpoint. While it is disabled no event is written for it, and what is
    /// on its way waits. Of two callers who do the same exactly one is told `true`.
    async fn enable_webhook_endpoint(
        &self,
        id: WebhookEndpointId,
        enabled: bool,
        along: &Effects,
    ) -> Result<bool>;

    /// Replaces an endpoint's secrets, if they still are `current`: of two callers exactly one is told
    /// `true`.
    async fn replace_webhook_secrets(
        &self,
        id: WebhookEndpointId,
        current: &Sealed,
        next: &Sealed,
        along: &Effects,
    ) -> Result<bool>;

    /// Removes an endpoint, with everything that is on its way there. Of two callers exactly one is
    /// told `true`.
    async fn delete_webhook_endpoint(&self, id: WebhookEndpointId, along: &Effects)
    -> Result<bool>;

    /// Takes at most `limit` deliveries that are due, each for `lease`: if the worker dies, they are
    /// due again after it. No two workers take the same one. An endpoint that has `each` of them
    /// taken already gets none, and none gets more than `each` at once. Whoever has the fewest taken
    /// comes first, and then whoever waits longest, so that any number of endpoints that hang hold
    /// up nobody else. What it costs does not grow with what was delivered before.
    async fn claim_webhooks(
        &self,
        now: OffsetDateTime,
        lease: Duration,
        limit: u32,
        each: u32,
    ) -> Result<Vec<WebhookDelivery>>;

    /// Adds an attempt to the ledger, and notes what becomes of the delivery. What arrived has
    /// arrived; any other outcome counts only while this is the latest attempt. `along` is written
    /// if the endpoint is disabled by it.
    async fn finish_webhook(
        &self,
        delivery: &WebhookDelivery,
        attempt: &WebhookAttempt,
        outcome: WebhookOutcome,
        along: &Effects,
    ) -> Result<()>;

    /// Sends a delivery that arrived or was given up again, at once and with all its attempts anew. Of
    /// two callers exactly one is told `true`.
    async fn replay_webhook(
        &self,
        endpoint: WebhookEndpointId,
        event: Uuid,
        now: OffsetDateTime,
        along: &Effects,
    ) -> Result<bool>;

    /// At most `limit` deliveries to an endpoint in this state, the newest events first, those before
    /// `before`.
    async fn webhook_deliveries(
        &self,
        endpoint: WebhookEndpointId,
        state: WebhookState,
        before: Option<OffsetDateTime>,
        limit: u32,
    ) -> Result<Vec<WebhookRecord>>;

    /// The ledger of a delivery, oldest first.
    async fn webhook_attempts(
        &self,
        endpoint: WebhookEndpointId,
        event: Uuid,
    ) -> Result<Vec<WebhookAttempt>>;

    /// Writes an event of the host's own for each endpoint that is enabled and asked for its type.
    /// `false` if there is none, or an event with this id: of callers with the same id exactly one is
    /// told `true`.
    async fn emit_webhook(&self, event: &WebhookEvent) -> Result<bool>;

    /// Removes at most `limit` events that happened before `before` and that nobody waits for any
    /// more, with their deliveries and ledgers. What waits for an endpoint to be enabled again does
    /// not count. Answers how many were removed.
    async fn sweep_webhooks(&self, before: OffsetDateTime, limit: u32) -> Result<u64>;
}
