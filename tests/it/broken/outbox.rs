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
    /// Says that a lease is renewed, and does nothing.
    RenewsNothing,
    /// Renews the lease of whoever asks.
    RenewsForALateWorker,
    /// Lets a renewal that comes late decide when a delivery is tried again.
    RenewsWhatHasEnded,
    /// Lets a worker whose lease ran out decide.
    ObeysALateWorker,
    /// Tries the dead again.
    RaisesTheDead,
    /// Keeps the dead for ever.
    BuriesNobody,
    /// Takes the dead before their time.
    BuriesTooSoon,
    /// Lists the oldest of the dead first.
    ListsBackwards,
    /// Lists as many of the dead as there are.
    ListsThemAll,
    /// Revives whatever is there.
    RevivesTheLiving,
    /// Counts the tries of before with those that come.
    RemembersTheTries,
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
        let mut claimed = self.good.claim_deliveries(kind, now, lease, limit).await?;
        if self.fault == Fault::RemembersTheTries {
            claimed.iter_mut().for_each(|delivery| delivery.attempt_of_round = delivery.attempt);
        }
        Ok(claimed)
    }

    async fn renew_delivery(&self, delivery: &Delivery, until: OffsetDateTime) -> Result<bool> {
        match self.fault {
            Fault::RenewsNothing => Ok(true),
            Fault::RenewsForALateWorker => {
                for attempt in 1..=delivery.attempt + 1 {
                    let any = Delivery { attempt, ..delivery.clone() };
                    self.good.finish_delivery(&any, DeliveryOutcome::Retry { at: until }).await?;
                }
                Ok(true)
            }
            Fault::RenewsWhatHasEnded => {
                let renewed = self.good.renew_delivery(delivery, until).await?;
                if !renewed {
                    self.good
                        .finish_delivery(delivery, DeliveryOutcome::Retry { at: until })
                        .await?;
                }
                Ok(renewed)
            }
            _ => self.good.renew_delivery(delivery, until).await,
        }
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

    async fn dead_letters(&self, kind: &str, limit: u32) -> Result<Vec<DeadLetter>> {
        let limit = if self.fault == Fault::ListsThemAll { 1_000 } else { limit };
        let mut dead = self.good.dead_letters(kind, limit).await?;
        if self.fault == Fault::ListsBackwards {
            dead.reverse();
        }
        Ok(dead)
    }

    async fn revive_dead_letters(
        &self,
        kind: &str,
        since: OffsetDateTime,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<u64> {
        if self.fault == Fault::RevivesTheLiving {
            let living = self.good.claim_deliveries(kind, now + Duration::HOUR, Duration::ZERO, 1);
            return Ok(living.await?.len() as u64);
        }
        self.good.revive_dead_letters(kind, since, now, limit).await
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
        (Fault::RenewsNothing, "a delivery is its worker's for as long as the lease is renewed"),
        (Fault::RenewsForALateWorker, "a worker whose lease ran out renews nothing"),
        (Fault::RenewsWhatHasEnded, "a renewal that comes after the outcome changes nothing"),
        (Fault::ObeysALateWorker, "a worker whose lease ran out disturbs nobody"),
        (Fault::RaisesTheDead, "a dead letter is never taken again"),
        (Fault::BuriesNobody, "dead letters are swept when they are old, and nothing else is"),
        (Fault::BuriesTooSoon, "dead letters are swept when they are old, and nothing else is"),
        (Fault::ListsBackwards, "dead letters are listed, those written last first"),
        (Fault::ListsThemAll, "dead letters are listed, those written last first"),
        (Fault::RevivesTheLiving, "dead letters are revived, and nothing else is"),
        (Fault::RemembersTheTries, "a revived letter is tried as often as a new one"),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Arc::new(Broken { good: (&store).into(), fault });
        let seen = contract::outbox(broken, (&store).into()).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
