use time::OffsetDateTime;

use crate::store::sql::convert::micros;
use crate::store::sql::postgres::pool::Pool;
use crate::store::sql::provider::statement::{self, reaches_offline_access, shuts_out, spares};
use crate::store::{IssuerId, Result};

/// Without an event there is nothing to lock. Nodes that come at once wait for the lock of the cursor, and then see it moved: none reads an
/// event that another has applied. An event that a waiting node's snapshot does not show yet is
/// read the next time. As in `revocation`, the log's advisory lock is taken last.
const APPLY: &str = concat!(
    "
WITH position AS MATERIALIZED (
    SELECT session_event FROM donjon_provider_cursors WHERE issuer_id = $1
    AND EXISTS (SELECT FROM donjon_session_events WHERE sequence > session_event) FOR UPDATE
), event AS MATERIALIZED (
    SELECT sequence, session_id, user_id, reason, at, spares, ",
    reaches_offline_access!(),
    " AS offline_too
    FROM donjon_session_events e
    WHERE sequence > (SELECT session_event FROM position) ORDER BY sequence LIMIT $2
), revoked AS (
    UPDATE donjon_provider_grants SET revoked_at = $3
    WHERE issuer_id = $1 AND revoked_at IS NULL AND id IN (
        SELECT g.id FROM event e JOIN donjon_provider_grants g
            ON g.issuer_id = $1 AND g.session_id = e.session_id AND NOT g.offline
        UNION
        SELECT g.id FROM event e JOIN donjon_provider_grants g
            ON g.issuer_id = $1 AND g.subject = e.user_id AND (g.authenticated_at <= e.at OR ",
    shuts_out!(),
    ")
        WHERE e.offline_too AND NOT ",
    spares!(),
    ")
    RETURNING id
), turn AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(1684697718) WHERE EXISTS (SELECT FROM revoked)
), logged AS (
    INSERT INTO donjon_provider_revocations (issuer_id, grant_id, expires_at)
    SELECT $1, id, $4 FROM turn, revoked
), moved AS (
    UPDATE donjon_provider_cursors SET session_event = (SELECT max(sequence) FROM event)
    WHERE issuer_id = $1 AND EXISTS (SELECT FROM event)
)
SELECT EXISTS (SELECT FROM donjon_provider_cursors WHERE issuer_id = $1),
       (SELECT count(*) FROM event)"
);

pub(in crate::store::sql::postgres) async fn apply(
    pool: &Pool,
    issuer: &IssuerId,
    limit: u32,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<u32> {
    let run = || {
        sqlx::query_as::<_, (bool, i64)>(APPLY)
            .bind(issuer.as_str())
            .bind(i64::from(limit))
            .bind(micros(now))
            .bind(micros(until))
            .fetch_one(pool)
    };
    let (started, mut read) = run().await?;
    if !started {
        sqlx::query(statement::START_CURSOR).bind(issuer.as_str()).execute(pool).await?;
        read = run().await?.1;
    }
    Ok(u32::try_from(read).unwrap_or(u32::MAX))
}
