use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::store::sql::convert::micros;
use crate::store::sql::postgres::pool::Pool;
use crate::store::sql::provider::{self, RevocationRow, statement};
use crate::store::{IssuerId, Result, Revocation};

// Who writes to the log takes its advisory lock before drawing a sequence number, and keeps it
// until the commit, so that numbers become visible in their order and no reader's cursor passes
// one by. 0x646a_7276 is "djrv".

const REVOKE: &str = "
WITH revoked AS (
    UPDATE donjon_provider_grants SET revoked_at = $3
    WHERE issuer_id = $1 AND id = $2 AND revoked_at IS NULL
    RETURNING id
), turn AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(1684697718) FROM revoked
), logged AS (
    INSERT INTO donjon_provider_revocations (issuer_id, grant_id, expires_at)
    SELECT $1, $2, $4 FROM turn
)
SELECT EXISTS (SELECT FROM revoked)";

/// Revokes a grant and says so in the log; `false` if it was not there or already was.
pub(super) async fn revoke(
    executor: impl PgExecutor<'_>,
    issuer: &IssuerId,
    grant: Uuid,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<bool> {
    let (revoked,): (bool,) = sqlx::query_as(REVOKE)
        .bind(issuer.as_str())
        .bind(grant)
        .bind(micros(now))
        .bind(micros(until))
        .fetch_one(executor)
        .await?;
    Ok(revoked)
}

pub(super) async fn revoke_token(
    pool: &Pool,
    issuer: &IssuerId,
    jti: &str,
    expires_at: OffsetDateTime,
) -> Result<()> {
    sqlx::query(
        "WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(1684697718))
         INSERT INTO donjon_provider_revocations (issuer_id, token_id, expires_at)
         SELECT $1, $2, $3 FROM turn",
    )
    .bind(issuer.as_str())
    .bind(jti)
    .bind(micros(expires_at))
    .execute(pool)
    .await?;
    Ok(())
}

pub(super) async fn log(
    pool: &Pool,
    issuer: &IssuerId,
    after: i64,
    limit: u32,
) -> Result<Vec<Revocation>> {
    let rows: Vec<RevocationRow> = sqlx::query_as(statement::REVOCATIONS)
        .bind(issuer.as_str())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(provider::revocation).collect()
}
