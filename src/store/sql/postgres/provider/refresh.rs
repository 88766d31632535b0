use sqlx::PgConnection;

use super::present::{Presented, locking, presenting};
use super::revocation;
use crate::crypto::TokenHash;
use crate::store::sql::convert::micros;
use crate::store::sql::postgres::pool::Pool;
use crate::store::sql::provider::{
    self, RefreshRow, RefreshState, RefreshStateRow, judge_refresh, statement,
};
use crate::store::{
    IssuerId, RefreshRotation, Result, RotateRefresh, StoreError, StoredRefreshToken,
};

pub(super) async fn load(
    pool: &Pool,
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

/// Using a token closes the grace window of its parent: the sealed copy of it goes.
const ROTATE: &str = concat!(
    presenting!("donjon_provider_refresh_tokens", "token"),
    ", rotated AS (
    UPDATE donjon_provider_refresh_tokens r
    SET rotated_at = $4, successor = $7, successor_sealed = $9 FROM family
    WHERE r.issuer_id = $1 AND r.token = $2 AND r.rotated_at IS NULL AND r.expires_at > $4
    RETURNING family.id
), successor AS (
    INSERT INTO donjon_provider_refresh_tokens (issuer_id, token, grant_id, issued_at, expires_at)
    SELECT $1, $7, id, $4, $8 FROM rotated
), parent AS (
    UPDATE donjon_provider_refresh_tokens r SET successor_sealed = NULL FROM rotated
    WHERE r.issuer_id = $1 AND r.grant_id = rotated.id AND r.successor = $2
), prolonged AS (
    UPDATE donjon_provider_grants g SET expires_at = GREATEST(g.expires_at, $8, $10) FROM rotated
    WHERE g.issuer_id = $1 AND g.id = rotated.id
)
SELECT EXISTS (SELECT FROM assertion), EXISTS (SELECT FROM rotated)"
);

pub(super) async fn rotate(
    pool: &Pool,
    issuer: &IssuerId,
    rotate: &RotateRefresh,
) -> Result<RefreshRotation> {
    let presented = Presented {
        issuer,
        hash: &rotate.presented,
        client_id: &rotate.client_id,
        assertion: rotate.assertion.as_ref(),
        now: rotate.now,
    };
    let (asserted, rotated) = presented
        .bind(ROTATE)
        .bind(rotate.successor.token.as_bytes().to_vec())
        .bind(micros(rotate.successor.expires_at))
        .bind(rotate.successor_sealed.as_bytes().to_vec())
        .bind(micros(rotate.revocation_expires_at))
        .fetch_one(pool)
        .await?;
    if rotated {
        Ok(RefreshRotation::Rotated)
    } else if rotate.assertion.is_some() && !asserted {
        Ok(RefreshRotation::AssertionReplayed)
    } else {
        pool.within(refuse(pool, &presented, rotate)).await
    }
}

/// Finds out why a token was not rotated, and revokes its grant if it was rotated before and the
/// grace window does not cover this.
async fn refuse(
    pool: &Pool,
    presented: &Presented<'_>,
    rotate: &RotateRefresh,
) -> Result<RefreshRotation> {
    let mut transaction = pool.begin().await?;
    presented.lock(locking!("donjon_provider_refresh_tokens", "token"), &mut transaction).await?;
    let Some(state) = state(&mut transaction, presented).await? else {
        return Ok(RefreshRotation::Unknown);
    };
    let grant = state.grant;
    let judgement = judge_refresh(Some(state), rotate.now, rotate.grace);
    match judgement {
        RefreshRotation::Reused => {
            let (issuer, until) = (presented.issuer, rotate.revocation_expires_at);
            revocation::revoke(&mut *transaction, issuer, grant, rotate.now, until).await?;
        }
        RefreshRotation::Rotated => {
            return Err(StoreError::Corrupt("a refresh token that can be rotated, and cannot"));
        }
        _ => {}
    }
    transaction.commit().await?;
    Ok(judgement)
}

async fn state(
    connection: &mut PgConnection,
    presented: &Presented<'_>,
) -> Result<Option<RefreshState>> {
    let row: Option<RefreshStateRow> = sqlx::query_as(statement::REFRESH_STATE)
        .bind(presented.issuer.as_str())
        .bind(&presented.hash.as_bytes()[..])
        .bind(presented.client_id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(RefreshState::from))
}
