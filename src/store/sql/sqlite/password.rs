use async_trait::async_trait;
use time::OffsetDateTime;

use super::SqliteStore;
use super::audit::write_effects;
use super::steps::{drop_links, end_sessions, forget_attempts, lives};
use crate::scope::{SessionEnd, UserId};
use crate::store::sql::account::{UserRow, counter_key, login_user, login_user_columns};
use crate::store::sql::convert::micros;
use crate::store::{Effects, LoginUser, NewPassword, PasswordChange, PasswordStore, Result};

#[async_trait]
impl PasswordStore for SqliteStore {
    async fn load_login_user(&self, user: &UserId) -> Result<Option<LoginUser>> {
        let row: Option<UserRow> = sqlx::query_as(concat!(
            "SELECT ",
            login_user_columns!(),
            " FROM donjon_users u WHERE u.id = ?1"
        ))
        .bind(user.as_str())
        .fetch_optional(self.readers())
        .await?;
        row.map(login_user).transpose()
    }

    async fn change_password(
        &self,
        change: &NewPassword,
        along: &Effects,
    ) -> Result<PasswordChange> {
        let (change, along) = (change.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let (user, now) = (&change.user, change.chosen_at);
                if !lives(connection, change.keep, user).await? {
                    return Ok(PasswordChange::Refused);
                }
                let changed: Option<(i64, Option<String>)> = sqlx::query_as(
                    "UPDATE donjon_users SET password = ?2, password_set_at = ?4,
                         must_change_password = FALSE, device_epoch = device_epoch + 1
                     WHERE id = ?1 AND password IS ?3
                       AND device_epoch = coalesce(?5, device_epoch)
                     RETURNING device_epoch, email",
                )
                .bind(user.as_str())
                .bind(&change.password.0)
                .bind(change.replaces.as_ref().map(|hash| &hash.0))
                .bind(micros(now))
                .bind(change.epoch)
                .fetch_optional(&mut *connection)
                .await?;
                let Some((device_epoch, email)) = changed else {
                    return Ok(PasswordChange::Refused);
                };
                drop_links(connection, user).await?;
                let email = email.unwrap_or_default();
                let key = counter_key(change.counter, &email, user);
                forget_attempts(connection, &key).await?;
                let end = (SessionEnd::PasswordChanged, now);
                end_sessions(connection, user, change.keep, end).await?;
                write_effects(connection, &along, Some(user)).await?;
                Ok(PasswordChange::Done { device_epoch })
            })
        })
        .await
    }

    async fn require_password_change(
        &self,
        user: &UserId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let (user, along) = (user.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let marked = sqlx::query(
                    "UPDATE donjon_users SET must_change_password = TRUE,
                         device_epoch = device_epoch + 1 WHERE id = ?1",
                )
                .bind(user.as_str())
                .execute(&mut *connection)
                .await?;
                if marked.rows_affected() == 0 {
                    return Ok(false);
                }
                end_sessions(connection, &user, None, (SessionEnd::Revoked, now)).await?;
                write_effects(connection, &along, Some(&user)).await?;
                Ok(true)
            })
        })
        .await
    }
}
