use async_trait::async_trait;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use sqlx::{query, query_as, query_scalar};
use time::OffsetDateTime;
use uuid::Uuid;

use super::audit::{along, effects};
use super::ending::ended_in_order;
use super::new_session::{bind, displacing, insert, insert_along};
use super::session_data::{DataTexts, data_texts, json_text, read_data};
use super::{PostgresStore, SESSION_EVENTS_LOCK, acting, session_events};
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

/// Goes on after a CTE `ended (id, user_id)`: notes the ends of sessions that carried a login,
/// with reason `$1` at `$2`. The lock `$3` is taken before the log's
/// sequence is drawn from, so that a reader's cursor never passes an event that is yet to commit.
macro_rules! noting_ends {
    ($ending:literal) => {
        concat!(
            "WITH ended AS (",
            $ending,
            "), locked AS MATERIALIZED ( \
                 SELECT pg_advisory_xact_lock($3) \
                 FROM (SELECT count(*) AS logins FROM ended WHERE user_id IS NOT NULL) AS counted \
                 WHERE logins > 0 \
             ), noted AS ( \
                 INSERT INTO donjon_session_events (session_id, user_id, reason, at) \
                 SELECT ended.id, ended.user_id, $1, $2 FROM locked, ended \
                 WHERE ended.user_id IS NOT NULL \
             )"
        )
    };
}

pub(super) use noting_ends;

/// A session that keeps its data is changed in place. One that does not is another one: with the
/// old row goes its data, that which is being written at this moment included.
macro_rules! rotate {
    ($more:expr) => {
        concat!(
            "WITH acting AS ( \
         SELECT coalesce($15, (SELECT m.organization_id FROM donjon_memberships m WHERE m.user_id = $3 \
             AND NOT EXISTS (SELECT 1 FROM donjon_memberships other WHERE other.user_id = $3 \
                 AND other.organization_id <> m.organization_id))) AS id \
     ), old AS ( \
         SELECT id, user_id, data_id FROM donjon_sessions WHERE token_hash = $17 \
         AND expires_at > $18 AND (idle_expires_at IS NULL OR idle_expires_at > $18) FOR UPDATE \
     ), changed AS ( \
         UPDATE donjon_sessions s SET id = $1, token_hash = $2, user_id = $3, account = $4, \
             authentication = $5, address = $7, user_agent = $8, remembered = $9, \
             created_at = $10, last_active_at = $11, idle_expires_at = $12, expires_at = $13, \
             account_epoch = $14, organization_id = acting.id, impersonator_id = $16 \
         FROM acting, old WHERE s.id = old.id AND old.data_id = $6 RETURNING old.id, old.user_id \
     ), removed AS ( \
         DELETE FROM donjon_sessions s USING old WHERE s.id = old.id AND old.data_id <> $6 \
         RETURNING old.id, old.user_id \
     ), begun AS ( \
         INSERT INTO donjon_sessions (id, token_hash, user_id, account, authentication, data_id, \
             address, user_agent, remembered, created_at, last_active_at, idle_expires_at, \
             expires_at, account_epoch, organization_id, impersonator_id) \
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, acting.id, $16 \
         FROM acting, removed \
     ), rotated AS ( \
         SELECT id, user_id FROM changed UNION ALL SELECT id, user_id FROM removed \
     ), ended AS ( \
         SELECT id, user_id FROM rotated WHERE user_id IS NOT NULL AND id <> $1 \
     ), locked AS MATERIALIZED ( \
         SELECT pg_advisory_xact_lock($20) FROM ended \
     ), noted AS ( \
         INSERT INTO donjon_session_events (session_id, user_id, reason, at) \
         SELECT ended.id, ended.user_id, $19, $18 FROM locked, ended \
     )",
            $more,
            " SELECT times, CASE WHEN times > 0 THEN ",
            displacing!("$3", "$21", "$18", "$20"),
            " END FROM (SELECT count(*) AS times FROM rotated) AS counted"
        )
    };
}

const ROTATE: &str = rotate!("");

/// The same, with what is written along.
const ROTATE_ALONG: &str = rotate!(concat!(
    ", next AS (SELECT $3::text AS user_id FROM rotated), ",
    along!("next", "$22")
));

/// The lock on the session keeps it from going away until its data is written.
const CHANGE_DATA: &str = "INSERT INTO donjon_session_data AS stored (id, data) \
     SELECT data_id, $2 FROM donjon_sessions WHERE data_id = $1 FOR KEY SHARE \
     ON CONFLICT (id) DO UPDATE SET data = CASE WHEN $4 THEN excluded.data \
         ELSE (stored.data - $3::text[]) || excluded.data END";

/// Ends the sessions of user `$4` except `$5`; `$6` says whether to note the end of all that is the
/// user's, and to revoke their API tokens. It follows a lock on the user's row, as with whoever changes
/// what opens the account.
pub(super) const END_ALL: &str = concat!(
    "WITH ender AS (SELECT $4::text AS user_id), ",
    ended_in_order!("ender", "s.id IS DISTINCT FROM $5::uuid"),
    ", locked AS MATERIALIZED ( \
         SELECT pg_advisory_xact_lock($3) FROM (SELECT count(*) AS logins FROM ended) AS counted \
         WHERE logins > 0 OR $6 \
     ), noted AS ( \
         INSERT INTO donjon_session_events (session_id, user_id, reason, at) \
         SELECT ended.id, ended.user_id, $1::text, $2::bigint FROM locked, ended \
         UNION ALL SELECT NULL, $4, $1::text, $2::bigint FROM locked WHERE $6 \
     ), tokens AS ( \
         UPDATE donjon_api_tokens SET revoked_at = $2::bigint \
         WHERE user_id = $4 AND revoked_at IS NULL AND $6 \
     ), who AS (SELECT $4::text AS user_id WHERE (SELECT count(*) FROM ended) >= 0), ",
    along!("who", "$7"),
    " SELECT count(*) FROM ended"
);

/// Holds the user's row, so that whoever opens a session meanwhile that rests on another one, an app's,
/// is waited for, and seen by [`END_ALL`], a later snapshot.
const HOLD: &str = "SELECT id FROM donjon_users WHERE id = $1 FOR NO KEY UPDATE";

/// The same, and forgets all that would let somebody in again.
const FORGET: &str = concat!(
    "WITH held AS (
         UPDATE donjon_users SET device_epoch = device_epoch + 1 WHERE id = $1
         RETURNING id, device_epoch
     ), forgotten AS (
         DELETE FROM donjon_links l USING held WHERE l.user_id = held.id AND l.purpose IN ",
    pending_links!(),
    ") SELECT device_epoch FROM held"
);

/// Whether session `$2` of user `$1` is alive at `$3`. All of theirs are locked, in the order in which
/// they are ended, so that of two that end each other the later one finds itself ended, even where the
/// user has no row to wait at.
const STANDS: &str = "WITH theirs AS MATERIALIZED ( \
         SELECT id, expires_at, idle_expires_at FROM donjon_sessions WHERE user_id = $1 \
         ORDER BY id FOR UPDATE \
     ) SELECT EXISTS (SELECT 1 FROM theirs WHERE id = $2 AND expires_at > $3 \
         AND (idle_expires_at IS NULL OR idle_expires_at > $3))";

/// Ends the sessions of a user but `except`, in a transaction that holds the user's row.
async fn end_all(
    connection: &mut PgConnection,
    (user, except): (&UserId, Option<SessionId>),
    end: SessionEnd,
    along: &Effects,
    now: OffsetDateTime,
) -> sqlx::Result<u64> {
    let ended: i64 = query_scalar(END_ALL)
        .bind(end.as_str())
        .bind(micros(now))
        .bind(SESSION_EVENTS_LOCK)
        .bind(user.as_str())
        .bind(except.map(|id| id.0))
        .bind(end.ends_offline_access())
        .bind(effects(along))
        .fetch_one(connection)
        .await?;
    Ok(ended.unsigned_abs())
}

/// Ends session `$4` of user `$5`, and writes `$6` along.
pub(super) const END_ONE: &str = concat!(
    noting_ends!(
        "DELETE FROM donjon_sessions WHERE id = $4 AND user_id = $5 RETURNING id, user_id"
    ),
    ", ",
    along!("ended", "$6"),
    " SELECT count(*) FROM ended"
);

#[async_trait]
impl SessionStore for PostgresStore {
    async fn create_session(&self, session: &NewSession) -> Result<()> {
        let plain = session.along.is_empty();
        let statement = if plain { insert(session) } else { insert_along(session) };
        statement.execute(self.pool()).await?;
        Ok(())
    }

    async fn load_session(
        &self,
        token: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<StoredSession>> {
        let row: Option<SessionRow> = query_as(LOAD)
            .bind(token.as_bytes())
            .bind(micros(now))
            .fetch_optional(self.pool())
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
        use sqlx::Row as _;

        let plain = next.along.is_empty();
        let statement = bind(if plain { ROTATE } else { ROTATE_ALONG }, next)
            .bind(current.as_bytes().to_vec())
            .bind(micros(now))
            .bind(end.as_str())
            .bind(SESSION_EVENTS_LOCK)
            .bind(next.beside.map(i64::from));
        let row = match plain {
            true => statement.fetch_one(self.pool()).await?,
            false => statement.bind(effects(&next.along)).fetch_one(self.pool()).await?,
        };
        let rotated: i64 = row.try_get(0)?;
        Ok(if rotated == 1 { Rotation::Rotated } else { Rotation::Lost })
    }

    async fn user_epoch(&self, user: &UserId) -> Result<Option<UserEpoch>> {
        let epoch: Option<i64> =
            query_scalar(USER_EPOCH).bind(user.as_str()).fetch_one(self.pool()).await?;
        Ok(epoch.map(UserEpoch))
    }

    async fn user_changed(&self, user: &UserId) -> Result<UserEpoch> {
        let epoch = query_scalar(USER_CHANGED).bind(user.as_str()).fetch_one(self.pool()).await?;
        Ok(UserEpoch(epoch))
    }

    async fn refresh_account(
        &self,
        id: SessionId,
        account: &Account,
        epoch: UserEpoch,
    ) -> Result<Refresh> {
        let done = query(REFRESH)
            .bind(id.0)
            .bind(account.id().as_str())
            .bind(Json(account))
            .bind(epoch.0)
            .execute(self.pool())
            .await?;
        Ok(if done.rows_affected() > 0 { Refresh::Written } else { Refresh::Late })
    }

    async fn act_in(
        &self,
        current: &TokenHash,
        next: &TokenHash,
        organization: OrganizationId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<Option<Membership>> {
        acting::act_in(self.pool(), (current, next), organization, along, now).await
    }

    async fn reselect_organization(
        &self,
        id: SessionId,
        stale: OrganizationId,
        along: &Effects,
    ) -> Result<Option<Membership>> {
        acting::reselect(self.pool(), id, stale, along).await
    }

    async fn touch_session(
        &self,
        id: SessionId,
        now: OffsetDateTime,
        idle_expires_at: Option<OffsetDateTime>,
    ) -> Result<()> {
        query(
            "UPDATE donjon_sessions SET last_active_at = $2, idle_expires_at = $3 \
             WHERE id = $1 AND expires_at > $2 AND last_active_at < $2 \
             AND (idle_expires_at IS NULL OR idle_expires_at > $2)",
        )
        .bind(id.0)
        .bind(micros(now))
        .bind(idle_expires_at.map(micros))
        .execute(self.pool())
        .await?;
        Ok(())
    }

    async fn end_session_along(
        &self,
        user: &UserId,
        id: SessionId,
        end: SessionEnd,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let ended: i64 = query_scalar(END_ONE)
            .bind(end.as_str())
            .bind(micros(now))
            .bind(SESSION_EVENTS_LOCK)
            .bind(id.0)
            .bind(user.as_str())
            .bind(effects(along))
            .fetch_one(self.pool())
            .await?;
        Ok(ended > 0)
    }

    async fn discard_session(&self, token: &TokenHash) -> Result<()> {
        query("DELETE FROM donjon_sessions WHERE token_hash = $1 AND user_id IS NULL")
            .bind(token.as_bytes())
            .execute(self.pool())
            .await?;
        Ok(())
    }

    async fn end_sessions_along(
        &self,
        user: &UserId,
        except: Option<SessionId>,
        end: SessionEnd,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<u64> {
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            let hold = if except.is_none() { FORGET } else { HOLD };
            query(hold).bind(user.as_str()).execute(&mut *transaction).await?;
            let ended = end_all(&mut transaction, (user, except), end, along, now).await?;
            transaction.commit().await?;
            Ok::<_, sqlx::Error>(ended)
        };
        Ok(self.pool().transition(work).await?)
    }

    async fn end_other_sessions(
        &self,
        user: &UserId,
        kept: SessionId,
        end: SessionEnd,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<OthersEnd> {
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            let device_epoch: Option<i64> =
                query_scalar(FORGET).bind(user.as_str()).fetch_optional(&mut *transaction).await?;
            let stands: bool = query_scalar(STANDS)
                .bind(user.as_str())
                .bind(kept.0)
                .bind(micros(now))
                .fetch_one(&mut *transaction)
                .await?;
            if !stands {
                // Undone: nothing was forgotten.
                return Ok(OthersEnd::Gone);
            }
            let ended = end_all(&mut transaction, (user, Some(kept)), end, along, now).await?;
            transaction.commit().await?;
            Ok::<_, sqlx::Error>(OthersEnd::Done { ended, device_epoch })
        };
        Ok(self.pool().transition(work).await?)
    }

    async fn sessions_of(&self, user: &UserId, now: OffsetDateTime) -> Result<Vec<StoredSession>> {
        let rows: Vec<SessionRow> =
            query_as(LIST).bind(user.as_str()).bind(micros(now)).fetch_all(self.pool()).await?;
        rows.into_iter().map(session).collect()
    }

    async fn sweep_sessions(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        let ended: i64 = query_scalar(concat!(
            noting_ends!(
                "DELETE FROM donjon_sessions WHERE id IN (SELECT id FROM donjon_sessions \
                 WHERE expires_at <= $2 OR idle_expires_at <= $2 LIMIT $4 FOR UPDATE SKIP LOCKED) \
                 RETURNING id, user_id"
            ),
            " SELECT count(*) FROM ended"
        ))
        .bind(SessionEnd::Expired.as_str())
        .bind(micros(now))
        .bind(SESSION_EVENTS_LOCK)
        .bind(i64::from(limit))
        .fetch_one(self.pool())
        .await?;
        Ok(ended.unsigned_abs())
    }

    async fn load_session_data(&self, data_id: Uuid) -> Result<Option<SessionData>> {
        let texts: Option<Json<DataTexts>> =
            query_scalar(LOAD_DATA).bind(data_id).fetch_optional(self.pool()).await?;
        texts.map(|Json(texts)| read_data(texts)).transpose()
    }

    async fn change_session_data(&self, data_id: Uuid, change: &DataChange) -> Result<()> {
        query(CHANGE_DATA)
            .bind(data_id)
            .bind(Json(data_texts(&change.set)))
            .bind(change.removed.iter().map(json_text).collect::<Vec<_>>())
            .bind(change.replaces)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    async fn session_events(&self, after: i64, limit: u32) -> Result<Vec<SessionEvent>> {
        let rows: Vec<EventRow> =
            query_as(EVENTS).bind(after).bind(i64::from(limit)).fetch_all(self.pool()).await?;
        rows.into_iter().map(event).collect()
    }

    async fn sweep_session_events(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        session_events::sweep(self.pool(), now, limit).await
    }
}
