use std::sync::Arc;

use async_trait::async_trait;
use donjon::store::{LimitCount, LimitStore, LimitUse, Result};
use donjon::testing::contract;
use time::{Duration, OffsetDateTime};

use crate::support::database::Database;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// Reads a count, and writes it later.
    LosesUses,
    /// Counts for every limit, whatever the first one says.
    CountsOn,
    /// Moves the end of the window with each use.
    NeverEnds,
}

#[derive(Debug)]
struct Broken {
    store: Arc<dyn LimitStore>,
    fault: Fault,
}

#[async_trait]
impl LimitStore for Broken {
    async fn count_uses(&self, uses: &[LimitUse], now: OffsetDateTime) -> Result<Vec<LimitCount>> {
        match self.fault {
            Fault::LosesUses => {
                let mut counts = self.store.count_uses(uses, now).await?;
                counts.iter_mut().for_each(|count| count.times -= u32::from(count.times > 20));
                Ok(counts)
            }
            Fault::CountsOn => {
                let mut counts = Vec::new();
                for used in uses {
                    counts.extend(self.store.count_uses(std::slice::from_ref(used), now).await?);
                }
                Ok(counts)
            }
            Fault::NeverEnds => {
                let mut counts = self.store.count_uses(uses, now).await?;
                counts.iter_mut().for_each(|count| count.until = now + Duration::minutes(10));
                Ok(counts)
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_broken_limit_store_breaks() {
    for (fault, expected) in [
        (Fault::LosesUses, "of uses that come at once each is counted"),
        (Fault::CountsOn, "what one limit refuses does not count for those after it"),
        (Fault::NeverEnds, "a window begins with its first use, ends in time, and comes again"),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Broken { store: store.into(), fault };
        let violation = contract::limits(Arc::new(broken)).await.unwrap_err();
        assert_eq!(violation.rule, expected, "{fault:?}: {violation}");
    }
}
