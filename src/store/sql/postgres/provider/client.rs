use sqlx::types::Json;
use time::OffsetDateTime;

use crate::store::sql::convert::micros;
use crate::store::sql::postgres::pool::Pool;
use crate::store::sql::provider::{KeyRow, key, statement};
use crate::store::{ClientAssertionUse, IssuerId, Result, StoredClient, StoredKey};

pub(super) async fn load(
    pool: &Pool,
    issuer: &IssuerId,
    client_id: &str,
) -> Result<Option<StoredClient>> {
    let document: Option<(Json<serde_json::Value>,)> = sqlx::query_as(statement::CLIENT)
        .bind(issuer.as_str())
        .bind(client_id)
        .fetch_optional(pool)
        .await?;
    Ok(document.map(|(Json(document),)| StoredClient { client_id: client_id.into(), document }))
}

pub(super) async fn save(pool: &Pool, issuer: &IssuerId, client: &StoredClient) -> Result<()> {
    sqlx::query(statement::SAVE_CLIENT)
        .bind(issuer.as_str())
        .bind(&client.client_id)
        .bind(Json(&client.document))
        .execute(pool)
        .await?;
    Ok(())
}

pub(super) async fn keys(pool: &Pool, issuer: &IssuerId) -> Result<Vec<StoredKey>> {
    let rows: Vec<KeyRow> =
        sqlx::query_as(statement::KEYS).bind(issuer.as_str()).fetch_all(pool).await?;
    rows.into_iter().map(key).collect()
}

pub(super) async fn ensure_keys(
    pool: &Pool,
    issuer: &IssuerId,
    candidates: &[StoredKey],
) -> Result<Vec<StoredKey>> {
    for key in candidates {
        sqlx::query(statement::ENSURE_KEY)
            .bind(issuer.as_str())
            .bind(&key.kid)
            .bind(&key.algorithm)
            .bind(key.private_key.as_bytes())
            .bind(micros(key.created_at))
            .bind(micros(key.signs_from))
            .execute(pool)
            .await?;
    }
    keys(pool, issuer).await
}

pub(super) async fn add_key(pool: &Pool, issuer: &IssuerId, key: &StoredKey) -> Result<()> {
    sqlx::query(statement::ADD_KEY)
        .bind(issuer.as_str())
        .bind(&key.kid)
        .bind(&key.algorithm)
        .bind(key.private_key.as_bytes())
        .bind(micros(key.created_at))
        .bind(micros(key.signs_from))
        .execute(pool)
        .await?;
    Ok(())
}

/// Uses an assertion up; `false` if it was used before and could still be believed.
pub(super) async fn consume_assertion(
    pool: &Pool,
    issuer: &IssuerId,
    assertion: &ClientAssertionUse,
    now: OffsetDateTime,
) -> Result<bool> {
    let consumed = sqlx::query(statement::CONSUME_ASSERTION)
        .bind(issuer.as_str())
        .bind(&assertion.client_id)
        .bind(&assertion.jti.as_bytes()[..])
        .bind(micros(assertion.expires_at))
        .bind(micros(now))
        .execute(pool)
        .await?;
    Ok(consumed.rows_affected() == 1)
}
