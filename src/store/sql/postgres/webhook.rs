use async_trait::async_trait;
use sqlx::types::Json;
use sqlx::{query, query_as, query_scalar};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::PostgresStore;
use super::audit::{along, effects};
use super::sweep::sweep;
use crate::crypto::Sealed;
use crate::scope::OrganizationId;
use crate::store::sql::convert::micros;
use crate::store::sql::webhook::{
    ATTEMPTS, AttemptRow, ClaimedRow, ENDPOINTS, EndpointRow, FIND_ENDPOINT, RECORDS, RecordRow,
    after, attempt, bind_event, claimed, emit, endpoint, record,
};
use crate::store::{
    Effects, Result, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEndpointId,
    WebhookEvent, WebhookOutcome, WebhookRecord, WebhookState, WebhookStore,
};

/// A change of one row, and what goes along with it: parameter `$n`. Answers whether it was made.
macro_rules! changing {
    ($change:literal, $n:literal) => {
        concat!(
            "WITH done AS (",
            $change,
            " RETURNING NULL::text AS user_id), ",
            along!("done", $n),
            " SELECT EXISTS (SELECT 1 FROM done)",
        )
    };
}

/// Takes what is due, of each endpoint as many as make `$4` with those that are taken already, from
/// whoever has the fewest taken. More are looked at than are taken: what another worker takes at the
/// same moment is passed by.
const CLAIM: &str = "WITH busy AS MATERIALIZED (
         SELECT e.id, (SELECT count(*) FROM donjon_webhook_deliveries f
             WHERE f.endpoint_id = e.id AND f.leased_until > $1) AS taken
         FROM donjon_webhook_endpoints e WHERE e.enabled
     ), candidates AS MATERIALIZED (
         SELECT d.event_id, d.endpoint_id, d.due_at, busy.taken + d.place AS place
         FROM busy CROSS JOIN LATERAL (
             SELECT w.event_id, w.endpoint_id, w.due_at,
                 row_number() OVER (ORDER BY w.due_at) AS place
             FROM donjon_webhook_deliveries w WHERE w.endpoint_id = busy.id AND w.due_at <= $1
             ORDER BY w.due_at LIMIT greatest($4 - busy.taken, 0)
         ) d ORDER BY place, d.due_at LIMIT $3 * 4
     ), due AS MATERIALIZED (
         SELECT w.event_id, w.endpoint_id FROM candidates c JOIN donjon_webhook_deliveries w
             ON w.event_id = c.event_id AND w.endpoint_id = c.endpoint_id
         WHERE w.due_at <= $1 ORDER BY c.place, c.due_at LIMIT $3 FOR UPDATE OF w SKIP LOCKED
     )
     UPDATE donjon_webhook_deliveries d
     SET due_at = $2, leased_until = $2, attempts = d.attempts + 1
     FROM due, donjon_webhook_events v, donjon_webhook_endpoints e
     WHERE d.event_id = due.event_id AND d.endpoint_id = due.endpoint_id
       AND v.id = d.event_id AND e.id = d.endpoint_id
     RETURNING v.id, v.type, v.action, v.at, v.user_id, v.subject_kind, v.subject_id,
         v.organization_id, v.actor_kind, v.actor_id, v.payload, e.id, e.url, e.secrets, d.attempts,
         d.spent";

const FINISH: &str = concat!(
    "WITH noted AS (
         INSERT INTO donjon_webhook_attempts (event_id, endpoint_id, number, at, status, fault)
         SELECT event_id, endpoint_id, $3, $4, $5, $6 FROM donjon_webhook_deliveries
         WHERE event_id = $1 AND endpoint_id = $2 ON CONFLICT DO NOTHING
     ), finished AS (
         UPDATE donjon_webhook_deliveries SET state = $8, due_at = $9, leased_until = NULL
         WHERE event_id = $1 AND endpoint_id = $2 AND (attempts = $7 OR $8 = 'delivered')
         RETURNING endpoint_id
     ), done AS (
         UPDATE donjon_webhook_endpoints e SET enabled = FALSE FROM finished
         WHERE e.id = finished.endpoint_id AND e.enabled AND $10
         RETURNING NULL::text AS user_id
     ), ",
    along!("done", "$11"),
    " SELECT 1",
);

#[async_trait]
impl WebhookStore for PostgresStore {
    async fn create_webhook_endpoint(
        &self,
        endpoint: &WebhookEndpoint,
        along: &Effects,
    ) -> Result<()> {
        query(changing!(
            "INSERT INTO donjon_webhook_endpoints
                 (id, url, event_types, secrets, organization_id, enabled, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            "$8"
        ))
        .bind(endpoint.id.0)
        .bind(&endpoint.url)
        .bind(Json(&endpoint.event_types))
        .bind(endpoint.secrets.as_bytes())
        .bind(endpoint.organization.map(|id| id.0))
        .bind(endpoint.enabled)
        .bind(micros(endpoint.created_at))
        .bind(effects(along))
        .execute(self.pool())
        .await?;
        Ok(())
    }

    async fn webhook_endpoints(
        &self,
        organization: Option<OrganizationId>,
        limit: u32,
    ) -> Result<Vec<WebhookEndpoint>> {
        let rows: Vec<EndpointRow> = query_as(ENDPOINTS)
            .bind(organization.map(|id| id.0))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(endpoint).collect()
    }

    async fn find_webhook_endpoint(
        &self,
        id: WebhookEndpointId,
    ) -> Result<Option<WebhookEndpoint>> {
        let row: Option<EndpointRow> =
            query_as(FIND_ENDPOINT).bind(id.0).fetch_optional(self.pool()).await?;
        row.map(endpoint).transpose()
    }

    async fn change_webhook_endpoint(
        &self,
        id: WebhookEndpointId,
        url: &str,
        event_types: &[String],
        along: &Effects,
    ) -> Result<bool> {
        let changed = query_scalar(changing!(
            "UPDATE donjon_webhook_endpoints SET url = $2, event_types = $3 WHERE id = $1",
            "$4"
        ))
        .bind(id.0)
        .bind(url)
        .bind(Json(event_types))
        .bind(effects(along))
        .fetch_one(self.pool())
        .await?;
        Ok(changed)
    }

    async fn enable_webhook_endpoint(
        &self,
        id: WebhookEndpointId,
        enabled: bool,
        along: &Effects,
    ) -> Result<bool> {
        let changed = query_scalar(changing!(
            "UPDATE donjon_webhook_endpoints SET enabled = $2 WHERE id = $1 AND enabled <> $2",
            "$3"
        ))
        .bind(id.0)
        .bind(enabled)
        .bind(effects(along))
        .fetch_one(self.pool())
        .await?;
        Ok(changed)
    }

    async fn replace_webhook_secrets(
        &self,
        id: WebhookEndpointId,
        current: &Sealed,
        next: &Sealed,
        along: &Effects,
    ) -> Result<bool> {
        let changed = query_scalar(changing!(
            "UPDATE donjon_webhook_endpoints SET secrets = $3 WHERE id = $1 AND secrets = $2",
            "$4"
        ))
        .bind(id.0)
        .bind(current.as_bytes())
        .bind(next.as_bytes())
        .bind(effects(along))
        .fetch_one(self.pool())
        .await?;
        Ok(changed)
    }

    async fn delete_webhook_endpoint(
        &self,
        id: WebhookEndpointId,
        along: &Effects,
    ) -> Result<bool> {
        let deleted =
            query_scalar(changing!("DELETE FROM donjon_webhook_endpoints WHERE id = $1", "$2"))
                .bind(id.0)
                .bind(effects(along))
                .fetch_one(self.pool())
                .await?;
        Ok(deleted)
    }

    async fn claim_webhooks(
        &self,
        now: OffsetDateTime,
        lease: Duration,
        limit: u32,
        each: u32,
    ) -> Result<Vec<WebhookDelivery>> {
        let rows: Vec<ClaimedRow> = query_as(CLAIM)
            .bind(micros(now))
            .bind(micros(now + lease))
            .bind(i64::from(limit))
            .bind(i64::from(each))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(claimed).collect()
    }

    async fn finish_webhook(
        &self,
        delivery: &WebhookDelivery,
        attempt: &WebhookAttempt,
        outcome: WebhookOutcome,
        along: &Effects,
    ) -> Result<()> {
        let (state, due_at) = after(outcome);
        query(FINISH)
            .bind(delivery.event.id)
            .bind(delivery.endpoint.0)
            .bind(i64::from(attempt.number))
            .bind(micros(attempt.at))
            .bind(attempt.status.map(i64::from))
            .bind(&attempt.fault)
            .bind(i64::from(delivery.attempt))
            .bind(state.as_str())
            .bind(due_at.map(micros))
            .bind(outcome == WebhookOutcome::Gone)
            .bind(effects(along))
            .execute(self.pool())
            .await?;
        Ok(())
    }

    async fn replay_webhook(
        &self,
        endpoint: WebhookEndpointId,
        event: Uuid,
        now: OffsetDateTime,
        along: &Effects,
    ) -> Result<bool> {
        let changed = query_scalar(changing!(
            "UPDATE donjon_webhook_deliveries
             SET state = 'waiting', due_at = $3, spent = attempts, leased_until = NULL
             WHERE event_id = $1 AND endpoint_id = $2 AND state <> 'waiting'",
            "$4"
        ))
        .bind(event)
        .bind(endpoint.0)
        .bind(micros(now))
        .bind(effects(along))
        .fetch_one(self.pool())
        .await?;
        Ok(changed)
    }

    async fn webhook_deliveries(
        &self,
        endpoint: WebhookEndpointId,
        state: WebhookState,
        before: Option<OffsetDateTime>,
        limit: u32,
    ) -> Result<Vec<WebhookRecord>> {
        let rows: Vec<RecordRow> = query_as(RECORDS)
            .bind(endpoint.0)
            .bind(state.as_str())
            .bind(before.map_or(i64::MAX, micros))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(record).collect()
    }

    async fn webhook_attempts(
        &self,
        endpoint: WebhookEndpointId,
        event: Uuid,
    ) -> Result<Vec<WebhookAttempt>> {
        let rows: Vec<AttemptRow> =
            query_as(ATTEMPTS).bind(endpoint.0).bind(event).fetch_all(self.pool()).await?;
        rows.into_iter().map(attempt).collect()
    }

    async fn emit_webhook(&self, event: &WebhookEvent) -> Result<bool> {
        let statement = query(emit!("e.event_types ? $2"));
        let written = bind_event!(statement, event).execute(self.pool()).await?;
        Ok(written.rows_affected() > 0)
    }

    async fn sweep_webhooks(&self, before: OffsetDateTime, limit: u32) -> Result<u64> {
        let over = "DELETE FROM donjon_webhook_events WHERE id IN (
                 SELECT v.id FROM donjon_webhook_events v WHERE v.at < $1 AND NOT EXISTS (
                     SELECT 1 FROM donjon_webhook_deliveries d
                     JOIN donjon_webhook_endpoints e ON e.id = d.endpoint_id
                     WHERE d.event_id = v.id AND d.state = 'waiting' AND e.enabled)
                 LIMIT $2 FOR UPDATE OF v SKIP LOCKED)";
        sweep(self.pool(), over, before, limit).await
    }
}
