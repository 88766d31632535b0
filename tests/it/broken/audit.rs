use std::sync::Arc;

use async_trait::async_trait;
use donjon::audit::AuditEntry;
use donjon::store::*;
use donjon::testing::contract;
use time::OffsetDateTime;

use crate::support::database::Database;

/// What an audit log does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Shows entries to who asked about somebody else.
    ForgetsWhoWasAskedAbout,
    /// Goes on by time alone: of entries at one moment some are never shown.
    SkipsWhatHappenedAtOnce,
    /// Takes more than is old enough.
    SweepsTooMuch,
}

#[derive(Debug)]
struct Broken {
    good: Arc<dyn AuditStore>,
    fault: Fault,
}

#[async_trait]
impl AuditStore for Broken {
    async fn write_audit_entry(&self, entry: &AuditEntry) -> Result<()> {
        self.good.write_audit_entry(entry).await
    }

    async fn audit_entries(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>> {
        let mut filter = filter.clone();
        if self.fault == Fault::ForgetsWhoWasAskedAbout {
            filter.user = None;
        }
        if self.fault == Fault::SkipsWhatHappenedAtOnce
            && let Some(cursor) = filter.before.take()
        {
            let all = self.good.audit_entries(&AuditFilter::default(), 1000).await?;
            filter.until = all.iter().find(|entry| entry.id == cursor).map(|entry| entry.at);
        }
        self.good.audit_entries(&filter, limit).await
    }

    async fn sweep_audit(&self, before: OffsetDateTime, limit: u32) -> Result<u64> {
        let wide = self.fault == Fault::SweepsTooMuch;
        let before = if wide { before + time::Duration::SECOND } else { before };
        self.good.sweep_audit(before, limit).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_an_audit_log_breaks() {
    for (fault, rule) in [
        (Fault::ForgetsWhoWasAskedAbout, "every condition on audit entries holds"),
        (Fault::SkipsWhatHappenedAtOnce, "audit entries come newest first, in pages that join"),
        (Fault::SweepsTooMuch, "only audit entries that are old enough go, in bounded batches"),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Arc::new(Broken { good: (&store).into(), fault });
        let seen = contract::audit(broken).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
