use async_trait::async_trait;
use sqlx::SqliteConnection;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::audit::{write_effects, write_effects_if};
use super::steps::{forget_attempts, lives};
use super::{SqliteStore, limit};
use crate::crypto::KeyedHash;
use crate::scope::{SessionId, UserId};
use crate::store::sql::convert::{micros, time};
use crate::store::sql::mfa::{
    Codes, FIND_SECOND_FACTOR, FactorRow, code, codes, factor_key, factor_user, has_passkey,
    second_factor,
};
use crate::store::sql::single_sign_on::app_is_needed;
use crate::store::{
    Effects, Enrolment, FactorAttempt, FactorProof, FactorRemoval, FactorUse, LimitUse,
    LockoutPolicy, MfaStore, NewTotp, Result, SecondFactor,
};

#[async_trait]
impl MfaStore for SqliteStore {
    async fn enroll_totp(
        &self,
        totp: &NewTotp,
        made_in: Option<SessionId>,
        along: &Effects,
    ) -> Result<Enrolment> {
        let (totp, along) = (totp.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if !lives(connection, made_in, &totp.user).await? {
                    return Ok(Enrolment::Refused);
                }
                let written = sqlx::query(
                    "INSERT INTO donjon_totp (user_id, secret, last_step, backup_codes, created_at)
                     SELECT id, ?2, ?3, ?4, ?5 FROM donjon_users WHERE id = ?1
                     ON CONFLICT (user_id) DO UPDATE SET
                         secret = excluded.secret, last_step = excluded.last_step,
                         backup_codes = excluded.backup_codes, created_at = excluded.created_at
                     WHERE donjon_totp.secret IS NULL",
                )
                .bind(totp.user.as_str())
                .bind(totp.secret.as_bytes())
                .bind(totp.step)
                .bind(codes(&totp.backup_codes))
                .bind(micros(totp.created_at))
                .execute(&mut *connection)
                .await?;
                if written.rows_affected() == 0 {
                    return Ok(Enrolment::Refused);
                }
                write_effects(connection, &along, Some(&totp.user)).await?;
                Ok(Enrolment::Enrolled)
            })
        })
        .await
    }

    async fn find_second_factor(&self, user: &UserId) -> Result<Option<SecondFactor>> {
        let row = sqlx::query_as(FIND_SECOND_FACTOR)
            .bind(user.as_str())
            .fetch_optional(self.readers())
            .await?;
        row.map(second_factor).transpose()
    }

    async fn begin_second_factor(
        &self,
        user: &UserId,
        policy: LockoutPolicy,
        locked: &Effects,
        uses: &[LimitUse],
        now: OffsetDateTime,
    ) -> Result<FactorAttempt> {
        let (user, locked, uses) = (user.clone(), locked.clone(), uses.to_vec());
        self.transition(move |connection| {
            Box::pin(async move {
                locked.receipt.note(false);
                let counts = limit::count_uses(connection, &uses, now).await?;
                if limit::is_over(&uses, &counts) {
                    return Ok(FactorAttempt { counts, user: None, locked_until: None });
                }
                let row: Option<FactorRow> = sqlx::query_as(
                    "SELECT u.id, u.email, u.email_verified, u.attributes, u.device_epoch,
                         t.secret, t.last_step, t.backup_codes
                     FROM donjon_users u JOIN donjon_totp t ON t.user_id = u.id WHERE u.id = ?1",
                )
                .bind(user.as_str())
                .fetch_optional(&mut *connection)
                .await?;
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
                .bind(factor_key(&user))
                .bind(micros(now))
                .bind(micros(now + policy.lock_for))
                .bind(allowed)
                .fetch_one(&mut *connection)
                .await?;
                let first_refused = attempts == allowed + 1;
                write_effects_if(connection, &locked, Some(&user), first_refused).await?;
                Ok(FactorAttempt {
                    counts,
                    user: row.map(factor_user).transpose()?.flatten(),
                    locked_until: (attempts > allowed).then(|| time(expires_at)).transpose()?,
                })
            })
        })
        .await
    }

    async fn complete_totp(
        &self,
        user: &UserId,
        step: i64,
        epoch: Option<i64>,
        along: &Effects,
    ) -> Result<FactorUse> {
        self.use_code(user, FactorProof::Totp(step), epoch, along).await
    }

    async fn consume_backup_code(
        &self,
        user: &UserId,
        code: &KeyedHash,
        epoch: Option<i64>,
        along: &Effects,
    ) -> Result<FactorUse> {
        self.use_code(user, FactorProof::BackupCode(*code), epoch, along).await
    }

    async fn regenerate_backup_codes(
        &self,
        user: &UserId,
        step: i64,
        hashes: &[KeyedHash],
        made_in: Option<SessionId>,
        along: &Effects,
    ) -> Result<FactorUse> {
        let (user, fresh, along) = (user.clone(), codes(hashes), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if !lives(connection, made_in, &user).await?
                    || !use_up(connection, &user, FactorProof::Totp(step), None).await?
                {
                    return Ok(FactorUse::Refused);
                }
                sqlx::query("UPDATE donjon_totp SET backup_codes = ?2 WHERE user_id = ?1")
                    .bind(user.as_str())
                    .bind(fresh)
                    .execute(&mut *connection)
                    .await?;
                write_effects(connection, &along, Some(&user)).await?;
                Ok(FactorUse::Done)
            })
        })
        .await
    }

    async fn write_backup_codes(
        &self,
        user: &UserId,
        hashes: &[KeyedHash],
        made_in: Option<SessionId>,
        along: &Effects,
        at: OffsetDateTime,
    ) -> Result<FactorUse> {
        let (user, fresh, along) = (user.clone(), codes(hashes), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if !lives(connection, made_in, &user).await? {
                    return Ok(FactorUse::Refused);
                }
                let written = sqlx::query(concat!(
                    "INSERT INTO donjon_totp (user_id, secret, last_step, backup_codes, created_at)
                     SELECT id, NULL, 0, ?2, ?3 FROM donjon_users WHERE id = ?1 AND ",
                    has_passkey!("?1"),
                    " ON CONFLICT (user_id) DO UPDATE SET
                         backup_codes = excluded.backup_codes, created_at = excluded.created_at
                     WHERE donjon_totp.secret IS NULL",
                ))
                .bind(user.as_str())
                .bind(fresh)
                .bind(micros(at))
                .execute(&mut *connection)
                .await?;
                if written.rows_affected() == 0 {
                    return Ok(FactorUse::Refused);
                }
                write_effects(connection, &along, Some(&user)).await?;
                Ok(FactorUse::Done)
            })
        })
        .await
    }

    async fn remove_totp(
        &self,
        user: &UserId,
        proof: Option<FactorProof>,
        along: &Effects,
    ) -> Result<FactorRemoval> {
        let (user, along) = (user.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let needed: bool = sqlx::query_scalar(concat!("SELECT ", app_is_needed!("?1")))
                    .bind(user.as_str())
                    .fetch_one(&mut *connection)
                    .await?;
                if needed {
                    return Ok(FactorRemoval::LastToComeIn);
                }
                let Some((has_app, has_passkey)) = factors(connection, &user).await? else {
                    return Ok(FactorRemoval::Refused);
                };
                if let Some(proof) = proof
                    && (!has_app || !use_up(connection, &user, proof, None).await?)
                {
                    return Ok(FactorRemoval::Refused);
                }
                let statement = if proof.is_some() && has_passkey {
                    "UPDATE donjon_totp SET secret = NULL, last_step = 0 WHERE user_id = ?1"
                } else {
                    "DELETE FROM donjon_totp WHERE user_id = ?1"
                };
                sqlx::query(statement).bind(user.as_str()).execute(&mut *connection).await?;
                forget_attempts(connection, &factor_key(&user)).await?;
                let device_epoch = sqlx::query_scalar(
                    "UPDATE donjon_users SET device_epoch = device_epoch + 1 WHERE id = ?1
                     RETURNING device_epoch",
                )
                .bind(user.as_str())
                .fetch_one(&mut *connection)
                .await?;
                write_effects(connection, &along, Some(&user)).await?;
                Ok(FactorRemoval::Removed { device_epoch })
            })
        })
        .await
    }

    async fn forget_browsers(&self, user: &UserId, along: &Effects) -> Result<Option<i64>> {
        let (user, along) = (user.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let device_epoch: Option<i64> = sqlx::query_scalar(
                    "UPDATE donjon_users SET device_epoch = device_epoch + 1 WHERE id = ?1
                     RETURNING device_epoch",
                )
                .bind(user.as_str())
                .fetch_optional(&mut *connection)
                .await?;
                if device_epoch.is_some() {
                    write_effects(connection, &along, Some(&user)).await?;
                }
                Ok(device_epoch)
            })
        })
        .await
    }
}

impl SqliteStore {
    async fn use_code(
        &self,
        user: &UserId,
        proof: FactorProof,
        epoch: Option<i64>,
        along: &Effects,
    ) -> Result<FactorUse> {
        let (user, along) = (user.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if !use_up(connection, &user, proof, epoch).await? {
                    return Ok(FactorUse::Refused);
                }
                write_effects(connection, &along, Some(&user)).await?;
                Ok(FactorUse::Done)
            })
        })
        .await
    }
}

/// Whether the user has an app, and a passkey that is good for anything, if there is anything to be
/// removed.
async fn factors(connection: &mut SqliteConnection, user: &UserId) -> Result<Option<(bool, bool)>> {
    let found = sqlx::query_as(concat!(
        "SELECT t.secret IS NOT NULL, ",
        has_passkey!("?1"),
        " FROM donjon_totp t WHERE t.user_id = ?1",
    ))
    .bind(user.as_str())
    .fetch_optional(connection)
    .await?;
    Ok(found)
}

/// Uses a code up and forgets the attempts, if it is unused and the user's epoch is `epoch`.
async fn use_up(
    connection: &mut SqliteConnection,
    user: &UserId,
    proof: FactorProof,
    epoch: Option<i64>,
) -> Result<bool> {
    let row: Option<(bool, i64, Codes)> = sqlx::query_as(
        "SELECT t.secret IS NOT NULL, t.last_step, t.backup_codes
         FROM donjon_totp t JOIN donjon_users u ON u.id = t.user_id
         WHERE t.user_id = ?1 AND u.device_epoch = coalesce(?2, u.device_epoch)",
    )
    .bind(user.as_str())
    .bind(epoch)
    .fetch_optional(&mut *connection)
    .await?;
    let Some((has_app, mut last_step, Json(mut left))) = row else { return Ok(false) };
    let used = match proof {
        FactorProof::Totp(step) => has_app && std::mem::replace(&mut last_step, step) < step,
        FactorProof::BackupCode(hash) => {
            let (text, before) = (code(&hash), left.len());
            left.retain(|other| *other != text);
            left.len() < before
        }
    };
    if !used {
        return Ok(false);
    }
    sqlx::query("UPDATE donjon_totp SET last_step = ?2, backup_codes = ?3 WHERE user_id = ?1")
        .bind(user.as_str())
        .bind(last_step)
        .bind(Json(left))
        .execute(&mut *connection)
        .await?;
    forget_attempts(connection, &factor_key(user)).await?;
    Ok(true)
}
