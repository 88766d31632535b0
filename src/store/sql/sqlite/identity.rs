use async_trait::async_trait;
use sqlx::SqliteConnection;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::SqliteStore;
use super::audit::{write_effects, write_effects_if};
use super::steps::{
    count_against_limit, end_sessions, forget_attempts, insert_user, lives, take_over,
};
use crate::crypto::{Sealed, TokenHash};
use crate::scope::{SessionEnd, SessionId, UserId};
use crate::store::sql::account::{address_key, login_user_columns};
use crate::store::sql::convert::micros;
use crate::store::sql::identity::{
    IdentityRow, OwnerRow, TAKE_OVER, TokensRow, owners, refused, replaced, tokens, unlinking,
    ways, ways_in, writes_tokens,
};
use crate::store::{
    Effects, IdentityOwners, IdentityRegistration, IdentityStore, IdentityUse, Linking,
    NewIdentity, NewUser, OpenWays, ParkedIdentity, RateLimit, Registration, ReplacedTokens,
    Result, StoredTokens, Unlinking, WaysIn,
};

#[async_trait]
impl IdentityStore for SqliteStore {
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
             WHERE i.provider = ?1 AND i.subject = ?2
             UNION ALL
             SELECT FALSE, id, email, email_verified, attributes, NULL, 0, FALSE, NULL, FALSE
             FROM donjon_users WHERE email = ?3",
        ))
        .bind(provider)
        .bind(subject)
        .bind(email)
        .fetch_all(self.readers())
        .await?;
        owners(rows)
    }

    async fn ways_in(&self, user: &UserId, open: &OpenWays) -> Result<WaysIn> {
        let known: Option<(i64, bool)> = sqlx::query_as(concat!(
            "SELECT ",
            ways_in!("?1", "?2", "SELECT value FROM json_each(?3)"),
            ", password IS NOT NULL FROM donjon_users WHERE id = ?1",
        ))
        .bind(user.as_str())
        .bind(open.rp_id.as_deref())
        .bind(Json(&open.providers))
        .fetch_optional(self.readers())
        .await?;
        let identities: Vec<IdentityRow> = sqlx::query_as(
            "SELECT provider, subject, email, name, created_at, last_used_at
             FROM donjon_identities WHERE user_id = ?1 ORDER BY provider",
        )
        .bind(user.as_str())
        .fetch_all(self.readers())
        .await?;
        ways(known.unwrap_or_default(), identities)
    }

    async fn register_with_identity(
        &self,
        user: &NewUser,
        identity: &NewIdentity,
        along: &Effects,
    ) -> Result<IdentityRegistration> {
        let (user, identity, along) = (user.clone(), identity.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if owner_of(connection, &identity).await?.is_some() {
                    return Ok(refused(true));
                }
                if insert_user(connection, &user, false).await? != Registration::Registered {
                    return Ok(refused(false));
                }
                let id = user.account.id();
                insert_identity(connection, id, &identity).await?;
                write_effects(connection, &along, Some(id)).await?;
                Ok(IdentityRegistration::Registered)
            })
        })
        .await
    }

    async fn take_over_with_identity(
        &self,
        user: &UserId,
        email: &str,
        identity: &NewIdentity,
        along: &Effects,
    ) -> Result<IdentityRegistration> {
        let (user, email) = (user.clone(), email.to_owned());
        let (identity, along) = (identity.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let taken = sqlx::query(TAKE_OVER)
                    .bind(user.as_str())
                    .bind(&email)
                    .bind(&identity.provider)
                    .bind(&identity.subject)
                    .execute(&mut *connection)
                    .await?;
                if taken.rows_affected() == 0 {
                    return Ok(refused(owner_of(connection, &identity).await?.is_some()));
                }
                take_over(connection, &user, identity.at).await?;
                forget_attempts(connection, &address_key(&email)).await?;
                let end = (SessionEnd::SignedOutEverywhere, identity.at);
                end_sessions(connection, &user, None, end).await?;
                insert_identity(connection, &user, &identity).await?;
                write_effects(connection, &along, Some(&user)).await?;
                Ok(IdentityRegistration::Registered)
            })
        })
        .await
    }

    async fn log_in_with_identity(
        &self,
        user: &UserId,
        identity: &NewIdentity,
        (epoch, over): (i64, ReplacedTokens),
        along: &Effects,
    ) -> Result<IdentityUse> {
        let (user, identity, along) = (user.clone(), identity.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let updated = sqlx::query(concat!(
                    "UPDATE donjon_identities AS i SET
                         email = coalesce(?5, email), name = coalesce(?6, name),
                         tokens = CASE WHEN ",
                    writes_tokens!("?7", "?9", "?8"),
                    " THEN ?7 ELSE tokens END,
                         tokens_version = tokens_version + ",
                    writes_tokens!("?7", "?9", "?8"),
                    ",
                         last_used_at = ?8
                     WHERE provider = ?1 AND subject = ?2 AND user_id = ?3
                       AND EXISTS (SELECT 1 FROM donjon_users u
                                   WHERE u.id = i.user_id AND u.device_epoch = ?4)",
                ))
                .bind(&identity.provider)
                .bind(&identity.subject)
                .bind(user.as_str())
                .bind(epoch)
                .bind(&identity.email)
                .bind(&identity.name)
                .bind(identity.tokens.as_ref().map(Sealed::as_bytes))
                .bind(micros(identity.at))
                .bind(replaced(over))
                .execute(&mut *connection)
                .await?;
                if updated.rows_affected() == 0 {
                    return Ok(IdentityUse::Refused);
                }
                write_effects(connection, &along, Some(&user)).await?;
                Ok(IdentityUse::Done)
            })
        })
        .await
    }

    async fn link_identity(
        &self,
        user: &UserId,
        identity: &NewIdentity,
        made_in: Option<SessionId>,
        along: &Effects,
    ) -> Result<Linking> {
        let (user, identity, along) = (user.clone(), identity.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if !lives(connection, made_in, &user).await? {
                    return Ok(Linking::Gone);
                }
                match owner_of(connection, &identity).await? {
                    Some(owner) if owner == user.as_str() => return Ok(Linking::Already),
                    Some(_) => return Ok(Linking::Taken),
                    None => {}
                }
                let (exists, another): (bool, bool) = sqlx::query_as(
                    "SELECT EXISTS (SELECT 1 FROM donjon_users WHERE id = ?1), EXISTS
                     (SELECT 1 FROM donjon_identities WHERE user_id = ?1 AND provider = ?2)",
                )
                .bind(user.as_str())
                .bind(&identity.provider)
                .fetch_one(&mut *connection)
                .await?;
                match (exists, another) {
                    (false, _) => return Ok(Linking::Gone),
                    (true, true) => return Ok(Linking::Another),
                    (true, false) => {}
                }
                insert_identity(connection, &user, &identity).await?;
                write_effects(connection, &along, Some(&user)).await?;
                Ok(Linking::Linked)
            })
        })
        .await
    }

    async fn unlink_identity(
        &self,
        user: &UserId,
        provider: &str,
        open: &OpenWays,
        along: &Effects,
    ) -> Result<Unlinking> {
        let (user, provider, along) = (user.clone(), provider.to_owned(), along.clone());
        let open = open.clone();
        self.transition(move |connection| {
            Box::pin(async move {
                let removed = sqlx::query(concat!(
                    "DELETE FROM donjon_identities WHERE user_id = ?1 AND provider = ?2 AND ",
                    ways_in!("?1", "?3", "SELECT value FROM json_each(?4)"),
                    " > (?2 IN (SELECT value FROM json_each(?4)))",
                ))
                .bind(user.as_str())
                .bind(&provider)
                .bind(open.rp_id.as_deref())
                .bind(Json(&open.providers))
                .execute(&mut *connection)
                .await?;
                let done = removed.rows_affected() > 0;
                let existed = sqlx::query_scalar(
                    "SELECT EXISTS
                     (SELECT 1 FROM donjon_identities WHERE user_id = ?1 AND provider = ?2)",
                )
                .bind(user.as_str())
                .bind(&provider)
                .fetch_one(&mut *connection)
                .await?;
                write_effects_if(connection, &along, Some(&user), done).await?;
                Ok(unlinking(done, existed))
            })
        })
        .await
    }

    async fn park_identity(&self, parked: &ParkedIdentity) -> Result<()> {
        let parked = parked.clone();
        self.transition(move |connection| {
            Box::pin(async move { insert_parked(connection, &parked).await })
        })
        .await
    }

    async fn park_identity_with_mail(
        &self,
        parked: &ParkedIdentity,
        email: &str,
        mail: &Effects,
        (limit, now): (RateLimit, OffsetDateTime),
    ) -> Result<bool> {
        let (parked, mail, key) = (parked.clone(), mail.clone(), format!("identity:{email}"));
        self.transition(move |connection| {
            Box::pin(async move {
                insert_parked(connection, &parked).await?;
                let times = count_against_limit(connection, &key, limit, now, true).await?;
                let sent = times <= i64::from(limit.times);
                write_effects_if(connection, &mail, None, sent).await?;
                Ok(sent)
            })
        })
        .await
    }

    async fn parked_identity(
        &self,
        handle: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<Sealed>> {
        let found: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT identity FROM donjon_parked_identities WHERE handle = ?1 AND expires_at > ?2",
        )
        .bind(handle.as_bytes().as_slice())
        .bind(micros(now))
        .fetch_optional(self.readers())
        .await?;
        Ok(found.map(Sealed::from_bytes))
    }

    async fn take_parked_identity(
        &self,
        handle: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<Sealed>> {
        let handle = *handle;
        self.transition(move |connection| {
            Box::pin(async move {
                let taken: Option<Vec<u8>> = sqlx::query_scalar(
                    "DELETE FROM donjon_parked_identities WHERE handle = ?1 AND expires_at > ?2
                     RETURNING identity",
                )
                .bind(handle.as_bytes().as_slice())
                .bind(micros(now))
                .fetch_optional(connection)
                .await?;
                Ok(taken.map(Sealed::from_bytes))
            })
        })
        .await
    }

    async fn provider_tokens(&self, user: &UserId, provider: &str) -> Result<Option<StoredTokens>> {
        let row: Option<TokensRow> = sqlx::query_as(
            "SELECT subject, tokens, tokens_version, refreshing_until FROM donjon_identities
             WHERE user_id = ?1 AND provider = ?2 AND tokens IS NOT NULL",
        )
        .bind(user.as_str())
        .bind(provider)
        .fetch_optional(self.readers())
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
        let (user, provider) = (user.clone(), provider.to_owned());
        self.transition(move |connection| {
            Box::pin(async move {
                let claimed = sqlx::query(
                    "UPDATE donjon_identities SET refreshing_until = ?5
                     WHERE user_id = ?1 AND provider = ?2 AND tokens_version = ?3
                       AND tokens IS NOT NULL
                       AND (refreshing_until IS NULL OR refreshing_until <= ?4)",
                )
                .bind(user.as_str())
                .bind(&provider)
                .bind(version)
                .bind(micros(now))
                .bind(micros(until))
                .execute(connection)
                .await?;
                Ok(claimed.rows_affected() > 0)
            })
        })
        .await
    }

    async fn finish_token_refresh(
        &self,
        user: &UserId,
        provider: &str,
        version: i64,
        tokens: Option<&Sealed>,
    ) -> Result<bool> {
        let (user, provider, tokens) = (user.clone(), provider.to_owned(), tokens.cloned());
        self.transition(move |connection| {
            Box::pin(async move {
                let finished = sqlx::query(
                    "UPDATE donjon_identities SET
                         tokens = coalesce(?4, tokens),
                         tokens_version = tokens_version + (?4 IS NOT NULL),
                         refreshing_until = NULL
                     WHERE user_id = ?1 AND provider = ?2 AND tokens_version = ?3",
                )
                .bind(user.as_str())
                .bind(&provider)
                .bind(version)
                .bind(tokens.as_ref().map(Sealed::as_bytes))
                .execute(connection)
                .await?;
                Ok(finished.rows_affected() > 0 && tokens.is_some())
            })
        })
        .await
    }

    async fn sweep_parked_identities(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        let over = "DELETE FROM donjon_parked_identities WHERE handle IN
             (SELECT handle FROM donjon_parked_identities WHERE expires_at <= ?1 LIMIT ?2)";
        self.sweep(over, now, limit).await
    }
}

pub(super) async fn owner_of(
    connection: &mut SqliteConnection,
    identity: &NewIdentity,
) -> Result<Option<String>> {
    let owner = sqlx::query_scalar(
        "SELECT user_id FROM donjon_identities WHERE provider = ?1 AND subject = ?2",
    )
    .bind(&identity.provider)
    .bind(&identity.subject)
    .fetch_optional(connection)
    .await?;
    Ok(owner)
}

pub(super) async fn insert_identity(
    connection: &mut SqliteConnection,
    user: &UserId,
    identity: &NewIdentity,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO donjon_identities
             (provider, subject, user_id, email, name, tokens, tokens_version, created_at,
              last_used_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?7)",
    )
    .bind(&identity.provider)
    .bind(&identity.subject)
    .bind(user.as_str())
    .bind(&identity.email)
    .bind(&identity.name)
    .bind(identity.tokens.as_ref().map(Sealed::as_bytes))
    .bind(micros(identity.at))
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_parked(connection: &mut SqliteConnection, parked: &ParkedIdentity) -> Result<()> {
    sqlx::query(
        "INSERT INTO donjon_parked_identities (handle, identity, expires_at) VALUES (?1, ?2, ?3)",
    )
    .bind(parked.handle.as_bytes().as_slice())
    .bind(parked.identity.as_bytes())
    .bind(micros(parked.expires_at))
    .execute(connection)
    .await?;
    Ok(())
}
