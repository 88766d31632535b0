use std::sync::Arc;

use async_trait::async_trait;
use donjon::scope::{SessionId, UserId};
use donjon::store::*;
use donjon::testing::contract;
use time::OffsetDateTime;

use crate::support::database::Database;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Begins each page anew.
    ForgetsTheCursor,
    /// Tells everybody that they began.
    BeginsTwice,
    /// Says yes, and binds nothing.
    BindsNothing,
    /// Does not tell what runs.
    TellsNothing,
    /// Tells what runs, and nothing of where it is led from.
    ForgetsTheLeader,
    /// Tells of those only whose administrators are still there.
    ForgetsTheOver,
    /// Tells everybody that they ended it.
    EndsTwice,
    /// Does not mind the limit.
    CountsNothing,
}

#[derive(Debug)]
struct Broken {
    good: Arc<dyn AdminStore>,
    fault: Fault,
}

#[async_trait]
impl AdminStore for Broken {
    async fn list_accounts(
        &self,
        filter: &AccountFilter,
        limit: u32,
    ) -> Result<Vec<AccountSummary>> {
        let mut filter = filter.clone();
        filter.before = filter.before.filter(|_| self.fault != Fault::ForgetsTheCursor);
        self.good.list_accounts(&filter, limit).await
    }

    async fn begin_impersonation(
        &self,
        impersonation: &NewImpersonation,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let late = now + time::Duration::days(9_000);
        let now = if self.fault == Fault::BindsNothing { late } else { now };
        let told = self.good.begin_impersonation(impersonation, along, now).await?;
        Ok(told || self.fault == Fault::BeginsTwice)
    }

    async fn running_impersonations(
        &self,
        after: Option<SessionId>,
        limit: u32,
        now: OffsetDateTime,
    ) -> Result<Vec<RunningImpersonation>> {
        let most = if self.fault == Fault::ForgetsTheOver { 1_000 } else { limit };
        let mut told = self.good.running_impersonations(after, most, now).await?;
        if self.fault == Fault::TellsNothing {
            told.clear();
        }
        if self.fault == Fault::ForgetsTheLeader {
            told.iter_mut().for_each(|one| one.led_from = Some(one.session.clone()));
        }
        if self.fault == Fault::ForgetsTheOver {
            told.retain(|one| one.led_from.is_some());
            told.truncate(limit.try_into().unwrap());
        }
        Ok(told)
    }

    async fn end_impersonation(
        &self,
        user: &UserId,
        session: SessionId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let told = self.good.end_impersonation(user, session, along, now).await?;
        Ok(told || self.fault == Fault::EndsTwice)
    }

    async fn count_admin_action(
        &self,
        administrator: &UserId,
        limit: RateLimit,
        now: OffsetDateTime,
    ) -> Result<bool> {
        let told = self.good.count_admin_action(administrator, limit, now).await?;
        Ok(told || self.fault == Fault::CountsNothing)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_store_of_administrators_breaks() {
    for (fault, rule) in [
        (Fault::ForgetsTheCursor, "accounts are listed page by page, by how their addresses begin"),
        (Fault::BeginsTwice, "an impersonation begins once"),
        (Fault::BindsNothing, "an impersonation begins once"),
        (
            Fault::TellsNothing,
            "impersonations that run are told with the session they are led from",
        ),
        (
            Fault::ForgetsTheLeader,
            "impersonations that run are told with the session they are led from",
        ),
        (Fault::ForgetsTheOver, "impersonations are told whose administrator's session is over"),
        (Fault::EndsTwice, "an impersonation is ended once"),
        (Fault::CountsNothing, "what an administrator does is counted exactly"),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Arc::new(Broken { good: (&store).into(), fault });
        let (users, lifecycles, sessions) = ((&store).into(), (&store).into(), (&store).into());
        let seen = contract::administration(broken, users, lifecycles, sessions).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
