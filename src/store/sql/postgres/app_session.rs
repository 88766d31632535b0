use async_trait::async_trait;
use sqlx::types::Json;
use sqlx::{PgConnection, query, query_as, query_scalar};
use time::OffsetDateTime;
use uuid::Uuid;

use super::audit::{along, effects};
use super::new_session::insert;
use super::session::{END_ONE, noting_ends};
use super::sweep::sweep;
use super::{PostgresStore, SESSION_EVENTS_LOCK};
use crate::crypto::TokenHash;
use crate::scope::{SessionEnd, SessionId, UserId};
use crate::store::sql::account::user_id;
use crate::store::sql::app_session::{
    BEGIN, CODE, CodeRow, CodeVerdict, FAMILY, FIND, FoundRow, ISSUE, LIST, PresentedCode,
    ROTATION, RotationRow, SPEND, STUCK, WRITE_ACCESS, WRITE_REFRESH, family, found,
    judge_rotation, new_session, presented_code,
};
use crate::store::sql::convert::{micros, time};
use crate::store::sql::provider::SEALED_FOR;
use crate::store::sql::session::{LOAD_IN_PERSON, SessionRow, session};
use crate::store::{
    APP_CODES_KEPT, AppCodeRedemption, AppRotation, AppSessionStore, Effects, NewAppCode,
    PresentedApp, RedeemAppCode, Result, RotateAppSession, StoredSession,
};

/// The user's row before all others, as in a reset: whichever of the two is first, the session that
/// a code opens does not outlive it.
const LOCK_USER: &str = "SELECT u.id FROM donjon_app_codes c JOIN donjon_users u ON u.id = c.user_id \
     WHERE c.code = $1 AND c.app_id = $2 FOR NO KEY UPDATE OF u";

/// The session that the code was made in, which nobody ends until this one is written.
const LOCK_PARENT: &str = "SELECT id FROM donjon_sessions WHERE id = $1 FOR UPDATE";

const LOCK_FAMILY: &str =
    concat!("SELECT s.id", family!("", "(r.token = $1 OR r.family = $4)"), " FOR UPDATE OF s");

/// Rotates token `$1` of app `$2` at `$3` to `$4`, sealed `$5`, good until `$6`, with the access
/// token `$7`, good until `$8`, all of family `$9`. Using a token closes the grace window of its parent,
/// of which its family is all that is left; of one from before families were written, all but the
/// sealed copy.
const ROTATE: &str = concat!(
    "WITH family AS MATERIALIZED (SELECT s.id, s.expires_at",
    family!("", "r.token = $1"),
    " FOR UPDATE OF s), rotated AS (
         UPDATE donjon_app_refresh_tokens r
         SET rotated_at = $3, successor = $4, successor_sealed = $5, family = $9 FROM family
         WHERE r.token = $1 AND r.rotated_at IS NULL AND r.expires_at > $3
         RETURNING family.id, family.expires_at
     ), parent AS (
         UPDATE donjon_app_refresh_tokens r SET successor_sealed = NULL FROM rotated
         WHERE r.session_id = rotated.id AND r.successor = $1 AND r.family IS NULL
     ), older AS (
         DELETE FROM donjon_app_refresh_tokens r USING rotated
         WHERE r.session_id = rotated.id AND r.family = $9 AND r.token <> $1
     ), successor AS (
         INSERT INTO donjon_app_refresh_tokens (token, session_id, issued_at, expires_at, family)
         SELECT $4, id, $3, $6, $9 FROM rotated
     ), access AS (
         INSERT INTO donjon_app_access_tokens (token, session_id, expires_at)
         SELECT $7, id, $8 FROM rotated
     ), used AS (
         UPDATE donjon_sessions s
         SET last_active_at = GREATEST(s.last_active_at, $3), idle_expires_at = $6 FROM rotated
         WHERE s.id = rotated.id
     ) SELECT expires_at FROM rotated"
);

const REVOKE: &str = concat!(
    noting_ends!(
        "DELETE FROM donjon_sessions WHERE id IN (SELECT session_id \
         FROM donjon_app_refresh_tokens WHERE token = $4 OR family = $6 UNION SELECT session_id \
         FROM donjon_app_access_tokens WHERE token = $4) RETURNING id, user_id"
    ),
    ", ",
    along!("ended", "$5"),
    " SELECT count(*) FROM ended"
);

const SWEEP_CODES: &str = "DELETE FROM donjon_app_codes WHERE ctid = ANY (ARRAY
     (SELECT ctid FROM donjon_app_codes WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";
const SWEEP_REFRESH: &str = "DELETE FROM donjon_app_refresh_tokens WHERE ctid = ANY (ARRAY
     (SELECT ctid FROM donjon_app_refresh_tokens WHERE expires_at <= $1 LIMIT $2
      FOR UPDATE SKIP LOCKED))";
const SWEEP_ACCESS: &str = "DELETE FROM donjon_app_access_tokens WHERE ctid = ANY (ARRAY
     (SELECT ctid FROM donjon_app_access_tokens WHERE expires_at <= $1 LIMIT $2
      FOR UPDATE SKIP LOCKED))";
const ERASE_SEALED: &str = "UPDATE donjon_app_refresh_tokens SET successor_sealed = NULL
     WHERE ctid = ANY (ARRAY
         (SELECT ctid FROM donjon_app_refresh_tokens
          WHERE successor_sealed IS NOT NULL AND rotated_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";

#[async_trait]
impl AppSessionStore for PostgresStore {
    async fn issue_app_code(&self, code: &NewAppCode) -> Result<bool> {
        let done = query(ISSUE)
            .bind(code.code.as_bytes())
            .bind(&code.app)
            .bind(&code.redirect_uri)
            .bind(&code.code_challenge)
            .bind(Json(&code.scopes))
            .bind(code.user.as_str())
            .bind(code.made_in.0)
            .bind(micros(code.created_at))
            .bind(micros(code.expires_at))
            .execute(self.pool())
            .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn redeem_app_code(
        &self,
        redeem: &RedeemAppCode,
        along: &Effects,
        denied: &Effects,
    ) -> Result<AppCodeRedemption> {
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            let redemption = redeem_code(&mut transaction, redeem, along, denied).await?;
            transaction.commit().await?;
            Ok(redemption)
        };
        self.pool().transition(work).await
    }

    async fn rotate_app_session(
        &self,
        rotate: &RotateAppSession,
        denied: &Effects,
    ) -> Result<AppRotation> {
        let rotated: Option<i64> = query_scalar(ROTATE)
            .bind(rotate.presented.token.as_bytes())
            .bind(&rotate.app)
            .bind(micros(rotate.now))
            .bind(rotate.successor.as_bytes())
            .bind(rotate.successor_sealed.as_bytes())
            .bind(micros(rotate.idle_expires_at))
            .bind(rotate.access.token.as_bytes())
            .bind(micros(rotate.access.expires_at))
            .bind(rotate.presented.family.as_bytes())
            .fetch_optional(self.pool())
            .await?;
        if let Some(expires_at) = rotated {
            return Ok(AppRotation::Rotated { expires_at: time(expires_at)? });
        }
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            let judgement = repeat(&mut transaction, rotate, denied).await?;
            transaction.commit().await?;
            Ok(judgement)
        };
        self.pool().transition(work).await
    }

    async fn find_app_session(
        &self,
        access: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<PresentedApp>> {
        let row: Option<FoundRow> = query_as(FIND)
            .bind(access.as_bytes())
            .bind(micros(now))
            .fetch_optional(self.pool())
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
        let ended: i64 = query_scalar(REVOKE)
            .bind(SessionEnd::LoggedOut.as_str())
            .bind(micros(now))
            .bind(SESSION_EVENTS_LOCK)
            .bind(token.as_bytes())
            .bind(effects(along))
            .bind(family.map(|family| family.as_bytes().as_slice()))
            .fetch_one(self.pool())
            .await?;
        Ok(ended > 0)
    }

    async fn app_sessions_of(&self, user: &UserId) -> Result<Vec<(SessionId, String)>> {
        let rows: Vec<(Uuid, String)> =
            query_as(LIST).bind(user.as_str()).fetch_all(self.pool()).await?;
        Ok(rows.into_iter().map(|(id, app)| (SessionId(id), app)).collect())
    }

    async fn sweep_app_sessions(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        let mut swept = 0;
        for (statement, before) in [
            (SWEEP_CODES, now - APP_CODES_KEPT),
            (SWEEP_REFRESH, now),
            (SWEEP_ACCESS, now),
            (ERASE_SEALED, now - SEALED_FOR),
        ] {
            swept += sweep(self.pool(), statement, before, limit).await?;
        }
        Ok(swept)
    }
}

/// Under the lock of the user's row, each statement sees what was done before.
async fn redeem_code(
    connection: &mut PgConnection,
    redeem: &RedeemAppCode,
    along: &Effects,
    denied: &Effects,
) -> Result<AppCodeRedemption> {
    query(LOCK_USER)
        .bind(redeem.code.as_bytes())
        .bind(&redeem.app)
        .execute(&mut *connection)
        .await?;
    let row: Option<CodeRow> = query_as(CODE)
        .bind(redeem.code.as_bytes())
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
            end(connection, (id, &code.user), denied, redeem.now).await?;
            Ok(AppCodeRedemption::Replayed)
        }
        CodeVerdict::Good => open(connection, redeem, code, along).await,
    }
}

/// Opens the session of a code that is good.
async fn open(
    connection: &mut PgConnection,
    redeem: &RedeemAppCode,
    code: PresentedCode,
    along: &Effects,
) -> Result<AppCodeRedemption> {
    query(LOCK_PARENT).bind(code.made_in).execute(&mut *connection).await?;
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
    insert(&new).execute(&mut *connection).await?;
    query(BEGIN)
        .bind(new.id.0)
        .bind(code.user.as_str())
        .bind(&redeem.app)
        .bind(Json(&code.scopes))
        .bind(micros(redeem.now))
        .execute(&mut *connection)
        .await?;
    query(WRITE_REFRESH)
        .bind(redeem.session.refresh.token.as_bytes())
        .bind(new.id.0)
        .bind(micros(redeem.now))
        .bind(micros(redeem.session.idle_expires_at))
        .bind(redeem.session.refresh.family.as_bytes())
        .execute(&mut *connection)
        .await?;
    let access = redeem.session.access;
    write_access(connection, new.id.0, &access.token, access.expires_at).await?;
    spend(connection, redeem, Some(new.id.0)).await?;
    query(concat!("WITH who AS (SELECT $1::text AS user_id), ", along!("who", "$2"), " SELECT 1"))
        .bind(code.user.as_str())
        .bind(effects(along))
        .execute(connection)
        .await?;
    let account = Box::new(account);
    Ok(AppCodeRedemption::Redeemed { account, scopes: code.scopes, expires_at })
}

async fn spend(
    connection: &mut PgConnection,
    redeem: &RedeemAppCode,
    session: Option<Uuid>,
) -> Result<()> {
    query(SPEND)
        .bind(redeem.code.as_bytes())
        .bind(micros(redeem.now))
        .bind(session)
        .execute(connection)
        .await?;
    Ok(())
}

async fn write_access(
    connection: &mut PgConnection,
    session: Uuid,
    token: &TokenHash,
    expires_at: OffsetDateTime,
) -> Result<()> {
    query(WRITE_ACCESS)
        .bind(token.as_bytes())
        .bind(session)
        .bind(micros(expires_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends a session that somebody else has a secret of, and writes what goes along if it was there.
async fn end(
    connection: &mut PgConnection,
    (id, user): (Uuid, &UserId),
    along: &Effects,
    now: OffsetDateTime,
) -> Result<()> {
    query(END_ONE)
        .bind(SessionEnd::Revoked.as_str())
        .bind(micros(now))
        .bind(SESSION_EVENTS_LOCK)
        .bind(id)
        .bind(user.as_str())
        .bind(effects(along))
        .execute(connection)
        .await?;
    Ok(())
}

/// Finds out why a token was not rotated: gives who repeats a rotation another access token, and
/// ends the session if the grace window does not cover this.
async fn repeat(
    connection: &mut PgConnection,
    rotate: &RotateAppSession,
    denied: &Effects,
) -> Result<AppRotation> {
    query(LOCK_FAMILY)
        .bind(rotate.presented.token.as_bytes())
        .bind(&rotate.app)
        .bind(micros(rotate.now))
        .bind(rotate.presented.family.as_bytes())
        .execute(&mut *connection)
        .await?;
    let row: Option<RotationRow> = query_as(ROTATION)
        .bind(rotate.presented.token.as_bytes())
        .bind(&rotate.app)
        .bind(micros(rotate.now))
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return end_family(connection, rotate, denied).await };
    let (id, user, judgement) = judge_rotation(row, rotate)?;
    match judgement {
        AppRotation::Repeated { .. } => {
            let access = rotate.access;
            write_access(connection, id, &access.token, access.expires_at).await?;
        }
        AppRotation::Reused => end(connection, (id, &user), denied, rotate.now).await?,
        AppRotation::Rotated { .. } => return Err(STUCK),
        AppRotation::Unknown => {}
    }
    Ok(judgement)
}

/// Ends the session of a token that is not there any more, if its family is.
async fn end_family(
    connection: &mut PgConnection,
    rotate: &RotateAppSession,
    denied: &Effects,
) -> Result<AppRotation> {
    let owner: Option<(Uuid, String)> = query_as(FAMILY)
        .bind(rotate.presented.family.as_bytes())
        .bind(&rotate.app)
        .bind(micros(rotate.now))
        .fetch_optional(&mut *connection)
        .await?;
    let Some((id, user)) = owner else { return Ok(AppRotation::Unknown) };
    end(connection, (id, &user_id(user)?), denied, rotate.now).await?;
    Ok(AppRotation::Reused)
}
