use async_trait::async_trait;
use sqlx::SqliteConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::audit::{write_effects, write_effects_if};
use super::steps::{forget_attempts, lives};
use super::{SqliteStore, limit};
use crate::scope::{Attributes, SessionId, UserId};
use crate::store::sql::account::{account, has_second_factor};
use crate::store::sql::convert::{micros, time};
use crate::store::sql::identity::ways_in;
use crate::store::sql::mfa::factor_key;
use crate::store::sql::passkey::{PasskeyRow, columns, passkey};
use crate::store::sql::single_sign_on::passkey_is_needed;
use crate::store::{
    AnsweredChallenge, CredentialId, Effects, FoundPasskey, LimitUse, LockoutPolicy, MAX_PASSKEYS,
    OpenWays, Passkey, PasskeyAddition, PasskeyAttempt, PasskeyProof, PasskeyRemoval, PasskeyStore,
    PasskeyUse, Result, SignCountPolicy,
};

/// `id, email, email_verified, attributes, device_epoch, must_change_password` of a user.
type OwnerRow = (String, Option<String>, bool, Json<Attributes>, i64, bool);

#[async_trait]
impl PasskeyStore for SqliteStore {
    async fn add_passkey(
        &self,
        passkey: &Passkey,
        challenge: AnsweredChallenge,
        made_in: Option<SessionId>,
        along: &Effects,
    ) -> Result<PasskeyAddition> {
        let (passkey, along) = (passkey.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if !lives(connection, made_in, &passkey.user).await? {
                    return Ok(PasskeyAddition::Refused);
                }
                let known: Option<(i64, bool)> = sqlx::query_as(
                    "SELECT passkeys,
                         EXISTS (SELECT 1 FROM donjon_passkeys WHERE credential = ?2)
                         OR EXISTS (SELECT 1 FROM donjon_passkey_challenges WHERE challenge = ?3)
                     FROM donjon_users WHERE id = ?1",
                )
                .bind(passkey.user.as_str())
                .bind(passkey.credential.as_bytes())
                .bind(challenge.hash.as_bytes().as_slice())
                .fetch_optional(&mut *connection)
                .await?;
                match known {
                    None | Some((_, true)) => return Ok(PasskeyAddition::Refused),
                    Some((count, _)) if count >= i64::from(MAX_PASSKEYS) => {
                        return Ok(PasskeyAddition::TooMany);
                    }
                    Some(_) => {}
                }
                insert(connection, &passkey).await?;
                answer(connection, challenge).await?;
                sqlx::query("UPDATE donjon_users SET passkeys = passkeys + 1 WHERE id = ?1")
                    .bind(passkey.user.as_str())
                    .execute(&mut *connection)
                    .await?;
                write_effects(connection, &along, Some(&passkey.user)).await?;
                Ok(PasskeyAddition::Added)
            })
        })
        .await
    }

    async fn passkeys_of(&self, user: &UserId) -> Result<Vec<Passkey>> {
        let rows: Vec<PasskeyRow> = sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM donjon_passkeys p WHERE p.user_id = ?1 ORDER BY p.created_at, p.id",
        ))
        .bind(user.as_str())
        .fetch_all(self.readers())
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
        let (credential, user, locked) = (credential.clone(), user.cloned(), locked.clone());
        let uses = uses.to_vec();
        self.transition(move |connection| {
            Box::pin(async move {
                locked.receipt.note(false);
                let counts = limit::count_uses(connection, &uses, now).await?;
                if limit::is_over(&uses, &counts) {
                    return Ok(PasskeyAttempt { counts, found: None, locked_until: None });
                }
                let row: Option<PasskeyRow> = sqlx::query_as(concat!(
                    "SELECT ",
                    columns!(),
                    " FROM donjon_passkeys p
                     WHERE p.credential = ?1 AND p.user_id = coalesce(?2, p.user_id)
                       AND p.suspended_at IS NULL",
                ))
                .bind(credential.as_bytes())
                .bind(user.as_ref().map(UserId::as_str))
                .fetch_optional(&mut *connection)
                .await?;
                let found = row.map(passkey).transpose()?;
                let owner = found.as_ref().map(|passkey| passkey.user.clone());
                let row: Option<OwnerRow> = sqlx::query_as(
                    "SELECT id, email, email_verified, attributes, device_epoch,
                         must_change_password FROM donjon_users WHERE id = ?1",
                )
                .bind(owner.as_ref().map(UserId::as_str))
                .fetch_optional(&mut *connection)
                .await?;
                let allowed = i64::from(policy.attempts);
                let counted: Option<(i64, i64)> = sqlx::query_as(
                    "INSERT INTO donjon_login_attempts AS a (key, attempts, expires_at)
                     SELECT ?1, 1, ?3 WHERE ?1 IS NOT NULL
                     ON CONFLICT (key) DO UPDATE SET
                         attempts = CASE WHEN a.expires_at <= ?2 THEN 1 ELSE a.attempts + 1 END,
                         expires_at = CASE WHEN a.expires_at <= ?2 OR a.attempts < ?4
                                           THEN ?3 ELSE a.expires_at END
                     RETURNING attempts, expires_at",
                )
                .bind(user.as_ref().map(factor_key))
                .bind(micros(now))
                .bind(micros(now + policy.lock_for))
                .bind(allowed)
                .fetch_optional(&mut *connection)
                .await?;
                let held: Option<(i64, i64)> = sqlx::query_as(
                    "SELECT attempts + 1, expires_at FROM donjon_login_attempts
                     WHERE key = ?1 AND expires_at > ?2",
                )
                .bind(owner.as_ref().map(factor_key))
                .bind(micros(now))
                .fetch_optional(&mut *connection)
                .await?;
                let first_refused = counted.is_some_and(|(attempts, _)| attempts == allowed + 1);
                write_effects_if(connection, &locked, user.as_ref(), first_refused).await?;
                let (attempts, expires_at) = counted.or(held).unwrap_or_default();
                let found = found.zip(row).map(|(passkey, row)| -> Result<_> {
                    let (id, email, verified, attributes, device_epoch, must_change_password) = row;
                    let account = account((id, email, verified, attributes))?;
                    Ok(FoundPasskey { passkey, account, device_epoch, must_change_password })
                });
                Ok(PasskeyAttempt {
                    counts,
                    found: found.transpose()?,
                    locked_until: (attempts > allowed).then(|| time(expires_at)).transpose()?,
                })
            })
        })
        .await
    }

    async fn use_passkey(
        &self,
        proof: &PasskeyProof,
        policy: SignCountPolicy,
        along: &Effects,
        suspected: &Effects,
    ) -> Result<PasskeyUse> {
        let (proof, along, suspected) = (proof.clone(), along.clone(), suspected.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                suspected.receipt.note(false);
                let before: Option<i64> = sqlx::query_scalar(
                    "SELECT p.sign_count
                     FROM donjon_passkeys p JOIN donjon_users u ON u.id = p.user_id
                     WHERE p.user_id = ?1 AND p.id = ?2 AND p.suspended_at IS NULL
                       AND u.device_epoch = coalesce(?3, u.device_epoch)",
                )
                .bind(proof.user.as_str())
                .bind(proof.id)
                .bind(proof.epoch)
                .fetch_optional(&mut *connection)
                .await?;
                let Some(before) = before else { return Ok(PasskeyUse::Refused) };
                if !answer(connection, proof.challenge).await? {
                    return Ok(PasskeyUse::Refused);
                }
                let count = i64::from(proof.sign_count);
                let grew = count > before || (count == 0 && before == 0);
                if !grew {
                    write_effects(connection, &suspected, Some(&proof.user)).await?;
                    if policy == SignCountPolicy::Revoke {
                        suspend(connection, &proof).await?;
                    }
                    if policy != SignCountPolicy::Warn {
                        return Ok(PasskeyUse::Suspected);
                    }
                }
                sqlx::query(
                    "UPDATE donjon_passkeys
                     SET sign_count = max(sign_count, ?2), backed_up = ?3, last_used_at = ?4,
                         user_verified = user_verified OR ?5
                     WHERE id = ?1",
                )
                .bind(proof.id)
                .bind(count)
                .bind(proof.backed_up)
                .bind(micros(proof.at))
                .bind(proof.user_verified)
                .execute(&mut *connection)
                .await?;
                forget_attempts(connection, &factor_key(&proof.user)).await?;
                write_effects(connection, &along, Some(&proof.user)).await?;
                Ok(PasskeyUse::Done)
            })
        })
        .await
    }

    async fn rename_passkey(
        &self,
        user: &UserId,
        id: Uuid,
        name: &str,
        along: &Effects,
    ) -> Result<bool> {
        let (user, name, along) = (user.clone(), name.to_owned(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let renamed = sqlx::query(
                    "UPDATE donjon_passkeys SET name = ?3 WHERE id = ?2 AND user_id = ?1",
                )
                .bind(user.as_str())
                .bind(id)
                .bind(name)
                .execute(&mut *connection)
                .await?;
                let done = renamed.rows_affected() > 0;
                write_effects_if(connection, &along, Some(&user), done).await?;
                Ok(done)
            })
        })
        .await
    }

    async fn remove_passkey(
        &self,
        user: &UserId,
        id: Uuid,
        open: &OpenWays,
        along: &Effects,
        last: &Effects,
    ) -> Result<PasskeyRemoval> {
        let (user, along, last) = (user.clone(), along.clone(), last.clone());
        let open = open.clone();
        self.transition(move |connection| {
            Box::pin(async move {
                let needed: Option<(bool, bool)> = sqlx::query_as(concat!(
                    "SELECT ",
                    ways_in!("?1", "?3", "SELECT value FROM json_each(?4)"),
                    " <= (user_verified AND rp_id IS ?3) AND suspended_at IS NULL, ",
                    passkey_is_needed!("?1", "?2"),
                    " FROM donjon_passkeys WHERE user_id = ?1 AND id = ?2",
                ))
                .bind(user.as_str())
                .bind(id)
                .bind(open.rp_id.as_deref())
                .bind(Json(&open.providers))
                .fetch_optional(&mut *connection)
                .await?;
                match needed {
                    None => return Ok(PasskeyRemoval::NotFound),
                    Some((_, true)) => return Ok(PasskeyRemoval::LastToComeIn),
                    Some((true, false)) => return Ok(PasskeyRemoval::LastWayIn),
                    Some((false, false)) => {}
                }
                let (device_epoch, last_factor) = remove(connection, &user, id).await?;
                write_effects(connection, &along, Some(&user)).await?;
                write_effects_if(connection, &last, Some(&user), last_factor).await?;
                Ok(PasskeyRemoval::Removed { device_epoch, last_factor })
            })
        })
        .await
    }
}

async fn insert(connection: &mut SqliteConnection, passkey: &Passkey) -> Result<()> {
    sqlx::query(
        "INSERT INTO donjon_passkeys
             (id, user_id, credential, public_key, sign_count, aaguid, name, transports,
              backup_eligible, backed_up, rp_id, created_at, last_used_at, user_verified)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )
    .bind(passkey.id)
    .bind(passkey.user.as_str())
    .bind(passkey.credential.as_bytes())
    .bind(&passkey.public_key)
    .bind(passkey.sign_count)
    .bind(passkey.aaguid)
    .bind(&passkey.name)
    .bind(Json(&passkey.transports))
    .bind(passkey.backup_eligible)
    .bind(passkey.backed_up)
    .bind(&passkey.rp_id)
    .bind(micros(passkey.created_at))
    .bind(passkey.last_used_at.map(micros))
    .bind(passkey.user_verified)
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether this is the first answer to a challenge.
async fn answer(connection: &mut SqliteConnection, challenge: AnsweredChallenge) -> Result<bool> {
    let written = sqlx::query(
        "INSERT INTO donjon_passkey_challenges (challenge, expires_at) VALUES (?1, ?2)
         ON CONFLICT (challenge) DO NOTHING",
    )
    .bind(challenge.hash.as_bytes().as_slice())
    .bind(micros(challenge.expires_at))
    .execute(connection)
    .await?;
    Ok(written.rows_affected() > 0)
}

async fn suspend(connection: &mut SqliteConnection, proof: &PasskeyProof) -> Result<()> {
    sqlx::query("UPDATE donjon_passkeys SET suspended_at = ?2 WHERE id = ?1")
        .bind(proof.id)
        .bind(micros(proof.at))
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes a passkey that is there. Answers the user's epoch from now on, and whether no second
/// factor is left.
async fn remove(connection: &mut SqliteConnection, user: &UserId, id: Uuid) -> Result<(i64, bool)> {
    sqlx::query("DELETE FROM donjon_passkeys WHERE id = ?1")
        .bind(id)
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE donjon_users SET passkeys = passkeys - 1 WHERE id = ?1")
        .bind(user.as_str())
        .execute(&mut *connection)
        .await?;
    let last_factor: bool = sqlx::query_scalar(concat!(
        "SELECT NOT ",
        has_second_factor!(),
        " FROM donjon_users u WHERE id = ?1",
    ))
    .bind(user.as_str())
    .fetch_one(&mut *connection)
    .await?;
    if last_factor {
        // Backup codes are no factor by themselves.
        sqlx::query("DELETE FROM donjon_totp WHERE user_id = ?1")
            .bind(user.as_str())
            .execute(&mut *connection)
            .await?;
    }
    let device_epoch = sqlx::query_scalar(
        "UPDATE donjon_users SET device_epoch = device_epoch + ?2 WHERE id = ?1
         RETURNING device_epoch",
    )
    .bind(user.as_str())
    .bind(last_factor)
    .fetch_one(connection)
    .await?;
    Ok((device_epoch, last_factor))
}
