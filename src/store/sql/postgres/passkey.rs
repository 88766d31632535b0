use async_trait::async_trait;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::PostgresStore;
use super::audit::{along, effects, familiar, note_seen};
use super::lifecycle::LOCK_ORGANIZATIONS;
use super::made_in::permitted;
use super::mfa::LOCK_USER;
use crate::scope::{Attributes, SessionId, UserId};
use crate::store::sql::account::account;
use crate::store::sql::convert::{micros, time};
use crate::store::sql::identity::ways_in;
use crate::store::sql::mfa::factor_key;
use crate::store::sql::passkey::{PasskeyRow, columns, passkey};
use crate::store::sql::rate_limit::{bind_uses, counted_uses_json, counting_uses, limit_counts};
use crate::store::sql::single_sign_on::passkey_is_needed;
use crate::store::{
    AnsweredChallenge, CredentialId, Effects, FoundPasskey, LimitUse, LockoutPolicy, MAX_PASSKEYS,
    OpenWays, Passkey, PasskeyAddition, PasskeyAttempt, PasskeyProof, PasskeyRemoval, PasskeyStore,
    PasskeyUse, Result, SignCountPolicy, StoreError,
};

/// `id, email, email_verified, attributes, device_epoch, must_change_password` of a user, and the
/// `user_verified` of the passkey.
type OwnerRow = (String, Option<String>, bool, Attributes, i64, bool, bool);

/// The counter, the counts of the limits, the user, and the columns of a passkey but for its user:
/// all null for what there is not.
type AttemptRow = (
    Option<i64>,
    Option<i64>,
    Option<Json<Vec<(i64, i64)>>>,
    Option<Json<OwnerRow>>,
    Option<Uuid>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Option<i64>,
    Option<Uuid>,
    Option<String>,
    Option<Json<Vec<String>>>,
    Option<bool>,
    Option<bool>,
    Option<String>,
    Option<i64>,
    Option<i64>,
);

/// Whether there is such a passkey, and it must stay; and if it is gone, the user's epoch, and whether
/// it was the last second factor.
type Removal = (bool, bool, Option<i64>, Option<bool>);

/// What becomes of a user's row when one of their passkeys goes. Who had no other second factor is
/// known by no browser any more.
macro_rules! one_passkey_less {
    () => {
        "UPDATE donjon_users u
         SET passkeys = u.passkeys - 1,
             device_epoch = u.device_epoch + CASE WHEN u.passkeys = 1 AND NOT EXISTS
                 (SELECT 1 FROM donjon_totp t WHERE t.user_id = u.id AND t.secret IS NOT NULL)
                 THEN 1 ELSE 0 END"
    };
}

const BEGIN: &str = concat!(
    counting_uses!(),
    ", found AS MATERIALIZED (
         SELECT p.*, jsonb_build_array
             (u.id, u.email, u.email_verified, u.attributes, u.device_epoch,
              u.must_change_password, p.user_verified) AS owner
         FROM donjon_passkeys p JOIN donjon_users u ON u.id = p.user_id, passes
         WHERE p.credential = $14 AND p.user_id = coalesce($15::text, p.user_id)
           AND p.suspended_at IS NULL
     ), counted AS (
         INSERT INTO donjon_login_attempts AS a (key, attempts, expires_at)
         SELECT $16::text, 1, $17::bigint FROM passes WHERE $16::text IS NOT NULL
         ON CONFLICT (key) DO UPDATE SET
             attempts = CASE WHEN a.expires_at <= $1 THEN 1 ELSE a.attempts + 1 END,
             expires_at = CASE WHEN a.expires_at <= $1 OR a.attempts < $18
                               THEN $17 ELSE a.expires_at END
         RETURNING attempts, expires_at
     ), known AS (
         SELECT attempts, expires_at FROM counted
         UNION ALL
         SELECT a.attempts + 1, a.expires_at FROM donjon_login_attempts a, found
         WHERE $16::text IS NULL AND a.key = 'factor:' || found.user_id AND a.expires_at > $1
     ), locked AS (
         SELECT $15::text AS user_id FROM counted WHERE counted.attempts = $18 + 1
     ), ",
    along!("locked", "$19"),
    " SELECT known.attempts, known.expires_at, ",
    counted_uses_json!(),
    ", p.owner, p.id, p.credential, p.public_key, p.sign_count, p.aaguid, p.name, p.transports,
         p.backup_eligible, p.backed_up, p.rp_id, p.created_at, p.last_used_at
      FROM (SELECT 1) AS always LEFT JOIN known ON TRUE LEFT JOIN found p ON TRUE",
);

#[async_trait]
impl PasskeyStore for PostgresStore {
    async fn add_passkey(
        &self,
        passkey: &Passkey,
        challenge: AnsweredChallenge,
        made_in: Option<SessionId>,
        along: &Effects,
    ) -> Result<PasskeyAddition> {
        // Codes that were written while the last passkey went are nobody's. The count is the latest
        // one, whoever was waited for. Of two callers with one credential or
        // one challenge both may find it unused: then the second breaks a constraint, and writes
        // nothing.
        let added = sqlx::query_scalar(concat!(
            "WITH ",
            permitted!("$2", "$18"),
            ", owner AS (
                 UPDATE donjon_users u SET passkeys = u.passkeys + 1
                 WHERE u.id = (SELECT id FROM permitted) AND u.passkeys < $16
                   AND NOT EXISTS (SELECT 1 FROM donjon_passkeys WHERE credential = $3)
                   AND NOT EXISTS (SELECT 1 FROM donjon_passkey_challenges WHERE challenge = $14)
                 RETURNING u.id AS user_id, u.passkeys
             ), answered AS (
                 INSERT INTO donjon_passkey_challenges (challenge, expires_at)
                 SELECT $14, $15 FROM owner
             ), without_codes AS (
                 DELETE FROM donjon_totp t USING owner
                 WHERE t.user_id = owner.user_id AND owner.passkeys = 1 AND t.secret IS NULL
             ), fresh AS (
                 INSERT INTO donjon_passkeys
                     (id, user_id, credential, public_key, sign_count, aaguid, name, transports,
                      backup_eligible, backed_up, rp_id, created_at, last_used_at, user_verified)
                 SELECT $1, user_id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $19 FROM owner
             ), ",
            along!("owner", "$17"),
            " SELECT EXISTS (SELECT 1 FROM owner)",
        ))
        .bind(passkey.id)
        .bind(passkey.user.as_str())
        .bind(passkey.credential.as_bytes())
        .bind(&passkey.public_key)
        .bind(i64::from(passkey.sign_count))
        .bind(passkey.aaguid)
        .bind(&passkey.name)
        .bind(Json(&passkey.transports))
        .bind(passkey.backup_eligible)
        .bind(passkey.backed_up)
        .bind(&passkey.rp_id)
        .bind(micros(passkey.created_at))
        .bind(passkey.last_used_at.map(micros))
        .bind(challenge.hash.as_bytes())
        .bind(micros(challenge.expires_at))
        .bind(i64::from(MAX_PASSKEYS))
        .bind(effects(along))
        .bind(made_in.map(|id| id.0))
        .bind(passkey.user_verified)
        .fetch_one(self.pool())
        .await;
        match added {
            Ok(true) => Ok(PasskeyAddition::Added),
            Ok(false) => self.why_none_was_added(&passkey.user).await,
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                Ok(PasskeyAddition::Refused)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn passkeys_of(&self, user: &UserId) -> Result<Vec<Passkey>> {
        let rows: Vec<PasskeyRow> = sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM donjon_passkeys p WHERE p.user_id = $1 ORDER BY p.created_at, p.id",
        ))
        .bind(user.as_str())
        .fetch_all(self.pool())
        .await?;
        rows.into_iter().map(passkey).collect()
    }

    async fn begin_passkey(
        &self,
        credential: &CredentialId,
        user: Option<&UserId>,
        policy: LockoutPolicy,
        locked: &Effects,
        uses: &[LimitUse],
        now: OffsetDateTime,
    ) -> Result<PasskeyAttempt> {
        let allowed = i64::from(policy.attempts);
        let row: AttemptRow = bind_uses!(sqlx::query_as(BEGIN), uses, now)
            .bind(credential.as_bytes())
            .bind(user.map(UserId::as_str))
            .bind(user.map(factor_key))
            .bind(micros(now + policy.lock_for))
            .bind(allowed)
            .bind(effects(locked))
            .fetch_one(self.pool())
            .await?;
        locked.receipt.note(user.is_some() && row.0 == Some(allowed + 1));
        let locked_until = row.0.filter(|attempts| *attempts > allowed).and(row.1);
        let locked_until = locked_until.map(time).transpose()?;
        let counts = limit_counts(row.2.clone())?;
        Ok(PasskeyAttempt { counts, found: found(row)?, locked_until })
    }

    async fn use_passkey(
        &self,
        proof: &PasskeyProof,
        policy: SignCountPolicy,
        along: &Effects,
        suspected: &Effects,
    ) -> Result<PasskeyUse> {
        // The user's row is locked first, as by everybody who uses a second factor, so that a reset
        // in progress is waited for; then the passkey's, so that its count is the latest.
        let (judged, done, was_suspected, is_familiar) = sqlx::query_as(concat!(
            "WITH owner AS MATERIALIZED (
                 SELECT id FROM donjon_users
                 WHERE id = $1 AND device_epoch = coalesce($3, device_epoch) FOR NO KEY UPDATE
             ), held AS MATERIALIZED (
                 SELECT p.id, p.user_id, p.sign_count FROM donjon_passkeys p, owner
                 WHERE p.id = $2 AND p.user_id = owner.id AND p.suspended_at IS NULL
                 FOR UPDATE OF p
             ), fresh AS (
                 INSERT INTO donjon_passkey_challenges (challenge, expires_at)
                 SELECT $4, $5 FROM held ON CONFLICT (challenge) DO NOTHING RETURNING challenge
             ), judged AS MATERIALIZED (
                 SELECT held.id, held.user_id,
                     $6 > held.sign_count OR ($6 = 0 AND held.sign_count = 0) AS grew
                 FROM held, fresh
             ), done AS (
                 UPDATE donjon_passkeys p
                 SET sign_count = greatest(p.sign_count, $6), backed_up = $7, last_used_at = $8,
                     user_verified = p.user_verified OR $12
                 FROM judged WHERE p.id = judged.id AND (judged.grew OR $9 = 'warn')
                 RETURNING p.user_id
             ), shut AS (
                 UPDATE donjon_passkeys p SET suspended_at = $8 FROM judged
                 WHERE p.id = judged.id AND NOT judged.grew AND $9 = 'revoke'
             ), forgotten AS (
                 DELETE FROM donjon_login_attempts a USING done
                 WHERE a.key = 'factor:' || done.user_id
             ), suspected AS (
                 SELECT user_id FROM judged WHERE NOT grew
             ), ",
            along!("done", "$10"),
            ", ",
            along!("suspected", "$11"),
            " SELECT EXISTS (SELECT 1 FROM judged), EXISTS (SELECT 1 FROM done), \
              EXISTS (SELECT 1 FROM suspected), ",
            familiar!("done"),
        ))
        .bind(proof.user.as_str())
        .bind(proof.id)
        .bind(proof.epoch)
        .bind(proof.challenge.hash.as_bytes())
        .bind(micros(proof.challenge.expires_at))
        .bind(i64::from(proof.sign_count))
        .bind(proof.backed_up)
        .bind(micros(proof.at))
        .bind(policy.name())
        .bind(effects(along))
        .bind(effects(suspected))
        .bind(proof.user_verified)
        .fetch_one(self.pool())
        .await?;
        suspected.receipt.note(was_suspected);
        note_seen(along, is_familiar);
        Ok(match (judged, done) {
            (_, true) => PasskeyUse::Done,
            (true, false) => PasskeyUse::Suspected,
            (false, false) => PasskeyUse::Refused,
        })
    }

    async fn rename_passkey(
        &self,
        user: &UserId,
        id: Uuid,
        name: &str,
        along: &Effects,
    ) -> Result<bool> {
        Ok(sqlx::query_scalar(concat!(
            "WITH done AS (
                 UPDATE donjon_passkeys SET name = $3 WHERE id = $2 AND user_id = $1
                 RETURNING user_id
             ), ",
            along!("done", "$4"),
            " SELECT EXISTS (SELECT 1 FROM done)",
        ))
        .bind(user.as_str())
        .bind(id)
        .bind(name)
        .bind(effects(along))
        .fetch_one(self.pool())
        .await?)
    }

    async fn remove_passkey(
        &self,
        user: &UserId,
        id: Uuid,
        open: &OpenWays,
        along: &Effects,
        last: &Effects,
    ) -> Result<PasskeyRemoval> {
        // Several statements: what took another way in away, or another owner's, while the first ones
        // waited is seen by a later snapshot only.
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            for lock in [LOCK_USER, LOCK_ORGANIZATIONS] {
                sqlx::query(lock).bind(user.as_str()).execute(&mut *transaction).await?;
            }
            let (found, needed, device_epoch, last_factor): Removal = sqlx::query_as(concat!(
                "WITH held AS MATERIALIZED (
                     SELECT id, rp_id, user_verified, suspended_at FROM donjon_passkeys
                     WHERE id = $2 AND user_id = $1 FOR UPDATE
                 ), needed AS MATERIALIZED (
                     SELECT ",
                passkey_is_needed!("$1", "$2"),
                " AS needed
                 ), done AS (
                     ",
                one_passkey_less!(),
                "    FROM held, needed
                     WHERE u.id = $1 AND NOT needed.needed AND (held.suspended_at IS NOT NULL OR ",
                ways_in!("$1", "$5::text", "SELECT jsonb_array_elements_text($6)"),
                " > CASE WHEN held.user_verified AND held.rp_id = $5::text
                                THEN 1 ELSE 0 END)
                     RETURNING u.id AS user_id, u.device_epoch, u.passkeys = 0 AND NOT EXISTS
                         (SELECT 1 FROM donjon_totp t
                          WHERE t.user_id = u.id AND t.secret IS NOT NULL) AS last_factor
                 ), gone AS (
                     DELETE FROM donjon_passkeys p USING held, done WHERE p.id = held.id
                 ), ended AS (
                     SELECT user_id FROM done WHERE last_factor
                 ), without_codes AS (
                     DELETE FROM donjon_totp t USING ended WHERE t.user_id = ended.user_id
                 ), ",
                along!("done", "$3"),
                ", ",
                along!("ended", "$4"),
                " SELECT EXISTS (SELECT 1 FROM held), (SELECT needed FROM needed),
                      done.device_epoch, done.last_factor
                  FROM (SELECT 1) AS always LEFT JOIN done ON TRUE",
            ))
            .bind(user.as_str())
            .bind(id)
            .bind(effects(along))
            .bind(effects(last))
            .bind(open.rp_id.as_deref())
            .bind(Json(&open.providers))
            .fetch_one(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(match (found, needed, device_epoch, last_factor) {
                (_, _, Some(device_epoch), Some(last_factor)) => {
                    PasskeyRemoval::Removed { device_epoch, last_factor }
                }
                (true, true, ..) => PasskeyRemoval::LastToComeIn,
                (true, false, ..) => PasskeyRemoval::LastWayIn,
                (false, ..) => PasskeyRemoval::NotFound,
            })
        };
        self.pool().transition(work).await
    }
}

impl PostgresStore {
    /// The loser of a race knows only from a later snapshot what it lost to.
    async fn why_none_was_added(&self, user: &UserId) -> Result<PasskeyAddition> {
        let full: Option<bool> =
            sqlx::query_scalar("SELECT passkeys >= $2 FROM donjon_users WHERE id = $1")
                .bind(user.as_str())
                .bind(i64::from(MAX_PASSKEYS))
                .fetch_optional(self.pool())
                .await?;
        let full = full.unwrap_or(false);
        Ok(if full { PasskeyAddition::TooMany } else { PasskeyAddition::Refused })
    }
}

fn found(row: AttemptRow) -> Result<Option<FoundPasskey>> {
    let (_, _, _, Some(Json(owner)), id, credential, public_key, sign_count, aaguid, name, ..) =
        row
    else {
        return Ok(None);
    };
    let (.., transports, backup_eligible, backed_up, rp_id, created_at, last_used_at) = row;
    let (user, email, verified, attributes, device_epoch, must_change_password, proven) = owner;
    let whole = || {
        let row: PasskeyRow = (
            id?,
            user.clone(),
            credential?,
            public_key?,
            sign_count?,
            aaguid?,
            name?,
            transports?,
            backup_eligible?,
            backed_up?,
            proven,
            rp_id?,
            created_at?,
            last_used_at,
            None,
        );
        Some(row)
    };
    let passkey = passkey(whole().ok_or(StoreError::Corrupt("a passkey"))?)?;
    let account = account((user, email, verified, Json(attributes)))?;
    Ok(Some(FoundPasskey { passkey, account, device_epoch, must_change_password }))
}
