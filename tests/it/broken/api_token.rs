use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use donjon::crypto::TokenHash;
use donjon::scope::{MemberRole, OrganizationId, UserId};
use donjon::store::*;
use donjon::testing::contract;
use time::{Duration, OffsetDateTime};

use crate::support::database::Database;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Counts before it writes, and not while: two callers see the same room.
    CountsTooEarly,
    /// Does not look whether the session is alive.
    IgnoresTheSession,
    /// Tells everybody who revokes that they did.
    RevokesForEverybody,
    /// Revokes whatever id it is given.
    RevokesForStrangers,
    /// Writes every refusal.
    TellsOfEverything,
    /// Shows revoked tokens to those who did not ask.
    ShowsTheRevoked,
    /// Opens with tokens that were revoked.
    ForgetsRevocations,
    /// Takes more than is old enough.
    SweepsTooMuch,
    /// Tells everybody who disables an account that they did.
    DisablesForEverybody,
    /// Shows each organization the accounts of the host.
    MixesOrganizations,
    /// Does not look who makes a service account.
    MakesForAnybody,
    /// Makes one service account more than may be.
    MakesTooMany,
    /// Does not look who makes a credential.
    GivesAnybodyCredentials,
    /// Does not look who revokes a credential.
    RevokesForAnybody,
    /// Looks who revokes a credential by what they were, not by what they are.
    RevokesForTheDemoted,
    /// Does not look who disables a service account.
    DisablesForAnybody,
    /// Changes something, and tells nobody.
    ForgetsWhatGoesAlong,
    /// Nothing.
    Nothing,
}

/// A member who is demoted the moment before a token is revoked.
pub type Demoted = Arc<Mutex<Option<(OrganizationId, UserId)>>>;

/// A store that does nothing wrong, of tokens that whoever is demoted meanwhile would revoke.
pub fn demoting(store: &SqlStore, demoted: &Demoted) -> Arc<dyn ApiTokenStore> {
    let before_revoking = Some((store.into(), Arc::clone(demoted)));
    let (good, fault) = (store.into(), Fault::Nothing);
    Arc::new(Broken { good, fault, allowed: Mutex::default(), before_revoking })
}

#[derive(Debug)]
struct Broken {
    good: Arc<dyn ApiTokenStore>,
    fault: Fault,
    /// Who was allowed to revoke a credential before.
    allowed: Mutex<HashSet<UserId>>,
    before_revoking: Option<(Arc<dyn OrganizationStore>, Demoted)>,
}

impl Broken {
    async fn demote(&self) -> Result<()> {
        let Some((organizations, demoted)) = &self.before_revoking else { return Ok(()) };
        let Some((organization, user)) = demoted.lock().unwrap().take() else { return Ok(()) };
        let role = NewRole { role: MemberRole::MEMBER, gives: Vec::new() };
        organizations.change_role(organization, &user, &role, None, &Effects::none()).await?;
        Ok(())
    }

    /// Whether it asks no more who this is.
    fn trusts(&self, by: &Authority) -> bool {
        self.is(Fault::RevokesForAnybody)
            || self.is(Fault::RevokesForTheDemoted)
                && self.allowed.lock().unwrap().contains(&by.user)
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }
}

#[async_trait]
impl ApiTokenStore for Broken {
    async fn create_api_token(
        &self,
        token: &NewApiToken,
        at_most: u32,
        along: &Effects,
    ) -> Result<TokenCreation> {
        let mut token = token.clone();
        token.by = token.by.filter(|_| !self.is(Fault::GivesAnybodyCredentials));
        token.made_in = token.made_in.filter(|_| !self.is(Fault::IgnoresTheSession));
        let at_most = if self.is(Fault::CountsTooEarly) { at_most + 1 } else { at_most };
        self.good.create_api_token(&token, at_most, along).await
    }

    async fn find_api_token(&self, hash: &TokenHash) -> Result<Option<PresentedToken>> {
        let mut found = self.good.find_api_token(hash).await?;
        if let Some(found) = found.as_mut().filter(|_| self.is(Fault::ForgetsRevocations)) {
            found.token.revoked_at = None;
        }
        Ok(found)
    }

    async fn touch_api_token(&self, id: ApiTokenId, now: OffsetDateTime) -> Result<()> {
        self.good.touch_api_token(id, now).await
    }

    async fn note_refused_token(
        &self,
        key: &str,
        mut limit: RateLimit,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        if self.is(Fault::TellsOfEverything) {
            limit.times = u32::MAX;
        }
        self.good.note_refused_token(key, limit, along, now).await
    }

    async fn api_tokens_of(
        &self,
        owner: &TokenOwner,
        mut page: TokenPage,
        limit: u32,
    ) -> Result<Vec<StoredApiToken>> {
        page.with_revoked |= self.is(Fault::ShowsTheRevoked);
        self.good.api_tokens_of(owner, page, limit).await
    }

    async fn revoke_api_token(
        &self,
        owner: &TokenOwner,
        id: ApiTokenId,
        by: Option<&Authority>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let kept = if self.is(Fault::ForgetsWhatGoesAlong) { &Effects::none() } else { along };
        self.demote().await?;
        let asks = by.filter(|by| !self.trusts(by));
        let told = self.good.revoke_api_token(owner, id, asks, kept, now).await?;
        if let Some(by) = by.filter(|_| told) {
            self.allowed.lock().unwrap().insert(by.user.clone());
        }
        let service = matches!(owner, TokenOwner::ServiceAccount(_));
        // Only to those whose the token is.
        let page = TokenPage { with_revoked: true, before: None };
        let own = self.good.api_tokens_of(owner, page, 9).await?.iter().any(|token| token.id == id);
        Ok(told
            || self.is(Fault::RevokesForStrangers) && !service
            || self.is(Fault::RevokesForEverybody) && own)
    }

    async fn revoke_api_tokens_of(
        &self,
        owner: &TokenOwner,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<u64> {
        self.good.revoke_api_tokens_of(owner, along, now).await
    }

    async fn create_service_account(
        &self,
        account: &ServiceAccount,
        by: Option<&Authority>,
        at_most: u32,
        along: &Effects,
    ) -> Result<ServiceAccountCreation> {
        let by = by.filter(|_| !self.is(Fault::MakesForAnybody));
        let at_most = if self.is(Fault::MakesTooMany) { at_most + 1 } else { at_most };
        self.good.create_service_account(account, by, at_most, along).await
    }

    async fn find_service_account(&self, id: &UserId) -> Result<Option<ServiceAccount>> {
        self.good.find_service_account(id).await
    }

    async fn service_accounts(
        &self,
        organization: Option<OrganizationId>,
        before: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<ServiceAccount>> {
        let organization = organization.filter(|_| !self.is(Fault::MixesOrganizations));
        self.good.service_accounts(organization, before, limit).await
    }

    async fn disable_service_account(
        &self,
        id: &UserId,
        disabled_at: Option<OffsetDateTime>,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<bool> {
        let by = by.filter(|_| !self.is(Fault::DisablesForAnybody));
        let told = self.good.disable_service_account(id, disabled_at, by, along).await?;
        Ok(told || self.is(Fault::DisablesForEverybody))
    }

    async fn sweep_api_tokens(&self, before: OffsetDateTime, limit: u32) -> Result<u64> {
        let wide = self.is(Fault::SweepsTooMuch);
        let before = if wide { before + Duration::SECOND } else { before };
        self.good.sweep_api_tokens(before, limit).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_store_of_api_tokens_breaks() {
    for (fault, rule) in [
        (
            Fault::CountsTooEarly,
            "any number of callers get the allowed number of tokens and no more",
        ),
        (Fault::IgnoresTheSession, "a token is made by somebody, in a session that is alive"),
        (Fault::RevokesForEverybody, "a token is revoked once"),
        (Fault::RevokesForStrangers, "a token is its owner's to revoke"),
        (Fault::TellsOfEverything, "refused tokens are told of so often and no more"),
        (Fault::ShowsTheRevoked, "no token outlives a reset of its user's password"),
        (
            Fault::ForgetsRevocations,
            "no token outlives its user's signing out everywhere and from apps",
        ),
        (Fault::SweepsTooMuch, "only tokens that are long over are swept, in bounded batches"),
        (Fault::DisablesForEverybody, "a service account is disabled once, and enabled once"),
        (Fault::MixesOrganizations, "service accounts are listed by organization, newest first"),
        (Fault::MakesForAnybody, "only who may makes a service account of an organization"),
        (
            Fault::MakesTooMany,
            "an organization gets the allowed number of service accounts and no more",
        ),
        (Fault::GivesAnybodyCredentials, "only who may makes a credential of a service account"),
        (Fault::RevokesForAnybody, "only who may revokes a credential of a service account"),
        (Fault::RevokesForTheDemoted, "who was demoted revokes nothing any more"),
        (Fault::DisablesForAnybody, "only who may disables a service account"),
        (
            Fault::ForgetsWhatGoesAlong,
            "what goes along is written if the change was made, and names its user",
        ),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Broken {
            good: (&store).into(),
            fault,
            allowed: Mutex::default(),
            before_revoking: None,
        };
        let (users, sessions, audit) = ((&store).into(), (&store).into(), (&store).into());
        let organizations = (&store).into();
        let broken = Arc::new(broken);
        let seen = contract::api_tokens(broken, users, sessions, organizations, audit).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
