use sqlx::{SqliteConnection, SqlitePool};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::store::sql::convert::micros;
use crate::store::sql::provider::{self, RevocationRow, statement};
use crate::store::{IssuerId, Result, Revocation};

/// Revokes a grant and says so in the log; `false` if it was not there or already was.
pub(super) async fn revoke(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    grant: Uuid,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<bool> {
    let revoked = sqlx::query(
        "UPDATE donjon_provider_grants SET revoked_at = ?3
         WHERE issuer_id = ?1 AND id = ?2 AND revoked_at IS NULL",
    )
    .bind(issuer.as_str())
    .bind(grant)
    .bind(micros(now))
    .execute(&mut *connection)
    .await?;
    if revoked.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO donjon_provider_revocations (issuer_id, grant_id, expires_at)
         VALUES (?1, ?2, ?3)",
    )
    .bind(issuer.as_str())
    .bind(grant)
    .bind(micros(until))
    .execute(connection)
    .await?;
    Ok(true)
}

pub(super) async fn revoke_token(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    jti: &str,
    expires_at: &OffsetDateTime,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO donjon_provider_revocations (issuer_id, token_id, expires_at)
         VALUES (?1, ?2, ?3)",
    )
    .bind(issuer.as_str())
    .bind(jti)
    .bind(micros(*expires_at))
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn log(
    pool: &SqlitePool,
    issuer: &IssuerId,
    after: i64,
    limit: u32,
) -> Result<Vec<Revocation>> {
    let rows: Vec<RevocationRow> = sqlx::query_as(statement::REVOCATIONS)
        .bind(issuer.as_str())
        .bind(after)
        .bind(limit)
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(provider::revocation).collect()
}
