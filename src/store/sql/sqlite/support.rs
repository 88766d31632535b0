use async_trait::async_trait;
use sqlx::{query, query_as};
use time::OffsetDateTime;

use super::SqliteStore;
use super::audit::write_effects;
use super::steps::{drop_links, end_sessions, forget_attempts};
use crate::scope::{SessionEnd, UserId};
use crate::store::sql::account::address_key;
use crate::store::sql::single_sign_on::last_to_come_in;
use crate::store::{Effects, PasswordRemoval, Result, SupportStore};

#[async_trait]
impl SupportStore for SqliteStore {
    async fn vouch_for_email(&self, user: &UserId, email: &str, along: &Effects) -> Result<bool> {
        let (user, email, along) = (user.clone(), email.to_owned(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let done = query(
                    "UPDATE donjon_users SET email_verified = TRUE
                     WHERE id = ?1 AND email = ?2 AND NOT email_verified AND deleted_at IS NULL",
                )
                .bind(user.as_str())
                .bind(email)
                .execute(&mut *connection)
                .await?;
                if done.rows_affected() == 0 {
                    return Ok(false);
                }
                query("DELETE FROM donjon_links WHERE user_id = ?1 AND purpose = 'confirm'")
                    .bind(user.as_str())
                    .execute(&mut *connection)
                    .await?;
                write_effects(connection, &along, Some(&user)).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn unlock(&self, user: &UserId, along: &Effects) -> Result<bool> {
        let (user, along) = (user.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                // The id of a browser has 36 characters, so that user `a` is not user `a:b`.
                let gone = query(
                    "DELETE FROM donjon_login_attempts WHERE key IN (
                         SELECT a.key FROM donjon_login_attempts a
                         JOIN donjon_users u ON u.id = ?1
                         WHERE a.key = 'address:' || u.email OR a.key = 'factor:' || u.id
                            OR (substr(a.key, 1, length(u.id) + 8) = 'device:' || u.id || ':'
                                AND length(a.key) = length(u.id) + 44))",
                )
                .bind(user.as_str())
                .execute(&mut *connection)
                .await?;
                if gone.rows_affected() == 0 {
                    return Ok(false);
                }
                write_effects(connection, &along, Some(&user)).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn remove_password(
        &self,
        user: &UserId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<PasswordRemoval> {
        let (user, along) = (user.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let found: Option<(Option<String>, bool)> = query_as(concat!(
                    "SELECT email, ",
                    last_to_come_in!("?1", "TRUE"),
                    " FROM donjon_users WHERE id = ?1 AND password IS NOT NULL",
                ))
                .bind(user.as_str())
                .fetch_optional(&mut *connection)
                .await?;
                let email = match found {
                    None => return Ok(PasswordRemoval::None),
                    Some((_, true)) => return Ok(PasswordRemoval::LastToComeIn),
                    Some((email, false)) => email.unwrap_or_default(),
                };
                query(
                    "UPDATE donjon_users SET password = NULL, password_set_at = NULL,
                         device_epoch = device_epoch + 1 WHERE id = ?1",
                )
                .bind(user.as_str())
                .execute(&mut *connection)
                .await?;
                drop_links(connection, &user).await?;
                forget_attempts(connection, &address_key(&email)).await?;
                let end = (SessionEnd::PasswordChanged, now);
                end_sessions(connection, &user, None, end).await?;
                write_effects(connection, &along, Some(&user)).await?;
                Ok(PasswordRemoval::Removed)
            })
        })
        .await
    }
}
