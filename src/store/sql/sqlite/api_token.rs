use async_trait::async_trait;
use sqlx::types::Json;
use sqlx::{SqliteConnection, query, query_as, query_scalar};
use time::OffsetDateTime;
use uuid::Uuid;

use super::SqliteStore;
use super::audit::write_effects;
use super::organization::may_change;
use crate::crypto::TokenHash;
use crate::scope::{OrganizationId, UserId};
use crate::store::sql::api_token::{
    FIND, FIND_SERVICE_ACCOUNT, LIST, PresentedRow, SERVICE_ACCOUNTS, ServiceAccountRow, TOUCH,
    TokenRow, owner, presented, service_account, token, user,
};
use crate::store::sql::convert::micros;
use crate::store::sql::rate_limit::counting_one_more;
use crate::store::{
    ApiTokenId, ApiTokenStore, Authority, Effects, NewApiToken, PresentedToken, RateLimit, Result,
    ServiceAccount, ServiceAccountCreation, StoredApiToken, TokenCreation, TokenOwner, TokenPage,
};

#[async_trait]
impl ApiTokenStore for SqliteStore {
    async fn create_api_token(
        &self,
        token: &NewApiToken,
        at_most: u32,
        along: &Effects,
    ) -> Result<TokenCreation> {
        let (token, along) = (token.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let (user_id, service) = owner(&token.owner);
                if !may_see_to(connection, token.owner.id(), token.by.as_ref()).await? {
                    return Ok(TokenCreation::NoOwner);
                }
                let (lives, held): (bool, i64) = query_as(
                    "SELECT (EXISTS (SELECT 1 FROM donjon_users WHERE id = ?1)
                             OR EXISTS (SELECT 1 FROM donjon_service_accounts
                                        WHERE id = ?2 AND disabled_at IS NULL))
                         AND (?3 IS NULL OR EXISTS (SELECT 1 FROM donjon_sessions
                                                    WHERE id = ?3 AND user_id = ?1)),
                         (SELECT count(*) FROM donjon_api_tokens
                          WHERE (user_id = ?1 OR service_account_id = ?2) AND revoked_at IS NULL)",
                )
                .bind(&user_id)
                .bind(&service)
                .bind(token.made_in.map(|id| id.0))
                .fetch_one(&mut *connection)
                .await?;
                if !lives {
                    return Ok(TokenCreation::NoOwner);
                }
                if held >= i64::from(at_most) {
                    return Ok(TokenCreation::TooMany);
                }
                query(
                    "INSERT INTO donjon_api_tokens (id, token_hash, user_id, service_account_id,
                         name, scopes, created_at, expires_at, login_path)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
                         (SELECT coalesce(authentication ->> 'login_path', '')
                          FROM donjon_sessions WHERE id = ?9))",
                )
                .bind(token.id.0)
                .bind(token.hash.as_bytes().as_slice())
                .bind(user_id)
                .bind(service)
                .bind(&token.name)
                .bind(Json(&token.scopes))
                .bind(micros(token.created_at))
                .bind(token.expires_at.map(micros))
                .bind(token.made_in.map(|id| id.0))
                .execute(&mut *connection)
                .await?;
                write_effects(connection, &along, user(&token.owner)).await?;
                Ok(TokenCreation::Created)
            })
        })
        .await
    }

    async fn find_api_token(&self, hash: &TokenHash) -> Result<Option<PresentedToken>> {
        let row: Option<PresentedRow> =
            query_as(FIND).bind(hash.as_bytes().as_slice()).fetch_optional(self.readers()).await?;
        row.map(presented).transpose()
    }

    async fn touch_api_token(&self, id: ApiTokenId, now: OffsetDateTime) -> Result<()> {
        self.transition(move |connection| {
            Box::pin(async move {
                query(TOUCH).bind(id.0).bind(micros(now)).execute(connection).await?;
                Ok(())
            })
        })
        .await
    }

    async fn note_refused_token(
        &self,
        key: &str,
        limit: RateLimit,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let (key, along) = (key.to_owned(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let (times, _): (i64, i64) = query_as(concat!(
                    "INSERT INTO donjon_rate_limits AS r (key, times, expires_at)
                     VALUES (?1, 1, ?3)",
                    counting_one_more!("?2"),
                ))
                .bind(key)
                .bind(micros(now))
                .bind(micros(now + limit.window))
                .fetch_one(&mut *connection)
                .await?;
                let within = times <= i64::from(limit.times);
                if within {
                    write_effects(connection, &along, None).await?;
                }
                Ok(within)
            })
        })
        .await
    }

    async fn api_tokens_of(
        &self,
        of: &TokenOwner,
        page: TokenPage,
        limit: u32,
    ) -> Result<Vec<StoredApiToken>> {
        let (user, service) = owner(of);
        let rows: Vec<TokenRow> = query_as(LIST)
            .bind(user)
            .bind(service)
            .bind(page.with_revoked)
            .bind(page.before.map_or(Uuid::max(), |id| id.0))
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        rows.into_iter().map(token).collect()
    }

    async fn revoke_api_token(
        &self,
        of: &TokenOwner,
        id: ApiTokenId,
        by: Option<&Authority>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        Ok(self.revoke(of, Some(id), by, (along, now)).await? > 0)
    }

    async fn revoke_api_tokens_of(
        &self,
        of: &TokenOwner,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<u64> {
        self.revoke(of, None, None, (along, now)).await
    }

    async fn create_service_account(
        &self,
        account: &ServiceAccount,
        by: Option<&Authority>,
        at_most: u32,
        along: &Effects,
    ) -> Result<ServiceAccountCreation> {
        let (account, by, along) = (account.clone(), by.cloned(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if let (Some(_), organization) = (&by, account.organization) {
                    let Some(organization) = organization else {
                        return Ok(ServiceAccountCreation::NotAllowed);
                    };
                    if !may_change(connection, organization, by.as_ref()).await? {
                        return Ok(ServiceAccountCreation::NotAllowed);
                    }
                }
                let held: i64 = query_scalar(
                    "SELECT count(*) FROM donjon_service_accounts WHERE organization_id = ?1",
                )
                .bind(account.organization.map(|id| id.0))
                .fetch_one(&mut *connection)
                .await?;
                if held >= i64::from(at_most) {
                    return Ok(ServiceAccountCreation::TooMany);
                }
                query(
                    "INSERT INTO donjon_service_accounts
                         (id, organization_id, name, created_at, disabled_at)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )
                .bind(account.id.as_str())
                .bind(account.organization.map(|id| id.0))
                .bind(&account.name)
                .bind(micros(account.created_at))
                .bind(account.disabled_at.map(micros))
                .execute(&mut *connection)
                .await?;
                write_effects(connection, &along, None).await?;
                Ok(ServiceAccountCreation::Created)
            })
        })
        .await
    }

    async fn find_service_account(&self, id: &UserId) -> Result<Option<ServiceAccount>> {
        let row: Option<ServiceAccountRow> =
            query_as(FIND_SERVICE_ACCOUNT).bind(id.as_str()).fetch_optional(self.readers()).await?;
        row.map(service_account).transpose()
    }

    async fn service_accounts(
        &self,
        organization: Option<OrganizationId>,
        before: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<ServiceAccount>> {
        let rows: Vec<ServiceAccountRow> = query_as(SERVICE_ACCOUNTS)
            .bind(organization.map(|id| id.0))
            .bind(before.map(UserId::as_str))
            .bind(limit)
            .fetch_all(self.readers())
            .await?;
        rows.into_iter().map(service_account).collect()
    }

    async fn disable_service_account(
        &self,
        id: &UserId,
        disabled_at: Option<OffsetDateTime>,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<bool> {
        let (id, by, along) = (id.clone(), by.cloned(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if !may_see_to(connection, &id, by.as_ref()).await? {
                    return Ok(false);
                }
                let done = query(
                    "UPDATE donjon_service_accounts SET disabled_at = ?2
                     WHERE id = ?1 AND (disabled_at IS NULL) <> (?2 IS NULL)",
                )
                .bind(id.as_str())
                .bind(disabled_at.map(micros))
                .execute(&mut *connection)
                .await?;
                let changed = done.rows_affected() > 0;
                if changed {
                    write_effects(connection, &along, None).await?;
                }
                Ok(changed)
            })
        })
        .await
    }

    async fn sweep_api_tokens(&self, before: OffsetDateTime, limit: u32) -> Result<u64> {
        let over = "DELETE FROM donjon_api_tokens WHERE id IN
             (SELECT id FROM donjon_api_tokens WHERE revoked_at < ?1 OR expires_at < ?1
              LIMIT ?2)";
        self.sweep(over, before, limit).await
    }
}

/// Whether whoever asks may see to this service account: the host itself, or a member of its
/// organization who has the role for it.
async fn may_see_to(
    connection: &mut SqliteConnection,
    id: &UserId,
    by: Option<&Authority>,
) -> Result<bool> {
    if by.is_none() {
        return Ok(true);
    }
    let organization: Option<Option<Uuid>> =
        query_scalar("SELECT organization_id FROM donjon_service_accounts WHERE id = ?1")
            .bind(id.as_str())
            .fetch_optional(&mut *connection)
            .await?;
    match organization.flatten() {
        Some(organization) => may_change(connection, OrganizationId(organization), by).await,
        None => Ok(false),
    }
}

impl SqliteStore {
    /// Revokes one token of an owner, or all.
    async fn revoke(
        &self,
        of: &TokenOwner,
        id: Option<ApiTokenId>,
        by: Option<&Authority>,
        (along, now): (&Effects, OffsetDateTime),
    ) -> Result<u64> {
        let (of, by, along) = (of.clone(), by.cloned(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if !may_see_to(connection, of.id(), by.as_ref()).await? {
                    return Ok(0);
                }
                let (user_id, service) = owner(&of);
                let done = query(
                    "UPDATE donjon_api_tokens SET revoked_at = ?4
                     WHERE (user_id = ?1 OR service_account_id = ?2) AND (?3 IS NULL OR id = ?3)
                       AND revoked_at IS NULL",
                )
                .bind(user_id)
                .bind(service)
                .bind(id.map(|id| id.0))
                .bind(micros(now))
                .execute(&mut *connection)
                .await?;
                if done.rows_affected() > 0 {
                    write_effects(connection, &along, user(&of)).await?;
                }
                Ok(done.rows_affected())
            })
        })
        .await
    }
}
