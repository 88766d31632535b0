use async_trait::async_trait;
use sqlx::types::Json;
use sqlx::{Executor, Postgres, query, query_as, query_scalar};
use time::OffsetDateTime;
use uuid::Uuid;

use super::PostgresStore;
use super::audit::{along, effects};
use super::organization::role_names;
use super::sweep::sweep;
use crate::crypto::TokenHash;
use crate::scope::{OrganizationId, UserId};
use crate::store::sql::api_token::{
    FIND, FIND_SERVICE_ACCOUNT, LIST, PresentedRow, SERVICE_ACCOUNTS, ServiceAccountRow, TOUCH,
    TokenRow, owner, presented, service_account, token,
};
use crate::store::sql::convert::micros;
use crate::store::sql::rate_limit::counting_one_more;
use crate::store::{
    ApiTokenId, ApiTokenStore, Authority, Effects, NewApiToken, PresentedToken, RateLimit, Result,
    ServiceAccount, ServiceAccountCreation, StoredApiToken, TokenCreation, TokenOwner, TokenPage,
};

/// Whether whoever asks may see to a service account: the host itself, or a member of its
/// organization who has one of these roles.
macro_rules! may_see_to {
    ($account:literal, $user:literal, $roles:literal) => {
        concat!(
            "(",
            $user,
            "::text IS NULL OR EXISTS (SELECT 1 FROM donjon_service_accounts s \
                 JOIN donjon_organizations o \
                     ON o.id = s.organization_id AND o.deleted_at IS NULL \
                 JOIN donjon_memberships a ON a.organization_id = o.id \
                 WHERE s.id = ",
            $account,
            " AND a.user_id = ",
            $user,
            " AND a.role = ANY(",
            $roles,
            "::text[])))"
        )
    };
}

/// The organization of a service account, under whose lock its members are changed.
const LOCK_ORGANIZATION: &str = "SELECT o.id FROM donjon_service_accounts s \
     JOIN donjon_organizations o ON o.id = s.organization_id WHERE s.id = $1 FOR NO KEY UPDATE OF o";

/// Writes a token of the owner that is `$3` or `$4`, if they live and hold fewer than `$10`, and if
/// `$12` may by one of the roles `$13`.
const CREATE: &str = concat!(
    "WITH owner AS MATERIALIZED (
         SELECT (EXISTS (SELECT 1 FROM donjon_users WHERE id = $3)
                 OR EXISTS (SELECT 1 FROM donjon_service_accounts
                            WHERE id = $4 AND disabled_at IS NULL))
             AND ($9::uuid IS NULL OR EXISTS (SELECT 1 FROM donjon_sessions
                                              WHERE id = $9 AND user_id = $3))
             AND ",
    may_see_to!("$4", "$12", "$13"),
    " AS lives
     ), held AS (
         SELECT count(*) AS held FROM donjon_api_tokens
         WHERE (user_id = $3 OR service_account_id = $4) AND revoked_at IS NULL
     ), done AS (
         INSERT INTO donjon_api_tokens (id, token_hash, user_id, service_account_id, name, scopes,
             created_at, expires_at, login_path)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, (SELECT coalesce(authentication ->> 'login_path', '')
             FROM donjon_sessions WHERE id = $9) FROM owner, held WHERE lives AND held < $10
         RETURNING user_id
     ), ",
    along!("done", "$11"),
    " SELECT lives, EXISTS (SELECT 1 FROM done) FROM owner",
);

/// Writes a service account of organization `$1`, if it has fewer than `$8`, and if `$6` may by one
/// of the roles `$7`.
const CREATE_ACCOUNT: &str = concat!(
    "WITH allowed AS MATERIALIZED (
         SELECT $6::text IS NULL OR EXISTS (
             SELECT 1 FROM donjon_organizations o
             JOIN donjon_memberships a ON a.organization_id = o.id
             WHERE o.id = $1 AND o.deleted_at IS NULL AND a.user_id = $6
               AND a.role = ANY($7::text[])) AS may
     ), held AS (
         SELECT count(*) AS held FROM donjon_service_accounts WHERE organization_id = $1
     ), done AS (
         INSERT INTO donjon_service_accounts (id, organization_id, name, created_at, disabled_at)
         SELECT $2, $1, $3, $4, $5 FROM allowed, held WHERE may AND held < $8
         RETURNING NULL::text AS user_id
     ), ",
    along!("done", "$9"),
    " SELECT may, EXISTS (SELECT 1 FROM done) FROM allowed",
);

/// Revokes the tokens of the owner that is `$1` or `$2`, or only `$3`, if `$6` may by one of the roles
/// `$7`.
const REVOKE: &str = concat!(
    "WITH revoked AS (
         UPDATE donjon_api_tokens SET revoked_at = $4
         WHERE (user_id = $1 OR service_account_id = $2) AND ($3::uuid IS NULL OR id = $3)
           AND revoked_at IS NULL AND ",
    may_see_to!("$2", "$6", "$7"),
    " RETURNING user_id
     ), done AS (
         SELECT DISTINCT user_id FROM revoked
     ), ",
    along!("done", "$5"),
    " SELECT count(*) FROM revoked",
);

#[async_trait]
impl ApiTokenStore for PostgresStore {
    async fn create_api_token(
        &self,
        token: &NewApiToken,
        at_most: u32,
        along: &Effects,
    ) -> Result<TokenCreation> {
        let work = || async {
            let (user, service) = owner(&token.owner);
            // Two statements: what was written by whoever held the lock before, only a later snapshot
            // sees.
            let mut transaction = self.pool().begin().await?;
            if token.by.is_some() {
                let id = token.owner.id().as_str();
                query(LOCK_ORGANIZATION).bind(id).execute(&mut *transaction).await?;
            }
            let lock = match token.owner {
                TokenOwner::User(_) => {
                    "SELECT id FROM donjon_users WHERE id = $1 FOR NO KEY UPDATE"
                }
                TokenOwner::ServiceAccount(_) => {
                    "SELECT id FROM donjon_service_accounts WHERE id = $1 FOR NO KEY UPDATE"
                }
            };
            query(lock).bind(token.owner.id().as_str()).execute(&mut *transaction).await?;
            let (lives, done): (bool, bool) = query_as(CREATE)
                .bind(token.id.0)
                .bind(token.hash.as_bytes())
                .bind(user)
                .bind(service)
                .bind(&token.name)
                .bind(Json(&token.scopes))
                .bind(micros(token.created_at))
                .bind(token.expires_at.map(micros))
                .bind(token.made_in.map(|id| id.0))
                .bind(i64::from(at_most))
                .bind(effects(along))
                .bind(token.by.as_ref().map(|by| by.user.as_str()))
                .bind(role_names(token.by.as_ref()))
                .fetch_one(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(match (lives, done) {
                (_, true) => TokenCreation::Created,
                (true, false) => TokenCreation::TooMany,
                (false, false) => TokenCreation::NoOwner,
            })
        };
        self.pool().transition(work).await
    }

    async fn find_api_token(&self, hash: &TokenHash) -> Result<Option<PresentedToken>> {
        let row: Option<PresentedRow> =
            query_as(FIND).bind(hash.as_bytes()).fetch_optional(self.pool()).await?;
        row.map(presented).transpose()
    }

    async fn touch_api_token(&self, id: ApiTokenId, now: OffsetDateTime) -> Result<()> {
        query(TOUCH).bind(id.0).bind(micros(now)).execute(self.pool()).await?;
        Ok(())
    }

    async fn note_refused_token(
        &self,
        key: &str,
        limit: RateLimit,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let noted = query_scalar(concat!(
            "WITH counted AS (
                 INSERT INTO donjon_rate_limits AS r (key, times, expires_at) VALUES ($1, 1, $3)",
            counting_one_more!("$2"),
            " ), noted AS (
                 SELECT NULL::text AS user_id FROM counted WHERE times <= $4
             ), ",
            along!("noted", "$5"),
            " SELECT EXISTS (SELECT 1 FROM noted)",
        ))
        .bind(key)
        .bind(micros(now))
        .bind(micros(now + limit.window))
        .bind(i64::from(limit.times))
        .bind(effects(along))
        .fetch_one(self.pool())
        .await?;
        Ok(noted)
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
            .bind(i64::from(limit))
            .fetch_all(self.pool())
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
        let Some(by) = by else {
            return Ok(revoke(self.pool(), (of, Some(id), None), along, now).await? > 0);
        };
        // Two statements: what was written by whoever held the lock before, only a later snapshot
        // sees.
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            query(LOCK_ORGANIZATION).bind(of.id().as_str()).execute(&mut *transaction).await?;
            let which = (of, Some(id), Some(by));
            let revoked = revoke(&mut *transaction, which, along, now).await?;
            transaction.commit().await?;
            Ok::<_, sqlx::Error>(revoked > 0)
        };
        Ok(self.pool().transition(work).await?)
    }

    async fn revoke_api_tokens_of(
        &self,
        of: &TokenOwner,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<u64> {
        Ok(revoke(self.pool(), (of, None, None), along, now).await?)
    }

    async fn create_service_account(
        &self,
        account: &ServiceAccount,
        by: Option<&Authority>,
        at_most: u32,
        along: &Effects,
    ) -> Result<ServiceAccountCreation> {
        let work = || async {
            // Two statements: what was written by whoever held the lock before, only a later snapshot
            // sees.
            let mut transaction = match account.organization {
                Some(organization) => self.lock_organization(organization).await?,
                None => self.pool().begin().await?,
            };
            let (allowed, done): (bool, bool) = query_as(CREATE_ACCOUNT)
                .bind(account.organization.map(|id| id.0))
                .bind(account.id.as_str())
                .bind(&account.name)
                .bind(micros(account.created_at))
                .bind(account.disabled_at.map(micros))
                .bind(by.map(|by| by.user.as_str()))
                .bind(role_names(by))
                .bind(i64::from(at_most))
                .bind(effects(along))
                .fetch_one(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(match (allowed, done) {
                (_, true) => ServiceAccountCreation::Created,
                (true, false) => ServiceAccountCreation::TooMany,
                (false, false) => ServiceAccountCreation::NotAllowed,
            })
        };
        self.pool().transition(work).await
    }

    async fn find_service_account(&self, id: &UserId) -> Result<Option<ServiceAccount>> {
        let row: Option<ServiceAccountRow> =
            query_as(FIND_SERVICE_ACCOUNT).bind(id.as_str()).fetch_optional(self.pool()).await?;
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
            .bind(i64::from(limit))
            .fetch_all(self.pool())
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
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            if by.is_some() {
                query(LOCK_ORGANIZATION).bind(id.as_str()).execute(&mut *transaction).await?;
            }
            let changed = query_scalar(concat!(
                "WITH done AS (
                 UPDATE donjon_service_accounts SET disabled_at = $2
                 WHERE id = $1 AND (disabled_at IS NULL) <> ($2 IS NULL) AND ",
                may_see_to!("$1", "$4", "$5"),
                " RETURNING NULL::text AS user_id
             ), ",
                along!("done", "$3"),
                " SELECT EXISTS (SELECT 1 FROM done)",
            ))
            .bind(id.as_str())
            .bind(disabled_at.map(micros))
            .bind(effects(along))
            .bind(by.map(|by| by.user.as_str()))
            .bind(role_names(by))
            .fetch_one(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(changed)
        };
        self.pool().transition(work).await
    }

    async fn sweep_api_tokens(&self, before: OffsetDateTime, limit: u32) -> Result<u64> {
        let over = "DELETE FROM donjon_api_tokens WHERE id IN
             (SELECT id FROM donjon_api_tokens WHERE revoked_at < $1 OR expires_at < $1
              LIMIT $2 FOR UPDATE SKIP LOCKED)";
        sweep(self.pool(), over, before, limit).await
    }
}

/// Revokes one token of an owner, or all.
async fn revoke<'e>(
    on: impl Executor<'e, Database = Postgres>,
    (of, id, by): (&TokenOwner, Option<ApiTokenId>, Option<&Authority>),
    along: &Effects,
    now: OffsetDateTime,
) -> sqlx::Result<u64> {
    let (user, service) = owner(of);
    let revoked: i64 = query_scalar(REVOKE)
        .bind(user)
        .bind(service)
        .bind(id.map(|id| id.0))
        .bind(micros(now))
        .bind(effects(along))
        .bind(by.map(|by| by.user.as_str()))
        .bind(role_names(by))
        .fetch_one(on)
        .await?;
    Ok(revoked.unsigned_abs())
}
