use sqlx::types::Json;
use sqlx::{SqliteConnection, SqlitePool};
use uuid::Uuid;

use super::{client, interaction, refresh, revocation};
use crate::crypto::TokenHash;
use crate::store::sql::convert::micros;
use crate::store::sql::provider::{self, CodeRow, CodeState, CodeStateRow, judge_code, statement};
use crate::store::{CodeIssue, CodeRedemption, IssuerId, NewCode, RedeemCode, Result, StoredCode};

pub(super) async fn issue(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    code: &NewCode,
) -> Result<CodeIssue> {
    let issued: Option<(bool,)> = sqlx::query_as(statement::ISSUED)
        .bind(issuer.as_str())
        .bind(&code.interaction_id)
        .fetch_optional(&mut *connection)
        .await?;
    if let Some((redeemed,)) = issued {
        return Ok(CodeIssue::AlreadyIssued { redeemed });
    }
    write_grant(connection, issuer, code).await?;
    sqlx::query(
        "INSERT INTO donjon_provider_codes
             (issuer_id, code, interaction_id, grant_id, redirect_uri, code_challenge, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .bind(issuer.as_str())
    .bind(&code.code.as_bytes()[..])
    .bind(&code.interaction_id)
    .bind(code.grant.id)
    .bind(&code.redirect_uri)
    .bind(&code.code_challenge)
    .bind(micros(code.expires_at))
    .execute(&mut *connection)
    .await?;
    if let Some(consent) = &code.consent {
        interaction::add_consent(connection, issuer, consent).await?;
    }
    Ok(CodeIssue::Issued)
}

async fn write_grant(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    code: &NewCode,
) -> Result<()> {
    let grant = &code.grant;
    // Where the user logged in, the session says, if it is one of this store's.
    sqlx::query(
        "INSERT INTO donjon_provider_grants
             (issuer_id, id, client_id, subject, session_id, offline, authenticated_at, document,
              expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,
             coalesce((SELECT json_set(?8, '$.authentication.login_path',
                           s.authentication ->> 'login_path')
                       FROM donjon_sessions s WHERE s.id = ?5 AND s.user_id = ?4), ?8), ?9)",
    )
    .bind(issuer.as_str())
    .bind(grant.id)
    .bind(&grant.client_id)
    .bind(grant.subject.as_str())
    .bind(grant.authentication.session_id.0)
    .bind(grant.offline)
    .bind(micros(grant.authentication.at))
    .bind(Json(grant))
    .bind(micros(code.expires_at.max(code.interaction_expires_at)))
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn load(
    pool: &SqlitePool,
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

pub(super) async fn redeem(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    redeem: &RedeemCode,
) -> Result<CodeRedemption> {
    if let Some(assertion) = &redeem.assertion
        && !client::consume_assertion(connection, issuer, assertion, &redeem.now).await?
    {
        return Ok(CodeRedemption::AssertionReplayed);
    }
    let state = state(connection, issuer, redeem).await?;
    let judgement = judge_code(state.as_ref(), redeem.now);
    match (judgement, state) {
        (CodeRedemption::Redeemed, Some(state)) => {
            mark_redeemed(connection, issuer, redeem, state.grant).await?;
        }
        (CodeRedemption::Replayed, Some(state)) => {
            let until = redeem.revocation_expires_at;
            revocation::revoke(connection, issuer, state.grant, redeem.now, until).await?;
        }
        _ => {}
    }
    Ok(judgement)
}

async fn state(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    redeem: &RedeemCode,
) -> Result<Option<CodeState>> {
    let row: Option<CodeStateRow> = sqlx::query_as(statement::CODE_STATE)
        .bind(issuer.as_str())
        .bind(&redeem.code.as_bytes()[..])
        .bind(&redeem.client_id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(CodeState::from))
}

async fn mark_redeemed(
    connection: &mut SqliteConnection,
    issuer: &IssuerId,
    redeem: &RedeemCode,
    grant: Uuid,
) -> Result<()> {
    sqlx::query(
        "UPDATE donjon_provider_codes SET redeemed_at = ?3 WHERE issuer_id = ?1 AND code = ?2",
    )
    .bind(issuer.as_str())
    .bind(&redeem.code.as_bytes()[..])
    .bind(micros(redeem.now))
    .execute(&mut *connection)
    .await?;
    let mut until = redeem.revocation_expires_at;
    if let Some(token) = &redeem.refresh {
        refresh::write(connection, issuer, grant, token, redeem.now).await?;
        until = until.max(token.expires_at);
    }
    refresh::prolong(connection, issuer, grant, until).await
}
