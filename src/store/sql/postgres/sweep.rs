//! What is over is removed in batches.

use time::OffsetDateTime;

use super::pool::Pool;
use crate::store::Result;
use crate::store::sql::convert::micros;

/// Removes what is over at `$1`, at most `$2` rows. Answers how many they were.
pub(super) async fn sweep(
    pool: &Pool,
    over: &'static str,
    at: OffsetDateTime,
    limit: u32,
) -> Result<u64> {
    let swept = sqlx::query(over).bind(micros(at)).bind(i64::from(limit)).execute(pool).await?;
    Ok(swept.rows_affected())
}
