use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{EventType, HostEvent, WebhookSecret};
use crate::audit::{Action, AuditActor, Entry};
use crate::crypto::{
    Clock, Keyring, Purpose, Random, RandomExt as _, Sealed, SystemClock, SystemRandom,
};
use crate::http::is_fetchable;
use crate::scope::{OrganizationId, storable_fields};
use crate::store::{
    Effects, StoreError, WebhookAttempt, WebhookEndpoint, WebhookEndpointId, WebhookEvent,
    WebhookRecord, WebhookState, WebhookStore,
};

const PURPOSE: Purpose = Purpose::new("delivery/webhook-secrets");
/// Secrets that sign at the same time.
const MAX_SECRETS: usize = 3;
/// The longest address, in bytes.
const MAX_URL: usize = 2048;
/// The most endpoints, deliveries or events of one list.
const PAGE: u32 = 200;

/// Who is told of what happens: the endpoints, for the host's own code. Cheap to clone.
///
/// An event is written in the transaction that it tells of, for each endpoint that asked for it; a
/// [`WebhookWorker`](super::WebhookWorker) sees it off.
#[derive(Clone, Debug)]
#[must_use]
pub struct WebhookEndpoints {
    store: Arc<dyn WebhookStore>,
    keyring: Keyring,
    actor: AuditActor,
    browser: (Option<IpAddr>, Option<String>),
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// Why an endpoint cannot be like that, or was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The address is not one that may be posted to: https, with a host, without user, password and
    /// fragment, at most 2048 bytes.
    #[error(
        "an endpoint is an https URL of at most 2048 bytes, without user, password and fragment"
    )]
    Url,
    /// It asks for no event.
    #[error("an endpoint asks for one or more types of events")]
    NoEvents,
    /// There is no such endpoint.
    #[error("there is no such endpoint")]
    NotFound,
    /// Several secrets sign already: wait until one of them is over.
    #[error("three secrets sign already; wait until the oldest is over")]
    TooManySecrets,
    /// Somebody else rotates the secret at this moment.
    #[error("the secret was rotated by somebody else at this moment")]
    Conflict,
    /// The keyring does not open what is stored.
    #[error("the endpoint's secrets do not open with this keyring")]
    Sealed,
    /// The store's fault; nothing changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A secret as it is sealed: until when it signs, the present one for ever.
#[derive(Serialize, Deserialize)]
struct Kept {
    secret: String,
    #[serde(with = "time::serde::timestamp::microseconds::option")]
    until: Option<OffsetDateTime>,
}

impl WebhookEndpoints {
    /// The endpoints of this store, whose secrets are sealed with `keyring`.
    pub fn new(store: impl Into<Arc<dyn WebhookStore>>, keyring: &Keyring) -> Self {
        Self {
            store: store.into(),
            keyring: keyring.clone(),
            actor: AuditActor::System,
            browser: (None, None),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }

    /// The same, in the hands of whom the audit log is to name; else it says `system`.
    pub fn by(mut self, actor: AuditActor) -> Self {
        self.actor = actor;
        self
    }

    /// The same, at the request of a browser at this address that calls itself so: for the audit log.
    pub fn requested_from(mut self, address: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        self.browser = (address, user_agent.map(str::to_owned));
        self
    }

    /// Another clock; for tests.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Another source of randomness; for tests.
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Makes an endpoint, enabled, which is told of these events from now on: those of one
    /// organization, or of all. Answers its secret, to be handed to the receiver.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub async fn create(
        &self,
        url: &str,
        events: &[EventType],
        organization: Option<OrganizationId>,
    ) -> Result<(WebhookEndpoint, WebhookSecret), EndpointError> {
        let (url, event_types) = checked(url, events)?;
        let now = self.clock.now();
        let id = WebhookEndpointId(self.random.uuid_v7(now));
        let secret = WebhookSecret::generate(&*self.random);
        let kept = [Kept { secret: secret.expose(), until: None }];
        let secrets = self.seal(id, &kept);
        let endpoint = WebhookEndpoint {
            id,
            url,
            event_types,
            secrets,
            organization,
            enabled: true,
            created_at: now,
        };
        let entry = self.entry(Action::CREATE_WEBHOOK, &endpoint);
        let entry = entry.with("url", endpoint.url.as_str());
        let along = self.effects(entry.with("events", endpoint.event_types.clone()));
        self.store.create_webhook_endpoint(&endpoint, &along).await?;
        along.announce();
        Ok((endpoint, secret))
    }

    /// The endpoints of an organization, or those that belong to none, newest first; at most 200.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn of(
        &self,
        organization: Option<OrganizationId>,
    ) -> Result<Vec<WebhookEndpoint>, StoreError> {
        self.store.webhook_endpoints(organization, PAGE).await
    }

    /// The endpoint with this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, id: WebhookEndpointId) -> Result<Option<WebhookEndpoint>, StoreError> {
        self.store.find_webhook_endpoint(id).await
    }

    /// Sends an endpoint's events elsewhere, or others. What is on its way goes to the new address.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub async fn change(
        &self,
        id: WebhookEndpointId,
        url: &str,
        events: &[EventType],
    ) -> Result<(), EndpointError> {
        let (url, types) = checked(url, events)?;
        let endpoint = self.find(id).await?.ok_or(EndpointError::NotFound)?;
        let entry = self.entry(Action::CHANGE_WEBHOOK, &endpoint).with("url", url.as_str());
        let along = self.effects(entry.with("events", types.clone()));
        let changed = self.store.change_webhook_endpoint(id, &url, &types, &along).await?;
        told(changed, &along).ok_or(EndpointError::NotFound)
    }

    /// Enables an endpoint, as after it was repaired. `false` if it is enabled, or there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enable(&self, id: WebhookEndpointId) -> Result<bool, StoreError> {
        let Some(endpoint) = self.find(id).await? else { return Ok(false) };
        let along = self.effects(self.entry(Action::ENABLE_WEBHOOK, &endpoint));
        let changed = self.store.enable_webhook_endpoint(id, true, &along).await?;
        Ok(told(changed, &along).is_some())
    }

    /// Disables an endpoint: no event is written for it, and what is on its way waits until it is
    /// enabled again. `false` if it is disabled, or there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn disable(&self, id: WebhookEndpointId) -> Result<bool, StoreError> {
        let Some(endpoint) = self.find(id).await? else { return Ok(false) };
        let along = self.effects(self.entry(Action::DISABLE_WEBHOOK, &endpoint));
        let changed = self.store.enable_webhook_endpoint(id, false, &along).await?;
        Ok(told(changed, &along).is_some())
    }

    /// Removes an endpoint, with what is on its way there. `false` if there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(&self, id: WebhookEndpointId) -> Result<bool, StoreError> {
        let Some(endpoint) = self.find(id).await? else { return Ok(false) };
        let along = self.effects(self.entry(Action::DELETE_WEBHOOK, &endpoint));
        let changed = self.store.delete_webhook_endpoint(id, &along).await?;
        Ok(told(changed, &along).is_some())
    }

    /// Makes a new secret, and lets the old ones sign beside it for `overlap`: until then a receiver
    /// may know either. Answers the new one.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub async fn rotate_secret(
        &self,
        id: WebhookEndpointId,
        overlap: Duration,
    ) -> Result<WebhookSecret, EndpointError> {
        let now = self.clock.now();
        let endpoint = self.find(id).await?.ok_or(EndpointError::NotFound)?;
        let mut kept = open(&self.keyring, id, &endpoint.secrets).ok_or(EndpointError::Sealed)?;
        for old in &mut kept {
            let end = now.saturating_add(overlap);
            old.until = Some(old.until.map_or(end, |until| until.min(end)));
        }
        kept.retain(|old| old.until.is_some_and(|until| now < until));
        if kept.len() >= MAX_SECRETS {
            return Err(EndpointError::TooManySecrets);
        }
        let secret = WebhookSecret::generate(&*self.random);
        kept.insert(0, Kept { secret: secret.expose(), until: None });
        let next = self.seal(id, &kept);
        let along = self.effects(self.entry(Action::ROTATE_WEBHOOK_SECRET, &endpoint));
        let replaced =
            self.store.replace_webhook_secrets(id, &endpoint.secrets, &next, &along).await?;
        told(replaced, &along).ok_or(EndpointError::Conflict)?;
        Ok(secret)
    }

    /// The deliveries to an endpoint in this state, the newest events first, those before `before`;
    /// at most 200.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn deliveries(
        &self,
        id: WebhookEndpointId,
        state: WebhookState,
        before: Option<OffsetDateTime>,
    ) -> Result<Vec<WebhookRecord>, StoreError> {
        self.store.webhook_deliveries(id, state, before, PAGE).await
    }

    /// How each attempt to deliver an event went, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn attempts(
        &self,
        id: WebhookEndpointId,
        event: Uuid,
    ) -> Result<Vec<WebhookAttempt>, StoreError> {
        self.store.webhook_attempts(id, event).await
    }

    /// Sends an event that arrived or was given up again. It is the same message with the same id: a
    /// receiver that remembers ids, as it should, does nothing twice. `false` if it is on its way
    /// already, or there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replay(&self, id: WebhookEndpointId, event: Uuid) -> Result<bool, StoreError> {
        let Some(endpoint) = self.find(id).await? else { return Ok(false) };
        let entry = self.entry(Action::REPLAY_WEBHOOK, &endpoint);
        let along = self.effects(entry.with("event", event.to_string()));
        let replayed = self.store.replay_webhook(id, event, self.clock.now(), &along).await?;
        Ok(told(replayed, &along).is_some())
    }

    /// Tells of something of the host's own: the event is written for each endpoint that asked for
    /// its type, and a worker sees it off. `false` if none did, or an event with its id was written
    /// before: of callers who emit the same id exactly one is told `true`.
    ///
    /// The event is in a transaction of its own. A host that must not lose one when it dies in
    /// between notes it in the transaction that it tells of, and emits it afterwards, as often as it
    /// likes, under one id ([`HostEvent::with_id`]).
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use donjon::crypto::{Keyring, SystemRandom};
    /// # use donjon::store::SqlStore;
    /// # let store = SqlStore::connect("sqlite::memory:").await?;
    /// # let keyring = Keyring::ephemeral(&SystemRandom);
    /// use donjon::delivery::webhook::{EventType, HostEvent, WebhookEndpoints};
    ///
    /// let endpoints = WebhookEndpoints::new(&store, &keyring);
    /// let events = [EventType::UserCreated, EventType::host("invoice.paid")?];
    /// endpoints.create("https://crm.example/hooks", &events, None).await?;
    ///
    /// let paid = HostEvent::new("invoice.paid", &serde_json::json!({ "invoice": 17 }))?;
    /// assert!(endpoints.emit(paid).await?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn emit(&self, event: HostEvent) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let HostEvent { name, payload, id, user, organization } = event;
        let actor = self.actor.id().map(|id| id.as_str().to_owned());
        let event = WebhookEvent {
            id: id.unwrap_or_else(|| self.random.uuid_v7(now)),
            event_type: name.as_str().to_owned(),
            action: name.as_str().to_owned(),
            at: now,
            user,
            subject: None,
            organization,
            actor: Some((self.actor.kind().to_owned(), actor)),
            payload: Some(storable_fields(payload)),
        };
        self.store.emit_webhook(&event).await
    }

    /// Removes events older than `before` that nobody waits for any more, with their ledgers, in
    /// bounded batches, as a worker does by itself ([`WebhookWorker::keep_for`]). Who waits at an
    /// endpoint that is disabled does not count. Answers how many went.
    ///
    /// [`WebhookWorker::keep_for`]: super::WebhookWorker::keep_for
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        let mut all = 0;
        loop {
            match self.store.sweep_webhooks(before, PAGE).await? {
                0 => return Ok(all),
                some => all += some,
            }
        }
    }

    /// An entry about an endpoint, for the eyes of the organization that it belongs to, too.
    fn entry(&self, action: Action, endpoint: &WebhookEndpoint) -> Entry {
        let (address, user_agent) = &self.browser;
        let entry = Entry::new(action).by(self.actor.clone()).to("webhook_endpoint", endpoint.id);
        let entry = entry.from(*address, user_agent.as_deref());
        match endpoint.organization {
            Some(id) => entry.in_organization(id),
            None => entry,
        }
    }

    fn effects(&self, entry: Entry) -> Effects {
        entry.at(self.clock.now(), &*self.random).into()
    }

    fn seal(&self, id: WebhookEndpointId, kept: &[Kept]) -> Sealed {
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(kept).unwrap_or_default());
        self.keyring.seal(&*self.random, PURPOSE, id.0.as_bytes(), &plain)
    }
}

/// The secrets that sign now, the present one first.
pub(super) fn live_secrets(
    keyring: &Keyring,
    id: WebhookEndpointId,
    sealed: &Sealed,
    now: OffsetDateTime,
) -> Option<Vec<WebhookSecret>> {
    let kept = open(keyring, id, sealed)?;
    let live = kept.into_iter().filter(|kept| kept.until.is_none_or(|until| now < until));
    live.map(|kept| kept.secret.parse().ok()).collect()
}

fn open(keyring: &Keyring, id: WebhookEndpointId, sealed: &Sealed) -> Option<Vec<Kept>> {
    let plain = keyring.open(PURPOSE, id.0.as_bytes(), sealed).ok()?;
    serde_json::from_slice(&plain).ok()
}

fn checked(url: &str, events: &[EventType]) -> Result<(String, Vec<String>), EndpointError> {
    if url.len() > MAX_URL || !is_fetchable(url) {
        return Err(EndpointError::Url);
    }
    let types: BTreeSet<&str> = events.iter().map(|event| event.as_str()).collect();
    if types.is_empty() {
        return Err(EndpointError::NoEvents);
    }
    Ok((url.to_owned(), types.into_iter().map(str::to_owned).collect()))
}

/// Tells of a change that was made.
fn told(changed: bool, along: &Effects) -> Option<()> {
    changed.then(|| along.announce())
}
