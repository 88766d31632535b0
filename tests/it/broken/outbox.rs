use std::sync::Arc;

use async_trait::async_trait;
use donjon::store::*;
use donjon::testing::contract;
use time::{Duration, OffsetDateTime};

use crate::support::database::Database;

/// What an outbox does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Reads what is due, and claims it later: two workers take the same.
    ClaimsTwice,
    /// Takes things for good: a worker that dies takes them with it.
    LosesWhatADeadWorkerHeld,
    /// Lets a worker whose lease ran out decide.
    ObeysALateWorker,
    /// Tries the dead again.
    RaisesTheDead,
    /// Keeps the dead for ever.
    BuriesNobody,
    /// Takes the dead before their time.
    BuriesTooSoon,
}

#[derive(Debug)]
struct Broken {
    good: Arc<dyn OutboxStore>,
    fault: Fault,
}

#[async_trait]
impl OutboxStore for Broken {
    async fn claim_deliveries(
        &self,
        kind: &str,
        now: OffsetDateTime,
        mut lease: Duration,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        if self.fault == Fault::LosesWhatADeadWorkerHeld {
            lease = Duration::days(3_650);
        }
        if self.fault == Fault::ClaimsTwice {
            lease = Duration::ZERO;
        }
        self.good.claim_deliveries(kind, now, lease, limit).await
    }

    async fn finish_delivery(&self, delivery: &Delivery, outcome: DeliveryOutcome) -> Result<()> {
        match (self.fault, outcome) {
            (Fault::RaisesTheDead, DeliveryOutcome::Dead) => {
                let at = OffsetDateTime::UNIX_EPOCH;
                self.good.finish_delivery(delivery, DeliveryOutcome::Retry { at }).await
            }
            (Fault::ObeysALateWorker, DeliveryOutcome::Retry { .. } | DeliveryOutcome::Dead) => {
                for attempt in 1..=delivery.attempt + 1 {
                    let any = Delivery { attempt, ..delivery.clone() };
                    self.good.finish_delivery(&any, outcome).await?;
                }
                Ok(())
            }
            _ => self.good.finish_delivery(delivery, outcome).await,
        }
    }

    async fn sweep_dead_letters(&self, before: OffsetDateTime, limit: u32) -> Result<u64> {
        let before = match self.fault {
            Fault::BuriesNobody => return Ok(0),
            Fault::BuriesTooSoon => before + Duration::SECOND,
            _ => before,
        };
        self.good.sweep_dead_letters(before, limit).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_an_outbox_breaks() {
    for (fault, rule) in [
        (Fault::ClaimsTwice, "a delivery is claimed by one worker"),
        (
            Fault::LosesWhatADeadWorkerHeld,
            "a delivery whose worker died is due again after its lease",
        ),
        (Fault::ObeysALateWorker, "a worker whose lease ran out disturbs nobody"),
        (Fault::RaisesTheDead, "a dead letter is never taken again"),
        (Fault::BuriesNobody, "dead letters are swept when they are old, and nothing else is"),
        (Fault::BuriesTooSoon, "dead letters are swept when they are old, and nothing else is"),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Arc::new(Broken { good: (&store).into(), fault });
        let seen = contract::outbox(broken, (&store).into()).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
