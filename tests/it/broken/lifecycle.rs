use std::sync::Arc;

use async_trait::async_trait;
use donjon::scope::{Attributes, UserId};
use donjon::store::*;
use donjon::testing::contract::{self, ReceiptParts};
use time::{Duration, OffsetDateTime};

use super::unsigned;
use crate::account::receipts;
use crate::support::database::Database;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Tells everybody who asks for a deletion that they were first.
    SchedulesTwice,
    /// Tells everybody who keeps an account that they did.
    KeepsTwice,
    /// Lets anybody ask again at once, as some do that keep the rule in a helper.
    NeverCools,
    /// Does not mind whose login it is that keeps an account.
    KeepsForAnybody,
    /// Takes what is due in this process's own time.
    TakesTooEarly,
    /// Tells everybody who deletes an account that they did.
    DeletesTwice,
    /// Keeps the address whatever the strategy.
    KeepsAddresses,
    /// Tells everybody who changes attributes that they did.
    LosesAttributes,
    /// Tells everybody who disables an account that they did.
    DisablesTwice,
    /// Tells everybody who removes an account of which nothing came that they did.
    RemovesTwice,
    /// Removes an account whatever has become of it.
    RemovesAnybody,
    /// Leaves out the limit of rows.
    TellsTooMuch,
    /// Takes all that is due for one user's sake.
    TakesOthersToo,
    /// Finds that nobody is left alone.
    LeavesThemAlone,
    /// Says of no login where it was seen.
    SignsNoSighting,
}

#[derive(Debug)]
struct Broken {
    good: Arc<dyn LifecycleStore>,
    fault: Fault,
}

impl Broken {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }
}

#[async_trait]
impl LifecycleStore for Broken {
    async fn standing(&self, user: &UserId) -> Result<Option<Standing>> {
        self.good.standing(user).await
    }

    async fn request_deletion(
        &self,
        deletion: &NewDeletion,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<DeletionRequest> {
        let later = if self.is(Fault::NeverCools) { now + Duration::DAY } else { now };
        let told = self.good.request_deletion(deletion, along, later).await?;
        let lies = self.is(Fault::SchedulesTwice) && told == DeletionRequest::AlreadyScheduled;
        Ok(if lies { DeletionRequest::Scheduled } else { told })
    }

    async fn cancel_deletion(
        &self,
        by: &KeptBy,
        cooldown: Duration,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<DeletionCancel> {
        let anybody = match by {
            KeptBy::Login(user, _) if self.is(Fault::KeepsForAnybody) => {
                KeptBy::Administrator(user.clone())
            }
            other => other.clone(),
        };
        let along = if self.is(Fault::SignsNoSighting) { &unsigned(along) } else { along };
        let told = self.good.cancel_deletion(&anybody, cooldown, along, now).await?;
        Ok(match by {
            KeptBy::Login(user, _) if self.is(Fault::KeepsTwice) => {
                DeletionCancel::Kept(user.clone())
            }
            _ => told,
        })
    }

    async fn claim_deletions(
        &self,
        now: OffsetDateTime,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<DueDeletion>> {
        let early = if self.is(Fault::TakesTooEarly) { now + Duration::HOUR } else { now };
        self.good.claim_deletions(early, lease, limit).await
    }

    async fn claim_deletion_of(
        &self,
        user: &UserId,
        now: OffsetDateTime,
        lease: Duration,
    ) -> Result<Option<DueDeletion>> {
        if self.is(Fault::TakesOthersToo) {
            let all = self.good.claim_deletions(now, lease, 1_000).await?;
            return Ok(all.into_iter().find(|due| due.user == *user));
        }
        self.good.claim_deletion_of(user, now, lease).await
    }

    async fn left_alone_by(&self, user: &UserId) -> Result<Vec<String>> {
        if self.is(Fault::LeavesThemAlone) {
            return Ok(Vec::new());
        }
        self.good.left_alone_by(user).await
    }

    async fn execute_deletion(
        &self,
        deletion: &DueDeletion,
        strategy: DeletionStrategy,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<DeletionExecution> {
        let kept = DeletionStrategy::Soft { keeps_address: true };
        let keeps = self.is(Fault::KeepsAddresses) && strategy != DeletionStrategy::Hard;
        let strategy = if keeps { kept } else { strategy };
        let told = self.good.execute_deletion(deletion, strategy, along, now).await?;
        Ok(if self.is(Fault::DeletesTwice) { DeletionExecution::Deleted } else { told })
    }

    async fn finish_deletion(
        &self,
        deletion: &DueDeletion,
        outcome: DeletionOutcome,
    ) -> Result<()> {
        self.good.finish_deletion(deletion, outcome).await
    }

    async fn sweep_deletions(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        self.good.sweep_deletions(now, limit).await
    }

    async fn abandoned_accounts(
        &self,
        before: OffsetDateTime,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<UserId>> {
        self.good.abandoned_accounts(before, now, limit).await
    }

    async fn remove_abandoned_account(
        &self,
        user: &UserId,
        before: OffsetDateTime,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let later =
            if self.is(Fault::RemovesAnybody) { before + Duration::days(9) } else { before };
        let told = self.good.remove_abandoned_account(user, later, along, now).await?;
        let gone = self.good.standing(user).await?.is_none();
        Ok(told || (self.is(Fault::RemovesTwice) && gone))
    }

    async fn disable_account(
        &self,
        user: &UserId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let told = self.good.disable_account(user, along, now).await?;
        Ok(told || self.is(Fault::DisablesTwice))
    }

    async fn enable_account(&self, user: &UserId, along: &Effects) -> Result<bool> {
        self.good.enable_account(user, along).await
    }

    async fn user_data(&self, user: &UserId, limit: u32) -> Result<Vec<UserSection>> {
        let limit = if self.is(Fault::TellsTooMuch) { 1_000 } else { limit };
        self.good.user_data(user, limit).await
    }

    async fn load_attributes(
        &self,
        user: &UserId,
    ) -> Result<Option<(Attributes, AttributesVersion)>> {
        self.good.load_attributes(user).await
    }

    async fn change_attributes(
        &self,
        user: &UserId,
        version: AttributesVersion,
        attributes: &Attributes,
        along: &Effects,
    ) -> Result<AttributesChange> {
        let told = self.good.change_attributes(user, version, attributes, along).await?;
        Ok(if self.is(Fault::LosesAttributes) { AttributesChange::Written } else { told })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_store_of_lifecycles_breaks() {
    for (fault, rule) in [
        (Fault::SchedulesTwice, "a deletion is asked for once"),
        (Fault::KeepsTwice, "an account is kept once"),
        (Fault::NeverCools, "after an account was kept another deletion waits"),
        (Fault::KeepsForAnybody, "an account is kept by its user, or by its link, in time"),
        (Fault::TakesTooEarly, "a deletion that is due is taken by one worker, with the account"),
        (
            Fault::TakesOthersToo,
            "the deletion of one user is taken by one caller, and no other with it",
        ),
        (Fault::DeletesTwice, "an account is deleted once, and the last mail is written with it"),
        (
            Fault::KeepsAddresses,
            "the address of a deleted account is free, unless the host keeps it",
        ),
        (Fault::LosesAttributes, "of many who change the same attributes exactly one does"),
        (Fault::DisablesTwice, "a disabled account is shut at once, and until it is enabled"),
        (Fault::RemovesTwice, "an account of which nothing came is removed once"),
        (Fault::RemovesAnybody, "only an account of which nothing came is removed"),
        (Fault::TellsTooMuch, "what is held about a user is told, and nothing secret or of others"),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Broken { good: (&store).into(), fault };
        let seen = contract::lifecycles(Arc::new(broken), (&store).into(), (&store).into()).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_of_organizations_asks_who_is_left_alone() {
    let store = Database::sqlite().store().await;
    let mut parts = crate::account::organizations::store::parts(&store);
    parts.lifecycles = Arc::new(Broken { good: (&store).into(), fault: Fault::LeavesThemAlone });
    let seen = contract::organizations(parts).await.unwrap_err();
    assert_eq!(seen.rule, "it is told which organizations a deletion would leave without an owner");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_sees_a_store_of_lifecycles_that_does_not_say_what_it_wrote() {
    for (fault, rule) in [(Fault::SignsNoSighting, "a store says where a login was seen")] {
        let store = Database::sqlite().store().await;
        let lifecycles = Arc::new(Broken { good: (&store).into(), fault });
        let seen = contract::receipts(ReceiptParts { lifecycles, ..receipts::parts(&store) }).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
