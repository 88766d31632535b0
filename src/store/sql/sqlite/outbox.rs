use async_trait::async_trait;
use sqlx::SqliteConnection;
use time::{Duration, OffsetDateTime};

use super::SqliteStore;
use crate::store::sql::convert::micros;
use crate::store::sql::outbox::{DEAD, DeliveryRow, dead_letter, deliveries};
use crate::store::{DeadLetter, Delivery, DeliveryOutcome, NewDelivery, OutboxStore, Result};

/// Writes a delivery with the transition that causes it, if it is `wanted`: one statement either
/// way.
pub(super) async fn insert_if(
    connection: &mut SqliteConnection,
    delivery: &NewDelivery,
    wanted: bool,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO donjon_outbox (id, kind, payload, attempts, due_at, created_at)
         SELECT ?1, ?2, ?3, 0, ?4, ?4 WHERE ?5",
    )
    .bind(delivery.id)
    .bind(delivery.kind)
    .bind(delivery.payload.as_bytes())
    .bind(micros(delivery.created_at))
    .bind(wanted)
    .execute(connection)
    .await?;
    Ok(())
}

#[async_trait]
impl OutboxStore for SqliteStore {
    async fn claim_deliveries(
        &self,
        kind: &str,
        now: OffsetDateTime,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        let kind = kind.to_owned();
        let rows: Vec<DeliveryRow> = self
            .transition(move |connection| {
                Box::pin(async move {
                    let rows = sqlx::query_as(
                        "UPDATE donjon_outbox SET due_at = ?3, attempts = attempts + 1
                         WHERE id IN (SELECT id FROM donjon_outbox WHERE kind = ?1 AND due_at <= ?2
                                      ORDER BY due_at LIMIT ?4)
                         RETURNING id, payload, attempts, created_at, tries_before",
                    )
                    .bind(kind)
                    .bind(micros(now))
                    .bind(micros(now + lease))
                    .bind(limit)
                    .fetch_all(connection)
                    .await?;
                    Ok(rows)
                })
            })
            .await?;
        Ok(deliveries(rows, now + lease))
    }

    async fn renew_delivery(&self, delivery: &Delivery, until: OffsetDateTime) -> Result<bool> {
        let (id, attempt) = (delivery.id, i64::from(delivery.attempt));
        let due = micros(delivery.due_at);
        self.transition(move |connection| {
            Box::pin(async move {
                let renewed = sqlx::query(
                    "UPDATE donjon_outbox SET due_at = ?3
                     WHERE id = ?1 AND attempts = ?2 AND due_at IN (?3, ?4)",
                )
                .bind(id)
                .bind(attempt)
                .bind(micros(until))
                .bind(due)
                .execute(connection)
                .await?;
                Ok(renewed.rows_affected() > 0)
            })
        })
        .await
    }

    async fn finish_delivery(&self, delivery: &Delivery, outcome: DeliveryOutcome) -> Result<()> {
        let (id, attempt) = (delivery.id, i64::from(delivery.attempt));
        self.transition(move |connection| {
            Box::pin(async move {
                let query = match outcome {
                    DeliveryOutcome::Delivered => {
                        sqlx::query("DELETE FROM donjon_outbox WHERE id = ?1").bind(id)
                    }
                    DeliveryOutcome::Retry { at } => sqlx::query(
                        "UPDATE donjon_outbox SET due_at = ?3
                         WHERE id = ?1 AND attempts = ?2 AND due_at IS NOT NULL",
                    )
                    .bind(id)
                    .bind(attempt)
                    .bind(micros(at)),
                    DeliveryOutcome::Dead => sqlx::query(
                        "UPDATE donjon_outbox SET due_at = NULL WHERE id = ?1 AND attempts = ?2",
                    )
                    .bind(id)
                    .bind(attempt),
                };
                query.execute(connection).await?;
                Ok(())
            })
        })
        .await
    }

    async fn dead_letters(&self, kind: &str, limit: u32) -> Result<Vec<DeadLetter>> {
        let rows: Vec<DeliveryRow> =
            sqlx::query_as(DEAD).bind(kind).bind(limit).fetch_all(self.readers()).await?;
        rows.into_iter().map(dead_letter).collect()
    }

    async fn revive_dead_letters(
        &self,
        kind: &str,
        since: OffsetDateTime,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<u64> {
        let kind = kind.to_owned();
        self.transition(move |connection| {
            Box::pin(async move {
                let revived = sqlx::query(
                    "UPDATE donjon_outbox SET due_at = ?3, tries_before = attempts WHERE id IN (
                         SELECT id FROM donjon_outbox
                         WHERE due_at IS NULL AND created_at >= ?2 AND kind = ?1
                         ORDER BY created_at LIMIT ?4)",
                )
                .bind(kind)
                .bind(micros(since))
                .bind(micros(now))
                .bind(limit)
                .execute(connection)
                .await?;
                Ok(revived.rows_affected())
            })
        })
        .await
    }

    async fn sweep_dead_letters(&self, before: OffsetDateTime, limit: u32) -> Result<u64> {
        let over = "DELETE FROM donjon_outbox WHERE id IN (
                 SELECT id FROM donjon_outbox WHERE due_at IS NULL AND created_at < ?1
                 LIMIT ?2)";
        self.sweep(over, before, limit).await
    }
}
