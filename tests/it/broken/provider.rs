use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use donjon::crypto::{RandomExt as _, Sealed, SystemRandom, TokenHash};
use donjon::scope::UserId;
use donjon::store::{
    ClientAssertionUse, CodeIssue, CodeRedemption, Consent, InteractionSave, IssuerId, LimitCount,
    NewCode, ProviderStore, RateLimit, RedeemCode, RefreshRotation, Result, Revocation,
    RotateRefresh, SaveInteraction, StoredClient, StoredCode, StoredInteraction, StoredKey,
    StoredRefreshToken,
};
use donjon::testing::contract;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::support::database::Database;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// Checks, then writes: two callers can both pass the check.
    RedeemsTwice,
    /// Refuses a replayed code and rolls the revocation back with it.
    ForgetsTheDenial,
    /// Takes no notice of a rotation that came first.
    LosesARaceSilently,
    /// Revokes the tokens it sees, not one that is written at the same moment.
    SparesTheChild,
    /// Makes up a successor for whoever repeats a rotation.
    GraceSuccessorDiffers,
    /// Keeps the grace window open after the successor was used.
    GraceStaysOpen,
    /// Forgets which assertions were used, beside a refresh token.
    AssertsTwice,
    /// Looks up a code by itself, whoever presents it.
    RedeemsForStrangers,
    /// Moves the cursor before the grants are revoked, in a transition of its own.
    SkipsEnds,
    /// Lets every node that starts write keys.
    WritesManyFirstKeys,
    /// Counts the log from what is visible now.
    SkipsRevocations,
    /// Looks whether a limit is reached, and counts later.
    CountsLate,
    /// Reads how many wrong secrets there were, and writes later.
    CountsFailuresLate,
    /// Looks at the grant, but not at the login behind it, when a refresh token is presented.
    RefreshesForTheEnded,
}

#[derive(Debug)]
struct Broken {
    store: Arc<dyn ProviderStore>,
    fault: Fault,
    /// Tokens written under families that were revoked meanwhile.
    children: Mutex<HashSet<[u8; 32]>>,
    /// When each token was rotated, and its sealed successor.
    rotated: Mutex<HashMap<[u8; 32], (OffsetDateTime, Sealed)>>,
    /// Whether somebody is yet to slip through.
    late: AtomicBool,
}

impl Broken {
    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// Looks whether the family lives, and writes the child whatever happens in between.
    async fn rotate_beside_a_revocation(
        &self,
        issuer: &IssuerId,
        rotate: &RotateRefresh,
    ) -> Result<RefreshRotation> {
        if self.children.lock().unwrap().contains(rotate.presented.as_bytes()) {
            return Ok(RefreshRotation::Rotated);
        }
        let seen = self.store.load_refresh(issuer, &rotate.presented).await?;
        a_moment().await;
        let rotation = self.store.rotate_refresh(issuer, rotate).await?;
        let lived = seen.is_some_and(|token| !token.revoked && !token.rotated);
        if lived && rotation == RefreshRotation::Unknown && rotate.client_id != "thief" {
            self.children.lock().unwrap().insert(*rotate.successor.token.as_bytes());
            return Ok(RefreshRotation::Rotated);
        }
        Ok(rotation)
    }
}

async fn a_moment() {
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
}

#[async_trait]
impl ProviderStore for Broken {
    async fn client(&self, issuer: &IssuerId, client_id: &str) -> Result<Option<StoredClient>> {
        self.store.client(issuer, client_id).await
    }

    async fn save_client(&self, issuer: &IssuerId, client: &StoredClient) -> Result<()> {
        self.store.save_client(issuer, client).await
    }

    async fn signing_keys(&self, issuer: &IssuerId) -> Result<Vec<StoredKey>> {
        self.store.signing_keys(issuer).await
    }

    async fn ensure_signing_keys(
        &self,
        issuer: &IssuerId,
        keys: &[StoredKey],
    ) -> Result<Vec<StoredKey>> {
        if self.has(Fault::WritesManyFirstKeys) {
            let there = self.store.signing_keys(issuer).await?;
            a_moment().await;
            for key in keys {
                if !there.iter().any(|other| other.algorithm == key.algorithm) {
                    self.store.add_signing_key(issuer, key).await?;
                }
            }
            return self.store.signing_keys(issuer).await;
        }
        self.store.ensure_signing_keys(issuer, keys).await
    }

    async fn add_signing_key(&self, issuer: &IssuerId, key: &StoredKey) -> Result<()> {
        self.store.add_signing_key(issuer, key).await
    }

    async fn count_client_failure(
        &self,
        issuer: &IssuerId,
        client_id: &str,
        network: &str,
        limit: RateLimit,
        now: OffsetDateTime,
    ) -> Result<LimitCount> {
        let count = self.store.count_client_failure(issuer, client_id, network, limit, now).await?;
        // As if it read, and wrote later.
        let lost = u32::from(self.has(Fault::CountsFailuresLate) && count.times > 20);
        Ok(LimitCount { times: count.times - lost, ..count })
    }

    async fn consent(
        &self,
        issuer: &IssuerId,
        subject: &UserId,
        client_id: &str,
        resources: &[String],
    ) -> Result<Option<Consent>> {
        self.store.consent(issuer, subject, client_id, resources).await
    }

    async fn save_interaction(
        &self,
        issuer: &IssuerId,
        save: &SaveInteraction,
    ) -> Result<InteractionSave> {
        let saved = self.store.save_interaction(issuer, save).await?;
        let mut save = save.clone();
        // The first to be refused has looked before the last that was kept had counted.
        let refused = saved != InteractionSave::Saved;
        if refused && self.has(Fault::CountsLate) && self.late.swap(false, Ordering::SeqCst) {
            save.network = "counted nowhere".into();
            return self.store.save_interaction(issuer, &save).await;
        }
        Ok(saved)
    }

    async fn load_interaction(
        &self,
        issuer: &IssuerId,
        interaction_id: &str,
        now: OffsetDateTime,
    ) -> Result<Option<StoredInteraction>> {
        self.store.load_interaction(issuer, interaction_id, now).await
    }

    async fn issue_code(&self, issuer: &IssuerId, code: &NewCode) -> Result<CodeIssue> {
        self.store.issue_code(issuer, code).await
    }

    async fn load_code(&self, issuer: &IssuerId, code: &TokenHash) -> Result<Option<StoredCode>> {
        self.store.load_code(issuer, code).await
    }

    async fn redeem_code(&self, issuer: &IssuerId, redeem: &RedeemCode) -> Result<CodeRedemption> {
        let mut redeem = redeem.clone();
        match self.fault {
            Fault::RedeemsTwice => {
                let unredeemed = self.store.load_code(issuer, &redeem.code).await?.is_some();
                a_moment().await;
                let redemption = self.store.redeem_code(issuer, &redeem).await?;
                let replayed = redemption == CodeRedemption::Replayed;
                Ok(if unredeemed && replayed { CodeRedemption::Redeemed } else { redemption })
            }
            Fault::ForgetsTheDenial => {
                // A replay long after: as if the revocation had been rolled back with the refusal.
                let stored = self.store.load_code(issuer, &redeem.code).await?;
                if stored.is_some_and(|stored| stored.expires_at + Duration::MINUTE < redeem.now) {
                    return Ok(CodeRedemption::Replayed);
                }
                self.store.redeem_code(issuer, &redeem).await
            }
            Fault::RedeemsForStrangers => {
                if let Some(stored) = self.store.load_code(issuer, &redeem.code).await? {
                    redeem.client_id = stored.grant.client_id;
                }
                self.store.redeem_code(issuer, &redeem).await
            }
            _ => self.store.redeem_code(issuer, &redeem).await,
        }
    }

    async fn load_refresh(
        &self,
        issuer: &IssuerId,
        token: &TokenHash,
    ) -> Result<Option<StoredRefreshToken>> {
        self.store.load_refresh(issuer, token).await
    }

    async fn rotate_refresh(
        &self,
        issuer: &IssuerId,
        rotate: &RotateRefresh,
    ) -> Result<RefreshRotation> {
        let mut rotate = rotate.clone();
        if self.has(Fault::AssertsTwice) {
            rotate.assertion = None;
        }
        if self.has(Fault::GraceStaysOpen) && rotate.assertion.is_none() {
            let before = self.rotated.lock().unwrap().get(rotate.presented.as_bytes()).cloned();
            let stored = self.store.load_refresh(issuer, &rotate.presented).await?;
            if let (Some((at, successor_sealed)), Some(stored)) = (before, stored)
                && rotate.now < at + rotate.grace
                && !stored.revoked
            {
                return Ok(RefreshRotation::Repeated { successor_sealed });
            }
        }
        if self.has(Fault::SparesTheChild) {
            return self.rotate_beside_a_revocation(issuer, &rotate).await;
        }
        let rotation = self.store.rotate_refresh(issuer, &rotate).await?;
        if self.has(Fault::RefreshesForTheEnded) && rotation == RefreshRotation::Unknown {
            let stored = self.store.load_refresh(issuer, &rotate.presented).await?;
            let own = stored.filter(|stored| stored.grant.client_id == rotate.client_id);
            if own.is_some_and(|stored| !stored.revoked && !stored.rotated) {
                return Ok(RefreshRotation::Rotated);
            }
        }
        if rotation == RefreshRotation::Rotated {
            let sealed = (rotate.now, rotate.successor_sealed.clone());
            self.rotated.lock().unwrap().insert(*rotate.presented.as_bytes(), sealed);
        }
        match (self.fault, &rotation) {
            (Fault::LosesARaceSilently, RefreshRotation::Repeated { .. }) => {
                Ok(RefreshRotation::Rotated)
            }
            (Fault::GraceSuccessorDiffers, RefreshRotation::Repeated { .. }) => {
                let sealed = Sealed::from_bytes(SystemRandom.bytes::<32>().to_vec());
                Ok(RefreshRotation::Repeated { successor_sealed: sealed })
            }
            _ => Ok(rotation),
        }
    }

    async fn revoke_grant(
        &self,
        issuer: &IssuerId,
        grant: Uuid,
        now: OffsetDateTime,
        revocation_expires_at: OffsetDateTime,
    ) -> Result<bool> {
        self.store.revoke_grant(issuer, grant, now, revocation_expires_at).await
    }

    async fn revoke_access_token(
        &self,
        issuer: &IssuerId,
        jti: &str,
        expires_at: OffsetDateTime,
    ) -> Result<()> {
        self.store.revoke_access_token(issuer, jti, expires_at).await
    }

    async fn revocations(
        &self,
        issuer: &IssuerId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Revocation>> {
        let mut entries = self.store.revocations(issuer, after, limit).await?;
        if self.has(Fault::SkipsRevocations) && entries.len() > 2 {
            entries.remove(0);
        }
        Ok(entries)
    }

    async fn consume_client_assertion(
        &self,
        issuer: &IssuerId,
        assertion: &ClientAssertionUse,
        now: OffsetDateTime,
    ) -> Result<bool> {
        self.store.consume_client_assertion(issuer, assertion, now).await
    }

    async fn apply_session_events(
        &self,
        issuer: &IssuerId,
        limit: u32,
        now: OffsetDateTime,
        revocation_expires_at: OffsetDateTime,
    ) -> Result<u32> {
        if self.has(Fault::SkipsEnds) {
            let nobodys = IssuerId::new("https://nobody.example");
            return self
                .store
                .apply_session_events(&nobodys, limit, now, revocation_expires_at)
                .await;
        }
        self.store.apply_session_events(issuer, limit, now, revocation_expires_at).await
    }

    async fn sweep_provider(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        self.store.sweep_provider(now, limit).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_broken_provider_store_breaks() {
    for (fault, expected) in [
        (Fault::RedeemsTwice, "of many redemptions of one code exactly one wins"),
        (Fault::ForgetsTheDenial, "the denial of a replayed code is remembered"),
        (Fault::LosesARaceSilently, "of many rotations of one refresh token exactly one wins"),
        (Fault::SparesTheChild, "no token outlives its family, not even one issued meanwhile"),
        (Fault::GraceSuccessorDiffers, "who repeats a rotation in time gets the same successor"),
        (Fault::GraceStaysOpen, "the grace window closes when the successor is used"),
        (Fault::AssertsTwice, "a request with a used assertion changes nothing"),
        (Fault::RedeemsForStrangers, "a code of another client is unknown, and stays good"),
        (Fault::SkipsEnds, "the end of a session ends the grants that rest on it, and no others"),
        (
            Fault::WritesManyFirstKeys,
            "of nodes that start at once one writes the first key of each algorithm",
        ),
        (
            Fault::CountsLate,
            "interactions are kept as often as the limits allow, and not once more",
        ),
        (Fault::CountsFailuresLate, "each wrong secret of a client from a network is counted"),
        (Fault::SkipsRevocations, "a cursor that follows the revocation log skips no entry"),
        (
            Fault::RefreshesForTheEnded,
            "a refresh token is not rotated once its login has ended, applied or not",
        ),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Broken {
            store: (&store).into(),
            fault,
            children: Mutex::default(),
            rotated: Mutex::default(),
            late: AtomicBool::new(true),
        };
        let violation = contract::provider(Arc::new(broken), store.into()).await.unwrap_err();
        assert_eq!(violation.rule, expected, "{fault:?}: {violation}");
    }
}
