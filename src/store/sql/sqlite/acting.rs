//! In which organization a session acts.

use sqlx::SqliteConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::audit::write_effects;
use crate::crypto::TokenHash;
use crate::scope::{Membership, OrganizationId, SessionId};
use crate::store::sql::account::user_id;
use crate::store::sql::convert::micros;
use crate::store::sql::organization::{MEMBERSHIP, MEMBERSHIPS_OF, MembershipRow, membership};
use crate::store::{Effects, Result};

pub(super) async fn act_in(
    connection: &mut SqliteConnection,
    (current, next): (&TokenHash, &TokenHash),
    organization: OrganizationId,
    along: &Effects,
    now: OffsetDateTime,
) -> Result<Option<Membership>> {
    let user: Option<String> = sqlx::query_scalar(
        "SELECT user_id FROM donjon_sessions WHERE token_hash = ?1 AND user_id IS NOT NULL
         AND expires_at > ?2 AND (idle_expires_at IS NULL OR idle_expires_at > ?2)",
    )
    .bind(current.as_bytes().as_slice())
    .bind(micros(now))
    .fetch_optional(&mut *connection)
    .await?;
    let Some(user) = user.map(user_id).transpose()? else { return Ok(None) };
    let row: Option<MembershipRow> = sqlx::query_as(MEMBERSHIP)
        .bind(organization.0)
        .bind(user.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(found) = row.map(membership).transpose()? else { return Ok(None) };
    sqlx::query(
        "UPDATE donjon_sessions SET organization_id = ?3, token_hash = ?2 WHERE token_hash = ?1",
    )
    .bind(current.as_bytes().as_slice())
    .bind(next.as_bytes().as_slice())
    .bind(organization.0)
    .execute(&mut *connection)
    .await?;
    write_effects(connection, along, Some(&user)).await?;
    Ok(Some(found))
}

pub(super) async fn reselect(
    connection: &mut SqliteConnection,
    id: SessionId,
    stale: OrganizationId,
    along: &Effects,
) -> Result<Option<Membership>> {
    let acting: Option<(Option<String>, Option<Uuid>)> =
        sqlx::query_as("SELECT user_id, organization_id FROM donjon_sessions WHERE id = ?1")
            .bind(id.0)
            .fetch_optional(&mut *connection)
            .await?;
    let Some((Some(user), Some(present))) = acting else { return Ok(None) };
    let user = user_id(user)?;
    let row: Option<MembershipRow> = sqlx::query_as(MEMBERSHIP)
        .bind(present)
        .bind(user.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    if row.is_some() || present != stale.0 {
        return row.map(membership).transpose();
    }
    let rows: Vec<MembershipRow> =
        sqlx::query_as(MEMBERSHIPS_OF).bind(user.as_str()).fetch_all(&mut *connection).await?;
    let mut all = rows.into_iter().map(membership);
    let only = match (all.next(), all.next()) {
        (Some(only), None) => Some(only?),
        _ => None,
    };
    sqlx::query("UPDATE donjon_sessions SET organization_id = ?2 WHERE id = ?1")
        .bind(id.0)
        .bind(only.as_ref().map(|only| only.organization.0))
        .execute(&mut *connection)
        .await?;
    write_effects(connection, along, Some(&user)).await?;
    Ok(only)
}
