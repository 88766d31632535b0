use std::collections::HashSet;
use std::sync::Arc;

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::account::{KIND, LIMIT, new_delivery, new_link, new_user};
use super::{CALLERS, Violation, at, epoch, race, rule};
use crate::crypto::{RandomExt as _, SystemRandom};
use crate::store::{
    Delivery, DeliveryOutcome, LinkPurpose, NewDelivery, NewLink, OutboxStore, StoreError,
    UserStore,
};

const LEASE: Duration = Duration::MINUTE;

/// Proves all rules of an [`OutboxStore`]. A delivery enters it with the transition that causes
/// it, so `accounts` registers users to cause some.
///
/// # Errors
/// The first rule that is broken.
pub async fn outbox(
    outbox: Arc<dyn OutboxStore>,
    accounts: Arc<dyn UserStore>,
) -> Result<(), Violation> {
    let kit = Kit { outbox, accounts };
    kit.claim(KIND, epoch() + Duration::days(1), Duration::days(36_500), 10_000).await?;
    kit.a_delivery_is_claimed_by_one_worker().await?;
    kit.a_dead_workers_delivery_is_due_again().await?;
    kit.a_lease_is_renewed_by_its_worker_alone().await?;
    kit.a_renewal_that_is_overtaken_changes_nothing().await?;
    kit.who_renews_and_who_claims_do_not_both_get_it().await?;
    kit.a_delivery_is_retried_when_told().await?;
    kit.a_renewal_that_comes_after_the_outcome_changes_nothing().await?;
    kit.a_dead_letter_is_never_taken().await?;
    kit.old_dead_letters_are_swept().await?;
    kit.a_dead_letter_is_revived_as_if_it_were_new().await?;
    kit.a_late_worker_disturbs_nobody().await?;
    kit.kinds_are_apart_and_the_oldest_is_first().await
}

struct Kit {
    outbox: Arc<dyn OutboxStore>,
    accounts: Arc<dyn UserStore>,
}

impl Kit {
    async fn a_delivery_is_claimed_by_one_worker(&self) -> Result<(), Violation> {
        const RULE: &str = "a delivery is claimed by one worker";
        let mut written = HashSet::new();
        for _ in 0..CALLERS {
            written.insert(self.write(epoch()).await?);
        }
        let claims = race(|_| {
            let outbox = Arc::clone(&self.outbox);
            async move { outbox.claim_deliveries(KIND, epoch(), LEASE, 3).await }
        })
        .await?;
        let most = claims.iter().map(Vec::len).max();
        rule("no more is claimed than was asked for", most <= Some(3), most)?;
        let mut claimed: Vec<Delivery> = claims.into_iter().flatten().collect();
        claimed.extend(self.claim(KIND, epoch(), LEASE, 1000).await?);
        let distinct: HashSet<Uuid> = claimed.iter().map(|delivery| delivery.id).collect();
        rule(RULE, claimed.len() == distinct.len(), (claimed.len(), distinct.len()))?;
        rule("every delivery that is due is claimed", distinct == written, distinct.len())?;
        for delivery in &claimed {
            self.outbox.finish_delivery(delivery, DeliveryOutcome::Delivered).await?;
        }
        let left = self.claim(KIND, epoch() + LEASE, LEASE, 1000).await?;
        rule("what was delivered is gone", left.is_empty(), left)
    }

    async fn a_dead_workers_delivery_is_due_again(&self) -> Result<(), Violation> {
        const RULE: &str = "a delivery whose worker died is due again after its lease";
        let id = self.write(epoch()).await?;
        let first = self.claim(KIND, epoch(), LEASE, 1).await?;
        rule(RULE, ids(&first) == [id] && attempts(&first) == [1], &first)?;
        let early = self.claim(KIND, epoch() + LEASE - Duration::MICROSECOND, LEASE, 1).await?;
        rule("nobody takes a delivery before its lease ends", early.is_empty(), &early)?;
        let second = self.claim(KIND, epoch() + LEASE, LEASE, 1).await?;
        rule(RULE, ids(&second) == [id] && attempts(&second) == [2], &second)?;
        self.finish(&second, DeliveryOutcome::Delivered).await
    }

    async fn a_renewal_that_is_overtaken_changes_nothing(&self) -> Result<(), Violation> {
        const RULE: &str = "a renewal that a later one has overtaken changes nothing";
        self.write(epoch()).await?;
        let first = self.claim(KIND, epoch(), LEASE, 1).await?;
        let end = epoch() + LEASE;
        for until in [end + LEASE, end + LEASE * 2] {
            let renewed = self.renew(&first, until).await?;
            rule(RULE, renewed == [until == end + LEASE], (until, &renewed))?;
        }
        let held = due(first.clone(), end + LEASE);
        rule(RULE, self.renew(&held, end + LEASE * 2).await? == [true], ())?;
        let overtaken = self.renew(&first, end + LEASE).await?;
        rule(RULE, overtaken == [false], &overtaken)?;
        self.finish(&first, DeliveryOutcome::Delivered).await
    }

    async fn a_lease_is_renewed_by_its_worker_alone(&self) -> Result<(), Violation> {
        const RULE: &str = "a delivery is its worker's for as long as the lease is renewed";
        const LATE: &str = "a worker whose lease ran out renews nothing";
        let id = self.write(epoch()).await?;
        let first = self.claim(KIND, epoch(), LEASE, 1).await?;
        let end = epoch() + LEASE;
        for said in ["once", "again, since the answer was lost"] {
            let renewed = self.renew(&first, end + LEASE).await?;
            rule(RULE, renewed == [true], (said, &renewed))?;
        }
        let first = due(first, end + LEASE);
        let early = self.claim(KIND, end + LEASE - Duration::MICROSECOND, LEASE, 1).await?;
        rule(RULE, early.is_empty(), &early)?;
        // Nobody was there to take it: it is still theirs.
        let renewed = self.renew(&first, end + LEASE * 2).await?;
        rule(RULE, renewed == [true], &renewed)?;
        let first = due(first, end + LEASE * 2);
        let second = self.claim(KIND, end + LEASE * 2, LEASE, 1).await?;
        rule(RULE, ids(&second) == [id] && attempts(&second) == [2], &second)?;
        let late = self.renew(&first, end + LEASE * 9).await?;
        rule(LATE, late == [false], &late)?;
        let third = self.claim(KIND, end + LEASE * 3, LEASE, 1).await?;
        rule(LATE, ids(&third) == [id], &third)?;
        self.finish(&third, DeliveryOutcome::Dead).await?;
        let taken = self.claim(KIND, end + LEASE * 10, LEASE, 1).await?;
        rule("a dead letter is never taken again", taken.is_empty(), &taken)?;
        let dead = self.renew(&third, end + LEASE * 9).await?;
        rule(LATE, dead == [false], ("it is dead", &dead))?;
        let taken = self.claim(KIND, end + LEASE * 10, LEASE, 1).await?;
        rule("a dead letter is never taken again", taken.is_empty(), &taken)?;
        self.finish(&third, DeliveryOutcome::Delivered).await?;
        let gone = self.renew(&third, end + LEASE * 9).await?;
        rule(LATE, gone == [false], ("it is gone", &gone))
    }

    async fn who_renews_and_who_claims_do_not_both_get_it(&self) -> Result<(), Violation> {
        const RULE: &str =
            "of who renews a lease that ends and who claims the delivery one gets it";
        self.write(epoch()).await?;
        let first = self.claim(KIND, epoch(), LEASE, 1).await?;
        let Some(held) = first.first() else { return rule(RULE, false, &first) };
        let end = epoch() + LEASE;
        let got = race(|caller| {
            let (outbox, held) = (Arc::clone(&self.outbox), held.clone());
            async move {
                if caller == CALLERS / 2 {
                    let renewed = outbox.renew_delivery(&held, end + LEASE).await?;
                    return Ok::<_, StoreError>(usize::from(renewed));
                }
                Ok(outbox.claim_deliveries(KIND, end, LEASE, 1).await?.len())
            }
        })
        .await?;
        rule(RULE, got.iter().sum::<usize>() == 1, &got)?;
        self.finish(&first, DeliveryOutcome::Delivered).await
    }

    async fn a_delivery_is_retried_when_told(&self) -> Result<(), Violation> {
        const RULE: &str = "a delivery is due again when it was told to be";
        let id = self.write(epoch()).await?;
        let claimed = self.claim(KIND, epoch(), LEASE, 1).await?;
        self.finish(&claimed, DeliveryOutcome::Retry { at: at(300) }).await?;
        let early = self.claim(KIND, at(299), LEASE, 1).await?;
        rule(RULE, early.is_empty(), &early)?;
        let due = self.claim(KIND, at(300), LEASE, 1).await?;
        rule(RULE, ids(&due) == [id], &due)?;
        self.finish(&due, DeliveryOutcome::Delivered).await
    }

    async fn a_renewal_that_comes_after_the_outcome_changes_nothing(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "a renewal that comes after the outcome changes nothing";
        let id = self.write(epoch()).await?;
        let claimed = self.claim(KIND, epoch(), LEASE, 1).await?;
        self.finish(&claimed, DeliveryOutcome::Retry { at: at(300) }).await?;
        let late = self.renew(&claimed, at(900)).await?;
        rule(RULE, late == [false], &late)?;
        let due = self.claim(KIND, at(300), LEASE, 1).await?;
        rule(RULE, ids(&due) == [id], &due)?;
        self.finish(&due, DeliveryOutcome::Delivered).await
    }

    async fn a_dead_letter_is_never_taken(&self) -> Result<(), Violation> {
        self.write(epoch()).await?;
        let claimed = self.claim(KIND, epoch(), LEASE, 1).await?;
        self.finish(&claimed, DeliveryOutcome::Dead).await?;
        let taken = self.claim(KIND, epoch() + Duration::days(365), LEASE, 1).await?;
        rule("a dead letter is never taken again", taken.is_empty(), &taken)
    }

    async fn old_dead_letters_are_swept(&self) -> Result<(), Violation> {
        const RULE: &str = "dead letters are swept when they are old, and nothing else is";
        while self.outbox.sweep_dead_letters(at(1), 1000).await? > 0 {}
        for _ in 0..3 {
            self.write(epoch()).await?;
        }
        let claimed = self.claim(KIND, epoch(), LEASE, 10).await?;
        let Some((waits, dead)) = claimed.split_first() else {
            return rule(RULE, false, &claimed);
        };
        self.finish(dead, DeliveryOutcome::Dead).await?;
        let outbox = &self.outbox;
        for (before, limit, expected) in
            [(epoch(), 10, 0), (at(1), 1, 1), (at(1), 10, 1), (at(1), 10, 0)]
        {
            let swept = outbox.sweep_dead_letters(before, limit).await?;
            rule(RULE, swept == expected, (before, limit, swept))?;
        }
        let left = self.claim(KIND, epoch() + LEASE, LEASE, 10).await?;
        rule(RULE, ids(&left) == [waits.id], &left)?;
        self.finish(&left, DeliveryOutcome::Delivered).await
    }

    async fn a_dead_letter_is_revived_as_if_it_were_new(&self) -> Result<(), Violation> {
        const RULE: &str = "dead letters are revived, and nothing else is";
        const ROUND: &str = "a revived letter is tried as often as a new one";
        const LISTED: &str = "dead letters are listed, those written last first";
        while self.outbox.sweep_dead_letters(at(100), 1000).await? > 0 {}
        for written in [10, 20, 30] {
            self.write(at(written)).await?;
        }
        let (outbox, later) = (&self.outbox, at(3600));
        let leased = self.claim(KIND, at(30), LEASE, 10).await?;
        let early = outbox.revive_dead_letters(KIND, epoch(), at(31), 10).await?;
        rule(RULE, early == 0, ("what is under way", early))?;
        let first = leased.first().map_or(Uuid::nil(), |delivery| delivery.id);
        let none = outbox.dead_letters(KIND, 10).await?;
        rule(LISTED, none.is_empty(), ("what is under way", none))?;
        self.finish(&leased, DeliveryOutcome::Dead).await?;
        for (kind, limit, expected) in
            [("another kind", 10, &[][..]), (KIND, 10, &[30, 20, 10][..]), (KIND, 2, &[30, 20][..])]
        {
            let dead = outbox.dead_letters(kind, limit).await?;
            let written: Vec<_> = dead.iter().map(|letter| letter.created_at).collect();
            let expected: Vec<_> = expected.iter().map(|seconds| at(*seconds)).collect();
            rule(LISTED, written == expected, (kind, limit, &dead))?;
            let whole = dead.iter().all(|letter| {
                let same = |taken: &&Delivery| taken.id == letter.id;
                let taken = leased.iter().find(same).map(|taken| (&taken.payload, taken.attempt));
                taken == Some((&letter.payload, letter.attempts))
            });
            rule(LISTED, whole, dead)?;
        }
        for (kind, since, limit, expected) in [
            ("another kind", epoch(), 10, 0),
            (KIND, later, 10, 0),
            (KIND, at(20), 1, 1),
            (KIND, at(20), 10, 1),
            (KIND, at(20), 10, 0),
        ] {
            let revived = outbox.revive_dead_letters(kind, since, at(40), limit).await?;
            rule(RULE, revived == expected, (kind, since, revived))?;
        }
        let due = self.claim(KIND, at(39), LEASE, 10).await?;
        rule(RULE, due.is_empty(), &due)?;
        let due = self.claim(KIND, at(40), LEASE, 10).await?;
        rule(RULE, due.len() == 2 && !ids(&due).contains(&first), &due)?;
        let round = |due: &[Delivery]| -> Vec<_> {
            due.iter().map(|delivery| (delivery.attempt, delivery.attempt_of_round)).collect()
        };
        rule(ROUND, round(&due) == [(2, 1); 2], &due)?;
        // Who tried it before it died is late.
        self.finish(&leased, DeliveryOutcome::Retry { at: at(41) }).await?;
        let stolen = self.claim(KIND, at(41), LEASE, 10).await?;
        rule("a worker whose lease ran out disturbs nobody", stolen.is_empty(), &stolen)?;
        self.finish(&due, DeliveryOutcome::Retry { at: at(50) }).await?;
        let due = self.claim(KIND, at(50), LEASE, 10).await?;
        rule(ROUND, round(&due) == [(3, 2); 2], &due)?;
        self.finish(&due, DeliveryOutcome::Delivered).await
    }

    async fn a_late_worker_disturbs_nobody(&self) -> Result<(), Violation> {
        const RULE: &str = "a worker whose lease ran out disturbs nobody";
        self.write(epoch()).await?;
        let late = self.claim(KIND, epoch(), LEASE, 1).await?;
        let current = self.claim(KIND, epoch() + LEASE, LEASE, 1).await?;
        self.finish(&late, DeliveryOutcome::Retry { at: epoch() }).await?;
        let stolen = self.claim(KIND, epoch() + LEASE, LEASE, 1).await?;
        rule(RULE, stolen.is_empty(), &stolen)?;
        self.finish(&late, DeliveryOutcome::Dead).await?;
        let due = self.claim(KIND, epoch() + LEASE + LEASE, LEASE, 1).await?;
        rule(RULE, ids(&due) == ids(&current), &due)?;
        self.finish(&late, DeliveryOutcome::Delivered).await?;
        let left = self.claim(KIND, at(3600), LEASE, 1).await?;
        rule("what arrived has arrived, whoever says so", left.is_empty(), &left)
    }

    async fn kinds_are_apart_and_the_oldest_is_first(&self) -> Result<(), Violation> {
        let newer = self.write(at(20)).await?;
        let older = self.write(at(10)).await?;
        let others = self.claim("another kind", at(30), LEASE, 10).await?;
        rule("a worker takes its own kind", others.is_empty(), &others)?;
        let early = self.claim(KIND, at(9), LEASE, 10).await?;
        rule("nothing is taken before it is due", early.is_empty(), &early)?;
        let first = self.claim(KIND, at(30), LEASE, 1).await?;
        rule("the oldest is taken first", ids(&first) == [older], &first)?;
        self.finish(&first, DeliveryOutcome::Retry { at: at(25) }).await?;
        let both = self.claim(KIND, at(30), LEASE, 10).await?;
        rule("the oldest comes first", ids(&both) == [older, newer], &both)?;
        self.finish(&both, DeliveryOutcome::Delivered).await
    }

    /// Causes a delivery that was written at `created_at`.
    async fn write(&self, created_at: OffsetDateTime) -> Result<Uuid, Violation> {
        let email = format!("{}@example.test", SystemRandom.uuid_v7(epoch()).simple());
        let mail = NewDelivery { created_at, ..new_delivery() };
        let id = mail.id;
        let link = NewLink { effects: mail.into(), ..new_link(LinkPurpose::Confirm) };
        self.accounts
            .register(&new_user(&email), &link, &new_delivery().into(), (LIMIT, created_at))
            .await?;
        Ok(id)
    }

    async fn claim(
        &self,
        kind: &str,
        now: OffsetDateTime,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<Delivery>, Violation> {
        Ok(self.outbox.claim_deliveries(kind, now, lease, limit).await?)
    }

    async fn renew(
        &self,
        deliveries: &[Delivery],
        until: OffsetDateTime,
    ) -> Result<Vec<bool>, Violation> {
        let mut renewed = Vec::new();
        for delivery in deliveries {
            renewed.push(self.outbox.renew_delivery(delivery, until).await?);
        }
        Ok(renewed)
    }

    async fn finish(
        &self,
        deliveries: &[Delivery],
        outcome: DeliveryOutcome,
    ) -> Result<(), Violation> {
        for delivery in deliveries {
            self.outbox.finish_delivery(delivery, outcome).await?;
        }
        Ok(())
    }
}

/// The same, as a worker knows them whose lease was renewed until then.
fn due(deliveries: Vec<Delivery>, due_at: OffsetDateTime) -> Vec<Delivery> {
    deliveries.into_iter().map(|delivery| Delivery { due_at, ..delivery }).collect()
}

fn ids(deliveries: &[Delivery]) -> Vec<Uuid> {
    deliveries.iter().map(|delivery| delivery.id).collect()
}

fn attempts(deliveries: &[Delivery]) -> Vec<u32> {
    deliveries.iter().map(|delivery| delivery.attempt).collect()
}
