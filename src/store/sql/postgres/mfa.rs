use async_trait::async_trait;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::PostgresStore;
use super::audit::{along, effects, familiar, note_seen};
use super::lifecycle::LOCK_ORGANIZATIONS;
use super::made_in::permitted;
use crate::crypto::KeyedHash;
use crate::scope::{Attributes, SessionId, UserId};
use crate::store::sql::convert::{micros, time};
use crate::store::sql::mfa::{
    Codes, FIND_SECOND_FACTOR, code, codes, factor_key, factor_user, has_passkey, second_factor,
};
use crate::store::sql::rate_limit::{bind_uses, counted_uses_json, counting_uses, limit_counts};
use crate::store::sql::single_sign_on::app_is_needed;
use crate::store::{
    Effects, Enrolment, FactorAttempt, FactorProof, FactorRemoval, FactorUse, LimitUse,
    LockoutPolicy, MfaStore, NewTotp, Result, SecondFactor,
};

/// A row of the counter, that of the user's app if there is one, and the counts of the limits; no
/// more than these if one is over.
type AttemptRow = (
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<bool>,
    Option<Json<Attributes>>,
    Option<i64>,
    Option<Vec<u8>>,
    Option<i64>,
    Option<Codes>,
    Option<Json<Vec<(i64, i64)>>>,
);

pub(super) const LOCK_USER: &str = "SELECT id FROM donjon_users WHERE id = $1 FOR NO KEY UPDATE";

const BEGIN: &str = concat!(
    counting_uses!(),
    ", owner AS MATERIALIZED (
         SELECT u.id, u.email, u.email_verified, u.attributes, u.device_epoch, t.secret,
             t.last_step, t.backup_codes
         FROM donjon_users u JOIN donjon_totp t ON t.user_id = u.id WHERE u.id = $14::text
     ), counted AS (
         INSERT INTO donjon_login_attempts AS a (key, attempts, expires_at)
         SELECT $15, 1, $16 FROM passes
         ON CONFLICT (key) DO UPDATE SET
             attempts = CASE WHEN a.expires_at <= $1 THEN 1 ELSE a.attempts + 1 END,
             expires_at = CASE WHEN a.expires_at <= $1 OR a.attempts < $17
                               THEN $16 ELSE a.expires_at END
         RETURNING attempts, expires_at
     ), locked AS (
         SELECT $14::text AS user_id FROM counted WHERE counted.attempts = $17 + 1
     ), ",
    along!("locked", "$18"),
    " SELECT counted.attempts, counted.expires_at, owner.*, ",
    counted_uses_json!(),
    " FROM (SELECT 1) AS one LEFT JOIN counted ON TRUE
      LEFT JOIN owner ON counted.attempts IS NOT NULL",
);

/// Uses a code up, if `$use` finds it unused in the row of the user in CTE `owner (id)`. Parameter `$4`
/// goes along.
macro_rules! use_code {
    // Of user `$1`, whose epoch must be `$2` if that is given. The user's row is locked first, so that
    // a reset in progress is waited for, and its epoch seen.
    ($use:literal) => {
        use_code!(
            "owner AS MATERIALIZED (
                 SELECT id FROM donjon_users
                 WHERE id = $1 AND device_epoch = coalesce($2, device_epoch) FOR NO KEY UPDATE
             )",
            $use
        )
    };
    ($owner:expr, $use:literal) => {
        concat!(
            "WITH ",
            $owner,
            ", done AS (
                 UPDATE donjon_totp t SET ",
            $use,
            "    AND t.user_id = (SELECT id FROM owner) RETURNING t.user_id
             ), forgotten AS (
                 DELETE FROM donjon_login_attempts a USING done
                 WHERE a.key = 'factor:' || done.user_id
             ), ",
            along!("done", "$4"),
            " SELECT EXISTS (SELECT 1 FROM done), ",
            familiar!("done"),
        )
    };
}

#[async_trait]
impl MfaStore for PostgresStore {
    async fn enroll_totp(
        &self,
        totp: &NewTotp,
        made_in: Option<SessionId>,
        along: &Effects,
    ) -> Result<Enrolment> {
        let fresh = sqlx::query_scalar(concat!(
            "WITH ",
            permitted!("$1", "$7"),
            ", fresh AS (
                 INSERT INTO donjon_totp (user_id, secret, last_step, backup_codes, created_at)
                 SELECT id, $2, $3, $4, $5 FROM permitted
                 ON CONFLICT (user_id) DO UPDATE SET
                     secret = excluded.secret, last_step = excluded.last_step,
                     backup_codes = excluded.backup_codes, created_at = excluded.created_at
                 WHERE donjon_totp.secret IS NULL
                 RETURNING user_id
             ), ",
            along!("fresh", "$6"),
            " SELECT EXISTS (SELECT 1 FROM fresh)",
        ))
        .bind(totp.user.as_str())
        .bind(totp.secret.as_bytes())
        .bind(totp.step)
        .bind(codes(&totp.backup_codes))
        .bind(micros(totp.created_at))
        .bind(effects(along))
        .bind(made_in.map(|id| id.0))
        .fetch_one(self.pool())
        .await?;
        Ok(if fresh { Enrolment::Enrolled } else { Enrolment::Refused })
    }

    async fn find_second_factor(&self, user: &UserId) -> Result<Option<SecondFactor>> {
        let row = sqlx::query_as(FIND_SECOND_FACTOR)
            .bind(user.as_str())
            .fetch_optional(self.pool())
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
        let allowed = i64::from(policy.attempts);
        let row: AttemptRow = bind_uses!(sqlx::query_as(BEGIN), uses, now)
            .bind(user.as_str())
            .bind(factor_key(user))
            .bind(micros(now + policy.lock_for))
            .bind(allowed)
            .bind(effects(locked))
            .fetch_one(self.pool())
            .await?;
        let (attempt, expires_at, id, email, verified, attributes, epoch, secret, ..) = row;
        let (.., step, codes, counts) = row;
        let locked_until = expires_at.filter(|_| attempt > Some(allowed));
        locked.receipt.note(attempt == Some(allowed + 1));
        Ok(FactorAttempt {
            counts: limit_counts(counts)?,
            user: factor_user((id, email, verified, attributes, epoch, secret, step, codes))?,
            locked_until: locked_until.map(time).transpose()?,
        })
    }

    async fn complete_totp(
        &self,
        user: &UserId,
        step: i64,
        epoch: Option<i64>,
        along: &Effects,
    ) -> Result<FactorUse> {
        let done = sqlx::query_as(use_code!(
            "last_step = $3 WHERE t.last_step < $3 AND t.secret IS NOT NULL"
        ))
        .bind(user.as_str())
        .bind(epoch)
        .bind(step)
        .bind(effects(along))
        .fetch_one(self.pool())
        .await?;
        Ok(used(along, done))
    }

    async fn consume_backup_code(
        &self,
        user: &UserId,
        hash: &KeyedHash,
        epoch: Option<i64>,
        along: &Effects,
    ) -> Result<FactorUse> {
        let done = sqlx::query_as(use_code!(
            "backup_codes = t.backup_codes - $3 WHERE t.backup_codes ? $3"
        ))
        .bind(user.as_str())
        .bind(epoch)
        .bind(code(hash))
        .bind(effects(along))
        .fetch_one(self.pool())
        .await?;
        Ok(used(along, done))
    }

    async fn regenerate_backup_codes(
        &self,
        user: &UserId,
        step: i64,
        hashes: &[KeyedHash],
        made_in: Option<SessionId>,
        along: &Effects,
    ) -> Result<FactorUse> {
        let done = sqlx::query_as(use_code!(
            concat!(permitted!("$1", "$2"), ", owner AS (SELECT id FROM permitted)"),
            "last_step = $3, backup_codes = $5 WHERE t.last_step < $3 AND t.secret IS NOT NULL"
        ))
        .bind(user.as_str())
        .bind(made_in.map(|id| id.0))
        .bind(step)
        .bind(effects(along))
        .bind(codes(hashes))
        .fetch_one(self.pool())
        .await?;
        Ok(used(along, done))
    }

    async fn write_backup_codes(
        &self,
        user: &UserId,
        hashes: &[KeyedHash],
        made_in: Option<SessionId>,
        along: &Effects,
        at: OffsetDateTime,
    ) -> Result<FactorUse> {
        // Whoever took the last passkey away while the user's row was waited for is seen.
        let write = || {
            sqlx::query_as(concat!(
                "WITH ",
                permitted!("$1", "$2"),
                ", done AS (
                     INSERT INTO donjon_totp (user_id, secret, last_step, backup_codes, created_at)
                     SELECT u.id, NULL, 0, $3, $4 FROM permitted p JOIN donjon_users u ON u.id = p.id
                     WHERE ",
                has_passkey!("u.id"),
                "    ON CONFLICT (user_id) DO UPDATE SET
                         backup_codes = excluded.backup_codes, created_at = excluded.created_at
                     WHERE donjon_totp.secret IS NULL
                     RETURNING user_id
                 ), ",
                along!("done", "$5"),
                " SELECT EXISTS (SELECT 1 FROM done)",
            ))
            .bind(user.as_str())
            .bind(made_in.map(|id| id.0))
            .bind(codes(hashes))
            .bind(micros(at))
            .bind(effects(along))
        };
        let (done,) = self.under_lock((LOCK_USER, user.as_str()), write).await?;
        Ok(used(along, (done, None)))
    }

    async fn remove_totp(
        &self,
        user: &UserId,
        proof: Option<FactorProof>,
        along: &Effects,
    ) -> Result<FactorRemoval> {
        let (step, hash) = match &proof {
            None => (None, None),
            Some(FactorProof::Totp(step)) => (Some(*step), None),
            Some(FactorProof::BackupCode(hash)) => (None, Some(code(hash))),
        };
        // The user's row is locked first, as by everybody who uses a code; then the organizations whose
        // owner may have to come in by it, so that of two who are the last the second sees the first.
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            for lock in [LOCK_USER, LOCK_ORGANIZATIONS] {
                sqlx::query(lock).bind(user.as_str()).execute(&mut *transaction).await?;
            }
            let (device_epoch, needed): (Option<i64>, bool) = sqlx::query_as(concat!(
                "WITH owner AS MATERIALIZED (
                     SELECT id, ",
                has_passkey!("$1"),
                " AS has_passkey, ",
                app_is_needed!("$1"),
                " AS needed FROM donjon_users WHERE id = $1
                 ), gone AS (
                     DELETE FROM donjon_totp t USING owner
                     WHERE t.user_id = owner.id AND NOT owner.needed AND ($5 OR (NOT owner.has_passkey
                         AND t.secret IS NOT NULL AND ($2::bigint IS NULL OR t.last_step < $2)
                         AND ($3::text IS NULL OR t.backup_codes ? $3)))
                     RETURNING t.user_id
                 ), kept AS (
                     UPDATE donjon_totp t SET secret = NULL, last_step = 0, backup_codes =
                         CASE WHEN $3::text IS NULL THEN t.backup_codes ELSE t.backup_codes - $3 END
                     FROM owner
                     WHERE t.user_id = owner.id AND NOT owner.needed AND NOT $5 AND owner.has_passkey
                       AND t.secret IS NOT NULL AND ($2::bigint IS NULL OR t.last_step < $2)
                       AND ($3::text IS NULL OR t.backup_codes ? $3)
                     RETURNING t.user_id
                 ), done AS (
                     SELECT user_id FROM gone UNION ALL SELECT user_id FROM kept
                 ), forgotten AS (
                     DELETE FROM donjon_login_attempts a USING done
                     WHERE a.key = 'factor:' || done.user_id
                 ), ",
                along!("done", "$4"),
                ", known AS (
                     UPDATE donjon_users u SET device_epoch = device_epoch + 1 FROM done
                     WHERE u.id = done.user_id RETURNING u.device_epoch
                 ) SELECT (SELECT device_epoch FROM known), coalesce((SELECT needed FROM owner), FALSE)",
            ))
            .bind(user.as_str())
            .bind(step)
            .bind(hash.as_deref())
            .bind(effects(along))
            .bind(proof.is_none())
            .fetch_one(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(match (device_epoch, needed) {
                (Some(device_epoch), _) => FactorRemoval::Removed { device_epoch },
                (None, true) => FactorRemoval::LastToComeIn,
                (None, false) => FactorRemoval::Refused,
            })
        };
        self.pool().transition(work).await
    }

    async fn forget_browsers(&self, user: &UserId, along: &Effects) -> Result<Option<i64>> {
        let epoch = sqlx::query_scalar(concat!(
            "WITH moved AS (
                 UPDATE donjon_users SET device_epoch = device_epoch + 1 WHERE id = $1
                 RETURNING id AS user_id, device_epoch
             ), ",
            along!("moved", "$2"),
            " SELECT device_epoch FROM moved",
        ))
        .bind(user.as_str())
        .bind(effects(along))
        .fetch_optional(self.pool())
        .await?;
        Ok(epoch)
    }
}

fn used(along: &Effects, (done, is_familiar): (bool, Option<bool>)) -> FactorUse {
    note_seen(along, is_familiar);
    if done { FactorUse::Done } else { FactorUse::Refused }
}
