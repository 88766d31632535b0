use async_trait::async_trait;
use sqlx::SqliteConnection;
use time::OffsetDateTime;

use super::SqliteStore;
use crate::store::sql::convert::micros;
use crate::store::sql::rate_limit::{counting_one_more, limit_count};
use crate::store::{LimitCount, LimitStore, LimitUse, MAX_LIMITS, RateLimit, Result};

pub(super) const SWEEP: &str = "DELETE FROM donjon_rate_limits WHERE rowid IN \
     (SELECT rowid FROM donjon_rate_limits WHERE expires_at <= ?1 LIMIT ?2)";

#[async_trait]
impl LimitStore for SqliteStore {
    async fn count_uses(&self, uses: &[LimitUse], now: OffsetDateTime) -> Result<Vec<LimitCount>> {
        let uses = uses.to_vec();
        self.transition(move |connection| {
            Box::pin(async move { count_uses(connection, &uses, now).await })
        })
        .await
    }
}

/// Counts uses, in order, until one is over its limit.
pub(super) async fn count_uses(
    connection: &mut SqliteConnection,
    uses: &[LimitUse],
    now: OffsetDateTime,
) -> Result<Vec<LimitCount>> {
    let mut counts = Vec::new();
    for LimitUse { key, limit } in uses.iter().take(MAX_LIMITS) {
        let count = count_use(connection, key, *limit, now).await?;
        counts.push(count);
        if count.is_over(*limit) {
            break;
        }
    }
    Ok(counts)
}

/// Whether one of the uses that were counted is over its limit.
pub(super) fn is_over(uses: &[LimitUse], counts: &[LimitCount]) -> bool {
    uses.iter().zip(counts).any(|(used, count)| count.is_over(used.limit))
}

/// Counts one more use of a limit.
pub(super) async fn count_use(
    connection: &mut SqliteConnection,
    key: &str,
    limit: RateLimit,
    now: OffsetDateTime,
) -> Result<LimitCount> {
    let row = sqlx::query_as(concat!(
        "INSERT INTO donjon_rate_limits AS r (key, times, expires_at) VALUES ($1, 1, $3)",
        counting_one_more!("$2")
    ))
    .bind(key)
    .bind(micros(now))
    .bind(micros(now + limit.window))
    .fetch_one(connection)
    .await?;
    limit_count(row)
}
