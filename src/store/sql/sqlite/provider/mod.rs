//! The authorization server's transitions on SQLite. Each is a function of a connection that the
//! writer has put into a savepoint, so it may read, decide and write at leisure.

mod client;
mod code;
mod interaction;
mod refresh;
mod revocation;
pub(super) mod session;
mod sweep;

use async_trait::async_trait;
use time::OffsetDateTime;
use uuid::Uuid;

use super::SqliteStore;
use crate::crypto::TokenHash;
use crate::scope::UserId;
use crate::store::sql::rate_limit::client_failure_key;
use crate::store::sql::sqlite::limit::count_use;
use crate::store::{
    ClientAssertionUse, CodeIssue, CodeRedemption, Consent, InteractionSave, IssuerId, LimitCount,
    NewCode, ProviderStore, RateLimit, RedeemCode, RefreshRotation, Result, Revocation,
    RotateRefresh, SaveInteraction, StoredClient, StoredCode, StoredInteraction, StoredKey,
    StoredRefreshToken,
};

/// Runs a function of this module as a transition, on clones of what it is given.
macro_rules! transition {
    ($store:ident, $function:path $(, $argument:ident)*) => {{
        $(let $argument = ToOwned::to_owned($argument);)*
        $store.transition(move |c| Box::pin(async move { $function(c $(, &$argument)*).await })).await
    }};
}

#[async_trait]
impl ProviderStore for SqliteStore {
    async fn client(&self, issuer: &IssuerId, client_id: &str) -> Result<Option<StoredClient>> {
        client::load(self.readers(), issuer, client_id).await
    }

    async fn save_client(&self, issuer: &IssuerId, client: &StoredClient) -> Result<()> {
        transition!(self, client::save, issuer, client)
    }

    async fn signing_keys(&self, issuer: &IssuerId) -> Result<Vec<StoredKey>> {
        client::keys(self.readers(), issuer).await
    }

    async fn ensure_signing_keys(
        &self,
        issuer: &IssuerId,
        keys: &[StoredKey],
    ) -> Result<Vec<StoredKey>> {
        transition!(self, client::ensure_keys, issuer, keys)
    }

    async fn add_signing_key(&self, issuer: &IssuerId, key: &StoredKey) -> Result<()> {
        transition!(self, client::add_key, issuer, key)
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
        self.transition(move |c| Box::pin(async move { count_use(c, &key, limit, now).await }))
            .await
    }

    async fn consent(
        &self,
        issuer: &IssuerId,
        subject: &UserId,
        client_id: &str,
        resources: &[String],
    ) -> Result<Option<Consent>> {
        interaction::consent(self.readers(), issuer, subject, client_id, resources).await
    }

    async fn save_interaction(
        &self,
        issuer: &IssuerId,
        save: &SaveInteraction,
    ) -> Result<InteractionSave> {
        transition!(self, interaction::save, issuer, save)
    }

    async fn load_interaction(
        &self,
        issuer: &IssuerId,
        interaction_id: &str,
        now: OffsetDateTime,
    ) -> Result<Option<StoredInteraction>> {
        interaction::load(self.readers(), issuer, interaction_id, now).await
    }

    async fn issue_code(&self, issuer: &IssuerId, code: &NewCode) -> Result<CodeIssue> {
        transition!(self, code::issue, issuer, code)
    }

    async fn load_code(&self, issuer: &IssuerId, code: &TokenHash) -> Result<Option<StoredCode>> {
        code::load(self.readers(), issuer, code).await
    }

    async fn redeem_code(&self, issuer: &IssuerId, redeem: &RedeemCode) -> Result<CodeRedemption> {
        transition!(self, code::redeem, issuer, redeem)
    }

    async fn load_refresh(
        &self,
        issuer: &IssuerId,
        token: &TokenHash,
    ) -> Result<Option<StoredRefreshToken>> {
        refresh::load(self.readers(), issuer, token).await
    }

    async fn rotate_refresh(
        &self,
        issuer: &IssuerId,
        rotate: &RotateRefresh,
    ) -> Result<RefreshRotation> {
        transition!(self, refresh::rotate, issuer, rotate)
    }

    async fn revoke_grant(
        &self,
        issuer: &IssuerId,
        grant: Uuid,
        now: OffsetDateTime,
        revocation_expires_at: OffsetDateTime,
    ) -> Result<bool> {
        let issuer = issuer.clone();
        self.transition(move |connection| {
            Box::pin(async move {
                revocation::revoke(connection, &issuer, grant, now, revocation_expires_at).await
            })
        })
        .await
    }

    async fn revoke_access_token(
        &self,
        issuer: &IssuerId,
        jti: &str,
        expires_at: OffsetDateTime,
    ) -> Result<()> {
        let expires_at = &expires_at;
        transition!(self, revocation::revoke_token, issuer, jti, expires_at)
    }

    async fn revocations(
        &self,
        issuer: &IssuerId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Revocation>> {
        revocation::log(self.readers(), issuer, after, limit).await
    }

    async fn consume_client_assertion(
        &self,
        issuer: &IssuerId,
        assertion: &ClientAssertionUse,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let now = &now;
        transition!(self, client::consume_assertion, issuer, assertion, now)
    }

    async fn apply_session_events(
        &self,
        issuer: &IssuerId,
        limit: u32,
        now: OffsetDateTime,
        revocation_expires_at: OffsetDateTime,
    ) -> Result<u32> {
        if !session::is_behind(self.readers(), issuer).await? {
            return Ok(0);
        }
        let issuer = issuer.clone();
        self.transition(move |connection| {
            Box::pin(async move {
                session::apply(connection, &issuer, limit, now, revocation_expires_at).await
            })
        })
        .await
    }

    async fn sweep_provider(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        self.transition(move |connection| Box::pin(sweep::sweep(connection, now, limit))).await
    }
}
