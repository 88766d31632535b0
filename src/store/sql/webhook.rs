//! How both backends read webhooks.

use serde_json::{Map, Value};
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::account::user_id;
use super::convert::time;
use crate::crypto::Sealed;
use crate::scope::OrganizationId;
use crate::store::{
    Result, StoreError, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEndpointId,
    WebhookEvent, WebhookOutcome, WebhookRecord, WebhookState,
};

/// `id, url, event_types, secrets, organization_id, enabled, created_at` of an endpoint.
pub(super) type EndpointRow = (Uuid, String, Json<Vec<String>>, Vec<u8>, Option<Uuid>, bool, i64);

/// `id, type, action, at, user_id, subject_kind, subject_id, organization_id, actor_kind, actor_id,
/// payload` of an event.
type EventRow = (
    Uuid,
    String,
    String,
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<Uuid>,
    Option<String>,
    Option<String>,
    Payload,
);

/// What the host tells of an event of its own.
type Payload = Option<Json<Map<String, Value>>>;

/// An event; `id, url, secrets` of the endpoint; `attempts, spent` of the delivery.
pub(super) type ClaimedRow = (
    Uuid,
    String,
    String,
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<Uuid>,
    Option<String>,
    Option<String>,
    Payload,
    Uuid,
    String,
    Vec<u8>,
    i64,
    i64,
);

/// An event; `endpoint_id, state, attempts, due_at` of the delivery.
pub(super) type RecordRow = (
    Uuid,
    String,
    String,
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<Uuid>,
    Option<String>,
    Option<String>,
    Payload,
    Uuid,
    String,
    i64,
    Option<i64>,
);

/// `number, at, status, fault` of an attempt.
pub(super) type AttemptRow = (i64, i64, Option<i64>, Option<String>);

pub(super) const FIND_ENDPOINT: &str = "SELECT id, url, event_types, secrets, organization_id, \
     enabled, created_at FROM donjon_webhook_endpoints WHERE id = $1";

pub(super) const ENDPOINTS: &str = "SELECT id, url, event_types, secrets, organization_id, \
     enabled, created_at FROM donjon_webhook_endpoints \
     WHERE (organization_id = $1 OR ($1 IS NULL AND organization_id IS NULL)) \
     ORDER BY id DESC LIMIT $2";

pub(super) const RECORDS: &str = "SELECT v.id, v.type, v.action, v.at, v.user_id, v.subject_kind, \
     v.subject_id, v.organization_id, v.actor_kind, v.actor_id, v.payload, d.endpoint_id, d.state, \
     d.attempts, d.due_at FROM donjon_webhook_deliveries d \
     JOIN donjon_webhook_events v ON v.id = d.event_id \
     WHERE d.endpoint_id = $1 AND d.state = $2 AND v.at < $3 \
     ORDER BY v.at DESC, v.id DESC LIMIT $4";

pub(super) const ATTEMPTS: &str = "SELECT number, at, status, fault FROM donjon_webhook_attempts \
     WHERE endpoint_id = $1 AND event_id = $2 ORDER BY number";

pub(super) fn endpoint(row: EndpointRow) -> Result<WebhookEndpoint> {
    let (id, url, Json(event_types), secrets, organization, enabled, created_at) = row;
    Ok(WebhookEndpoint {
        id: WebhookEndpointId(id),
        url,
        event_types,
        secrets: Sealed::from_bytes(secrets),
        organization: organization.map(OrganizationId),
        enabled,
        created_at: time(created_at)?,
    })
}

fn event(row: EventRow) -> Result<WebhookEvent> {
    let (id, event_type, action, at, user, kind, subject, organization, actor_kind, actor, payload) =
        row;
    Ok(WebhookEvent {
        id,
        event_type,
        action,
        at: time(at)?,
        user: user.map(user_id).transpose()?,
        subject: kind.zip(subject),
        organization: organization.map(OrganizationId),
        actor: actor_kind.map(|kind| (kind, actor)),
        payload: payload.map(|Json(payload)| payload),
    })
}

pub(super) fn claimed(row: ClaimedRow) -> Result<WebhookDelivery> {
    let (
        id,
        event_type,
        action,
        at,
        user,
        kind,
        subject,
        organization,
        actor_kind,
        actor,
        payload,
        ..,
    ) = row;
    let (.., endpoint, url, secrets, attempts, spent) = row;
    Ok(WebhookDelivery {
        event: event((
            id,
            event_type,
            action,
            at,
            user,
            kind,
            subject,
            organization,
            actor_kind,
            actor,
            payload,
        ))?,
        endpoint: WebhookEndpointId(endpoint),
        url,
        secrets: Sealed::from_bytes(secrets),
        attempt: count(attempts),
        attempt_of_round: count(attempts - spent),
    })
}

pub(super) fn record(row: RecordRow) -> Result<WebhookRecord> {
    let (
        id,
        event_type,
        action,
        at,
        user,
        kind,
        subject,
        organization,
        actor_kind,
        actor,
        payload,
        ..,
    ) = row;
    let (.., endpoint, state, attempts, due_at) = row;
    let state = WebhookState::ALL.into_iter().find(|known| known.as_str() == state);
    Ok(WebhookRecord {
        event: event((
            id,
            event_type,
            action,
            at,
            user,
            kind,
            subject,
            organization,
            actor_kind,
            actor,
            payload,
        ))?,
        endpoint: WebhookEndpointId(endpoint),
        state: state.ok_or(StoreError::Corrupt("the state of a webhook"))?,
        attempts: count(attempts),
        due_at: due_at.map(time).transpose()?,
    })
}

pub(super) fn attempt((number, at, status, fault): AttemptRow) -> Result<WebhookAttempt> {
    let status = status.and_then(|status| u16::try_from(status).ok());
    Ok(WebhookAttempt { number: count(number), at: time(at)?, status, fault })
}

fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Writes an event of the host's own, if an endpoint asks for it. Each backend has a way of its own to
/// look for its type, `$2`, among those that an endpoint asked for.
macro_rules! emit {
    ($asks:literal) => {
        concat!(
            "INSERT INTO donjon_webhook_events (id, type, action, at, user_id, subject_kind,
                 subject_id, organization_id, actor_kind, actor_id, payload)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 WHERE EXISTS (
                 SELECT 1 FROM donjon_webhook_endpoints e WHERE e.enabled AND ",
            $asks,
            " AND (e.organization_id IS NULL OR e.organization_id = $8))
             ON CONFLICT (id) DO NOTHING"
        )
    };
}
pub(super) use emit;

/// Binds what [`emit`] asks for.
macro_rules! bind_event {
    ($query:expr, $event:expr) => {{
        let event = &$event;
        $query
            .bind(event.id)
            .bind(event.event_type.clone())
            .bind(event.action.clone())
            .bind($crate::store::sql::convert::micros(event.at))
            .bind(event.user.as_ref().map(|user| user.as_str().to_owned()))
            .bind(event.subject.as_ref().map(|(kind, _)| kind.clone()))
            .bind(event.subject.as_ref().map(|(_, id)| id.clone()))
            .bind(event.organization.map(|id| id.0))
            .bind(event.actor.as_ref().map(|(kind, _)| kind.clone()))
            .bind(event.actor.as_ref().and_then(|(_, id)| id.clone()))
            .bind(event.payload.clone().map(sqlx::types::Json))
    }};
}
pub(super) use bind_event;

/// The state of a delivery after an attempt, and when it is due.
pub(super) fn after(outcome: WebhookOutcome) -> (WebhookState, Option<OffsetDateTime>) {
    match outcome {
        WebhookOutcome::Delivered => (WebhookState::Delivered, None),
        WebhookOutcome::Retry { at } => (WebhookState::Waiting, Some(at)),
        WebhookOutcome::Dead | WebhookOutcome::Gone => (WebhookState::Dead, None),
    }
}
