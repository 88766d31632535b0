use async_trait::async_trait;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::types::Json;
use sqlx::{Sqlite, query, query_as, query_scalar};
use time::OffsetDateTime;
use uuid::Uuid;

use super::audit::{write_effects, write_effects_if};
use super::displaced::displace;
use super::steps::revoke_api_tokens;
use super::{SqliteStore, acting, session_events};
use crate::crypto::TokenHash;
use crate::scope::{
    Account, Membership, OrganizationId, SessionEnd, SessionEvent, SessionId, UserId,
};
use crate::store::sql::convert::micros;
use crate::store::sql::session::{
    EVENTS, EventRow, LIST, LOAD, LOAD_DATA, REFRESH, SessionRow, USER_CHANGED, USER_EPOCH, event,
    pending_links, session,
};
use crate::store::{
    DataChange, Effects, NewSession, OthersEnd, Refresh, Result, Rotation, SessionData,
    SessionStore, StoredSession, UserEpoch,
};

const INSERT: &str = "INSERT INTO donjon_sessions (id, token_hash, user_id, account, \
     authentication, data_id, address, user_agent, remembered, created_at, last_active_at, \
     idle_expires_at, expires_at, account_epoch, organization_id, impersonator_id) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
     coalesce($15, (SELECT m.organization_id FROM donjon_memberships m WHERE m.user_id = $3 \
         AND NOT EXISTS (SELECT 1 FROM donjon_memberships other WHERE other.user_id = $3 \
             AND other.organization_id <> m.organization_id))), $16)";

const REPLACE: &str = "UPDATE donjon_sessions SET id = $1, token_hash = $2, user_id = $3, \
     account = $4, authentication = $5, data_id = $6, address = $7, user_agent = $8, \
     remembered = $9, created_at = $10, last_active_at = $11, idle_expires_at = $12, \
     expires_at = $13, account_epoch = $14, impersonator_id = $16, \
     organization_id = coalesce($15, (SELECT m.organization_id FROM donjon_memberships m WHERE m.user_id = $3 \
         AND NOT EXISTS (SELECT 1 FROM donjon_memberships other WHERE other.user_id = $3 \
             AND other.organization_id <> m.organization_id))) \
     WHERE token_hash = $17";

/// Binds `$1` to `$16` of [`INSERT`] and [`REPLACE`].
fn bind<'q>(
    statement: &'static str,
    session: NewSession,
) -> sqlx::query::Query<'q, Sqlite, SqliteArguments> {
    let user = session.login.as_ref().map(|login| login.account.id().as_str().to_owned());
    let as_of = session.login.as_ref().and_then(|login| login.as_of).map(|UserEpoch(epoch)| epoch);
    let organization = session.login.as_ref().and_then(|login| login.organization);
    let impersonator = session.login.as_ref().and_then(|login| login.impersonator.clone());
    let (account, authentication) =
        session.login.map(|login| (Json(login.account), Json(login.authentication))).unzip();
    query(statement)
        .bind(session.id.0)
        .bind(session.token.as_bytes().to_vec())
        .bind(user)
        .bind(account)
        .bind(authentication)
        .bind(session.data_id)
        .bind(session.device.address.map(|address| address.to_string()))
        .bind(session.device.user_agent)
        .bind(session.remembered)
        .bind(micros(session.created_at))
        .bind(micros(session.last_active_at))
        .bind(session.idle_expires_at.map(micros))
        .bind(micros(session.expires_at))
        .bind(as_of)
        .bind(organization.map(|id| id.0))
        .bind(impersonator.map(String::from))
}

/// Whose session it is.
fn user_of(session: &NewSession) -> Option<UserId> {
    session.login.as_ref().map(|login| login.account.id().clone())
}

/// Writes a session in the course of a transition.
pub(super) async fn insert(connection: &mut SqliteConnection, session: NewSession) -> Result<()> {
    let (user, along) = (user_of(&session), session.along.clone());
    let (id, beside, now) = (session.id, session.beside, session.created_at);
    bind(INSERT, session).execute(&mut *connection).await?;
    displace(connection, (user.as_ref(), id), beside, now).await?;
    write_effects(connection, &along, user.as_ref()).await?;
    Ok(())
}

/// Ends a session of a user in the course of a transition, and writes its event; `false` if there is
/// none.
pub(super) async fn end_one(
    connection: &mut SqliteConnection,
    (id, user): (Uuid, &UserId),
    end: SessionEnd,
    now: OffsetDateTime,
) -> Result<bool> {
    let ended: Vec<(Uuid, Option<String>)> = query_as(
        "DELETE FROM donjon_sessions WHERE id = $1 AND user_id = $2 RETURNING id, user_id",
    )
    .bind(id)
    .bind(user.as_str())
    .fetch_all(&mut *connection)
    .await?;
    let found = !ended.is_empty();
    note_ends(connection, ended, end, now).await?;
    Ok(found)
}

/// Notes the ends of sessions that carried a login.
pub(super) async fn note_ends(
    connection: &mut SqliteConnection,
    ended: Vec<(Uuid, Option<String>)>,
    end: SessionEnd,
    now: OffsetDateTime,
) -> Result<()> {
    for (id, user) in ended {
        let Some(user) = user else { continue };
        note_end(connection, Some(id), &user, end, now).await?;
    }
    Ok(())
}

/// Notes the end of a session, or of everything that is the user's.
async fn note_end(
    connection: &mut SqliteConnection,
    id: Option<Uuid>,
    user: &str,
    end: SessionEnd,
    now: OffsetDateTime,
) -> Result<()> {
    query(
        "INSERT INTO donjon_session_events (session_id, user_id, reason, at) \
         VALUES ($1, $2, $3, $4)",
    )
    .bind(id)
    .bind(user)
    .bind(end.as_str())
    .bind(micros(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets all that would let a user in again. Answers their epoch from now on, if they are one of ours.
async fn forget(connection: &mut SqliteConnection, user: &UserId) -> Result<Option<i64>> {
    query(concat!("DELETE FROM donjon_links WHERE user_id = $1 AND purpose IN ", pending_links!()))
        .bind(user.as_str())
        .execute(&mut *connection)
        .await?;
    let epoch = query_scalar(
        "UPDATE donjon_users SET device_epoch = device_epoch + 1 WHERE id = $1 \
         RETURNING device_epoch",
    )
    .bind(user.as_str())
    .fetch_optional(connection)
    .await?;
    Ok(epoch)
}

/// Ends the sessions of a user but `except`.
async fn end_all(
    connection: &mut SqliteConnection,
    (user, except): (&UserId, Option<SessionId>),
    end: SessionEnd,
    along: &Effects,
    now: OffsetDateTime,
) -> Result<u64> {
    let ended: Vec<(Uuid, Option<String>)> = query_as(
        "DELETE FROM donjon_sessions WHERE user_id = $1 AND ($2 IS NULL OR id <> $2) \
         RETURNING id, user_id",
    )
    .bind(user.as_str())
    .bind(except.map(|id| id.0))
    .fetch_all(&mut *connection)
    .await?;
    let count = ended.len() as u64;
    note_ends(connection, ended, end, now).await?;
    if end.ends_offline_access() {
        note_end(connection, None, user.as_str(), end, now).await?;
        revoke_api_tokens(connection, user, now).await?;
    }
    write_effects(connection, along, Some(user)).await?;
    Ok(count)
}

#[async_trait]
impl SessionStore for SqliteStore {
    async fn create_session(&self, session: &NewSession) -> Result<()> {
        let session = session.clone();
        self.transition(move |connection| {
            Box::pin(async move { insert(connection, session).await })
        })
        .await
    }

    async fn load_session(
        &self,
        token: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<StoredSession>> {
        let row: Option<SessionRow> = query_as(LOAD)
            .bind(token.as_bytes().as_slice())
            .bind(micros(now))
            .fetch_optional(self.readers())
            .await?;
        row.map(session).transpose()
    }

    async fn rotate_session(
        &self,
        current: &TokenHash,
        next: &NewSession,
        end: SessionEnd,
        now: OffsetDateTime,
    ) -> Result<Rotation> {
        let (current, next) = (*current, next.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let old: Option<(Uuid, Option<String>, Uuid)> = query_as(
                    "SELECT id, user_id, data_id FROM donjon_sessions WHERE token_hash = $1 \
                     AND expires_at > $2 AND (idle_expires_at IS NULL OR idle_expires_at > $2)",
                )
                .bind(current.as_bytes().as_slice())
                .bind(micros(now))
                .fetch_optional(&mut *connection)
                .await?;
                let Some((id, user, data_id)) = old else { return Ok(Rotation::Lost) };
                let ended = if id == next.id.0 { Vec::new() } else { vec![(id, user)] };
                if !ended.is_empty() {
                    // The row goes on as another session, which nobody leads.
                    query("DELETE FROM donjon_impersonations WHERE session_id = $1")
                        .bind(id)
                        .execute(&mut *connection)
                        .await?;
                }
                if data_id != next.data_id {
                    query("DELETE FROM donjon_session_data WHERE id = $1")
                        .bind(data_id)
                        .execute(&mut *connection)
                        .await?;
                }
                let (user, along) = (user_of(&next), next.along.clone());
                let (id, beside) = (next.id, next.beside);
                bind(REPLACE, next)
                    .bind(current.as_bytes().to_vec())
                    .execute(&mut *connection)
                    .await?;
                note_ends(connection, ended, end, now).await?;
                displace(connection, (user.as_ref(), id), beside, now).await?;
                write_effects(connection, &along, user.as_ref()).await?;
                Ok(Rotation::Rotated)
            })
        })
        .await
    }

    async fn user_epoch(&self, user: &UserId) -> Result<Option<UserEpoch>> {
        let epoch: Option<i64> =
            query_scalar(USER_EPOCH).bind(user.as_str()).fetch_one(self.readers()).await?;
        Ok(epoch.map(UserEpoch))
    }

    async fn user_changed(&self, user: &UserId) -> Result<UserEpoch> {
        let user = user.as_str().to_owned();
        self.transition(move |connection| {
            Box::pin(async move {
                let epoch = query_scalar(USER_CHANGED).bind(user).fetch_one(connection).await?;
                Ok(UserEpoch(epoch))
            })
        })
        .await
    }

    async fn refresh_account(
        &self,
        id: SessionId,
        account: &Account,
        epoch: UserEpoch,
    ) -> Result<Refresh> {
        let account = account.clone();
        self.transition(move |connection| {
            Box::pin(async move {
                let done = query(REFRESH)
                    .bind(id.0)
                    .bind(account.id().as_str().to_owned())
                    .bind(Json(account))
                    .bind(epoch.0)
                    .execute(connection)
                    .await?;
                Ok(if done.rows_affected() > 0 { Refresh::Written } else { Refresh::Late })
            })
        })
        .await
    }

    async fn act_in(
        &self,
        current: &TokenHash,
        next: &TokenHash,
        organization: OrganizationId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<Option<Membership>> {
        let (tokens, along) = ((*current, *next), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                acting::act_in(connection, (&tokens.0, &tokens.1), organization, &along, now).await
            })
        })
        .await
    }

    async fn reselect_organization(
        &self,
        id: SessionId,
        stale: OrganizationId,
        along: &Effects,
    ) -> Result<Option<Membership>> {
        let along = along.clone();
        self.transition(move |connection| {
            Box::pin(async move { acting::reselect(connection, id, stale, &along).await })
        })
        .await
    }

    async fn touch_session(
        &self,
        id: SessionId,
        now: OffsetDateTime,
        idle_expires_at: Option<OffsetDateTime>,
    ) -> Result<()> {
        self.transition(move |connection| {
            Box::pin(async move {
                query(
                    "UPDATE donjon_sessions SET last_active_at = $2, idle_expires_at = $3 \
                     WHERE id = $1 AND expires_at > $2 AND last_active_at < $2 \
                     AND (idle_expires_at IS NULL OR idle_expires_at > $2)",
                )
                .bind(id.0)
                .bind(micros(now))
                .bind(idle_expires_at.map(micros))
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn end_session_along(
        &self,
        user: &UserId,
        id: SessionId,
        end: SessionEnd,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let (user, along) = (user.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let found = end_one(connection, (id.0, &user), end, now).await?;
                write_effects_if(connection, &along, Some(&user), found).await?;
                Ok(found)
            })
        })
        .await
    }

    async fn discard_session(&self, token: &TokenHash) -> Result<()> {
        let token = *token;
        self.transition(move |connection| {
            Box::pin(async move {
                query("DELETE FROM donjon_sessions WHERE token_hash = $1 AND user_id IS NULL")
                    .bind(token.as_bytes().as_slice())
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn end_sessions_along(
        &self,
        user: &UserId,
        except: Option<SessionId>,
        end: SessionEnd,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<u64> {
        let (user, along) = (user.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if except.is_none() {
                    forget(connection, &user).await?;
                }
                end_all(connection, (&user, except), end, &along, now).await
            })
        })
        .await
    }

    async fn end_other_sessions(
        &self,
        user: &UserId,
        kept: SessionId,
        end: SessionEnd,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<OthersEnd> {
        let (user, along) = (user.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let stands: bool = query_scalar(
                    "SELECT EXISTS (SELECT 1 FROM donjon_sessions WHERE user_id = $1 AND id = $2 \
                     AND expires_at > $3 AND (idle_expires_at IS NULL OR idle_expires_at > $3))",
                )
                .bind(user.as_str())
                .bind(kept.0)
                .bind(micros(now))
                .fetch_one(&mut *connection)
                .await?;
                if !stands {
                    return Ok(OthersEnd::Gone);
                }
                let device_epoch = forget(connection, &user).await?;
                let ended = end_all(connection, (&user, Some(kept)), end, &along, now).await?;
                Ok(OthersEnd::Done { ended, device_epoch })
            })
        })
        .await
    }

    async fn sessions_of(&self, user: &UserId, now: OffsetDateTime) -> Result<Vec<StoredSession>> {
        let rows: Vec<SessionRow> =
            query_as(LIST).bind(user.as_str()).bind(micros(now)).fetch_all(self.readers()).await?;
        rows.into_iter().map(session).collect()
    }

    async fn sweep_sessions(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        self.transition(move |connection| {
            Box::pin(async move {
                let ended: Vec<(Uuid, Option<String>)> = query_as(
                    "DELETE FROM donjon_sessions WHERE id IN (SELECT id FROM donjon_sessions \
                     WHERE expires_at <= $1 OR idle_expires_at <= $1 LIMIT $2) \
                     RETURNING id, user_id",
                )
                .bind(micros(now))
                .bind(limit)
                .fetch_all(&mut *connection)
                .await?;
                let count = ended.len() as u64;
                note_ends(connection, ended, SessionEnd::Expired, now).await?;
                Ok(count)
            })
        })
        .await
    }

    async fn load_session_data(&self, data_id: Uuid) -> Result<Option<SessionData>> {
        let data = query_scalar(LOAD_DATA).bind(data_id).fetch_optional(self.readers()).await?;
        Ok(data.map(|Json(data)| data))
    }

    async fn change_session_data(&self, data_id: Uuid, change: &DataChange) -> Result<()> {
        let change = change.clone();
        self.transition(move |connection| {
            Box::pin(async move {
                let stored: Option<Json<SessionData>> =
                    query_scalar(LOAD_DATA).bind(data_id).fetch_optional(&mut *connection).await?;
                let data = change.apply(stored.map(|Json(data)| data).unwrap_or_default());
                query(
                    "INSERT INTO donjon_session_data (id, data) \
                     SELECT data_id, $2 FROM donjon_sessions WHERE data_id = $1 \
                     ON CONFLICT (id) DO UPDATE SET data = excluded.data",
                )
                .bind(data_id)
                .bind(Json(data))
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn session_events(&self, after: i64, limit: u32) -> Result<Vec<SessionEvent>> {
        let rows: Vec<EventRow> =
            query_as(EVENTS).bind(after).bind(limit).fetch_all(self.readers()).await?;
        rows.into_iter().map(event).collect()
    }

    async fn sweep_session_events(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        self.transition(move |connection| Box::pin(session_events::sweep(connection, now, limit)))
            .await
    }
}
