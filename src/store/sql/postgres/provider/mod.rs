//! The authorization server's transitions on PostgreSQL.
//!
//! A transition that hands something out is one statement. It takes its locks in one order, in
//! every statement: the client's assertion, the grant, its codes and tokens, the log. Who loses is
//! told why by a second look, in a transaction that holds the lock of the grant from its first
//! statement on, since the snapshot of the lost statement is stale.

mod client;
mod code;
mod interaction;
mod present;
mod refresh;
mod revocation;
pub(super) mod session;
mod sweep;

use async_trait::async_trait;
use time::OffsetDateTime;
use uuid::Uuid;

use super::PostgresStore;
use crate::crypto::TokenHash;
use crate::scope::UserId;
use crate::store::sql::convert::micros;
use crate::store::sql::rate_limit::{client_failure_key, counting_one_more, limit_count};
use crate::store::{
    ClientAssertionUse, CodeIssue, CodeRedemption, Consent, InteractionSave, IssuerId, LimitCount,
    NewCode, ProviderStore, RateLimit, RedeemCode, RefreshRotation, Result, Revocation,
    RotateRefresh, SaveInteraction, StoredClient, StoredCode, StoredInteraction, StoredKey,
    StoredRefreshToken,
};

const COUNT_FAILURE: &str = concat!(
    "INSERT INTO donjon_rate_limits AS r (key, times, expires_at) VALUES ($1, 1, $3)",
    counting_one_more!("$2")
);

#[async_trait]
impl ProviderStore for PostgresStore {
    async fn client(&self, issuer: &IssuerId, client_id: &str) -> Result<Option<StoredClient>> {
        client::load(self.pool(), issuer, client_id).await
    }

    async fn save_client(&self, issuer: &IssuerId, client: &StoredClient) -> Result<()> {
        client::save(self.pool(), issuer, client).await
    }

    async fn signing_keys(&self, issuer: &IssuerId) -> Result<Vec<StoredKey>> {
        client::keys(self.pool(), issuer).await
    }

    async fn ensure_signing_keys(
        &self,
        issuer: &IssuerId,
        keys: &[StoredKey],
    ) -> Result<Vec<StoredKey>> {
        client::ensure_keys(self.pool(), issuer, keys).await
    }

    async fn add_signing_key(&self, issuer: &IssuerId, key: &StoredKey) -> Result<()> {
        client::add_key(self.pool(), issuer, key).await
    }

    async fn count_client_failure(
        &self,
        issuer: &IssuerId,
        client_id: &str,
        network: &str,
        limit: RateLimit,
        now: OffsetDateTime,
    ) -> Result<LimitCount> {
        let key = client_failure_key(issuer, client_id, network);
        let row = sqlx::query_as(COUNT_FAILURE)
            .bind(key)
            .bind(micros(now))
            .bind(micros(now + limit.window))
            .fetch_one(self.pool())
            .await?;
        limit_count(row)
    }

    async fn consent(
        &self,
        issuer: &IssuerId,
        subject: &UserId,
        client_id: &str,
        resources: &[String],
    ) -> Result<Option<Consent>> {
        interaction::consent(self.pool(), issuer, subject, client_id, resources).await
    }

    async fn save_interaction(
        &self,
        issuer: &IssuerId,
        save: &SaveInteraction,
    ) -> Result<InteractionSave> {
        interaction::save(self.pool(), issuer, save).await
    }

    async fn load_interaction(
        &self,
        issuer: &IssuerId,
        interaction_id: &str,
        now: OffsetDateTime,
    ) -> Result<Option<StoredInteraction>> {
        interaction::load(self.pool(), issuer, interaction_id, now).await
    }

    async fn issue_code(&self, issuer: &IssuerId, code: &NewCode) -> Result<CodeIssue> {
        code::issue(self.pool(), issuer, code).await
    }

    async fn load_code(&self, issuer: &IssuerId, code: &TokenHash) -> Result<Option<StoredCode>> {
        code::load(self.pool(), issuer, code).await
    }

    async fn redeem_code(&self, issuer: &IssuerId, redeem: &RedeemCode) -> Result<CodeRedemption> {
        code::redeem(self.pool(), issuer, redeem).await
    }

    async fn load_refresh(
        &self,
        issuer: &IssuerId,
        token: &TokenHash,
    ) -> Result<Option<StoredRefreshToken>> {
        refresh::load(self.pool(), issuer, token).await
    }

    async fn rotate_refresh(
        &self,
        issuer: &IssuerId,
        rotate: &RotateRefresh,
    ) -> Result<RefreshRotation> {
        refresh::rotate(self.pool(), issuer, rotate).await
    }

    async fn revoke_grant(
        &self,
        issuer: &IssuerId,
        grant: Uuid,
        now: OffsetDateTime,
        revocation_expires_at: OffsetDateTime,
    ) -> Result<bool> {
        revocation::revoke(self.pool(), issuer, grant, now, revocation_expires_at).await
    }

    async fn revoke_access_token(
        &self,
        issuer: &IssuerId,
        jti: &str,
        expires_at: OffsetDateTime,
    ) -> Result<()> {
        revocation::revoke_token(self.pool(), issuer, jti, expires_at).await
    }

    async fn revocations(
        &self,
        issuer: &IssuerId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Revocation>> {
        revocation::log(self.pool(), issuer, after, limit).await
    }

    async fn consume_client_assertion(
        &self,
        issuer: &IssuerId,
        assertion: &ClientAssertionUse,
        now: OffsetDateTime,
    ) -> Result<bool> {
        client::consume_assertion(self.pool(), issuer, assertion, now).await
    }

    async fn apply_session_events(
        &self,
        issuer: &IssuerId,
        limit: u32,
        now: OffsetDateTime,
        revocation_expires_at: OffsetDateTime,
    ) -> Result<u32> {
        session::apply(self.pool(), issuer, limit, now, revocation_expires_at).await
    }

    async fn sweep_provider(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        sweep::sweep(self.pool(), now, limit).await
    }
}
