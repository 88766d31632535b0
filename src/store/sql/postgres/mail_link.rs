use async_trait::async_trait;
use time::OffsetDateTime;

use super::PostgresStore;
use super::account::link_use;
use super::audit::{along, effects};
use crate::crypto::TokenHash;
use crate::store::sql::convert::micros;
use crate::store::sql::mail_link::{CodeRow, code_key, mailed_code};
use crate::store::{CodeTries, Effects, LinkPurpose, LinkUse, MailLinkStore, MailedCode, Result};

#[async_trait]
impl MailLinkStore for PostgresStore {
    async fn begin_code(
        &self,
        purpose: LinkPurpose,
        email: &str,
        tries: CodeTries,
        now: OffsetDateTime,
    ) -> Result<Option<MailedCode>> {
        // Whoever waits for the link's row looks at the count anew.
        let row: Option<CodeRow> = sqlx::query_as(
            "WITH counted AS (
                 INSERT INTO donjon_rate_limits AS r (key, times, expires_at) VALUES ($1, 1, $3)
                 ON CONFLICT (key) DO UPDATE SET
                     times = CASE WHEN r.expires_at <= $2 THEN 1 ELSE r.times + 1 END,
                     expires_at = CASE WHEN r.expires_at <= $2 THEN $3 ELSE r.expires_at END
                 RETURNING times <= $4 AS allowed
             )
             UPDATE donjon_links l SET code_tries = l.code_tries + 1
             FROM donjon_users u, counted
             WHERE counted.allowed AND l.purpose = $5 AND l.email = $6 AND l.expires_at > $2
               AND l.code_hash IS NOT NULL AND l.code_tries < $7
               AND u.id = l.user_id AND u.email = l.email
             RETURNING u.id, u.email, u.email_verified, u.attributes, l.token_hash, l.code_hash",
        )
        .bind(code_key(purpose, email))
        .bind(micros(now))
        .bind(micros(now + tries.address.window))
        .bind(i64::from(tries.address.times))
        .bind(purpose.as_str())
        .bind(email)
        .bind(i64::from(tries.each))
        .fetch_optional(self.pool())
        .await?;
        row.map(mailed_code).transpose()
    }

    async fn complete_link_login(
        &self,
        token: &TokenHash,
        epoch: i64,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<LinkUse> {
        // The user's row is locked first, so that a reset in progress is waited for, and its epoch
        // seen.
        let id = sqlx::query_scalar(concat!(
            "WITH owner AS MATERIALIZED (
                 SELECT u.id FROM donjon_links l
                 JOIN donjon_users u ON u.id = l.user_id AND u.email = l.email
                 WHERE l.token_hash = $1 AND l.purpose = 'login' AND l.expires_at > $2
                   AND u.device_epoch = $3
                 FOR NO KEY UPDATE OF u
             ), used AS (
                 DELETE FROM donjon_links l USING owner
                 WHERE l.user_id = owner.id AND l.token_hash = $1 AND l.purpose = 'login'
                 RETURNING l.user_id
             ), confirming AS (
                 DELETE FROM donjon_links l USING used
                 WHERE l.user_id = used.user_id AND l.purpose = 'confirm'
             ), ",
            along!("used", "$4"),
            " UPDATE donjon_users u SET email_verified = TRUE FROM used WHERE u.id = used.user_id
             RETURNING u.id",
        ))
        .bind(token.as_bytes())
        .bind(micros(now))
        .bind(epoch)
        .bind(effects(along))
        .fetch_optional(self.pool())
        .await?;
        link_use(id)
    }
}
