use async_trait::async_trait;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::audit::{along, effects, familiar, note_seen};
use super::ending::ended_in_order;
use super::link::bound;
use super::refused_login::refuse_login;
use super::sweep::sweep;
use super::takeover::taking_over;
use super::{PostgresStore, SESSION_EVENTS_LOCK};
use crate::crypto::{Redacted, TokenHash};
use crate::scope::{Account, SessionEnd, UserId};
use crate::store::sql::account::{
    AccountRow, FIND_PROOFS, UserRow, account, address_key, bind_user, counter, device_key,
    device_of, login_user, login_user_columns, proofs, user_id,
};
use crate::store::sql::convert::{micros, time};
use crate::store::sql::mail_link::{LinkRow, mailed_link, request_key};
use crate::store::sql::rate_limit::{bind_uses, counted_uses_json, counting_uses, limit_counts};
use crate::store::{
    Effects, FollowedLink, KnownDevice, LimitUse, LinkPurpose, LinkRequest, LinkUse, LockoutPolicy,
    LoginAttempt, LoginCompletion, LoginCounter, LoginRefusal, MailedLink, NewLink, NewUser,
    PasswordReset, Proofs, RateLimit, Registration, Result, UserStore,
};

/// Attempts, until when they are counted, whether the browser is known, the user, the counts of the
/// limits, and where the domain's users log in; no attempts if a limit is over or they do.
type BegunRow = (
    Option<i64>,
    Option<i64>,
    bool,
    Option<Json<UserRow>>,
    Option<Json<Vec<(i64, i64)>>>,
    Option<String>,
);

const BEGIN_LOGIN: &str = concat!(
    counting_uses!(),
    ", owner AS MATERIALIZED (SELECT ",
    login_user_columns!(),
    "    FROM donjon_users u WHERE u.email = $14
     ), elsewhere AS MATERIALIZED (
         SELECT login_path FROM donjon_sso_domains
         WHERE domain = split_part($14, '@', 2) AND mode = 'enforced' AND $22::boolean
     ), chosen AS MATERIALIZED (
         SELECT EXISTS (SELECT 1 FROM owner WHERE id = $18 AND device_epoch = $19) AS known
     ), counted AS (
         INSERT INTO donjon_login_attempts AS a (key, attempts, expires_at)
         SELECT CASE WHEN known THEN $20 ELSE $21 END, 1, $15 FROM chosen, passes
         WHERE NOT EXISTS (SELECT 1 FROM elsewhere)
         ON CONFLICT (key) DO UPDATE SET
             attempts = CASE WHEN a.expires_at <= $1 THEN 1 ELSE a.attempts + 1 END,
             expires_at = CASE WHEN a.expires_at <= $1 OR a.attempts < $16
                               THEN $15 ELSE a.expires_at END
         RETURNING attempts, expires_at
     ), locked AS (
         SELECT owner.id AS user_id FROM counted, owner WHERE counted.attempts = $16 + 1
     ), ",
    along!("locked", "$17"),
    " SELECT attempts, expires_at, known,
         (SELECT jsonb_build_array
              (id, email, email_verified, attributes, password, device_epoch, factor,
               password_set_at, must_change_password)
          FROM owner), ",
    counted_uses_json!(),
    ", (SELECT login_path FROM elsewhere, passes) FROM chosen LEFT JOIN counted ON TRUE",
);

#[async_trait]
impl UserStore for PostgresStore {
    async fn register(
        &self,
        user: &NewUser,
        link: &NewLink,
        taken: &Effects,
        (notices, now): (RateLimit, OffsetDateTime),
    ) -> Result<Registration> {
        let email = user.account.email().unwrap_or_default();
        let binding = link.key.bind(user.account.id(), email);
        let (fresh, told) = sqlx::query_as(concat!(
            "WITH fresh AS (
                 INSERT INTO donjon_users
                     (id, email, email_verified, attributes, password, created_at, password_set_at,
                      signed_up)
                 VALUES ($1, $2, $3, $4, $5, $6,
                     CASE WHEN $5::text IS NULL THEN NULL ELSE $6::bigint END, TRUE)
                 ON CONFLICT (email) DO NOTHING RETURNING id AS user_id, email
             ), link AS (
                 INSERT INTO donjon_links
                     (user_id, purpose, token_hash, email, expires_at, code_hash, binding)
                 SELECT user_id, $7, $8, email, $9, $16, $17 FROM fresh
             ), told AS (
                 INSERT INTO donjon_rate_limits AS r (key, times, expires_at)
                 SELECT $10, 1, $12 WHERE NOT EXISTS (SELECT 1 FROM fresh)
                 ON CONFLICT (key) DO UPDATE SET
                     times = CASE WHEN r.expires_at <= $11 THEN 1 ELSE r.times + 1 END,
                     expires_at = CASE WHEN r.expires_at <= $11 THEN $12 ELSE r.expires_at END
                 RETURNING times
             ), taken AS (
                 SELECT u.id AS user_id FROM donjon_users u, told
                 WHERE u.email = $2 AND told.times <= $13
             ), ",
            along!("fresh", "$14"),
            ", ",
            along!("taken", "$15"),
            " SELECT EXISTS (SELECT 1 FROM fresh), EXISTS (SELECT 1 FROM taken)",
        ))
        .bind(user.account.id().as_str())
        .bind(user.account.email())
        .bind(user.account.email_verified())
        .bind(Json(user.account.attributes()))
        .bind(user.password.as_ref().map(|hash| &hash.0))
        .bind(micros(user.created_at))
        .bind(link.purpose.as_str())
        .bind(link.token.as_bytes())
        .bind(micros(link.expires_at))
        .bind(format!("notice:{email}"))
        .bind(micros(now))
        .bind(micros(now + notices.window))
        .bind(i64::from(notices.times))
        .bind(effects(&link.effects))
        .bind(effects(taken))
        .bind(link.code.as_ref().map(|code| code.as_bytes().as_slice()))
        .bind(binding.as_bytes().as_slice())
        .fetch_one(self.pool())
        .await?;
        taken.receipt.note(told);
        Ok(if fresh { Registration::Registered } else { Registration::EmailTaken })
    }

    async fn create_user(&self, user: &NewUser, along: &Effects) -> Result<Registration> {
        let create = sqlx::query_scalar(concat!(
            "WITH fresh AS (
                 INSERT INTO donjon_users
                     (id, email, email_verified, attributes, password, created_at, password_set_at)
                 VALUES ($1, $2, $3, $4, $5, $6,
                     CASE WHEN $5::text IS NULL THEN NULL ELSE $6::bigint END)
                 ON CONFLICT (email) DO NOTHING RETURNING id AS user_id
             ), ",
            along!("fresh", "$7"),
            " SELECT EXISTS (SELECT 1 FROM fresh)",
        ));
        let fresh = bind_user!(create, user).bind(effects(along)).fetch_one(self.pool()).await?;
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

    async fn find_proofs(&self, id: &UserId) -> Result<Proofs> {
        let row = sqlx::query_as(FIND_PROOFS).bind(id.as_str()).fetch_optional(self.pool()).await?;
        Ok(proofs(row))
    }

    async fn claim_attribute(
        &self,
        id: &UserId,
        name: &str,
        value: &serde_json::Value,
    ) -> Result<Option<serde_json::Value>> {
        // Whoever waits for the row merges into what the one before has written: what is there
        // comes second, and wins.
        let held: Option<Json<serde_json::Value>> = sqlx::query_scalar(
            "UPDATE donjon_users
             SET attributes = jsonb_build_object($2::text, $3::jsonb) || attributes,
                 attributes_version = attributes_version + 1
             WHERE id = $1 RETURNING attributes -> $2::text",
        )
        .bind(id.as_str())
        .bind(name)
        .bind(Json(value))
        .fetch_optional(self.pool())
        .await?;
        Ok(held.map(|Json(value)| value))
    }

    async fn begin_login(
        &self,
        (email, yields): (&str, bool),
        device: Option<&KnownDevice>,
        policy: LockoutPolicy,
        locked: &Effects,
        uses: &[LimitUse],
        now: OffsetDateTime,
    ) -> Result<LoginAttempt> {
        let allowed = i64::from(policy.attempts);
        let row: BegunRow = bind_uses!(sqlx::query_as(BEGIN_LOGIN), uses, now)
            .bind(email)
            .bind(micros(now + policy.lock_for))
            .bind(allowed)
            .bind(effects(locked))
            .bind(device.map(|device| device.user.as_str()))
            .bind(device.map(|device| device.epoch))
            .bind(device.map(|device| device_key(&device.user, device.id)))
            .bind(address_key(email))
            .bind(yields)
            .fetch_one(self.pool())
            .await?;
        let (attempt, expires_at, known, user, counts, elsewhere) = row;
        let locked_until = expires_at.filter(|_| attempt > Some(allowed));
        locked.receipt.note(user.is_some() && attempt == Some(allowed + 1));
        Ok(LoginAttempt {
            counts: limit_counts(counts)?,
            user: user
                .filter(|_| attempt.is_some())
                .map(|Json(row)| login_user(row))
                .transpose()?,
            counter: counter(device, known),
            locked_until: locked_until.map(time).transpose()?,
            elsewhere,
        })
    }

    async fn complete_login(
        &self,
        email: &str,
        counter: LoginCounter,
        (verified, epoch): (&Redacted<String>, Option<i64>),
        rehashed: Option<&Redacted<String>>,
        along: &Effects,
    ) -> Result<LoginCompletion> {
        // The update waits for a reset in progress, and sees its password.
        let (same, is_familiar) = sqlx::query_as(concat!(
            "WITH same AS (
                 UPDATE donjon_users SET password = coalesce($3, password)
                 WHERE email = $1 AND password = $2 AND device_epoch = coalesce($7, device_epoch)
                 RETURNING id AS user_id
             ), forgotten AS (
                 DELETE FROM donjon_login_attempts a USING same
                 WHERE a.key = coalesce('device:' || same.user_id || ':' || $4, $5)
             ), ",
            along!("same", "$6"),
            " SELECT EXISTS (SELECT 1 FROM same), ",
            familiar!("same"),
        ))
        .bind(email)
        .bind(&verified.0)
        .bind(rehashed.map(|hash| &hash.0))
        .bind(device_of(counter))
        .bind(address_key(email))
        .bind(effects(along))
        .bind(epoch)
        .fetch_one(self.pool())
        .await?;
        note_seen(along, is_familiar);
        Ok(if same { LoginCompletion::Completed } else { LoginCompletion::PasswordChanged })
    }

    async fn refuse_login(
        &self,
        email: &str,
        refusal: &LoginRefusal,
        now: OffsetDateTime,
    ) -> Result<LinkRequest> {
        refuse_login(self.pool(), email, refusal, now).await
    }

    async fn request_link(
        &self,
        email: &str,
        link: &NewLink,
        limit: RateLimit,
        now: OffsetDateTime,
    ) -> Result<LinkRequest> {
        let (limited, sent) = sqlx::query_as(concat!(
            "WITH counted AS (
                 INSERT INTO donjon_rate_limits AS r (key, times, expires_at) VALUES ($1, 1, $3)
                 ON CONFLICT (key) DO UPDATE SET
                     times = CASE WHEN r.expires_at <= $2 THEN 1 ELSE r.times + 1 END,
                     expires_at = CASE WHEN r.expires_at <= $2 THEN $3 ELSE r.expires_at END
                 RETURNING times > $4 AS limited
             ), written AS (
                 INSERT INTO donjon_links
                     (user_id, purpose, token_hash, email, expires_at, code_hash, binding)
                 SELECT u.id, $6, $7, u.email, $8, $10, ",
            bound!("$11", "u.id", "u.email"),
            " FROM donjon_users u, counted
                 WHERE u.email = $5 AND u.deleted_at IS NULL AND NOT counted.limited
                   AND ($6 <> 'confirm' OR NOT u.email_verified)
                 ON CONFLICT (user_id, purpose) DO UPDATE SET
                     token_hash = excluded.token_hash, email = excluded.email,
                     expires_at = excluded.expires_at, code_hash = excluded.code_hash,
                     binding = excluded.binding, code_tries = 0
                 RETURNING user_id
             ), ",
            along!("written", "$9"),
            " SELECT limited, EXISTS (SELECT 1 FROM written) FROM counted",
        ))
        .bind(request_key(link.purpose, email))
        .bind(micros(now))
        .bind(micros(now + limit.window))
        .bind(i64::from(limit.times))
        .bind(email)
        .bind(link.purpose.as_str())
        .bind(link.token.as_bytes())
        .bind(micros(link.expires_at))
        .bind(effects(&link.effects))
        .bind(link.code.as_ref().map(|code| code.as_bytes().as_slice()))
        .bind(link.key.pads())
        .fetch_one(self.pool())
        .await?;
        Ok(LinkRequest::of(sent, limited))
    }

    async fn load_link(
        &self,
        purpose: LinkPurpose,
        token: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<MailedLink>> {
        let row: Option<LinkRow> = sqlx::query_as(
            "SELECT u.id, u.email, u.email_verified, u.attributes, l.binding FROM donjon_links l
             JOIN donjon_users u
                 ON u.id = l.user_id AND u.email = l.email AND u.deleted_at IS NULL
             WHERE l.token_hash = $1 AND l.purpose = $2 AND l.expires_at > $3",
        )
        .bind(token.as_bytes())
        .bind(purpose.as_str())
        .bind(micros(now))
        .fetch_optional(self.pool())
        .await?;
        row.map(mailed_link).transpose()
    }

    async fn confirm_email(
        &self,
        link: &FollowedLink,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<LinkUse> {
        // The user's row is locked before the link's, as in a reset, so that the two cannot
        // wait for each other.
        let id = sqlx::query_scalar(concat!(
            "WITH owner AS MATERIALIZED (
                 SELECT u.id FROM donjon_links l
                 JOIN donjon_users u
                     ON u.id = l.user_id AND u.email = l.email AND u.deleted_at IS NULL
                 WHERE l.token_hash = $1 AND l.purpose = 'confirm' AND l.expires_at > $2
                   AND l.user_id = $4 AND l.email = $5
                 FOR NO KEY UPDATE OF u
             ), used AS (
                 DELETE FROM donjon_links l USING owner
                 WHERE l.user_id = owner.id AND l.token_hash = $1 AND l.purpose = 'confirm'
                 RETURNING l.user_id
             ), ",
            along!("used", "$3"),
            " UPDATE donjon_users u SET email_verified = TRUE FROM used WHERE u.id = used.user_id
             RETURNING u.id",
        ))
        .bind(link.token.as_bytes())
        .bind(micros(now))
        .bind(effects(along))
        .bind(link.user.as_str())
        .bind(&link.email)
        .fetch_optional(self.pool())
        .await?;
        link_use(id)
    }

    async fn reset_password(
        &self,
        link: &FollowedLink,
        password: &Redacted<String>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<PasswordReset> {
        // Two statements: a login that completes while the first waits for the user's row has
        // written a session, and only a later snapshot sees it.
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            sqlx::query(
                "SELECT u.id FROM donjon_links l
             JOIN donjon_users u ON u.id = l.user_id
             WHERE l.token_hash = $1 AND l.purpose = 'reset' AND l.user_id = $2
             FOR NO KEY UPDATE OF u",
            )
            .bind(link.token.as_bytes())
            .bind(link.user.as_str())
            .execute(&mut *transaction)
            .await?;
            let reset = sqlx::query_as(concat!(
                "WITH used AS (
                 DELETE FROM donjon_links l USING donjon_users u
                 WHERE l.token_hash = $1 AND l.purpose = 'reset' AND l.expires_at > $2
                   AND l.user_id = $7 AND l.email = $8
                   AND u.id = l.user_id AND u.email = l.email AND u.deleted_at IS NULL
                 RETURNING l.user_id, l.email, NOT u.email_verified AS unconfirmed
             ), others AS (
                 DELETE FROM donjon_links l USING used
                 WHERE l.user_id = used.user_id AND l.purpose <> 'reset'
             ), forgotten AS (
                 DELETE FROM donjon_login_attempts a USING used
                 WHERE a.key = 'address:' || used.email
             ), revoked AS (
                 UPDATE donjon_api_tokens t SET revoked_at = $2::bigint FROM used
                 WHERE NOT used.unconfirmed AND t.user_id = used.user_id
                   AND t.revoked_at IS NULL
             ), ",
                taking_over!("used", "$2"),
                ", ",
                ended_in_order!("used", "TRUE"),
                ", locked AS MATERIALIZED (
                 SELECT pg_advisory_xact_lock($5)
                 FROM (SELECT count(*) AS sessions FROM ended) AS counted, used
                 WHERE sessions >= 0
             ), logged AS (
                 INSERT INTO donjon_session_events (session_id, user_id, reason, at)
                 SELECT ended.id, ended.user_id, $4::text, $2::bigint FROM locked, ended
                 UNION ALL SELECT NULL, used.user_id, $4::text, $2::bigint FROM locked, used
             ), ",
                along!("used", "$6"),
                " UPDATE donjon_users u
             SET password = $3, password_set_at = $2, must_change_password = FALSE,
                 email_verified = TRUE, device_epoch = device_epoch + 1,
                 passkeys = CASE WHEN used.unconfirmed THEN 0 ELSE passkeys END FROM used
             WHERE u.id = used.user_id RETURNING u.id, u.device_epoch",
            ))
            .bind(link.token.as_bytes())
            .bind(micros(now))
            .bind(&password.0)
            .bind(SessionEnd::PasswordReset.as_str())
            .bind(SESSION_EVENTS_LOCK)
            .bind(effects(along))
            .bind(link.user.as_str())
            .bind(&link.email)
            .fetch_optional(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok::<_, sqlx::Error>(reset)
        };
        let reset: Option<(String, i64)> = self.pool().transition(work).await?;
        Ok(match reset {
            Some((id, device_epoch)) => PasswordReset::Done { user: user_id(id)?, device_epoch },
            None => PasswordReset::Invalid,
        })
    }

    async fn sweep_accounts(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        let mut removed = 0;
        for statement in [
            "DELETE FROM donjon_links WHERE token_hash IN
             (SELECT token_hash FROM donjon_links WHERE expires_at <= $1
              LIMIT $2 FOR UPDATE SKIP LOCKED)",
            "DELETE FROM donjon_login_attempts WHERE key IN
             (SELECT key FROM donjon_login_attempts WHERE expires_at <= $1
              LIMIT $2 FOR UPDATE SKIP LOCKED)",
            "DELETE FROM donjon_rate_limits WHERE key IN
             (SELECT key FROM donjon_rate_limits WHERE expires_at <= $1
              LIMIT $2 FOR UPDATE SKIP LOCKED)",
            "DELETE FROM donjon_passkey_challenges WHERE challenge IN
             (SELECT challenge FROM donjon_passkey_challenges WHERE expires_at <= $1
              LIMIT $2 FOR UPDATE SKIP LOCKED)",
        ] {
            removed += sweep(self.pool(), statement, now, limit).await?;
        }
        Ok(removed)
    }
}

pub(super) fn link_use(id: Option<String>) -> Result<LinkUse> {
    Ok(match id {
        Some(id) => LinkUse::Done(user_id(id)?),
        None => LinkUse::Invalid,
    })
}
