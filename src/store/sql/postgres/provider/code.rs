use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::present::{Presented, locking, presenting};
use super::revocation;
use crate::crypto::TokenHash;
use crate::store::sql::convert::micros;
use crate::store::sql::postgres::pool::Pool;
use crate::store::sql::provider::{
    self, CodeRow, CodeState, CodeStateRow, judge_code, resources_hash, statement,
};
use crate::store::{
    CodeIssue, CodeRedemption, IssuerId, NewCode, RedeemCode, Result, StoreError, StoredCode,
};

/// The code goes in first: if its interaction already has one, perhaps this very one sent twice,
/// nothing follows. The foreign key is checked at the end of the statement, when the grant is
/// there. Where the user logged in, the session says, if it is one of this store's.
const ISSUE: &str = "
WITH code AS (
    INSERT INTO donjon_provider_codes
        (issuer_id, code, interaction_id, grant_id, redirect_uri, code_challenge, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT DO NOTHING
    RETURNING grant_id
), family AS (
    INSERT INTO donjon_provider_grants
        (issuer_id, id, client_id, subject, session_id, offline, authenticated_at, document,
         expires_at)
    SELECT $1, grant_id, $8, $9, $10, $11, $12,
        CASE WHEN s.id IS NULL THEN $13::jsonb ELSE jsonb_set($13::jsonb,
            '{authentication,login_path}',
            coalesce(s.authentication -> 'login_path', 'null'::jsonb)) END,
        $14
    FROM code LEFT JOIN donjon_sessions s ON s.id = $10 AND s.user_id = $9
), consent AS (
    INSERT INTO donjon_provider_consents AS old
        (issuer_id, subject, client_id, resources_hash, resources, scopes, granted_at)
    SELECT $1, $9, $8, $15, $16, $17, $18 FROM code WHERE $17::jsonb IS NOT NULL
    ON CONFLICT (issuer_id, subject, client_id, resources_hash) DO UPDATE
        SET granted_at = excluded.granted_at,
            scopes = (SELECT jsonb_agg(DISTINCT scope ORDER BY scope)
                      FROM jsonb_array_elements(old.scopes || excluded.scopes) scope)
)
SELECT EXISTS (SELECT FROM code)";

pub(super) async fn issue(pool: &Pool, issuer: &IssuerId, code: &NewCode) -> Result<CodeIssue> {
    let grant = &code.grant;
    let consent = code.consent.as_ref();
    let (issued,): (bool,) = sqlx::query_as(ISSUE)
        .bind(issuer.as_str())
        .bind(&code.code.as_bytes()[..])
        .bind(&code.interaction_id)
        .bind(grant.id)
        .bind(&code.redirect_uri)
        .bind(&code.code_challenge)
        .bind(micros(code.expires_at))
        .bind(&grant.client_id)
        .bind(grant.subject.as_str())
        .bind(grant.authentication.session_id.0)
        .bind(grant.offline)
        .bind(micros(grant.authentication.at))
        .bind(Json(grant))
        .bind(micros(code.expires_at.max(code.interaction_expires_at)))
        .bind(consent.map(|consent| resources_hash(&consent.resources).as_bytes().to_vec()))
        .bind(consent.map(|consent| Json(&consent.resources)))
        .bind(consent.map(|consent| Json(&consent.scopes)))
        .bind(consent.map(|consent| micros(consent.granted_at)))
        .fetch_one(pool)
        .await?;
    if issued {
        return Ok(CodeIssue::Issued);
    }
    let (redeemed,): (bool,) = sqlx::query_as(statement::ISSUED)
        .bind(issuer.as_str())
        .bind(&code.interaction_id)
        .fetch_one(pool)
        .await?;
    Ok(CodeIssue::AlreadyIssued { redeemed })
}

pub(super) async fn load(
    pool: &Pool,
    issuer: &IssuerId,
    code: &TokenHash,
) -> Result<Option<StoredCode>> {
    let row: Option<CodeRow> = sqlx::query_as(statement::CODE)
        .bind(issuer.as_str())
        .bind(&code.as_bytes()[..])
        .fetch_optional(pool)
        .await?;
    row.map(provider::code).transpose()
}

const REDEEM: &str = concat!(
    presenting!("donjon_provider_codes", "code"),
    ", redeemed AS (
    UPDATE donjon_provider_codes c SET redeemed_at = $4 FROM family
    WHERE c.issuer_id = $1 AND c.code = $2 AND c.redeemed_at IS NULL AND c.expires_at > $4
    RETURNING family.id
), refresh AS (
    INSERT INTO donjon_provider_refresh_tokens (issuer_id, token, grant_id, issued_at, expires_at)
    SELECT $1, $7, id, $4, $8 FROM redeemed WHERE $7::bytea IS NOT NULL
), prolonged AS (
    UPDATE donjon_provider_grants g SET expires_at = GREATEST(g.expires_at, $9, $8) FROM redeemed
    WHERE g.issuer_id = $1 AND g.id = redeemed.id
)
SELECT EXISTS (SELECT FROM assertion), EXISTS (SELECT FROM redeemed)"
);

pub(super) async fn redeem(
    pool: &Pool,
    issuer: &IssuerId,
    redeem: &RedeemCode,
) -> Result<CodeRedemption> {
    let presented = Presented {
        issuer,
        hash: &redeem.code,
        client_id: &redeem.client_id,
        assertion: redeem.assertion.as_ref(),
        now: redeem.now,
    };
    let (asserted, redeemed) = presented
        .bind(REDEEM)
        .bind(redeem.refresh.as_ref().map(|refresh| refresh.token.as_bytes().to_vec()))
        .bind(redeem.refresh.as_ref().map(|refresh| micros(refresh.expires_at)))
        .bind(micros(redeem.revocation_expires_at))
        .fetch_one(pool)
        .await?;
    if redeemed {
        Ok(CodeRedemption::Redeemed)
    } else if redeem.assertion.is_some() && !asserted {
        Ok(CodeRedemption::AssertionReplayed)
    } else {
        pool.within(refuse(pool, &presented, redeem.revocation_expires_at)).await
    }
}

/// Finds out why a code was not redeemed, and revokes its grant if it was redeemed before.
async fn refuse(
    pool: &Pool,
    presented: &Presented<'_>,
    until: OffsetDateTime,
) -> Result<CodeRedemption> {
    let mut transaction = pool.begin().await?;
    presented.lock(locking!("donjon_provider_codes", "code"), &mut transaction).await?;
    let state = state(&mut transaction, presented).await?;
    let judgement = judge_code(state.as_ref(), presented.now);
    match (judgement, state) {
        (CodeRedemption::Replayed, Some(state)) => {
            let (issuer, now) = (presented.issuer, presented.now);
            revocation::revoke(&mut *transaction, issuer, state.grant, now, until).await?;
        }
        (CodeRedemption::Redeemed, _) => {
            return Err(StoreError::Corrupt("a code that can be redeemed, and cannot"));
        }
        _ => {}
    }
    transaction.commit().await?;
    Ok(judgement)
}

async fn state(
    connection: &mut PgConnection,
    presented: &Presented<'_>,
) -> Result<Option<CodeState>> {
    let row: Option<CodeStateRow> = sqlx::query_as(statement::CODE_STATE)
        .bind(presented.issuer.as_str())
        .bind(&presented.hash.as_bytes()[..])
        .bind(presented.client_id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(CodeState::from))
}
