use sqlx::SqliteConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::revocation;
use crate::store::{IssuerId, Result};

pub(super) async fn apply(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    limit: u32,
    now: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<u32> {
    let cursor: Option<(i64,)> =
        sqlx::query_as("SELECT session_event FROM donjon_provider_cursors WHERE issuer_id = ?1")
            .bind(issuer.as_str())
            .fetch_optional(&mut *connection)
            .await?;
    let after = cursor.map_or(0, |(after,)| after);
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
    sqlx::query(
        "INSERT INTO donjon_provider_cursors (issuer_id, session_event) VALUES (?1, ?2)
         ON CONFLICT (issuer_id) DO UPDATE SET session_event = excluded.session_event",
    )
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
    let grants: Vec<(Uuid,)> = sqlx::query_as(
        "SELECT g.id FROM donjon_session_events e
         JOIN donjon_provider_grants g
             ON g.issuer_id = ?1 AND g.session_id = e.session_id AND NOT g.offline
         WHERE e.sequence > ?2 AND e.sequence <= ?3 AND g.revoked_at IS NULL
         UNION
         SELECT g.id FROM donjon_session_events e
         JOIN donjon_provider_grants g
             ON g.issuer_id = ?1 AND g.subject = e.user_id AND g.authenticated_at <= e.at
         WHERE e.sequence > ?2 AND e.sequence <= ?3 AND g.revoked_at IS NULL
             AND e.reason IN ('password_reset', 'account_deleted', 'signed_out_everywhere')",
    )
    .bind(issuer.as_str())
    .bind(after)
    .bind(last)
    .fetch_all(connection)
    .await?;
    Ok(grants.into_iter().map(|(grant,)| grant).collect())
}
