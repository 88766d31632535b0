use async_trait::async_trait;
use time::OffsetDateTime;

use super::audit::{along, effects};
use super::ending::ended_in_order;
use super::lifecycle::LOCK_ORGANIZATIONS;
use super::mfa::LOCK_USER;
use super::password::ending_sessions;
use super::{PostgresStore, SESSION_EVENTS_LOCK};
use crate::scope::{SessionEnd, UserId};
use crate::store::sql::convert::micros;
use crate::store::sql::single_sign_on::last_to_come_in;
use crate::store::{Effects, PasswordRemoval, Result, SupportStore};

#[async_trait]
impl SupportStore for PostgresStore {
    async fn vouch_for_email(&self, user: &UserId, email: &str, along: &Effects) -> Result<bool> {
        let done = sqlx::query_scalar(concat!(
            "WITH done AS (
                 UPDATE donjon_users SET email_verified = TRUE
                 WHERE id = $1 AND email = $2 AND NOT email_verified AND deleted_at IS NULL
                 RETURNING id AS user_id
             ), links AS (
                 DELETE FROM donjon_links l USING done
                 WHERE l.user_id = done.user_id AND l.purpose = 'confirm'
             ), ",
            along!("done", "$3"),
            " SELECT EXISTS (SELECT 1 FROM done)",
        ))
        .bind(user.as_str())
        .bind(email)
        .bind(effects(along))
        .fetch_one(self.pool())
        .await?;
        Ok(done)
    }

    async fn unlock(&self, user: &UserId, along: &Effects) -> Result<bool> {
        // The user's row is locked first: two who forget the same rows would wait for each other.
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            sqlx::query(LOCK_USER).bind(user.as_str()).execute(&mut *transaction).await?;
            // The id of a browser has 36 characters, so that user `a` is not user `a:b`.
            let done = sqlx::query_scalar(concat!(
                "WITH gone AS (
                     DELETE FROM donjon_login_attempts a USING donjon_users u
                     WHERE u.id = $1
                       AND (a.key = 'address:' || u.email OR a.key = 'factor:' || u.id
                            OR (starts_with(a.key, 'device:' || u.id || ':')
                                AND length(a.key) = length(u.id) + 44))
                     RETURNING u.id AS user_id
                 ), done AS (
                     SELECT DISTINCT user_id FROM gone
                 ), ",
                along!("done", "$2"),
                " SELECT EXISTS (SELECT 1 FROM done)",
            ))
            .bind(user.as_str())
            .bind(effects(along))
            .fetch_one(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(done)
        };
        self.pool().transition(work).await
    }

    async fn remove_password(
        &self,
        user: &UserId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<PasswordRemoval> {
        // As with an app: the user first, and then the organizations whose owner may have to come in
        // by it, so that of two who are the last the second sees the first.
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            for lock in [LOCK_USER, LOCK_ORGANIZATIONS] {
                sqlx::query(lock).bind(user.as_str()).execute(&mut *transaction).await?;
            }
            let (removed, needed): (bool, bool) = sqlx::query_as(concat!(
                "WITH owner AS MATERIALIZED (
                     SELECT id, ",
                last_to_come_in!("$1", "TRUE"),
                " AS needed FROM donjon_users WHERE id = $1 AND password IS NOT NULL
                 ), gone AS (
                     UPDATE donjon_users u SET password = NULL, password_set_at = NULL,
                         device_epoch = u.device_epoch + 1
                     FROM owner WHERE u.id = owner.id AND NOT owner.needed
                     RETURNING u.id AS user_id, u.email
                 ), links AS (
                     DELETE FROM donjon_links l USING gone WHERE l.user_id = gone.user_id
                 ), forgotten AS (
                     DELETE FROM donjon_login_attempts a USING gone
                     WHERE a.key = 'address:' || gone.email
                 ), ",
                ending_sessions!("gone", keep "NULL", reason "$2", at "$3", lock "$4"),
                ", ",
                along!("gone", "$5"),
                " SELECT EXISTS (SELECT 1 FROM gone),
                      coalesce((SELECT needed FROM owner), FALSE)",
            ))
            .bind(user.as_str())
            .bind(SessionEnd::PasswordChanged.as_str())
            .bind(micros(now))
            .bind(SESSION_EVENTS_LOCK)
            .bind(effects(along))
            .fetch_one(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(match (removed, needed) {
                (true, _) => PasswordRemoval::Removed,
                (false, true) => PasswordRemoval::LastToComeIn,
                (false, false) => PasswordRemoval::None,
            })
        };
        self.pool().transition(work).await
    }
}
