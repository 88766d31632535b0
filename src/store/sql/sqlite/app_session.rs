use async_trait::async_trait;
use sqlx::types::Json;
use sqlx::{SqliteConnection, query, query_as};
use time::OffsetDateTime;
use uuid::Uuid;

use super::SqliteStore;
use super::audit::write_effects_if;
use super::session::{end_one, insert};
use super::sweep::sweep;
use crate::crypto::TokenHash;
use crate::scope::{SessionEnd, SessionId, UserId};
use crate::store::sql::account::user_id;
use crate::store::sql::app_session::{
    BEGIN, CODE, CodeRow, CodeVerdict, FAMILY, FIND, FoundRow, ISSUE, LIST, PresentedCode,
    ROTATION, RotationRow, SPEND, WRITE_ACCESS, WRITE_REFRESH, found, judge_rotation, new_session,
    presented_code,
};
use crate::store::sql::convert::micros;
use crate::store::sql::provider::SEALED_FOR;
use crate::store::sql::session::{LOAD_IN_PERSON, SessionRow, session};
use crate::store::{
    APP_CODES_KEPT, AppCodeRedemption, AppRotation, AppSessionStore, Effects, NewAppCode,
    PresentedApp, RedeemAppCode, Result, RotateAppSession, StoredSession,
};

/// The session that token `$1` belongs to, or family `$2`, and whose that is.
const OWNER: &str = "SELECT id, user_id FROM donjon_sessions WHERE id IN
     (SELECT session_id FROM donjon_app_refresh_tokens WHERE token = $1 OR family = $2
      UNION SELECT session_id FROM donjon_app_access_tokens WHERE token = $1)";
const SWEEP_CODES: &str = "DELETE FROM donjon_app_codes WHERE rowid IN
     (SELECT rowid FROM donjon_app_codes WHERE expires_at <= ?1 LIMIT ?2)";
const SWEEP_REFRESH: &str = "DELETE FROM donjon_app_refresh_tokens WHERE rowid IN
     (SELECT rowid FROM donjon_app_refresh_tokens WHERE expires_at <= ?1 LIMIT ?2)";
const SWEEP_ACCESS: &str = "DELETE FROM donjon_app_access_tokens WHERE rowid IN
     (SELECT rowid FROM donjon_app_access_tokens WHERE expires_at <= ?1 LIMIT ?2)";
const ERASE_SEALED: &str = "UPDATE donjon_app_refresh_tokens SET successor_sealed = NULL
     WHERE rowid IN (SELECT rowid FROM donjon_app_refresh_tokens
                     WHERE successor_sealed IS NOT NULL AND rotated_at <= ?1 LIMIT ?2)";

#[async_trait]
impl AppSessionStore for SqliteStore {
    async fn issue_app_code(&self, code: &NewAppCode) -> Result<bool> {
        let code = code.clone();
        self.transition(move |connection| {
            Box::pin(async move {
                let done = query(ISSUE)
                    .bind(code.code.as_bytes().to_vec())
                    .bind(code.app)
                    .bind(code.redirect_uri)
                    .bind(code.code_challenge)
                    .bind(Json(code.scopes))
                    .bind(code.user.as_str().to_owned())
                    .bind(code.made_in.0)
                    .bind(micros(code.created_at))
                    .bind(micros(code.expires_at))
                    .execute(connection)
                    .await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
    }

    async fn redeem_app_code(
        &self,
        redeem: &RedeemAppCode,
        along: &Effects,
        denied: &Effects,
    ) -> Result<AppCodeRedemption> {
        let (redeem, along, denied) = (redeem.clone(), along.clone(), denied.clone());
        self.transition(move |connection| {
            Box::pin(async move { redeem_code(connection, &redeem, &along, &denied).await })
        })
        .await
    }

    async fn rotate_app_session(
        &self,
        rotate: &RotateAppSession,
        denied: &Effects,
    ) -> Result<AppRotation> {
        let (rotate, denied) = (rotate.clone(), denied.clone());
        self.transition(move |connection| {
            Box::pin(async move { rotate_token(connection, &rotate, &denied).await })
        })
        .await
    }

    async fn find_app_session(
        &self,
        access: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<PresentedApp>> {
        let row: Option<FoundRow> = query_as(FIND)
            .bind(access.as_bytes().as_slice())
            .bind(micros(now))
            .fetch_optional(self.readers())
            .await?;
        row.map(found).transpose()
    }

    async fn revoke_app_session(
        &self,
        token: &TokenHash,
        family: Option<&TokenHash>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let (token, family, along) = (*token, family.copied(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let owner: Option<(Uuid, String)> = query_as(OWNER)
                    .bind(token.as_bytes().to_vec())
                    .bind(family.map(|family| family.as_bytes().to_vec()))
                    .fetch_optional(&mut *connection)
                    .await?;
                let Some((id, user)) = owner else { return Ok(false) };
                end(connection, id, &user_id(user)?, SessionEnd::LoggedOut, &along, now).await
            })
        })
        .await
    }

    async fn app_sessions_of(&self, user: &UserId) -> Result<Vec<(SessionId, String)>> {
        let rows: Vec<(Uuid, String)> =
            query_as(LIST).bind(user.as_str()).fetch_all(self.readers()).await?;
        Ok(rows.into_iter().map(|(id, app)| (SessionId(id), app)).collect())
    }

    async fn sweep_app_sessions(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        self.transition(move |connection| {
            Box::pin(async move {
                let mut swept = 0;
                for (statement, before) in [
                    (SWEEP_CODES, now - APP_CODES_KEPT),
                    (SWEEP_REFRESH, now),
                    (SWEEP_ACCESS, now),
                    (ERASE_SEALED, now - SEALED_FOR),
                ] {
                    swept += sweep(connection, statement, before, limit).await?;
                }
                Ok(swept)
            })
        })
        .await
    }
}

async fn redeem_code(
    connection: &mut SqliteConnection,
    redeem: &RedeemAppCode,
    along: &Effects,
    denied: &Effects,
) -> Result<AppCodeRedemption> {
    let row: Option<CodeRow> = query_as(CODE)
        .bind(redeem.code.as_bytes().to_vec())
        .bind(&redeem.app)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(AppCodeRedemption::Unknown) };
    let code = presented_code(row, redeem)?;
    match code.verdict {
        CodeVerdict::Over => Ok(AppCodeRedemption::Unknown),
        CodeVerdict::Mismatched => {
            spend(connection, redeem, None).await?;
            Ok(AppCodeRedemption::Mismatched)
        }
        CodeVerdict::Replayed(id) => {
            let reason = SessionEnd::Revoked;
            end(connection, id, &code.user, reason, denied, redeem.now).await?;
            Ok(AppCodeRedemption::Replayed)
        }
        CodeVerdict::Good => open(connection, redeem, code, along).await,
    }
}

/// Opens the session of a code that is good.
async fn open(
    connection: &mut SqliteConnection,
    redeem: &RedeemAppCode,
    code: PresentedCode,
    along: &Effects,
) -> Result<AppCodeRedemption> {
    let parent: Option<SessionRow> = query_as(LOAD_IN_PERSON)
        .bind(code.made_in)
        .bind(micros(redeem.now))
        .fetch_optional(&mut *connection)
        .await?;
    let parent: Option<StoredSession> = parent.map(session).transpose()?;
    let Some(new) = parent.and_then(|parent| new_session(redeem, parent)) else {
        return Ok(AppCodeRedemption::Unknown);
    };
    let (expires_at, login) = (new.expires_at, new.login.as_ref());
    let account = login.map(|login| login.account.clone());
    let Some(account) = account.filter(|account| *account.id() == code.user) else {
        return Ok(AppCodeRedemption::Unknown);
    };
    let NewAppTokens { id, refresh, family, access } = NewAppTokens::of(redeem);
    insert(connection, new).await?;
    query(BEGIN)
        .bind(id)
        .bind(code.user.as_str())
        .bind(&redeem.app)
        .bind(Json(&code.scopes))
        .bind(micros(redeem.now))
        .execute(&mut *connection)
        .await?;
    query(WRITE_REFRESH)
        .bind(refresh)
        .bind(id)
        .bind(micros(redeem.now))
        .bind(micros(redeem.session.idle_expires_at))
        .bind(family)
        .execute(&mut *connection)
        .await?;
    write_access(connection, id, access, redeem.session.access.expires_at).await?;
    spend(connection, redeem, Some(id)).await?;
    write_effects_if(connection, along, Some(&code.user), true).await?;
    let account = Box::new(account);
    Ok(AppCodeRedemption::Redeemed { account, scopes: code.scopes, expires_at })
}

/// What a session begins with, as it is bound.
struct NewAppTokens {
    id: Uuid,
    refresh: Vec<u8>,
    family: Vec<u8>,
    access: Vec<u8>,
}

impl NewAppTokens {
    fn of(redeem: &RedeemAppCode) -> Self {
        let session = &redeem.session;
        Self {
            id: session.id.0,
            refresh: session.refresh.token.as_bytes().to_vec(),
            family: session.refresh.family.as_bytes().to_vec(),
            access: session.access.token.as_bytes().to_vec(),
        }
    }
}

async fn spend(
    connection: &mut SqliteConnection,
    redeem: &RedeemAppCode,
    session: Option<Uuid>,
) -> Result<()> {
    query(SPEND)
        .bind(redeem.code.as_bytes().to_vec())
        .bind(micros(redeem.now))
        .bind(session)
        .execute(connection)
        .await?;
    Ok(())
}

async fn write_access(
    connection: &mut SqliteConnection,
    session: Uuid,
    token: Vec<u8>,
    expires_at: OffsetDateTime,
) -> Result<()> {
    query(WRITE_ACCESS)
        .bind(token)
        .bind(session)
        .bind(micros(expires_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends a session, and writes what goes along if it was there.
async fn end(
    connection: &mut SqliteConnection,
    id: Uuid,
    user: &UserId,
    reason: SessionEnd,
    along: &Effects,
    now: OffsetDateTime,
) -> Result<bool> {
    let ended = end_one(connection, (id, user), reason, now).await?;
    write_effects_if(connection, along, Some(user), ended).await?;
    Ok(ended)
}

async fn rotate_token(
    connection: &mut SqliteConnection,
    rotate: &RotateAppSession,
    denied: &Effects,
) -> Result<AppRotation> {
    let row: Option<RotationRow> = query_as(ROTATION)
        .bind(rotate.presented.token.as_bytes().to_vec())
        .bind(&rotate.app)
        .bind(micros(rotate.now))
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return end_family(connection, rotate, denied).await };
    let (id, user, judgement) = judge_rotation(row, rotate)?;
    match judgement {
        AppRotation::Rotated { .. } => replace(connection, id, rotate).await?,
        AppRotation::Repeated { .. } => {}
        AppRotation::Reused => {
            end(connection, id, &user, SessionEnd::Revoked, denied, rotate.now).await?;
        }
        AppRotation::Unknown => {}
    }
    if matches!(judgement, AppRotation::Rotated { .. } | AppRotation::Repeated { .. }) {
        let access = rotate.access.token.as_bytes().to_vec();
        write_access(connection, id, access, rotate.access.expires_at).await?;
    }
    Ok(judgement)
}

/// Ends the session of a token that is not there any more, if its family is.
async fn end_family(
    connection: &mut SqliteConnection,
    rotate: &RotateAppSession,
    denied: &Effects,
) -> Result<AppRotation> {
    let owner: Option<(Uuid, String)> = query_as(FAMILY)
        .bind(rotate.presented.family.as_bytes().to_vec())
        .bind(&rotate.app)
        .bind(micros(rotate.now))
        .fetch_optional(&mut *connection)
        .await?;
    let Some((id, user)) = owner else { return Ok(AppRotation::Unknown) };
    end(connection, id, &user_id(user)?, SessionEnd::Revoked, denied, rotate.now).await?;
    Ok(AppRotation::Reused)
}

async fn replace(
    connection: &mut SqliteConnection,
    session: Uuid,
    rotate: &RotateAppSession,
) -> Result<()> {
    let (presented, family) = (rotate.presented.token, rotate.presented.family);
    // Using a token closes the grace window of its parent, of which its family is all that is left.
    query("DELETE FROM donjon_app_refresh_tokens WHERE session_id = ?1 AND family = ?2 AND token <> ?3")
        .bind(session)
        .bind(family.as_bytes().to_vec())
        .bind(presented.as_bytes().to_vec())
        .execute(&mut *connection)
        .await?;
    // One from before families were written.
    query(
        "UPDATE donjon_app_refresh_tokens SET successor_sealed = NULL
         WHERE session_id = ?1 AND successor = ?2",
    )
    .bind(session)
    .bind(presented.as_bytes().to_vec())
    .execute(&mut *connection)
    .await?;
    query(
        "UPDATE donjon_app_refresh_tokens
         SET rotated_at = ?2, successor = ?3, successor_sealed = ?4, family = ?5 WHERE token = ?1",
    )
    .bind(presented.as_bytes().to_vec())
    .bind(micros(rotate.now))
    .bind(rotate.successor.as_bytes().to_vec())
    .bind(rotate.successor_sealed.as_bytes())
    .bind(family.as_bytes().to_vec())
    .execute(&mut *connection)
    .await?;
    query(WRITE_REFRESH)
        .bind(rotate.successor.as_bytes().to_vec())
        .bind(session)
        .bind(micros(rotate.now))
        .bind(micros(rotate.idle_expires_at))
        .bind(family.as_bytes().to_vec())
        .execute(&mut *connection)
        .await?;
    query(
        "UPDATE donjon_sessions SET last_active_at = max(last_active_at, ?2), idle_expires_at = ?3
         WHERE id = ?1",
    )
    .bind(session)
    .bind(micros(rotate.now))
    .bind(micros(rotate.idle_expires_at))
    .execute(connection)
    .await?;
    Ok(())
}
