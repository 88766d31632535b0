use async_trait::async_trait;
use sqlx::types::Json;
use sqlx::{SqliteConnection, query, query_as};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::SqliteStore;
use super::audit::write_effects;
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

/// What is due, at most `?2`, and of each endpoint as many as make `?3` with those that are taken
/// already. Whoever has the fewest taken comes first.
const DUE: &str = "WITH busy AS MATERIALIZED (
         SELECT e.id, (SELECT count(*) FROM donjon_webhook_deliveries f
             WHERE f.endpoint_id = e.id AND f.leased_until > ?1) AS taken
         FROM donjon_webhook_endpoints e WHERE e.enabled
     )
     SELECT event_id, endpoint_id FROM (
         SELECT d.event_id, d.endpoint_id, d.due_at, busy.taken
             + row_number() OVER (PARTITION BY d.endpoint_id ORDER BY d.due_at) AS place
         FROM busy JOIN donjon_webhook_deliveries d
             ON d.endpoint_id = busy.id AND d.event_id IN (
                 SELECT w.event_id FROM donjon_webhook_deliveries w
                 WHERE w.endpoint_id = busy.id AND w.due_at <= ?1 ORDER BY w.due_at LIMIT ?3)
         WHERE busy.taken < ?3
     ) WHERE place <= ?3 ORDER BY place, due_at LIMIT ?2";

/// Takes it, unless it is another's by now, or the endpoint has `?5` taken.
const TAKE: &str = "UPDATE donjon_webhook_deliveries
     SET due_at = ?3, leased_until = ?3, attempts = attempts + 1
     WHERE event_id = ?1 AND endpoint_id = ?2 AND due_at <= ?4
       AND EXISTS (SELECT 1 FROM donjon_webhook_endpoints e WHERE e.id = ?2 AND e.enabled)
       AND (SELECT count(*) FROM donjon_webhook_deliveries f
            WHERE f.endpoint_id = ?2 AND f.leased_until > ?4) < ?5";

const CLAIMED: &str = "SELECT v.id, v.type, v.action, v.at, v.user_id, v.subject_kind,
         v.subject_id, v.organization_id, v.actor_kind, v.actor_id, v.payload, e.id, e.url,
         e.secrets, d.attempts, d.spent
     FROM donjon_webhook_deliveries d JOIN donjon_webhook_events v ON v.id = d.event_id
     JOIN donjon_webhook_endpoints e ON e.id = d.endpoint_id
     WHERE d.event_id = ?1 AND d.endpoint_id = ?2";

#[async_trait]
impl WebhookStore for SqliteStore {
    async fn create_webhook_endpoint(
        &self,
        endpoint: &WebhookEndpoint,
        along: &Effects,
    ) -> Result<()> {
        let (endpoint, along) = (endpoint.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                query(
                    "INSERT INTO donjon_webhook_endpoints
                         (id, url, event_types, secrets, organization_id, enabled, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )
                .bind(endpoint.id.0)
                .bind(&endpoint.url)
                .bind(Json(&endpoint.event_types))
                .bind(endpoint.secrets.as_bytes())
                .bind(endpoint.organization.map(|id| id.0))
                .bind(endpoint.enabled)
                .bind(micros(endpoint.created_at))
                .execute(&mut *connection)
                .await?;
                write_effects(connection, &along, None).await
            })
        })
        .await
    }

    async fn webhook_endpoints(
        &self,
        organization: Option<OrganizationId>,
        limit: u32,
    ) -> Result<Vec<WebhookEndpoint>> {
        let rows: Vec<EndpointRow> = query_as(ENDPOINTS)
            .bind(organization.map(|id| id.0))
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        rows.into_iter().map(endpoint).collect()
    }

    async fn find_webhook_endpoint(
        &self,
        id: WebhookEndpointId,
    ) -> Result<Option<WebhookEndpoint>> {
        let row: Option<EndpointRow> =
            query_as(FIND_ENDPOINT).bind(id.0).fetch_optional(self.readers()).await?;
        row.map(endpoint).transpose()
    }

    async fn change_webhook_endpoint(
        &self,
        id: WebhookEndpointId,
        url: &str,
        event_types: &[String],
        along: &Effects,
    ) -> Result<bool> {
        let (url, types, along) = (url.to_owned(), event_types.to_vec(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let done = query(
                    "UPDATE donjon_webhook_endpoints SET url = ?2, event_types = ?3 WHERE id = ?1",
                )
                .bind(id.0)
                .bind(url)
                .bind(Json(types))
                .execute(&mut *connection)
                .await?;
                tell(connection, done.rows_affected() > 0, &along).await
            })
        })
        .await
    }

    async fn enable_webhook_endpoint(
        &self,
        id: WebhookEndpointId,
        enabled: bool,
        along: &Effects,
    ) -> Result<bool> {
        let along = along.clone();
        self.transition(move |connection| {
            Box::pin(async move {
                let done = query(
                    "UPDATE donjon_webhook_endpoints SET enabled = ?2
                     WHERE id = ?1 AND enabled <> ?2",
                )
                .bind(id.0)
                .bind(enabled)
                .execute(&mut *connection)
                .await?;
                tell(connection, done.rows_affected() > 0, &along).await
            })
        })
        .await
    }

    async fn replace_webhook_secrets(
        &self,
        id: WebhookEndpointId,
        current: &Sealed,
        next: &Sealed,
        along: &Effects,
    ) -> Result<bool> {
        let (current, next, along) = (current.clone(), next.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let done = query(
                    "UPDATE donjon_webhook_endpoints SET secrets = ?3
                     WHERE id = ?1 AND secrets = ?2",
                )
                .bind(id.0)
                .bind(current.as_bytes())
                .bind(next.as_bytes())
                .execute(&mut *connection)
                .await?;
                tell(connection, done.rows_affected() > 0, &along).await
            })
        })
        .await
    }

    async fn delete_webhook_endpoint(
        &self,
        id: WebhookEndpointId,
        along: &Effects,
    ) -> Result<bool> {
        let along = along.clone();
        self.transition(move |connection| {
            Box::pin(async move {
                let done = query("DELETE FROM donjon_webhook_endpoints WHERE id = ?1")
                    .bind(id.0)
                    .execute(&mut *connection)
                    .await?;
                tell(connection, done.rows_affected() > 0, &along).await
            })
        })
        .await
    }

    async fn claim_webhooks(
        &self,
        now: OffsetDateTime,
        lease: Duration,
        limit: u32,
        each: u32,
    ) -> Result<Vec<WebhookDelivery>> {
        // Looked for beside the writer, so that nobody waits for it; most often there is nothing.
        let due: Vec<(Uuid, Uuid)> = query_as(DUE)
            .bind(micros(now))
            .bind(limit)
            .bind(each)
            .fetch_all(self.readers())
            .await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        self.transition(move |connection| {
            Box::pin(async move {
                let mut taken = Vec::with_capacity(due.len());
                for (event, endpoint) in due {
                    let done = query(TAKE)
                        .bind(event)
                        .bind(endpoint)
                        .bind(micros(now + lease))
                        .bind(micros(now))
                        .bind(each)
                        .execute(&mut *connection)
                        .await?;
                    if done.rows_affected() == 0 {
                        continue;
                    }
                    let row: ClaimedRow = query_as(CLAIMED)
                        .bind(event)
                        .bind(endpoint)
                        .fetch_one(&mut *connection)
                        .await?;
                    taken.push(claimed(row)?);
                }
                Ok(taken)
            })
        })
        .await
    }

    async fn finish_webhook(
        &self,
        delivery: &WebhookDelivery,
        attempt: &WebhookAttempt,
        outcome: WebhookOutcome,
        along: &Effects,
    ) -> Result<()> {
        let (event, endpoint) = (delivery.event.id, delivery.endpoint.0);
        let (latest, attempt, along) =
            (i64::from(delivery.attempt), attempt.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                query(
                    "INSERT INTO donjon_webhook_attempts
                         (event_id, endpoint_id, number, at, status, fault)
                     SELECT event_id, endpoint_id, ?3, ?4, ?5, ?6 FROM donjon_webhook_deliveries
                     WHERE event_id = ?1 AND endpoint_id = ?2 ON CONFLICT DO NOTHING",
                )
                .bind(event)
                .bind(endpoint)
                .bind(i64::from(attempt.number))
                .bind(micros(attempt.at))
                .bind(attempt.status.map(i64::from))
                .bind(&attempt.fault)
                .execute(&mut *connection)
                .await?;
                let (state, due_at) = after(outcome);
                let done = query(
                    "UPDATE donjon_webhook_deliveries
                     SET state = ?4, due_at = ?5, leased_until = NULL
                     WHERE event_id = ?1 AND endpoint_id = ?2
                       AND (attempts = ?3 OR ?4 = 'delivered')",
                )
                .bind(event)
                .bind(endpoint)
                .bind(latest)
                .bind(state.as_str())
                .bind(due_at.map(micros))
                .execute(&mut *connection)
                .await?;
                if outcome == WebhookOutcome::Gone && done.rows_affected() > 0 {
                    let disabled = query(
                        "UPDATE donjon_webhook_endpoints SET enabled = 0 WHERE id = ?1 AND enabled",
                    )
                    .bind(endpoint)
                    .execute(&mut *connection)
                    .await?;
                    tell(connection, disabled.rows_affected() > 0, &along).await?;
                }
                Ok(())
            })
        })
        .await
    }

    async fn replay_webhook(
        &self,
        endpoint: WebhookEndpointId,
        event: Uuid,
        now: OffsetDateTime,
        along: &Effects,
    ) -> Result<bool> {
        let along = along.clone();
        self.transition(move |connection| {
            Box::pin(async move {
                let done = query(
                    "UPDATE donjon_webhook_deliveries
                     SET state = 'waiting', due_at = ?3, spent = attempts, leased_until = NULL
                     WHERE event_id = ?1 AND endpoint_id = ?2 AND state <> 'waiting'",
                )
                .bind(event)
                .bind(endpoint.0)
                .bind(micros(now))
                .execute(&mut *connection)
                .await?;
                tell(connection, done.rows_affected() > 0, &along).await
            })
        })
        .await
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
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        rows.into_iter().map(record).collect()
    }

    async fn webhook_attempts(
        &self,
        endpoint: WebhookEndpointId,
        event: Uuid,
    ) -> Result<Vec<WebhookAttempt>> {
        let rows: Vec<AttemptRow> =
            query_as(ATTEMPTS).bind(endpoint.0).bind(event).fetch_all(self.readers()).await?;
        rows.into_iter().map(attempt).collect()
    }

    async fn emit_webhook(&self, event: &WebhookEvent) -> Result<bool> {
        let event = event.clone();
        self.transition(move |connection| {
            Box::pin(async move {
                let asks =
                    emit!("EXISTS (SELECT 1 FROM json_each(e.event_types) t WHERE t.value = $2)");
                let written = bind_event!(query(asks), event).execute(connection).await?;
                Ok(written.rows_affected() > 0)
            })
        })
        .await
    }

    async fn sweep_webhooks(&self, before: OffsetDateTime, limit: u32) -> Result<u64> {
        let over = "DELETE FROM donjon_webhook_events WHERE id IN (
                 SELECT v.id FROM donjon_webhook_events v WHERE v.at < ?1 AND NOT EXISTS (
                     SELECT 1 FROM donjon_webhook_deliveries d
                     JOIN donjon_webhook_endpoints e ON e.id = d.endpoint_id
                     WHERE d.event_id = v.id AND d.state = 'waiting' AND e.enabled)
                 LIMIT ?2)";
        self.sweep(over, before, limit).await
    }
}

/// Writes what goes along with a change, if it was made.
async fn tell(connection: &mut SqliteConnection, changed: bool, along: &Effects) -> Result<bool> {
    if changed {
        write_effects(connection, along, None).await?;
    }
    Ok(changed)
}
