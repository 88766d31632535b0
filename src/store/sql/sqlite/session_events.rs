//! The log of session ends, when it has been read.

use sqlx::{SqliteConnection, query, query_scalar};
use time::OffsetDateTime;

use super::provider::session::apply;
use crate::store::sql::convert::micros;
use crate::store::sql::session::{LATE_ISSUERS, late_issuer, remembered_until};
use crate::store::{Result, SESSION_EVENTS_KEPT};

const SWEEP: &str = "DELETE FROM donjon_session_events WHERE sequence IN \
         (SELECT sequence FROM \
             (SELECT sequence, at FROM donjon_session_events ORDER BY sequence LIMIT $2) \
          WHERE at <= $1) \
     AND NOT EXISTS (SELECT 1 FROM donjon_provider_cursors WHERE session_event < sequence)";

pub(super) async fn sweep(
    connection: &mut SqliteConnection,
    now: OffsetDateTime,
    limit: u32,
) -> Result<u64> {
    let before = micros(now - SESSION_EVENTS_KEPT);
    let late: Vec<String> =
        query_scalar(LATE_ISSUERS).bind(before).bind(limit).fetch_all(&mut *connection).await?;
    for issuer in late.into_iter().map(late_issuer) {
        apply(connection, &issuer, limit, now, remembered_until(now)).await?;
    }
    let swept = query(SWEEP).bind(before).bind(limit).execute(connection).await?;
    Ok(swept.rows_affected())
}
