use async_trait::async_trait;
use time::OffsetDateTime;

use super::PostgresStore;
use crate::store::sql::rate_limit::{bind_uses, counted_uses, counting_uses, limit_count};
use crate::store::{LimitCount, LimitStore, LimitUse, Result};

/// A window that has begun anew meanwhile is somebody's who is not waited for.
pub(super) const SWEEP: &str = "DELETE FROM donjon_rate_limits WHERE key IN \
     (SELECT key FROM donjon_rate_limits WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";

#[async_trait]
impl LimitStore for PostgresStore {
    async fn count_uses(&self, uses: &[LimitUse], now: OffsetDateTime) -> Result<Vec<LimitCount>> {
        let query = sqlx::query_as(concat!(counting_uses!(), counted_uses!()));
        let rows: Vec<(i64, i64)> = bind_uses!(query, uses, now).fetch_all(self.pool()).await?;
        rows.into_iter().map(limit_count).collect()
    }
}
