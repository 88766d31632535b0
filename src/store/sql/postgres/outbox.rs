use async_trait::async_trait;
use time::{Duration, OffsetDateTime};

use super::PostgresStore;
use super::sweep::sweep;
use crate::store::sql::convert::micros;
use crate::store::sql::outbox::{DEAD, DeliveryRow, dead_letter, deliveries};
use crate::store::{DeadLetter, Delivery, DeliveryOutcome, OutboxStore, Result};

#[async_trait]
impl OutboxStore for PostgresStore {
    async fn claim_deliveries(
        &self,
        kind: &str,
        now: OffsetDateTime,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        let rows: Vec<DeliveryRow> = sqlx::query_as(
            "WITH due AS MATERIALIZED (
                 SELECT id FROM donjon_outbox WHERE kind = $1 AND due_at <= $2
                 ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED
             )
             UPDATE donjon_outbox o SET due_at = $3, attempts = attempts + 1
             FROM due WHERE o.id = due.id
             RETURNING o.id, o.payload, o.attempts, o.created_at, o.tries_before",
        )
        .bind(kind)
        .bind(micros(now))
        .bind(micros(now + lease))
        .bind(i64::from(limit))
        .fetch_all(self.pool())
        .await?;
        Ok(deliveries(rows, now + lease))
    }

    async fn renew_delivery(&self, delivery: &Delivery, until: OffsetDateTime) -> Result<bool> {
        let renewed = sqlx::query(
            "UPDATE donjon_outbox SET due_at = $3
             WHERE id = $1 AND attempts = $2 AND due_at IN ($3, $4)",
        )
        .bind(delivery.id)
        .bind(i64::from(delivery.attempt))
        .bind(micros(until))
        .bind(micros(delivery.due_at))
        .execute(self.pool())
        .await?;
        Ok(renewed.rows_affected() > 0)
    }

    async fn finish_delivery(&self, delivery: &Delivery, outcome: DeliveryOutcome) -> Result<()> {
        let (id, attempt) = (delivery.id, i64::from(delivery.attempt));
        let query = match outcome {
            DeliveryOutcome::Delivered => {
                sqlx::query("DELETE FROM donjon_outbox WHERE id = $1").bind(id)
            }
            DeliveryOutcome::Retry { at } => sqlx::query(
                "UPDATE donjon_outbox SET due_at = $3
                     WHERE id = $1 AND attempts = $2 AND due_at IS NOT NULL",
            )
            .bind(id)
            .bind(attempt)
            .bind(micros(at)),
            DeliveryOutcome::Dead => sqlx::query(
                "UPDATE donjon_outbox SET due_at = NULL WHERE id = $1 AND attempts = $2",
            )
            .bind(id)
            .bind(attempt),
        };
        query.execute(self.pool()).await?;
        Ok(())
    }

    async fn dead_letters(&self, kind: &str, limit: u32) -> Result<Vec<DeadLetter>> {
        let rows: Vec<DeliveryRow> =
            sqlx::query_as(DEAD).bind(kind).bind(i64::from(limit)).fetch_all(self.pool()).await?;
        rows.into_iter().map(dead_letter).collect()
    }

    async fn revive_dead_letters(
        &self,
        kind: &str,
        since: OffsetDateTime,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<u64> {
        let revived = sqlx::query(
            "UPDATE donjon_outbox SET due_at = $3, tries_before = attempts WHERE id IN (
                 SELECT id FROM donjon_outbox
                 WHERE due_at IS NULL AND created_at >= $2 AND kind = $1
                 ORDER BY created_at LIMIT $4 FOR UPDATE SKIP LOCKED)",
        )
        .bind(kind)
        .bind(micros(since))
        .bind(micros(now))
        .bind(i64::from(limit))
        .execute(self.pool())
        .await?;
        Ok(revived.rows_affected())
    }

    async fn sweep_dead_letters(&self, before: OffsetDateTime, limit: u32) -> Result<u64> {
        let over = "DELETE FROM donjon_outbox WHERE id IN (
                 SELECT id FROM donjon_outbox WHERE due_at IS NULL AND created_at < $1
                 LIMIT $2 FOR UPDATE SKIP LOCKED)";
        sweep(self.pool(), over, before, limit).await
    }
}
