//! How both backends read webhooks.

use serde_json::{Map, Value};
use sqlx::types::Json;
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use time::OffsetDateTime;
use uuid::Uuid;

use super::account::user_id;
use super::convert::time;
use super::session::Columns;
use crate::crypto::Sealed;
use crate::scope::OrganizationId;
use crate::store::{
    Result, StoreError, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEndpointId,
    WebhookEvent, WebhookOutcome, WebhookRecord, WebhookState,
};

/// `id, url, event_types, secrets, organization_id, enabled, created_at` of an endpoint.
pub(super) type EndpointRow = (Uuid, String, Json<Vec<String>>, Vec<u8>, Option<Uuid>, bool, i64);

/// The columns of an event, which come first: `id, type, action, at, user_id, subject_kind,
/// subject_id, organization_id, actor_kind, actor_id, payload`.
struct EventRow {
    id: Uuid,
    event_type: String,
    action: String,
    at: i64,
    user: Option<String>,
    subject: (Option<String>, Option<String>),
    organization: Option<Uuid>,
    actor: (Option<String>, Option<String>),
    payload: Option<Json<Payload>>,
}

/// What the host tells of an event of its own.
type Payload = Map<String, Value>;

/// An event; `id, url, secrets` of the endpoint; `attempts, spent` of the delivery.
pub(super) struct ClaimedRow {
    event: EventRow,
    endpoint: (Uuid, String, Vec<u8>),
    attempts: i64,
    spent: i64,
}

/// An event; `endpoint_id, state, attempts, due_at` of the delivery.
pub(super) struct RecordRow {
    event: EventRow,
    endpoint: Uuid,
    state: String,
    attempts: i64,
    due_at: Option<i64>,
}

/// Reads rows that begin with an event, for both databases.
macro_rules! from_row {
    ($($row:ident: |$get:ident| $read:expr;)*) => {$(
        impl<'r, R> FromRow<'r, R> for $row
        where
            R: Row,
            usize: ColumnIndex<R>,
            Uuid: Decode<'r, R::Database> + Type<R::Database>,
            String: Decode<'r, R::Database> + Type<R::Database>,
            Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
            i64: Decode<'r, R::Database> + Type<R::Database>,
            Json<Payload>: Decode<'r, R::Database> + Type<R::Database>,
        {
            fn from_row(row: &'r R) -> sqlx::Result<Self> {
                let $get = Columns(row);
                $read
            }
        }
    )*};
}

from_row! {
    EventRow: |get| Ok(Self {
        id: get.at(0)?,
        event_type: get.at(1)?,
        action: get.at(2)?,
        at: get.at(3)?,
        user: get.at(4)?,
        subject: (get.at(5)?, get.at(6)?),
        organization: get.at(7)?,
        actor: (get.at(8)?, get.at(9)?),
        payload: get.at(10)?,
    });
    ClaimedRow: |get| Ok(Self {
        event: EventRow::from_row(get.0)?,
        endpoint: (get.at(11)?, get.at(12)?, get.at(13)?),
        attempts: get.at(14)?,
        spent: get.at(15)?,
    });
    RecordRow: |get| Ok(Self {
        event: EventRow::from_row(get.0)?,
        endpoint: get.at(11)?,
        state: get.at(12)?,
        attempts: get.at(13)?,
        due_at: get.at(14)?,
    });
}

/// `number, at, status, fault` of an attempt.
pub(super) type AttemptRow = (i64, i64, Option<i64>, Option<String>);

pub(super) const FIND_ENDPOINT: &str = "SELECT id, url, event_types, secrets, organization_id, \
     enabled, created_at FROM donjon_webhook_endpoints WHERE id = $1";

pub(super) const ENDPOINTS: &str = "SELECT id, url, event_types, secrets, organization_id, \
     enabled, created_at FROM donjon_webhook_endpoints \
     WHERE (organization_id = $1 OR ($1 IS NULL AND organization_id IS NULL)) \
     ORDER BY id DESC LIMIT $2";

/// The endpoints of organization `$1`, which has ended, are told of nothing more.
pub(super) const SILENCE: &str =
    "UPDATE donjon_webhook_endpoints SET enabled = FALSE WHERE organization_id = $1 AND enabled";

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
    let ((kind, subject), (actor_kind, actor)) = (row.subject, row.actor);
    Ok(WebhookEvent {
        id: row.id,
        event_type: row.event_type,
        action: row.action,
        at: time(row.at)?,
        user: row.user.map(user_id).transpose()?,
        subject: kind.zip(subject),
        organization: row.organization.map(OrganizationId),
        actor: actor_kind.map(|kind| (kind, actor)),
        payload: row.payload.map(|Json(payload)| payload),
    })
}

pub(super) fn claimed(row: ClaimedRow) -> Result<WebhookDelivery> {
    let (endpoint, url, secrets) = row.endpoint;
    Ok(WebhookDelivery {
        event: event(row.event)?,
        endpoint: WebhookEndpointId(endpoint),
        url,
        secrets: Sealed::from_bytes(secrets),
        attempt: count(row.attempts),
        attempt_of_round: count(row.attempts - row.spent),
    })
}

pub(super) fn record(row: RecordRow) -> Result<WebhookRecord> {
    let state = WebhookState::ALL.into_iter().find(|known| known.as_str() == row.state);
    Ok(WebhookRecord {
        event: event(row.event)?,
        endpoint: WebhookEndpointId(row.endpoint),
        state: state.ok_or(StoreError::Corrupt("the state of a webhook"))?,
        attempts: count(row.attempts),
        due_at: row.due_at.map(time).transpose()?,
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
