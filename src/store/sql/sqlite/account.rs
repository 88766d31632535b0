use async_trait::async_trait;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::audit::{write_effects, write_effects_if};
use super::refused_login::refuse_login;
use super::steps::{
    count_against_limit, count_link_request, drop_links, end_sessions, forget_attempts,
    insert_user, is_confirmed, take_over, use_link, write_link_if,
};
use super::sweep::sweep;
use super::{SqliteStore, limit};
use crate::crypto::{Redacted, TokenHash};
use crate::scope::{Account, Attributes, SessionEnd, UserId};
use crate::store::sql::account::{
    AccountRow, FIND_PROOFS, UserRow, account, address_key, counter, counter_key, device_key,
    login_user, login_user_columns, proofs, user_id,
};
use crate::store::sql::convert::{micros, time};
use crate::store::sql::mail_link::{LinkRow, mailed_link};
use crate::store::{
    Effects, FollowedLink, KnownDevice, LimitCount, LimitUse, LinkPurpose, LinkRequest, LinkUse,
    LockoutPolicy, LoginAttempt, LoginCompletion, LoginCounter, LoginRefusal, MailedLink, NewLink,
    NewUser, PasswordReset, Proofs, RateLimit, Registration, Result, UserStore,
};

/// Where the users of the domain of address `?1` log in, if that is enforced and the login yields.
const ELSEWHERE: &str = "SELECT login_path FROM donjon_sso_domains
     WHERE domain = substr(?1, instr(?1, '@') + 1) AND mode = 'enforced' AND ?2";

#[async_trait]
impl UserStore for SqliteStore {
    async fn register(
        &self,
        user: &NewUser,
        link: &NewLink,
        taken: &Effects,
        (notices, now): (RateLimit, OffsetDateTime),
    ) -> Result<Registration> {
        let (user, link, taken) = (user.clone(), link.clone(), taken.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let outcome = insert_user(connection, &user, true).await?;
                let email = user.account.email().unwrap_or_default();
                let binding = link.key.bind(user.account.id(), email);
                sqlx::query(
                    "INSERT INTO donjon_links
                         (user_id, purpose, token_hash, email, expires_at, code_hash, binding)
                     SELECT id, ?2, ?3, email, ?4, ?5, ?6 FROM donjon_users WHERE id = ?1",
                )
                .bind(user.account.id().as_str())
                .bind(link.purpose.as_str())
                .bind(link.token.as_bytes().as_slice())
                .bind(micros(link.expires_at))
                .bind(link.code.as_ref().map(|code| code.as_bytes().as_slice()))
                .bind(binding.as_bytes().as_slice())
                .execute(&mut *connection)
                .await?;
                let fresh = outcome == Registration::Registered;
                let key = format!("notice:{email}");
                let told = count_against_limit(connection, &key, notices, now, !fresh).await?;
                let owner: Option<String> =
                    sqlx::query_scalar("SELECT id FROM donjon_users WHERE email = ?1")
                        .bind(user.account.email())
                        .fetch_optional(&mut *connection)
                        .await?;
                let owner = owner.map(user_id).transpose()?;
                taken.receipt.note(false);
                let effects = if fresh { &link.effects } else { &taken };
                let wanted = told <= i64::from(notices.times);
                write_effects_if(connection, effects, owner.as_ref(), wanted).await?;
                Ok(outcome)
            })
        })
        .await
    }

    async fn create_user(&self, user: &NewUser, along: &Effects) -> Result<Registration> {
        let (user, along) = (user.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let outcome = insert_user(connection, &user, false).await?;
                let fresh = outcome == Registration::Registered;
                write_effects_if(connection, &along, Some(user.account.id()), fresh).await?;
                Ok(outcome)
            })
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

    async fn find_proofs(&self, id: &UserId) -> Result<Proofs> {
        let row =
            sqlx::query_as(FIND_PROOFS).bind(id.as_str()).fetch_optional(self.readers()).await?;
        Ok(proofs(row))
    }

    async fn claim_attribute(
        &self,
        id: &UserId,
        name: &str,
        value: &serde_json::Value,
    ) -> Result<Option<serde_json::Value>> {
        let (id, name, value) = (id.clone(), name.to_owned(), value.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let held: Option<Json<Attributes>> =
                    sqlx::query_scalar("SELECT attributes FROM donjon_users WHERE id = ?1")
                        .bind(id.as_str())
                        .fetch_optional(&mut *connection)
                        .await?;
                let Some(Json(mut attributes)) = held else { return Ok(None) };
                if let Some(there) = attributes.get(&name) {
                    return Ok(Some(there.clone()));
                }
                attributes.insert(name, value.clone());
                sqlx::query(
                    "UPDATE donjon_users SET attributes = ?2,
                         attributes_version = attributes_version + 1 WHERE id = ?1",
                )
                .bind(id.as_str())
                .bind(Json(attributes))
                .execute(&mut *connection)
                .await?;
                Ok(Some(value))
            })
        })
        .await
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
        let (email, device, locked) = (email.to_owned(), device.cloned(), locked.clone());
        let uses = uses.to_vec();
        self.transition(move |connection| {
            Box::pin(async move {
                locked.receipt.note(false);
                let counts = limit::count_uses(connection, &uses, now).await?;
                if limit::is_over(&uses, &counts) {
                    return Ok(nobodys(counts, None));
                }
                let elsewhere: Option<String> = sqlx::query_scalar(ELSEWHERE)
                    .bind(&email)
                    .bind(yields)
                    .fetch_optional(&mut *connection)
                    .await?;
                if elsewhere.is_some() {
                    return Ok(nobodys(counts, elsewhere));
                }
                let row: Option<UserRow> = sqlx::query_as(concat!(
                    "SELECT ",
                    login_user_columns!(),
                    " FROM donjon_users u WHERE u.email = ?1",
                ))
                .bind(&email)
                .fetch_optional(&mut *connection)
                .await?;
                let user = row.map(login_user).transpose()?;
                let known = device.as_ref().filter(|device| {
                    user.as_ref().is_some_and(|user| {
                        *user.account.id() == device.user && user.device_epoch == device.epoch
                    })
                });
                let key = match known {
                    Some(device) => device_key(&device.user, device.id),
                    None => address_key(&email),
                };
                let allowed = i64::from(policy.attempts);
                let (attempts, expires_at): (i64, i64) = sqlx::query_as(
                    "INSERT INTO donjon_login_attempts AS a (key, attempts, expires_at)
                     VALUES (?1, 1, ?3)
                     ON CONFLICT (key) DO UPDATE SET
                         attempts = CASE WHEN a.expires_at <= ?2 THEN 1 ELSE a.attempts + 1 END,
                         expires_at = CASE WHEN a.expires_at <= ?2 OR a.attempts < ?4
                                           THEN ?3 ELSE a.expires_at END
                     RETURNING attempts, expires_at",
                )
                .bind(key)
                .bind(micros(now))
                .bind(micros(now + policy.lock_for))
                .bind(allowed)
                .fetch_one(&mut *connection)
                .await?;
                let first_refused = user.is_some() && attempts == allowed + 1;
                let owner = user.as_ref().map(|user| user.account.id());
                write_effects_if(connection, &locked, owner, first_refused).await?;
                Ok(LoginAttempt {
                    counts,
                    counter: counter(device.as_ref(), known.is_some()),
                    user,
                    locked_until: (attempts > allowed).then(|| time(expires_at)).transpose()?,
                    elsewhere: None,
                })
            })
        })
        .await
    }

    async fn complete_login(
        &self,
        email: &str,
        counter: LoginCounter,
        (verified, epoch): (&Redacted<String>, Option<i64>),
        rehashed: Option<&Redacted<String>>,
        along: &Effects,
    ) -> Result<LoginCompletion> {
        let (email, verified) = (email.to_owned(), verified.clone());
        let (rehashed, along) = (rehashed.cloned(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let same: Option<String> = sqlx::query_scalar(
                    "UPDATE donjon_users SET password = coalesce(?3, password)
                     WHERE email = ?1 AND password = ?2 AND device_epoch = coalesce(?4, device_epoch)
                     RETURNING id",
                )
                .bind(&email)
                .bind(&verified.0)
                .bind(rehashed.as_ref().map(|hash| &hash.0))
                .bind(epoch)
                .fetch_optional(&mut *connection)
                .await?;
                let Some(id) = same else { return Ok(LoginCompletion::PasswordChanged) };
                let id = user_id(id)?;
                forget_attempts(connection, &counter_key(counter, &email, &id)).await?;
                write_effects(connection, &along, Some(&id)).await?;
                Ok(LoginCompletion::Completed)
            })
        })
        .await
    }

    async fn refuse_login(
        &self,
        email: &str,
        refusal: &LoginRefusal,
        now: OffsetDateTime,
    ) -> Result<LinkRequest> {
        let (email, refusal) = (email.to_owned(), refusal.clone());
        self.transition(move |connection| {
            Box::pin(async move { refuse_login(connection, &email, &refusal, now).await })
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
                let (what, limits) = ((link.purpose, email.as_str()), (limit, now));
                let (times, owner) = count_link_request(connection, what, limits, true).await?;
                let limited = times > i64::from(limit.times);
                let owner = owner.filter(|_| !limited);
                let sent = write_link_if(connection, (owner.as_ref(), &email), &link).await?;
                Ok(LinkRequest::of(sent, limited))
            })
        })
        .await
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
             WHERE l.token_hash = ?1 AND l.purpose = ?2 AND l.expires_at > ?3",
        )
        .bind(token.as_bytes().as_slice())
        .bind(purpose.as_str())
        .bind(micros(now))
        .fetch_optional(self.readers())
        .await?;
        row.map(mailed_link).transpose()
    }

    async fn confirm_email(
        &self,
        link: &FollowedLink,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<LinkUse> {
        let (link, along) = (link.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let Some(id) = use_link(connection, LinkPurpose::Confirm, &link, now).await? else {
                    return Ok(LinkUse::Invalid);
                };
                sqlx::query("UPDATE donjon_users SET email_verified = TRUE WHERE id = ?1")
                    .bind(id.as_str())
                    .execute(&mut *connection)
                    .await?;
                write_effects(connection, &along, Some(&id)).await?;
                Ok(LinkUse::Done(id))
            })
        })
        .await
    }

    async fn reset_password(
        &self,
        link: &FollowedLink,
        password: &Redacted<String>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<PasswordReset> {
        let (link, password, along) = (link.clone(), password.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let used = use_link(connection, LinkPurpose::Reset, &link, now).await?;
                let Some(id) = used else {
                    return Ok(PasswordReset::Invalid);
                };
                if !is_confirmed(connection, &id).await? {
                    take_over(connection, &id, now).await?;
                }
                let device_epoch = sqlx::query_scalar(
                    "UPDATE donjon_users SET password = ?2, password_set_at = ?3,
                         must_change_password = FALSE, email_verified = TRUE,
                         device_epoch = device_epoch + 1
                     WHERE id = ?1 RETURNING device_epoch",
                )
                .bind(id.as_str())
                .bind(&password.0)
                .bind(micros(now))
                .fetch_one(&mut *connection)
                .await?;
                drop_links(connection, &id).await?;
                forget_attempts(connection, &address_key(&link.email)).await?;
                end_sessions(connection, &id, None, (SessionEnd::PasswordReset, now)).await?;
                write_effects(connection, &along, Some(&id)).await?;
                Ok(PasswordReset::Done { user: id, device_epoch })
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
                    "DELETE FROM donjon_passkey_challenges WHERE rowid IN
                     (SELECT rowid FROM donjon_passkey_challenges
                      WHERE expires_at <= ?1 LIMIT ?2)",
                ] {
                    removed += sweep(connection, statement, now, limit).await?;
                }
                Ok(removed)
            })
        })
        .await
    }
}

/// An attempt that ended before it was known whose it is.
fn nobodys(counts: Vec<LimitCount>, elsewhere: Option<String>) -> LoginAttempt {
    let counter = counter(None, false);
    LoginAttempt { counts, user: None, counter, locked_until: None, elsewhere }
}
