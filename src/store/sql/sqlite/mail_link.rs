use async_trait::async_trait;
use time::OffsetDateTime;

use super::SqliteStore;
use super::audit::write_effects;
use super::steps::{count_against_limit, end_sessions, take_over, use_link};
use crate::scope::SessionEnd;
use crate::store::sql::convert::micros;
use crate::store::sql::mail_link::{CodeRow, code_key, mailed_code};
use crate::store::{
    CodeTries, Effects, FollowedLink, LinkLogin, LinkPurpose, LinkUse, MailLinkStore, MailedCode,
    Result,
};

#[async_trait]
impl MailLinkStore for SqliteStore {
    async fn begin_code(
        &self,
        purpose: LinkPurpose,
        email: &str,
        tries: CodeTries,
        now: OffsetDateTime,
    ) -> Result<Option<MailedCode>> {
        let email = email.to_owned();
        self.transition(move |connection| {
            Box::pin(async move {
                let (key, limit) = (code_key(purpose, &email), tries.address);
                let times = count_against_limit(connection, &key, limit, now, true).await?;
                let tried: Option<Vec<u8>> = sqlx::query_scalar(
                    "UPDATE donjon_links SET code_tries = code_tries + 1
                     WHERE purpose = ?1 AND email = ?2 AND expires_at > ?3
                       AND code_hash IS NOT NULL AND code_tries < ?4 AND ?5
                       AND EXISTS (SELECT 1 FROM donjon_users u
                                   WHERE u.id = user_id AND u.email = donjon_links.email
                                     AND u.deleted_at IS NULL)
                     RETURNING token_hash",
                )
                .bind(purpose.as_str())
                .bind(&email)
                .bind(micros(now))
                .bind(i64::from(tries.each))
                .bind(times <= i64::from(limit.times))
                .fetch_optional(&mut *connection)
                .await?;
                let row: Option<CodeRow> = sqlx::query_as(
                    "SELECT u.id, u.email, u.email_verified, u.attributes, l.token_hash, l.code_hash
                     FROM donjon_links l JOIN donjon_users u ON u.id = l.user_id
                     WHERE l.token_hash = ?1",
                )
                .bind(tried)
                .fetch_optional(connection)
                .await?;
                row.map(mailed_code).transpose()
            })
        })
        .await
    }

    async fn complete_link_login(
        &self,
        link: &FollowedLink,
        login: LinkLogin,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<LinkUse> {
        let (link, along) = (link.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let fresh: bool = sqlx::query_scalar(
                    "SELECT EXISTS (SELECT 1 FROM donjon_links l
                         JOIN donjon_users u ON u.id = l.user_id
                         WHERE l.token_hash = ?1 AND u.device_epoch = ?2
                           AND NOT (?3 AND u.email_verified))",
                )
                .bind(link.token.as_bytes().as_slice())
                .bind(login.epoch)
                .bind(login.takes_over)
                .fetch_one(&mut *connection)
                .await?;
                let used = match fresh {
                    true => use_link(connection, LinkPurpose::Login, &link, now).await?,
                    false => None,
                };
                let Some(id) = used else { return Ok(LinkUse::Invalid) };
                if login.takes_over {
                    take_over(connection, &id, now).await?;
                    let end = (SessionEnd::SignedOutEverywhere, now);
                    end_sessions(connection, &id, login.session, end).await?;
                }
                sqlx::query(
                    "UPDATE donjon_users
                     SET email_verified = TRUE, device_epoch = device_epoch + ?2 WHERE id = ?1",
                )
                .bind(id.as_str())
                .bind(i64::from(login.takes_over))
                .execute(&mut *connection)
                .await?;
                sqlx::query("DELETE FROM donjon_links WHERE user_id = ?1 AND purpose = 'confirm'")
                    .bind(id.as_str())
                    .execute(&mut *connection)
                    .await?;
                write_effects(connection, &along, Some(&id)).await?;
                Ok(LinkUse::Done(id))
            })
        })
        .await
    }
}
