//! What is over is removed in batches.

use sqlx::SqliteConnection;
use time::OffsetDateTime;

use super::SqliteStore;
use crate::store::Result;
use crate::store::sql::convert::micros;

impl SqliteStore {
    /// [`sweep`]s by one statement.
    pub(super) async fn sweep(
        &self,
        over: &'static str,
        at: OffsetDateTime,
        limit: u32,
    ) -> Result<u64> {
        self.transition(move |connection| Box::pin(sweep(connection, over, at, limit))).await
    }
}

/// Removes what is over at `?1`, at most `?2` rows. Answers how many they were.
pub(super) async fn sweep(
    connection: &mut SqliteConnection,
    over: &'static str,
    at: OffsetDateTime,
    limit: u32,
) -> Result<u64> {
    let swept = sqlx::query(over).bind(micros(at)).bind(limit).execute(connection).await?;
    Ok(swept.rows_affected())
}
