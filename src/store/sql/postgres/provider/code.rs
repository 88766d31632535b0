use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::revocation;
use crate::crypto::TokenHash;
use crate::store::sql::convert::micros;
use crate::store::sql::provider::{
    self, CodeRow, CodeState, judge_code, resources_hash, statement,
};
use crate::store::{CodeIssue, CodeRedemption, IssuerId, NewCode, RedeemCode, Result, StoredCode};

/// The code goes in first: if its interaction already has one, perhaps this very one sent twice,
/// nothing follows. The foreign key is checked at the end of the statement, when the grant is
/// there.
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
    SELECT $1, grant_id, $8, $9, $10, $11, $12, $13, $14 FROM code
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

pub(super) async fn issue(pool: &PgPool, issuer: &IssuerId, code: &NewCode) -> Result<CodeIssue> {
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
    pool: &PgPool,
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

const REDEEM: &str = "
WITH assertion AS (
    INSERT INTO donjon_provider_assertions AS used (issuer_id, client_id, jti, expires_at)
    SELECT $1, $3, $5, $6 WHERE $5::bytea IS NOT NULL
    ON CONFLICT (issuer_id, client_id, jti) DO UPDATE SET expires_at = excluded.expires_at
        WHERE used.expires_at <= $4
    RETURNING 1
), family AS MATERIALIZED (
    SELECT g.id FROM donjon_provider_codes c
    JOIN donjon_provider_grants g ON g.issuer_id = c.issuer_id AND g.id = c.grant_id
    WHERE c.issuer_id = $1 AND c.code = $2 AND g.client_id = $3 AND g.revoked_at IS NULL
        AND ($5::bytea IS NULL OR EXISTS (SELECT FROM assertion))
        AND (g.offline OR NOT EXISTS
            (SELECT FROM donjon_session_events e WHERE e.session_id = g.session_id))
        AND NOT EXISTS
            (SELECT FROM donjon_session_events e WHERE e.user_id = g.subject
             AND e.at >= g.authenticated_at AND e.reason IN
                 ('password_reset', 'account_deleted', 'signed_out_everywhere'))
    FOR UPDATE OF g
), redeemed AS (
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
SELECT EXISTS (SELECT FROM assertion), EXISTS (SELECT FROM redeemed)";

pub(super) async fn redeem(
    pool: &PgPool,
    issuer: &IssuerId,
    redeem: &RedeemCode,
) -> Result<CodeRedemption> {
    let assertion = redeem.assertion.as_ref();
    let (asserted, redeemed): (bool, bool) = sqlx::query_as(REDEEM)
        .bind(issuer.as_str())
        .bind(&redeem.code.as_bytes()[..])
        .bind(&redeem.client_id)
        .bind(micros(redeem.now))
        .bind(assertion.map(|assertion| assertion.jti.as_bytes().to_vec()))
        .bind(assertion.map(|assertion| micros(assertion.expires_at)))
        .bind(redeem.refresh.as_ref().map(|refresh| refresh.token.as_bytes().to_vec()))
        .bind(redeem.refresh.as_ref().map(|refresh| micros(refresh.expires_at)))
        .bind(micros(redeem.revocation_expires_at))
        .fetch_one(pool)
        .await?;
    if redeemed {
        Ok(CodeRedemption::Redeemed)
    } else if assertion.is_some() && !asserted {
        Ok(CodeRedemption::AssertionReplayed)
    } else {
        refuse(pool, issuer, redeem).await
    }
}

/// Finds out why a code was not redeemed, and revokes its grant if it was redeemed before.
async fn refuse(pool: &PgPool, issuer: &IssuerId, redeem: &RedeemCode) -> Result<CodeRedemption> {
    let mut transaction = pool.begin().await?;
    let Some(grant) = lock(&mut transaction, issuer, redeem).await? else {
        return Ok(CodeRedemption::Unknown);
    };
    let state = state(&mut transaction, issuer, redeem).await?;
    let judgement = match judge_code(state.as_ref(), redeem.now) {
        // It looks alive now, so what failed was the login behind it.
        CodeRedemption::Redeemed => CodeRedemption::Unknown,
        judgement => judgement,
    };
    if judgement == CodeRedemption::Replayed {
        let until = redeem.revocation_expires_at;
        revocation::revoke(&mut *transaction, issuer, grant, redeem.now, until).await?;
    }
    transaction.commit().await?;
    Ok(judgement)
}

async fn lock(
    connection: &mut PgConnection,
    issuer: &IssuerId,
    redeem: &RedeemCode,
) -> Result<Option<Uuid>> {
    let grant: Option<(Uuid,)> = sqlx::query_as(
        "SELECT g.id FROM donjon_provider_codes c
         JOIN donjon_provider_grants g ON g.issuer_id = c.issuer_id AND g.id = c.grant_id
         WHERE c.issuer_id = $1 AND c.code = $2 AND g.client_id = $3
         FOR UPDATE OF g",
    )
    .bind(issuer.as_str())
    .bind(&redeem.code.as_bytes()[..])
    .bind(&redeem.client_id)
    .fetch_optional(connection)
    .await?;
    Ok(grant.map(|(grant,)| grant))
}

async fn state(
    connection: &mut PgConnection,
    issuer: &IssuerId,
    redeem: &RedeemCode,
) -> Result<Option<CodeState>> {
    let row: Option<(bool, Option<i64>, i64)> = sqlx::query_as(
        "SELECT g.revoked_at IS NOT NULL, c.redeemed_at, c.expires_at
         FROM donjon_provider_codes c
         JOIN donjon_provider_grants g ON g.issuer_id = c.issuer_id AND g.id = c.grant_id
         WHERE c.issuer_id = $1 AND c.code = $2",
    )
    .bind(issuer.as_str())
    .bind(&redeem.code.as_bytes()[..])
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|(ended, redeemed_at, expires_at)| CodeState { ended, redeemed_at, expires_at }))
}
