use async_trait::async_trait;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::PostgresStore;
use super::audit::{along, effects, familiar, note_seen};
use super::made_in::permitted;
use super::mfa::LOCK_USER;
use super::sweep::sweep;
use super::take_over::take_over;
use crate::crypto::{Sealed, TokenHash};
use crate::scope::{SessionId, UserId};
use crate::store::sql::account::{bind_user, login_user_columns};
use crate::store::sql::convert::micros;
use crate::store::sql::identity::{
    IdentityRow, OwnerRow, TokensRow, owners, refused, replaced, tokens, unlinking, ways, ways_in,
    writes_tokens,
};
use crate::store::sql::rate_limit::counting_one_more;
use crate::store::{
    Effects, IdentityOwners, IdentityRegistration, IdentityStore, IdentityUse, Linking,
    NewIdentity, NewUser, OpenWays, ParkedIdentity, RateLimit, ReplacedTokens, Result,
    StoredTokens, Unlinking, WaysIn,
};

#[async_trait]
impl IdentityStore for PostgresStore {
    async fn find_identity(
        &self,
        provider: &str,
        subject: &str,
        email: Option<&str>,
    ) -> Result<IdentityOwners> {
        let rows: Vec<OwnerRow> = sqlx::query_as(concat!(
            "SELECT TRUE, ",
            login_user_columns!(),
            " FROM donjon_identities i JOIN donjon_users u ON u.id = i.user_id
             WHERE i.provider = $1 AND i.subject = $2
             UNION ALL
             SELECT FALSE, id, email, email_verified, attributes, NULL, 0, FALSE, NULL, FALSE
             FROM donjon_users WHERE email = $3",
        ))
        .bind(provider)
        .bind(subject)
        .bind(email)
        .fetch_all(self.pool())
        .await?;
        owners(rows)
    }

    async fn ways_in(&self, user: &UserId, open: &OpenWays) -> Result<WaysIn> {
        let known: Option<(i64, bool, Json<Vec<IdentityRow>>)> = sqlx::query_as(concat!(
            "SELECT ",
            ways_in!("$1", "$2::text", "SELECT jsonb_array_elements_text($3)"),
            ", password IS NOT NULL,
                 (SELECT coalesce(jsonb_agg(jsonb_build_array
                      (provider, subject, email, name, created_at, last_used_at)
                      ORDER BY provider), '[]')
                  FROM donjon_identities WHERE user_id = $1)
              FROM donjon_users WHERE id = $1",
        ))
        .bind(user.as_str())
        .bind(open.rp_id.as_deref())
        .bind(Json(&open.providers))
        .fetch_optional(self.pool())
        .await?;
        let (count, password, Json(identities)) = known.unwrap_or_default();
        ways((count, password), identities)
    }

    async fn register_with_identity(
        &self,
        user: &NewUser,
        identity: &NewIdentity,
        along: &Effects,
    ) -> Result<IdentityRegistration> {
        let register = sqlx::query_scalar(concat!(
            "WITH fresh AS (
                 INSERT INTO donjon_users
                     (id, email, email_verified, attributes, password, created_at)
                 SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS
                     (SELECT 1 FROM donjon_identities WHERE provider = $7 AND subject = $8)
                 ON CONFLICT (email) DO NOTHING RETURNING id AS user_id
             ), known AS (
                 INSERT INTO donjon_identities
                     (provider, subject, user_id, email, name, tokens, tokens_version, created_at,
                      last_used_at)
                 SELECT $7, $8, user_id, $9, $10, $11, 0, $12, $12 FROM fresh
             ), ",
            along!("fresh", "$13"),
            " SELECT EXISTS (SELECT 1 FROM fresh)",
        ));
        let written = bind_user!(register, user)
            .bind(&identity.provider)
            .bind(&identity.subject)
            .bind(&identity.email)
            .bind(&identity.name)
            .bind(identity.tokens.as_ref().map(Sealed::as_bytes))
            .bind(micros(identity.at))
            .bind(effects(along))
            .fetch_one(self.pool())
            .await;
        match written {
            Ok(true) => return Ok(IdentityRegistration::Registered),
            // Somebody else wrote the identity meanwhile: the user went with it.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {}
            written => drop(written?),
        }
        Ok(refused(self.owner_of(identity).await?.is_some()))
    }

    async fn take_over_with_identity(
        &self,
        user: &UserId,
        email: &str,
        identity: &NewIdentity,
        along: &Effects,
    ) -> Result<IdentityRegistration> {
        let work = || take_over(self.pool(), (user, email), identity, along);
        match self.pool().transition(work).await {
            Ok(true) => return Ok(IdentityRegistration::Registered),
            // Somebody else wrote the identity meanwhile.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {}
            taken => drop(taken?),
        }
        Ok(refused(self.owner_of(identity).await?.is_some()))
    }

    async fn log_in_with_identity(
        &self,
        user: &UserId,
        identity: &NewIdentity,
        (epoch, over): (i64, ReplacedTokens),
        along: &Effects,
    ) -> Result<IdentityUse> {
        // The user's row is locked first, so that a reset in progress is waited for, and its epoch
        // seen; as is whoever unlinks.
        let (done, is_familiar) = sqlx::query_as(concat!(
            "WITH owner AS MATERIALIZED (
                 SELECT id FROM donjon_users WHERE id = $3 AND device_epoch = $4
                 FOR NO KEY UPDATE
             ), done AS (
                 UPDATE donjon_identities i SET
                     email = coalesce($5, i.email), name = coalesce($6, i.name),
                     tokens = CASE WHEN ",
            writes_tokens!("$7", "$10", "$8"),
            " THEN $7 ELSE i.tokens END,
                     tokens_version = i.tokens_version + ",
            writes_tokens!("$7", "$10", "$8"),
            "::int,
                     last_used_at = $8
                 WHERE i.provider = $1 AND i.subject = $2
                   AND i.user_id = (SELECT id FROM owner) RETURNING i.user_id
             ), ",
            along!("done", "$9"),
            " SELECT EXISTS (SELECT 1 FROM done), ",
            familiar!("done"),
        ))
        .bind(&identity.provider)
        .bind(&identity.subject)
        .bind(user.as_str())
        .bind(epoch)
        .bind(&identity.email)
        .bind(&identity.name)
        .bind(identity.tokens.as_ref().map(Sealed::as_bytes))
        .bind(micros(identity.at))
        .bind(effects(along))
        .bind(replaced(over))
        .fetch_one(self.pool())
        .await?;
        note_seen(along, is_familiar);
        Ok(if done { IdentityUse::Done } else { IdentityUse::Refused })
    }

    async fn link_identity(
        &self,
        user: &UserId,
        identity: &NewIdentity,
        made_in: Option<SessionId>,
        along: &Effects,
    ) -> Result<Linking> {
        let (exists, linked): (bool, bool) = sqlx::query_as(concat!(
            "WITH ",
            permitted!("$3", "$9"),
            ", done AS (
                 INSERT INTO donjon_identities
                     (provider, subject, user_id, email, name, tokens, tokens_version, created_at,
                      last_used_at)
                 SELECT $1, $2, id, $4, $5, $6, 0, $7, $7 FROM permitted
                 ON CONFLICT DO NOTHING RETURNING user_id
             ), ",
            along!("done", "$8"),
            " SELECT EXISTS (SELECT 1 FROM permitted), EXISTS (SELECT 1 FROM done)",
        ))
        .bind(&identity.provider)
        .bind(&identity.subject)
        .bind(user.as_str())
        .bind(&identity.email)
        .bind(&identity.name)
        .bind(identity.tokens.as_ref().map(Sealed::as_bytes))
        .bind(micros(identity.at))
        .bind(effects(along))
        .bind(made_in.map(|id| id.0))
        .fetch_one(self.pool())
        .await?;
        Ok(match (exists, linked) {
            (false, _) => Linking::Gone,
            (true, true) => Linking::Linked,
            (true, false) => match self.owner_of(identity).await? {
                Some(owner) if owner == user.as_str() => Linking::Already,
                Some(_) => Linking::Taken,
                None => Linking::Another,
            },
        })
    }

    async fn unlink_identity(
        &self,
        user: &UserId,
        provider: &str,
        open: &OpenWays,
        along: &Effects,
    ) -> Result<Unlinking> {
        // What took another way in away while the user's row was waited for is seen.
        let unlink = || {
            sqlx::query_as(concat!(
                "WITH done AS (
                 DELETE FROM donjon_identities WHERE user_id = $1 AND provider = $2 AND ",
                ways_in!("$1", "$4::text", "SELECT jsonb_array_elements_text($5)"),
                " > CASE WHEN $2 IN (SELECT jsonb_array_elements_text($5)) THEN 1 ELSE 0 END
                 RETURNING user_id
             ), ",
                along!("done", "$3"),
                " SELECT EXISTS (SELECT 1 FROM done), EXISTS
                 (SELECT 1 FROM donjon_identities WHERE user_id = $1 AND provider = $2)",
            ))
            .bind(user.as_str())
            .bind(provider)
            .bind(effects(along))
            .bind(open.rp_id.as_deref())
            .bind(Json(&open.providers))
        };
        let (done, existed) = self.under_lock((LOCK_USER, user.as_str()), unlink).await?;
        Ok(unlinking(done, existed))
    }

    async fn park_identity(&self, parked: &ParkedIdentity) -> Result<()> {
        sqlx::query(
            "INSERT INTO donjon_parked_identities (handle, identity, expires_at)
             VALUES ($1, $2, $3)",
        )
        .bind(parked.handle.as_bytes())
        .bind(parked.identity.as_bytes())
        .bind(micros(parked.expires_at))
        .execute(self.pool())
        .await?;
        Ok(())
    }

    async fn park_identity_with_mail(
        &self,
        parked: &ParkedIdentity,
        email: &str,
        mail: &Effects,
        (limit, now): (RateLimit, OffsetDateTime),
    ) -> Result<bool> {
        let sent = sqlx::query_scalar(concat!(
            "WITH parked AS (
                 INSERT INTO donjon_parked_identities (handle, identity, expires_at)
                 VALUES ($1, $2, $3)
             ), counted AS (
                 INSERT INTO donjon_rate_limits AS r (key, times, expires_at) VALUES ($4, 1, $6)",
            counting_one_more!("$5"),
            " ), sent AS (
                 SELECT NULL::text AS user_id FROM counted WHERE times <= $7
             ), ",
            along!("sent", "$8"),
            " SELECT EXISTS (SELECT 1 FROM sent)",
        ))
        .bind(parked.handle.as_bytes())
        .bind(parked.identity.as_bytes())
        .bind(micros(parked.expires_at))
        .bind(format!("identity:{email}"))
        .bind(micros(now))
        .bind(micros(now + limit.window))
        .bind(i64::from(limit.times))
        .bind(effects(mail))
        .fetch_one(self.pool())
        .await?;
        Ok(sent)
    }

    async fn parked_identity(
        &self,
        handle: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<Sealed>> {
        let found: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT identity FROM donjon_parked_identities WHERE handle = $1 AND expires_at > $2",
        )
        .bind(handle.as_bytes())
        .bind(micros(now))
        .fetch_optional(self.pool())
        .await?;
        Ok(found.map(Sealed::from_bytes))
    }

    async fn take_parked_identity(
        &self,
        handle: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<Sealed>> {
        let taken: Option<Vec<u8>> = sqlx::query_scalar(
            "DELETE FROM donjon_parked_identities WHERE handle = $1 AND expires_at > $2
             RETURNING identity",
        )
        .bind(handle.as_bytes())
        .bind(micros(now))
        .fetch_optional(self.pool())
        .await?;
        Ok(taken.map(Sealed::from_bytes))
    }

    async fn provider_tokens(&self, user: &UserId, provider: &str) -> Result<Option<StoredTokens>> {
        let row: Option<TokensRow> = sqlx::query_as(
            "SELECT subject, tokens, tokens_version, refreshing_until FROM donjon_identities
             WHERE user_id = $1 AND provider = $2 AND tokens IS NOT NULL",
        )
        .bind(user.as_str())
        .bind(provider)
        .fetch_optional(self.pool())
        .await?;
        row.map(tokens).transpose()
    }

    async fn begin_token_refresh(
        &self,
        user: &UserId,
        provider: &str,
        version: i64,
        (now, until): (OffsetDateTime, OffsetDateTime),
    ) -> Result<bool> {
        let claimed = sqlx::query(
            "UPDATE donjon_identities SET refreshing_until = $5
             WHERE user_id = $1 AND provider = $2 AND tokens_version = $3 AND tokens IS NOT NULL
               AND (refreshing_until IS NULL OR refreshing_until <= $4)",
        )
        .bind(user.as_str())
        .bind(provider)
        .bind(version)
        .bind(micros(now))
        .bind(micros(until))
        .execute(self.pool())
        .await?;
        Ok(claimed.rows_affected() > 0)
    }

    async fn finish_token_refresh(
        &self,
        user: &UserId,
        provider: &str,
        version: i64,
        tokens: Option<&Sealed>,
    ) -> Result<bool> {
        let finished = sqlx::query(
            "UPDATE donjon_identities SET
                 tokens = coalesce($4, tokens),
                 tokens_version = tokens_version + ($4 IS NOT NULL)::int,
                 refreshing_until = NULL
             WHERE user_id = $1 AND provider = $2 AND tokens_version = $3",
        )
        .bind(user.as_str())
        .bind(provider)
        .bind(version)
        .bind(tokens.map(Sealed::as_bytes))
        .execute(self.pool())
        .await?;
        Ok(finished.rows_affected() > 0 && tokens.is_some())
    }

    async fn sweep_parked_identities(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        let over = "DELETE FROM donjon_parked_identities WHERE handle IN
             (SELECT handle FROM donjon_parked_identities WHERE expires_at <= $1
              LIMIT $2 FOR UPDATE SKIP LOCKED)";
        sweep(self.pool(), over, now, limit).await
    }
}

impl PostgresStore {
    pub(super) async fn owner_of(&self, identity: &NewIdentity) -> Result<Option<String>> {
        let owner = sqlx::query_scalar(
            "SELECT user_id FROM donjon_identities WHERE provider = $1 AND subject = $2",
        )
        .bind(&identity.provider)
        .bind(&identity.subject)
        .fetch_optional(self.pool())
        .await?;
        Ok(owner)
    }
}
