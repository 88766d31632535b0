use async_trait::async_trait;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::{PostgresStore, SESSION_EVENTS_LOCK};
use crate::crypto::{Redacted, TokenHash};
use crate::scope::{Account, SessionEnd, UserId};
use crate::store::sql::account::{AccountRow, UserRow, account, login_user, user_id};
use crate::store::sql::convert::{micros, time};
use crate::store::{
    AccountStore, LinkPurpose, LinkRequest, LinkUse, LockoutPolicy, LoginAttempt, LoginCompletion,
    NewDelivery, NewLink, NewUser, RateLimit, Registration, Result,
};

#[async_trait]
impl AccountStore for PostgresStore {
    async fn register(
        &self,
        user: &NewUser,
        link: &NewLink,
        notice: &NewDelivery,
        notices: RateLimit,
    ) -> Result<Registration> {
        let fresh = sqlx::query_scalar(
            "WITH fresh AS (
                 INSERT INTO donjon_users
                     (id, email, email_verified, attributes, password, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (email) DO NOTHING RETURNING id, email
             ), link AS (
                 INSERT INTO donjon_links (user_id, purpose, token_hash, email, expires_at)
                 SELECT id, $7, $8, email, $9 FROM fresh
             ), mail AS (
                 INSERT INTO donjon_outbox (id, kind, payload, attempts, due_at, created_at)
                 SELECT $10, $11, $12, 0, $13, $13 WHERE EXISTS (SELECT 1 FROM fresh)
             ), told AS (
                 INSERT INTO donjon_rate_limits AS r (key, times, expires_at)
                 SELECT $18, 1, $19 WHERE NOT EXISTS (SELECT 1 FROM fresh)
                 ON CONFLICT (key) DO UPDATE SET
                     times = CASE WHEN r.expires_at <= $17 THEN 1 ELSE r.times + 1 END,
                     expires_at = CASE WHEN r.expires_at <= $17 THEN $19 ELSE r.expires_at END
                 RETURNING times
             ), notice AS (
                 INSERT INTO donjon_outbox (id, kind, payload, attempts, due_at, created_at)
                 SELECT $14, $15, $16, 0, $17, $17 FROM told WHERE told.times <= $20
             )
             SELECT EXISTS (SELECT 1 FROM fresh)",
        )
        .bind(user.account.id().as_str())
        .bind(user.account.email())
        .bind(user.account.email_verified())
        .bind(Json(user.account.attributes()))
        .bind(user.password.as_ref().map(|hash| &hash.0))
        .bind(micros(user.created_at))
        .bind(link.purpose.as_str())
        .bind(link.token.as_bytes())
        .bind(micros(link.expires_at))
        .bind(link.mail.id)
        .bind(link.mail.kind)
        .bind(link.mail.payload.as_bytes())
        .bind(micros(link.mail.created_at))
        .bind(notice.id)
        .bind(notice.kind)
        .bind(notice.payload.as_bytes())
        .bind(micros(notice.created_at))
        .bind(format!("notice:{}", user.account.email().unwrap_or_default()))
        .bind(micros(notice.created_at + notices.window))
        .bind(i64::from(notices.times))
        .fetch_one(self.pool())
        .await?;
        Ok(if fresh { Registration::Registered } else { Registration::EmailTaken })
    }

    async fn create_user(&self, user: &NewUser) -> Result<Registration> {
        let written = sqlx::query(
            "INSERT INTO donjon_users (id, email, email_verified, attributes, password, created_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email) DO NOTHING",
        )
        .bind(user.account.id().as_str())
        .bind(user.account.email())
        .bind(user.account.email_verified())
        .bind(Json(user.account.attributes()))
        .bind(user.password.as_ref().map(|hash| &hash.0))
        .bind(micros(user.created_at))
        .execute(self.pool())
        .await?;
        let fresh = written.rows_affected() > 0;
        Ok(if fresh { Registration::Registered } else { Registration::EmailTaken })
    }

    async fn find_account(&self, id: &UserId) -> Result<Option<Account>> {
        let row: Option<AccountRow> = sqlx::query_as(
            "SELECT id, email, email_verified, attributes FROM donjon_users WHERE id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(self.pool())
        .await?;
        row.map(account).transpose()
    }

    async fn find_account_by_email(&self, email: &str) -> Result<Option<Account>> {
        let row: Option<AccountRow> = sqlx::query_as(
            "SELECT id, email, email_verified, attributes FROM donjon_users WHERE email = $1",
        )
        .bind(email)
        .fetch_optional(self.pool())
        .await?;
        row.map(account).transpose()
    }

    async fn begin_login(
        &self,
        email: &str,
        policy: LockoutPolicy,
        notice: &NewDelivery,
        now: OffsetDateTime,
    ) -> Result<LoginAttempt> {
        let allowed = i64::from(policy.attempts);
        let (attempts, expires_at, row): (i64, i64, Option<Json<UserRow>>) = sqlx::query_as(
            "WITH counted AS (
                 INSERT INTO donjon_login_attempts AS a (email, attempts, expires_at)
                 VALUES ($1, 1, $3)
                 ON CONFLICT (email) DO UPDATE SET
                     attempts = CASE WHEN a.expires_at <= $2 THEN 1 ELSE a.attempts + 1 END,
                     expires_at = CASE WHEN a.expires_at <= $2 OR a.attempts < $4
                                       THEN $3 ELSE a.expires_at END
                 RETURNING attempts, expires_at
             ), notice AS (
                 INSERT INTO donjon_outbox (id, kind, payload, attempts, due_at, created_at)
                 SELECT $5, $6, $7, 0, $8, $8 FROM counted, donjon_users u
                 WHERE counted.attempts = $4 + 1 AND u.email = $1
             )
             SELECT attempts, expires_at,
                 (SELECT jsonb_build_array(id, email, email_verified, attributes, password)
                  FROM donjon_users WHERE email = $1)
             FROM counted",
        )
        .bind(email)
        .bind(micros(now))
        .bind(micros(now + policy.lock_for))
        .bind(allowed)
        .bind(notice.id)
        .bind(notice.kind)
        .bind(notice.payload.as_bytes())
        .bind(micros(notice.created_at))
        .fetch_one(self.pool())
        .await?;
        Ok(LoginAttempt {
            user: row.map(|Json(row)| login_user(row)).transpose()?,
            locked_until: (attempts > allowed).then(|| time(expires_at)).transpose()?,
        })
    }

    async fn complete_login(
        &self,
        email: &str,
        verified: &Redacted<String>,
        rehashed: Option<&Redacted<String>>,
    ) -> Result<LoginCompletion> {
        // The update waits for a reset in progress, and sees its password.
        let same = sqlx::query_scalar(
            "WITH same AS (
                 UPDATE donjon_users SET password = coalesce($3, password)
                 WHERE email = $1 AND password = $2 RETURNING email
             ), forgotten AS (
                 DELETE FROM donjon_login_attempts a USING same WHERE a.email = same.email
             )
             SELECT EXISTS (SELECT 1 FROM same)",
        )
        .bind(email)
        .bind(&verified.0)
        .bind(rehashed.map(|hash| &hash.0))
        .fetch_one(self.pool())
        .await?;
        Ok(if same { LoginCompletion::Completed } else { LoginCompletion::PasswordChanged })
    }

    async fn request_link(
        &self,
        email: &str,
        link: &NewLink,
        limit: RateLimit,
        now: OffsetDateTime,
    ) -> Result<LinkRequest> {
        let (limited, sent) = sqlx::query_as(
            "WITH counted AS (
                 INSERT INTO donjon_rate_limits AS r (key, times, expires_at) VALUES ($1, 1, $3)
                 ON CONFLICT (key) DO UPDATE SET
                     times = CASE WHEN r.expires_at <= $2 THEN 1 ELSE r.times + 1 END,
                     expires_at = CASE WHEN r.expires_at <= $2 THEN $3 ELSE r.expires_at END
                 RETURNING times > $4 AS limited
             ), written AS (
                 INSERT INTO donjon_links (user_id, purpose, token_hash, email, expires_at)
                 SELECT u.id, $6, $7, u.email, $8 FROM donjon_users u, counted
                 WHERE u.email = $5 AND NOT counted.limited
                   AND ($6 <> 'confirm' OR NOT u.email_verified)
                 ON CONFLICT (user_id, purpose) DO UPDATE SET
                     token_hash = excluded.token_hash, email = excluded.email,
                     expires_at = excluded.expires_at
                 RETURNING user_id
             ), mail AS (
                 INSERT INTO donjon_outbox (id, kind, payload, attempts, due_at, created_at)
                 SELECT $9, $10, $11, 0, $12, $12 FROM written
             )
             SELECT limited, EXISTS (SELECT 1 FROM written) FROM counted",
        )
        .bind(format!("link:{}:{email}", link.purpose.as_str()))
        .bind(micros(now))
        .bind(micros(now + limit.window))
        .bind(i64::from(limit.times))
        .bind(email)
        .bind(link.purpose.as_str())
        .bind(link.token.as_bytes())
        .bind(micros(link.expires_at))
        .bind(link.mail.id)
        .bind(link.mail.kind)
        .bind(link.mail.payload.as_bytes())
        .bind(micros(link.mail.created_at))
        .fetch_one(self.pool())
        .await?;
        Ok(match (sent, limited) {
            (true, _) => LinkRequest::Sent,
            (false, true) => LinkRequest::Limited,
            (false, false) => LinkRequest::NoAccount,
        })
    }

    async fn load_link(
        &self,
        purpose: LinkPurpose,
        token: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<Account>> {
        let row: Option<AccountRow> = sqlx::query_as(
            "SELECT u.id, u.email, u.email_verified, u.attributes FROM donjon_links l
             JOIN donjon_users u ON u.id = l.user_id AND u.email = l.email
             WHERE l.token_hash = $1 AND l.purpose = $2 AND l.expires_at > $3",
        )
        .bind(token.as_bytes())
        .bind(purpose.as_str())
        .bind(micros(now))
        .fetch_optional(self.pool())
        .await?;
        row.map(account).transpose()
    }

    async fn confirm_email(&self, token: &TokenHash, now: OffsetDateTime) -> Result<LinkUse> {
        // The user's row is locked before the link's, as in a reset, so that the two cannot
        // wait for each other.
        let id = sqlx::query_scalar(
            "WITH owner AS MATERIALIZED (
                 SELECT u.id FROM donjon_links l
                 JOIN donjon_users u ON u.id = l.user_id AND u.email = l.email
                 WHERE l.token_hash = $1 AND l.purpose = 'confirm' AND l.expires_at > $2
                 FOR NO KEY UPDATE OF u
             ), used AS (
                 DELETE FROM donjon_links l USING owner
                 WHERE l.user_id = owner.id AND l.token_hash = $1 AND l.purpose = 'confirm'
                 RETURNING l.user_id
             )
             UPDATE donjon_users u SET email_verified = TRUE FROM used WHERE u.id = used.user_id
             RETURNING u.id",
        )
        .bind(token.as_bytes())
        .bind(micros(now))
        .fetch_optional(self.pool())
        .await?;
        link_use(id)
    }

    async fn reset_password(
        &self,
        token: &TokenHash,
        password: &Redacted<String>,
        notice: &NewDelivery,
        now: OffsetDateTime,
    ) -> Result<LinkUse> {
        // Two statements: a login that completes while the first waits for the user's row has
        // written a session, and only a later snapshot sees it.
        let mut transaction = self.pool().begin().await?;
        sqlx::query(
            "SELECT u.id FROM donjon_links l
             JOIN donjon_users u ON u.id = l.user_id
             WHERE l.token_hash = $1 AND l.purpose = 'reset' FOR NO KEY UPDATE OF u",
        )
        .bind(token.as_bytes())
        .execute(&mut *transaction)
        .await?;
        let id = sqlx::query_scalar(
            "WITH used AS (
                 DELETE FROM donjon_links l USING donjon_users u
                 WHERE l.token_hash = $1 AND l.purpose = 'reset' AND l.expires_at > $2
                   AND u.id = l.user_id AND u.email = l.email
                 RETURNING l.user_id, l.email
             ), others AS (
                 DELETE FROM donjon_links l USING used
                 WHERE l.user_id = used.user_id AND l.purpose <> 'reset'
             ), forgotten AS (
                 DELETE FROM donjon_login_attempts a USING used WHERE a.email = used.email
             ), ended AS (
                 DELETE FROM donjon_sessions s USING used WHERE s.user_id = used.user_id
                 RETURNING s.id, s.user_id
             ), locked AS MATERIALIZED (
                 SELECT pg_advisory_xact_lock($9)
                 FROM (SELECT count(*) AS sessions FROM ended) AS counted, used
                 WHERE sessions >= 0
             ), logged AS (
                 INSERT INTO donjon_session_events (session_id, user_id, reason, at)
                 SELECT ended.id, ended.user_id, $8::text, $2::bigint FROM locked, ended
                 UNION ALL SELECT NULL, used.user_id, $8::text, $2::bigint FROM locked, used
             ), notice AS (
                 INSERT INTO donjon_outbox (id, kind, payload, attempts, due_at, created_at)
                 SELECT $4, $5, $6, 0, $7, $7 FROM used
             )
             UPDATE donjon_users u SET password = $3, email_verified = TRUE FROM used
             WHERE u.id = used.user_id RETURNING u.id",
        )
        .bind(token.as_bytes())
        .bind(micros(now))
        .bind(&password.0)
        .bind(notice.id)
        .bind(notice.kind)
        .bind(notice.payload.as_bytes())
        .bind(micros(notice.created_at))
        .bind(SessionEnd::PasswordReset.as_str())
        .bind(SESSION_EVENTS_LOCK)
        .fetch_optional(&mut *transaction)
        .await?;
        transaction.commit().await?;
        link_use(id)
    }

    async fn sweep_accounts(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        let mut removed = 0;
        for statement in [
            "DELETE FROM donjon_links WHERE token_hash IN
             (SELECT token_hash FROM donjon_links WHERE expires_at <= $1
              LIMIT $2 FOR UPDATE SKIP LOCKED)",
            "DELETE FROM donjon_login_attempts WHERE email IN
             (SELECT email FROM donjon_login_attempts WHERE expires_at <= $1
              LIMIT $2 FOR UPDATE SKIP LOCKED)",
            "DELETE FROM donjon_rate_limits WHERE key IN
             (SELECT key FROM donjon_rate_limits WHERE expires_at <= $1
              LIMIT $2 FOR UPDATE SKIP LOCKED)",
        ] {
            removed += sqlx::query(statement)
                .bind(micros(now))
                .bind(i64::from(limit))
                .execute(self.pool())
                .await?
                .rows_affected();
        }
        Ok(removed)
    }
}

fn link_use(id: Option<String>) -> Result<LinkUse> {
    Ok(match id {
        Some(id) => LinkUse::Done(user_id(id)?),
        None => LinkUse::Invalid,
    })
}
