//! The log of session ends, when it has been read.

use sqlx::{query, query_scalar};
use time::OffsetDateTime;

use super::provider::session::apply;
use crate::store::sql::convert::micros;
use crate::store::sql::postgres::pool::Pool;
use crate::store::sql::session::{LATE_ISSUERS, late_issuer, remembered_until};
use crate::store::{Result, SESSION_EVENTS_KEPT};

/// What no issuer waits for. An issuer that is new at this moment has no grants yet.
const SWEEP: &str = "WITH oldest AS ( \
         SELECT sequence, at FROM donjon_session_events ORDER BY sequence LIMIT $2 \
     ), old AS ( \
         SELECT e.sequence FROM donjon_session_events e JOIN oldest USING (sequence) \
         WHERE oldest.at <= $1 AND NOT EXISTS \
             (SELECT FROM donjon_provider_cursors c WHERE c.session_event < e.sequence) \
         ORDER BY e.sequence FOR UPDATE OF e SKIP LOCKED \
     ) DELETE FROM donjon_session_events e USING old WHERE e.sequence = old.sequence";

pub(super) async fn sweep(pool: &Pool, now: OffsetDateTime, limit: u32) -> Result<u64> {
    let (before, rows) = (micros(now - SESSION_EVENTS_KEPT), i64::from(limit));
    let late: Vec<String> =
        query_scalar(LATE_ISSUERS).bind(before).bind(rows).fetch_all(pool).await?;
    for issuer in late.into_iter().map(late_issuer) {
        apply(pool, &issuer, limit, now, remembered_until(now)).await?;
    }
    let swept = query(SWEEP).bind(before).bind(rows).execute(pool).await?;
    Ok(swept.rows_affected())
}
