use async_trait::async_trait;
use time::OffsetDateTime;

use super::account::link_use;
use super::audit::{along, effects, familiar, note_seen};
use super::ending::ended_in_order;
use super::takeover::taking_over;
use super::{PostgresStore, SESSION_EVENTS_LOCK};
use crate::scope::SessionEnd;
use crate::store::sql::convert::micros;
use crate::store::sql::mail_link::{CodeRow, code_key, mailed_code};
use crate::store::{
    CodeTries, Effects, FollowedLink, LinkLogin, LinkPurpose, LinkUse, MailLinkStore, MailedCode,
    Result,
};

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
               AND u.id = l.user_id AND u.email = l.email AND u.deleted_at IS NULL
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
        link: &FollowedLink,
        login: LinkLogin,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<LinkUse> {
        let complete = || {
            sqlx::query_as(COMPLETE)
                .bind(link.token.as_bytes())
                .bind(micros(now))
                .bind(login.epoch)
                .bind(effects(along))
                .bind(login.takes_over)
                .bind(login.session.map(|id| id.0))
                .bind(SessionEnd::SignedOutEverywhere.as_str())
                .bind(SESSION_EVENTS_LOCK)
                .bind(link.user.as_str())
                .bind(&link.email)
        };
        if !login.takes_over {
            return completed(along, complete().fetch_optional(self.pool()).await?);
        }
        // Two statements: what was added while the first waits for the user's row is seen by a later
        // snapshot only.
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            let lock = sqlx::query(LOCK).bind(link.token.as_bytes()).bind(link.user.as_str());
            lock.execute(&mut *transaction).await?;
            let used = complete().fetch_optional(&mut *transaction).await?;
            transaction.commit().await?;
            Ok::<_, sqlx::Error>(used)
        };
        completed(along, self.pool().transition(work).await?)
    }
}

fn completed(along: &Effects, used: Option<(String, Option<bool>)>) -> Result<LinkUse> {
    let (id, is_familiar) = used.unzip();
    note_seen(along, is_familiar.flatten());
    link_use(id)
}

const LOCK: &str = "SELECT u.id FROM donjon_links l JOIN donjon_users u ON u.id = l.user_id
     WHERE l.token_hash = $1 AND l.purpose = 'login' AND l.user_id = $2
     FOR NO KEY UPDATE OF u";

/// The user's row is locked first, so that a reset in progress is waited for, and its epoch seen.
const COMPLETE: &str = concat!(
    "WITH owner AS MATERIALIZED (
         SELECT u.id, $5::boolean AS unconfirmed FROM donjon_links l
         JOIN donjon_users u ON u.id = l.user_id AND u.email = l.email
         WHERE l.token_hash = $1 AND l.purpose = 'login' AND l.expires_at > $2
           AND l.user_id = $9 AND l.email = $10
           AND u.device_epoch = $3 AND NOT ($5 AND u.email_verified) AND u.deleted_at IS NULL
         FOR NO KEY UPDATE OF u
     ), used AS (
         DELETE FROM donjon_links l USING owner
         WHERE l.user_id = owner.id AND l.token_hash = $1 AND l.purpose = 'login'
         RETURNING l.user_id, owner.unconfirmed
     ), others AS (
         DELETE FROM donjon_links l USING used
         WHERE l.user_id = used.user_id AND l.purpose <> 'login'
           AND (used.unconfirmed OR l.purpose = 'confirm')
     ), ",
    taking_over!("used", "$2"),
    ", ",
    ended_in_order!("used", "done.unconfirmed AND s.id IS DISTINCT FROM $6::uuid"),
    ", locked AS MATERIALIZED (
         SELECT pg_advisory_xact_lock($8)
         FROM (SELECT count(*) AS sessions FROM ended) AS counted, used
         WHERE used.unconfirmed AND sessions >= 0
     ), logged AS (
         INSERT INTO donjon_session_events (session_id, user_id, reason, at)
         SELECT ended.id, ended.user_id, $7::text, $2::bigint FROM locked, ended
         UNION ALL SELECT NULL, used.user_id, $7::text, $2::bigint FROM locked, used
     ), ",
    along!("used", "$4"),
    " UPDATE donjon_users u
     SET email_verified = TRUE, device_epoch = u.device_epoch + used.unconfirmed::int,
         passkeys = CASE WHEN used.unconfirmed THEN 0 ELSE u.passkeys END
     FROM used WHERE u.id = used.user_id RETURNING u.id, ",
    familiar!("used"),
);
