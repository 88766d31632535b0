use sqlx::{SqliteConnection, SqlitePool};
use time::OffsetDateTime;
use uuid::Uuid;

use super::revocation;
use crate::store::sql::provider::statement::{self, reaches_offline_access, shuts_out, spares};
use crate::store::{IssuerId, Result};

/// Whether there are events that an issuer has not read, or it has never read any.
pub(super) async fn is_behind(pool: &SqlitePool, issuer: &IssuerId) -> Result<bool> {
    let behind: Option<bool> = sqlx::query_scalar(
        "SELECT session_event < coalesce((SELECT max(sequence) FROM donjon_session_events), 0)
         FROM donjon_provider_cursors WHERE issuer_id = ?1",
    )
    .bind(issuer.as_str())
    .fetch_optional(pool)
    .await?;
    Ok(behind.unwrap_or(true))
}

pub(in crate::store::sql::sqlite) async fn apply(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    limit: u32,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<u32> {
    sqlx::query(statement::START_CURSOR).bind(issuer.as_str()).execute(&mut *connection).await?;
    let after: i64 = sqlx::query_scalar(
        "SELECT session_event FROM donjon_provider_cursors WHERE issuer_id = ?1",
    )
    .bind(issuer.as_str())
    .fetch_one(&mut *connection)
    .await?;
    let (last, read): (Option<i64>, u32) = sqlx::query_as(
        "SELECT max(sequence), count(*) FROM
             (SELECT sequence FROM donjon_session_events WHERE sequence > ?1
              ORDER BY sequence LIMIT ?2)",
    )
    .bind(after)
    .bind(limit)
    .fetch_one(&mut *connection)
    .await?;
    let Some(last) = last else { return Ok(0) };

    for grant in ended_grants(connection, issuer, after, last).await? {
        revocation::revoke(connection, issuer, grant, now, until).await?;
    }
    sqlx::query("UPDATE donjon_provider_cursors SET session_event = ?2 WHERE issuer_id = ?1")
        .bind(issuer.as_str())
        .bind(last)
        .execute(connection)
        .await?;
    Ok(read)
}

/// The grants that end with the events after one place in the log up to another.
async fn ended_grants(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    after: i64,
    last: i64,
) -> Result<Vec<Uuid>> {
    let grants: Vec<(Uuid,)> = sqlx::query_as(concat!(
        "SELECT g.id FROM donjon_session_events e
         JOIN donjon_provider_grants g
             ON g.issuer_id = ?1 AND g.session_id = e.session_id AND NOT g.offline
         WHERE e.sequence > ?2 AND e.sequence <= ?3 AND g.revoked_at IS NULL
         UNION
         SELECT g.id FROM donjon_session_events e
         JOIN donjon_provider_grants g
             ON g.issuer_id = ?1 AND g.subject = e.user_id AND (g.authenticated_at <= e.at OR ",
        shuts_out!(),
        ")
         WHERE e.sequence > ?2 AND e.sequence <= ?3 AND g.revoked_at IS NULL AND ",
        reaches_offline_access!(),
        " AND NOT ",
        spares!()
    ))
    .bind(issuer.as_str())
    .bind(after)
    .bind(last)
    .fetch_all(connection)
    .await?;
    Ok(grants.into_iter().map(|(grant,)| grant).collect())
}
