use async_trait::async_trait;
use time::OffsetDateTime;

use super::audit::{along, effects, familiar, note_seen};
use super::ending::ended_in_order;
use super::{PostgresStore, SESSION_EVENTS_LOCK};
use crate::scope::{SessionEnd, UserId};
use crate::store::sql::account::{UserRow, device_of, login_user, login_user_columns};
use crate::store::sql::convert::micros;
use crate::store::{Effects, LoginUser, NewPassword, PasswordChange, PasswordStore, Result};

/// The first of two statements: a login that completes while it waits for the user's row has
/// written a session, and only a later snapshot sees it.
const LOCK_USER: &str = "SELECT id FROM donjon_users WHERE id = $1 FOR NO KEY UPDATE";

/// CTEs that end the sessions of the user in CTE `$done (user_id)`, but for the one that is bound
/// to `$keep`, with reason `$reason` at `$at`, and note it under the lock `$lock`.
macro_rules! ending_sessions {
    ($done:literal, keep $keep:literal, reason $reason:literal, at $at:literal, lock $lock:literal) => {
        concat!(
            ended_in_order!($done, concat!("s.id IS DISTINCT FROM ", $keep, "::uuid")),
            ", ended_lock AS MATERIALIZED ( \
                 SELECT pg_advisory_xact_lock(",
            $lock,
            ") FROM (SELECT count(*) AS sessions FROM ended) AS counted WHERE sessions > 0 \
             ), ended_noted AS ( \
                 INSERT INTO donjon_session_events (session_id, user_id, reason, at) \
                 SELECT ended.id, ended.user_id, ",
            $reason,
            "::text, ",
            $at,
            "::bigint FROM ended_lock, ended \
             )"
        )
    };
}
pub(super) use ending_sessions;

#[async_trait]
impl PasswordStore for PostgresStore {
    async fn load_login_user(&self, user: &UserId) -> Result<Option<LoginUser>> {
        let row: Option<UserRow> = sqlx::query_as(concat!(
            "SELECT ",
            login_user_columns!(),
            " FROM donjon_users u WHERE u.id = $1"
        ))
        .bind(user.as_str())
        .fetch_optional(self.pool())
        .await?;
        row.map(login_user).transpose()
    }

    async fn change_password(
        &self,
        change: &NewPassword,
        along: &Effects,
    ) -> Result<PasswordChange> {
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            sqlx::query(LOCK_USER).bind(change.user.as_str()).execute(&mut *transaction).await?;
            let changed: Option<(i64, Option<bool>)> = sqlx::query_as(concat!(
                "WITH changed AS (
                 UPDATE donjon_users SET password = $2, password_set_at = $4,
                     must_change_password = FALSE, device_epoch = device_epoch + 1
                 WHERE id = $1 AND password IS NOT DISTINCT FROM $3
                   AND device_epoch = coalesce($10, device_epoch)
                   AND ($6::uuid IS NULL OR EXISTS
                        (SELECT 1 FROM donjon_sessions WHERE id = $6 AND user_id = $1))
                 RETURNING id AS user_id, email, device_epoch
             ), links AS (
                 DELETE FROM donjon_links l USING changed WHERE l.user_id = changed.user_id
             ), forgotten AS (
                 DELETE FROM donjon_login_attempts a USING changed
                 WHERE a.key = coalesce('device:' || changed.user_id || ':' || $5,
                                        'address:' || changed.email)
             ), ",
                ending_sessions!("changed", keep "$6", reason "$7", at "$4", lock "$8"),
                ", ",
                along!("changed", "$9"),
                " SELECT device_epoch, ",
                familiar!("changed"),
                " FROM changed",
            ))
            .bind(change.user.as_str())
            .bind(&change.password.0)
            .bind(change.replaces.as_ref().map(|hash| &hash.0))
            .bind(micros(change.chosen_at))
            .bind(device_of(change.counter))
            .bind(change.keep.map(|id| id.0))
            .bind(SessionEnd::PasswordChanged.as_str())
            .bind(SESSION_EVENTS_LOCK)
            .bind(effects(along))
            .bind(change.epoch)
            .fetch_optional(&mut *transaction)
            .await?;
            transaction.commit().await?;
            let (device_epoch, is_familiar) = changed.unzip();
            note_seen(along, is_familiar.flatten());
            Ok(match device_epoch {
                Some(device_epoch) => PasswordChange::Done { device_epoch },
                None => PasswordChange::Refused,
            })
        };
        self.pool().transition(work).await
    }

    async fn require_password_change(
        &self,
        user: &UserId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            sqlx::query(LOCK_USER).bind(user.as_str()).execute(&mut *transaction).await?;
            let marked = sqlx::query_scalar(concat!(
                "WITH marked AS (
                 UPDATE donjon_users SET must_change_password = TRUE,
                     device_epoch = device_epoch + 1
                 WHERE id = $1 RETURNING id AS user_id
             ), ",
                ending_sessions!("marked", keep "NULL", reason "$2", at "$3", lock "$4"),
                ", ",
                along!("marked", "$5"),
                " SELECT EXISTS (SELECT 1 FROM marked)",
            ))
            .bind(user.as_str())
            .bind(SessionEnd::Revoked.as_str())
            .bind(micros(now))
            .bind(SESSION_EVENTS_LOCK)
            .bind(effects(along))
            .fetch_one(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(marked)
        };
        self.pool().transition(work).await
    }
}
