use sqlx::SqliteConnection;
use time::OffsetDateTime;

use crate::store::Result;
use crate::store::sql::convert::micros;
use crate::store::sql::provider::SEALED_FOR;

/// A grant goes with its codes and tokens; none of them could still be worth anything.
const OVER: [&str; 6] = [
    "DELETE FROM donjon_provider_grants WHERE rowid IN
         (SELECT rowid FROM donjon_provider_grants WHERE expires_at <= ?1 LIMIT ?2)",
    "DELETE FROM donjon_provider_refresh_tokens WHERE rowid IN
         (SELECT rowid FROM donjon_provider_refresh_tokens WHERE expires_at <= ?1 LIMIT ?2)",
    "DELETE FROM donjon_provider_assertions WHERE rowid IN
         (SELECT rowid FROM donjon_provider_assertions WHERE expires_at <= ?1 LIMIT ?2)",
    "DELETE FROM donjon_provider_interactions WHERE rowid IN
         (SELECT rowid FROM donjon_provider_interactions WHERE expires_at <= ?1 LIMIT ?2)",
    "DELETE FROM donjon_provider_revocations WHERE sequence IN
         (SELECT sequence FROM donjon_provider_revocations WHERE expires_at <= ?1 LIMIT ?2)",
    "DELETE FROM donjon_rate_limits WHERE rowid IN
         (SELECT rowid FROM donjon_rate_limits WHERE expires_at <= ?1 LIMIT ?2)",
];

const ERASE_SEALED: &str = "UPDATE donjon_provider_refresh_tokens SET successor_sealed = NULL
    WHERE rowid IN (SELECT rowid FROM donjon_provider_refresh_tokens
                    WHERE successor_sealed IS NOT NULL AND rotated_at <= ?1 LIMIT ?2)";

pub(super) async fn sweep(
    connection: &mut SqliteConnection,
    now: OffsetDateTime,
    limit: u32,
) -> Result<u64> {
    let mut swept = 0;
    for statement in OVER {
        let done = sqlx::query(statement).bind(micros(now)).bind(limit).execute(&mut *connection);
        swept += done.await?.rows_affected();
    }
    let erased = sqlx::query(ERASE_SEALED).bind(micros(now - SEALED_FOR)).bind(limit);
    swept += erased.execute(connection).await?.rows_affected();
    Ok(swept)
}
