use async_trait::async_trait;
use sqlx::SqliteConnection;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::{SqliteStore, outbox};
use crate::crypto::{Redacted, TokenHash};
use crate::scope::{Account, SessionEnd, UserId};
use crate::store::sql::account::{AccountRow, UserRow, account, login_user, user_id};
use crate::store::sql::convert::{micros, time};
use crate::store::{
    AccountStore, LinkPurpose, LinkRequest, LinkUse, LockoutPolicy, LoginAttempt, LoginCompletion,
    NewDelivery, NewLink, NewUser, RateLimit, Registration, Result,
};

#[async_trait]
impl AccountStore for SqliteStore {
    async fn register(
        &self,
        user: &NewUser,
        link: &NewLink,
        notice: &NewDelivery,
        notices: RateLimit,
    ) -> Result<Registration> {
        let (user, link, notice) = (user.clone(), link.clone(), notice.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let outcome = insert_user(connection, &user).await?;
                sqlx::query(
                    "INSERT INTO donjon_links (user_id, purpose, token_hash, email, expires_at)
                     SELECT id, ?2, ?3, email, ?4 FROM donjon_users WHERE id = ?1",
                )
                .bind(user.account.id().as_str())
                .bind(link.purpose.as_str())
                .bind(link.token.as_bytes().as_slice())
                .bind(micros(link.expires_at))
                .execute(&mut *connection)
                .await?;
                let fresh = outcome == Registration::Registered;
                let key = format!("notice:{}", user.account.email().unwrap_or_default());
                let (limit, now) = (notices, notice.created_at);
                let told = count_against_limit(connection, &key, limit, now, !fresh).await?;
                let mail = if fresh { &link.mail } else { &notice };
                outbox::insert_if(connection, mail, told <= i64::from(limit.times)).await?;
                Ok(outcome)
            })
        })
        .await
    }

    async fn create_user(&self, user: &NewUser) -> Result<Registration> {
        let user = user.clone();
        self.transition(move |connection| {
            Box::pin(async move { insert_user(connection, &user).await })
        })
        .await
    }

    async fn find_account(&self, id: &UserId) -> Result<Option<Account>> {
        let row: Option<AccountRow> = sqlx::query_as(
            "SELECT id, email, email_verified, attributes FROM donjon_users WHERE id = ?1",
        )
        .bind(id.as_str())
        .fetch_optional(self.readers())
        .await?;
        row.map(account).transpose()
    }

    async fn find_account_by_email(&self, email: &str) -> Result<Option<Account>> {
        let row: Option<AccountRow> = sqlx::query_as(
            "SELECT id, email, email_verified, attributes FROM donjon_users WHERE email = ?1",
        )
        .bind(email)
        .fetch_optional(self.readers())
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
        let (email, notice) = (email.to_owned(), notice.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let allowed = i64::from(policy.attempts);
                let (attempts, expires_at): (i64, i64) = sqlx::query_as(
                    "INSERT INTO donjon_login_attempts AS a (email, attempts, expires_at)
                     VALUES (?1, 1, ?3)
                     ON CONFLICT (email) DO UPDATE SET
                         attempts = CASE WHEN a.expires_at <= ?2 THEN 1 ELSE a.attempts + 1 END,
                         expires_at = CASE WHEN a.expires_at <= ?2 OR a.attempts < ?4
                                           THEN ?3 ELSE a.expires_at END
                     RETURNING attempts, expires_at",
                )
                .bind(&email)
                .bind(micros(now))
                .bind(micros(now + policy.lock_for))
                .bind(allowed)
                .fetch_one(&mut *connection)
                .await?;
                let row: Option<UserRow> =
                    sqlx::query_as("SELECT id, email, email_verified, attributes, password FROM donjon_users WHERE email = ?1")
                        .bind(&email)
                        .fetch_optional(&mut *connection)
                        .await?;
                let first_refused = row.is_some() && attempts == allowed + 1;
                outbox::insert_if(connection, &notice, first_refused).await?;
                Ok(LoginAttempt {
                    user: row.map(login_user).transpose()?,
                    locked_until: (attempts > allowed).then(|| time(expires_at)).transpose()?,
                })
            })
        })
        .await
    }

    async fn complete_login(
        &self,
        email: &str,
        verified: &Redacted<String>,
        rehashed: Option<&Redacted<String>>,
    ) -> Result<LoginCompletion> {
        let (email, verified) = (email.to_owned(), verified.clone());
        let rehashed = rehashed.cloned();
        self.transition(move |connection| {
            Box::pin(async move {
                let same = sqlx::query(
                    "UPDATE donjon_users SET password = coalesce(?3, password)
                     WHERE email = ?1 AND password = ?2",
                )
                .bind(&email)
                .bind(&verified.0)
                .bind(rehashed.as_ref().map(|hash| &hash.0))
                .execute(&mut *connection)
                .await?;
                if same.rows_affected() == 0 {
                    return Ok(LoginCompletion::PasswordChanged);
                }
                forget_attempts(connection, &email).await?;
                Ok(LoginCompletion::Completed)
            })
        })
        .await
    }

    async fn request_link(
        &self,
        email: &str,
        link: &NewLink,
        limit: RateLimit,
        now: OffsetDateTime,
    ) -> Result<LinkRequest> {
        let (email, link) = (email.to_owned(), link.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let key = format!("link:{}:{email}", link.purpose.as_str());
                let times = count_against_limit(connection, &key, limit, now, true).await?;
                let limited = times > i64::from(limit.times);
                let written = sqlx::query(
                    "INSERT INTO donjon_links (user_id, purpose, token_hash, email, expires_at)
                     SELECT id, ?2, ?3, email, ?4 FROM donjon_users
                     WHERE email = ?1 AND NOT ?5 AND (?2 <> 'confirm' OR NOT email_verified)
                     ON CONFLICT (user_id, purpose) DO UPDATE SET
                         token_hash = excluded.token_hash, email = excluded.email,
                         expires_at = excluded.expires_at",
                )
                .bind(&email)
                .bind(link.purpose.as_str())
                .bind(link.token.as_bytes().as_slice())
                .bind(micros(link.expires_at))
                .bind(limited)
                .execute(&mut *connection)
                .await?;
                let sent = written.rows_affected() > 0;
                outbox::insert_if(connection, &link.mail, sent).await?;
                Ok(match (sent, limited) {
                    (true, _) => LinkRequest::Sent,
                    (false, true) => LinkRequest::Limited,
                    (false, false) => LinkRequest::NoAccount,
                })
            })
        })
        .await
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
             WHERE l.token_hash = ?1 AND l.purpose = ?2 AND l.expires_at > ?3",
        )
        .bind(token.as_bytes().as_slice())
        .bind(purpose.as_str())
        .bind(micros(now))
        .fetch_optional(self.readers())
        .await?;
        row.map(account).transpose()
    }

    async fn confirm_email(&self, token: &TokenHash, now: OffsetDateTime) -> Result<LinkUse> {
        let token = *token;
        self.transition(move |connection| {
            Box::pin(async move {
                let Some((id, _)) = use_link(connection, LinkPurpose::Confirm, &token, now).await?
                else {
                    return Ok(LinkUse::Invalid);
                };
                sqlx::query("UPDATE donjon_users SET email_verified = TRUE WHERE id = ?1")
                    .bind(id.as_str())
                    .execute(connection)
                    .await?;
                Ok(LinkUse::Done(id))
            })
        })
        .await
    }

    async fn reset_password(
        &self,
        token: &TokenHash,
        password: &Redacted<String>,
        notice: &NewDelivery,
        now: OffsetDateTime,
    ) -> Result<LinkUse> {
        let (token, password, notice) = (*token, password.clone(), notice.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let Some((id, email)) =
                    use_link(connection, LinkPurpose::Reset, &token, now).await?
                else {
                    return Ok(LinkUse::Invalid);
                };
                sqlx::query(
                    "UPDATE donjon_users SET password = ?2, email_verified = TRUE WHERE id = ?1",
                )
                .bind(id.as_str())
                .bind(&password.0)
                .execute(&mut *connection)
                .await?;
                sqlx::query("DELETE FROM donjon_links WHERE user_id = ?1")
                    .bind(id.as_str())
                    .execute(&mut *connection)
                    .await?;
                forget_attempts(connection, &email).await?;
                end_sessions(connection, &id, SessionEnd::PasswordReset, now).await?;
                outbox::insert(connection, &notice).await?;
                Ok(LinkUse::Done(id))
            })
        })
        .await
    }

    async fn sweep_accounts(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        self.transition(move |connection| {
            Box::pin(async move {
                let mut removed = 0;
                for statement in [
                    "DELETE FROM donjon_links WHERE rowid IN
                     (SELECT rowid FROM donjon_links WHERE expires_at <= ?1 LIMIT ?2)",
                    "DELETE FROM donjon_login_attempts WHERE rowid IN
                     (SELECT rowid FROM donjon_login_attempts WHERE expires_at <= ?1 LIMIT ?2)",
                    "DELETE FROM donjon_rate_limits WHERE rowid IN
                     (SELECT rowid FROM donjon_rate_limits WHERE expires_at <= ?1 LIMIT ?2)",
                ] {
                    removed += sqlx::query(statement)
                        .bind(micros(now))
                        .bind(limit)
                        .execute(&mut *connection)
                        .await?
                        .rows_affected();
                }
                Ok(removed)
            })
        })
        .await
    }
}

async fn insert_user(connection: &mut SqliteConnection, user: &NewUser) -> Result<Registration> {
    let written = sqlx::query(
        "INSERT INTO donjon_users (id, email, email_verified, attributes, password, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (email) DO NOTHING",
    )
    .bind(user.account.id().as_str())
    .bind(user.account.email())
    .bind(user.account.email_verified())
    .bind(Json(user.account.attributes()))
    .bind(user.password.as_ref().map(|hash| &hash.0))
    .bind(micros(user.created_at))
    .execute(connection)
    .await?;
    let fresh = written.rows_affected() > 0;
    Ok(if fresh { Registration::Registered } else { Registration::EmailTaken })
}

/// Uses up a link that works; answers whose it was and the address it was sent to.
async fn use_link(
    connection: &mut SqliteConnection,
    purpose: LinkPurpose,
    token: &TokenHash,
    now: OffsetDateTime,
) -> Result<Option<(UserId, String)>> {
    let used: Option<(String, String)> = sqlx::query_as(
        "DELETE FROM donjon_links AS l
         WHERE l.token_hash = ?1 AND l.purpose = ?2 AND l.expires_at > ?3
           AND EXISTS (SELECT 1 FROM donjon_users u WHERE u.id = l.user_id AND u.email = l.email)
         RETURNING user_id, email",
    )
    .bind(token.as_bytes().as_slice())
    .bind(purpose.as_str())
    .bind(micros(now))
    .fetch_optional(connection)
    .await?;
    used.map(|(id, email)| Ok((user_id(id)?, email))).transpose()
}

async fn forget_attempts(connection: &mut SqliteConnection, email: &str) -> Result<()> {
    sqlx::query("DELETE FROM donjon_login_attempts WHERE email = ?1")
        .bind(email)
        .execute(connection)
        .await?;
    Ok(())
}

async fn end_sessions(
    connection: &mut SqliteConnection,
    user: &UserId,
    end: SessionEnd,
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO donjon_session_events (session_id, user_id, reason, at)
         SELECT id, user_id, ?2, ?3 FROM donjon_sessions WHERE user_id = ?1
         UNION ALL SELECT NULL, ?1, ?2, ?3",
    )
    .bind(user.as_str())
    .bind(end.as_str())
    .bind(micros(now))
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM donjon_sessions WHERE user_id = ?1")
        .bind(user.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// Counts one more use of a limit, if it `counts`; answers how many there are in its window then.
/// One statement either way.
async fn count_against_limit(
    connection: &mut SqliteConnection,
    key: &str,
    limit: RateLimit,
    now: OffsetDateTime,
    counts: bool,
) -> Result<i64> {
    let times = sqlx::query_scalar(
        "INSERT INTO donjon_rate_limits AS r (key, times, expires_at) SELECT ?1, 1, ?3 WHERE ?4
         ON CONFLICT (key) DO UPDATE SET
             times = CASE WHEN r.expires_at <= ?2 THEN 1 ELSE r.times + 1 END,
             expires_at = CASE WHEN r.expires_at <= ?2 THEN ?3 ELSE r.expires_at END
         RETURNING times",
    )
    .bind(key)
    .bind(micros(now))
    .bind(micros(now + limit.window))
    .bind(counts)
    .fetch_optional(connection)
    .await?;
    Ok(times.unwrap_or(0))
}
