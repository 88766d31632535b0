use time::OffsetDateTime;

use crate::store::Result;
use crate::store::sql::convert::micros;
use crate::store::sql::postgres::pool::Pool;
use crate::store::sql::provider::SEALED_FOR;

/// A grant goes with its codes and tokens; none of them could still be worth anything. A row that
/// somebody works with is left for the next time.
const OVER: [&str; 6] = [
    "DELETE FROM donjon_provider_grants WHERE ctid = ANY (ARRAY
         (SELECT ctid FROM donjon_provider_grants WHERE expires_at <= $1 LIMIT $2
          FOR UPDATE SKIP LOCKED))",
    "DELETE FROM donjon_provider_refresh_tokens WHERE ctid = ANY (ARRAY
         (SELECT ctid FROM donjon_provider_refresh_tokens WHERE expires_at <= $1 LIMIT $2
          FOR UPDATE SKIP LOCKED))",
    "DELETE FROM donjon_provider_assertions WHERE ctid = ANY (ARRAY
         (SELECT ctid FROM donjon_provider_assertions WHERE expires_at <= $1 LIMIT $2
          FOR UPDATE SKIP LOCKED))",
    "DELETE FROM donjon_provider_interactions WHERE ctid = ANY (ARRAY
         (SELECT ctid FROM donjon_provider_interactions WHERE expires_at <= $1 LIMIT $2
          FOR UPDATE SKIP LOCKED))",
    "DELETE FROM donjon_provider_revocations WHERE sequence = ANY (ARRAY
         (SELECT sequence FROM donjon_provider_revocations WHERE expires_at <= $1 LIMIT $2
          FOR UPDATE SKIP LOCKED))",
    "DELETE FROM donjon_rate_limits WHERE ctid = ANY (ARRAY
         (SELECT ctid FROM donjon_rate_limits WHERE expires_at <= $1 LIMIT $2
          FOR UPDATE SKIP LOCKED))",
];

const ERASE_SEALED: &str = "UPDATE donjon_provider_refresh_tokens SET successor_sealed = NULL
    WHERE ctid = ANY (ARRAY
        (SELECT ctid FROM donjon_provider_refresh_tokens
         WHERE successor_sealed IS NOT NULL AND rotated_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";

pub(super) async fn sweep(pool: &Pool, now: OffsetDateTime, limit: u32) -> Result<u64> {
    let limit = i64::from(limit);
    let mut swept = 0;
    for statement in OVER {
        let done = sqlx::query(statement).bind(micros(now)).bind(limit).execute(pool);
        swept += done.await?.rows_affected();
    }
    let erased = sqlx::query(ERASE_SEALED).bind(micros(now - SEALED_FOR)).bind(limit);
    swept += erased.execute(pool).await?.rows_affected();
    Ok(swept)
}
