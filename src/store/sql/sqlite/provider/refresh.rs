use sqlx::{SqliteConnection, SqlitePool};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{client, revocation};
use crate::crypto::TokenHash;
use crate::store::sql::convert::micros;
use crate::store::sql::provider::{
    self, RefreshRow, RefreshState, RefreshStateRow, judge_refresh, statement,
};
use crate::store::{
    IssuerId, NewRefreshToken, RefreshRotation, Result, RotateRefresh, StoredRefreshToken,
};

pub(super) async fn load(
    pool: &SqlitePool,
    issuer: &IssuerId,
    token: &TokenHash,
) -> Result<Option<StoredRefreshToken>> {
    let row: Option<RefreshRow> = sqlx::query_as(statement::REFRESH)
        .bind(issuer.as_str())
        .bind(&token.as_bytes()[..])
        .fetch_optional(pool)
        .await?;
    row.map(provider::refresh).transpose()
}

/// Writes a token under a grant that was read in the same transition.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    grant: Uuid,
    token: &NewRefreshToken,
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO donjon_provider_refresh_tokens
             (issuer_id, token, grant_id, issued_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )
    .bind(issuer.as_str())
    .bind(&token.token.as_bytes()[..])
    .bind(grant)
    .bind(micros(now))
    .bind(micros(token.expires_at))
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps a grant at least as long as what was just issued under it.
pub(super) async fn prolong(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    grant: Uuid,
    until: OffsetDateTime,
) -> Result<()> {
    sqlx::query(
        "UPDATE donjon_provider_grants SET expires_at = MAX(expires_at, ?3)
         WHERE issuer_id = ?1 AND id = ?2",
    )
    .bind(issuer.as_str())
    .bind(grant)
    .bind(micros(until))
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn rotate(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    rotate: &RotateRefresh,
) -> Result<RefreshRotation> {
    if let Some(assertion) = &rotate.assertion
        && !client::consume_assertion(connection, issuer, assertion, &rotate.now).await?
    {
        return Ok(RefreshRotation::AssertionReplayed);
    }
    let state = state(connection, issuer, rotate).await?;
    let grant = state.as_ref().map(|state| state.grant);
    let judgement = judge_refresh(state, rotate.now, rotate.grace);
    match (&judgement, grant) {
        (RefreshRotation::Rotated, Some(grant)) => {
            replace(connection, issuer, rotate, grant).await?;
        }
        (RefreshRotation::Reused, Some(grant)) => {
            let until = rotate.revocation_expires_at;
            revocation::revoke(connection, issuer, grant, rotate.now, until).await?;
        }
        _ => {}
    }
    Ok(judgement)
}

async fn state(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    rotate: &RotateRefresh,
) -> Result<Option<RefreshState>> {
    let row: Option<RefreshStateRow> = sqlx::query_as(statement::REFRESH_STATE)
        .bind(issuer.as_str())
        .bind(&rotate.presented.as_bytes()[..])
        .bind(&rotate.client_id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(RefreshState::from))
}

async fn replace(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    rotate: &RotateRefresh,
    grant: Uuid,
) -> Result<()> {
    // Using a token closes the grace window of its parent.
    sqlx::query(
        "UPDATE donjon_provider_refresh_tokens SET successor_sealed = NULL
         WHERE issuer_id = ?1 AND grant_id = ?2 AND successor_sealed IS NOT NULL",
    )
    .bind(issuer.as_str())
    .bind(grant)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE donjon_provider_refresh_tokens
         SET rotated_at = ?3, successor = ?4, successor_sealed = ?5
         WHERE issuer_id = ?1 AND token = ?2",
    )
    .bind(issuer.as_str())
    .bind(&rotate.presented.as_bytes()[..])
    .bind(micros(rotate.now))
    .bind(&rotate.successor.token.as_bytes()[..])
    .bind(rotate.successor_sealed.as_bytes())
    .execute(&mut *connection)
    .await?;
    write(connection, issuer, grant, &rotate.successor, rotate.now).await?;
    let until = rotate.successor.expires_at.max(rotate.revocation_expires_at);
    prolong(connection, issuer, grant, until).await
}
