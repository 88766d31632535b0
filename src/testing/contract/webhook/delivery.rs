//! What becomes of events on their way.

use std::collections::HashSet;

use super::*;

impl Kit {
    pub(super) async fn a_delivery_is_claimed_by_one_worker(&self) -> Result<(), Violation> {
        const RULE: &str = "a webhook is claimed by one worker";
        let endpoint = self.endpoint(CREATED).await?;
        let mut written = HashSet::new();
        for _ in 0..CALLERS {
            written.insert(self.user().await?);
        }
        let claims = race(|_| {
            let store = Arc::clone(&self.store);
            async move { store.claim_webhooks(epoch(), LEASE, 3, 1000).await }
        })
        .await?;
        let most = claims.iter().map(Vec::len).max();
        rule("no more webhooks are claimed than were asked for", most <= Some(3), most)?;
        let mut claimed: Vec<WebhookDelivery> = claims.into_iter().flatten().collect();
        claimed.extend(self.store.claim_webhooks(epoch(), LEASE, 1000, 1000).await?);
        let distinct: HashSet<Uuid> = claimed.iter().map(|claimed| claimed.event.id).collect();
        rule(RULE, claimed.len() == distinct.len(), (claimed.len(), distinct.len()))?;
        rule("every webhook that is due is claimed", distinct == written, distinct.len())?;
        for delivery in &claimed {
            self.finish(delivery, WebhookOutcome::Delivered).await?;
        }
        let left = self.store.claim_webhooks(epoch() + LEASE, LEASE, 1000, 1000).await?;
        rule("what was delivered is not sent again", left.is_empty(), left)?;
        self.remove(&[endpoint]).await
    }

    pub(super) async fn an_endpoint_that_hangs_holds_up_nobody(&self) -> Result<(), Violation> {
        const RULE: &str = "an endpoint that hangs holds up nobody else";
        let hangs = self.endpoint(CREATED).await?;
        for _ in 0..6 {
            self.user().await?;
        }
        let works = self.endpoint(CREATED).await?;
        self.user().await?;
        let claimed = self.store.claim_webhooks(epoch(), LEASE, 3, 2).await?;
        let of = |endpoint| claimed.iter().filter(|claimed| claimed.endpoint == endpoint).count();
        rule(RULE, (of(hangs), of(works)) == (2, 1), (of(hangs), of(works)))?;
        let more = self.store.claim_webhooks(at(1), LEASE, 10, 2).await?;
        rule(RULE, more.is_empty(), more.len())?;
        self.remove(&[hangs, works]).await
    }

    pub(super) async fn endpoints_that_hang_leave_a_place_for_others(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "whoever has the fewest taken is served first";
        let hanging = [self.endpoint(CREATED).await?, self.endpoint(CREATED).await?];
        for _ in 0..6 {
            self.user().await?;
        }
        let works = self.endpoint(CREATED).await?;
        self.user().await?;
        let claimed = self.store.claim_webhooks(epoch(), LEASE, 4, 2).await?;
        let of = |endpoint| claimed.iter().filter(|claimed| claimed.endpoint == endpoint).count();
        let served = (of(hanging[0]) + of(hanging[1]), of(works));
        rule(RULE, served == (3, 1), served)?;
        for delivery in claimed.iter().filter(|claimed| claimed.endpoint == works) {
            self.finish(delivery, WebhookOutcome::Delivered).await?;
        }
        // The one place that is free goes to whoever has none, however long the others wait.
        self.user().await?;
        let next = self.store.claim_webhooks(at(1), LEASE, 1, 2).await?;
        let endpoints: Vec<_> = next.iter().map(|delivery| delivery.endpoint).collect();
        rule(RULE, endpoints == [works], endpoints)?;
        self.remove(&[hanging[0], hanging[1], works]).await
    }

    pub(super) async fn an_event_of_the_hosts_own_is_written_once(&self) -> Result<(), Violation> {
        const RULE: &str =
            "an event of the host's own is written once, for each endpoint that asked for it";
        const PAID: &str = "host.invoice.paid";
        let organization = OrganizationId(SystemRandom.uuid_v7(epoch()));
        let theirs = new_endpoint(PAID, Some(organization));
        self.store.create_webhook_endpoint(&theirs, &Effects::none()).await?;
        let (asked, other) = (self.endpoint(PAID).await?, self.endpoint(CREATED).await?);
        let payload = serde_json::json!({ "invoice": 17, "to": ["é", null] });
        let event = WebhookEvent {
            id: SystemRandom.uuid_v7(epoch()),
            event_type: PAID.to_owned(),
            action: PAID.to_owned(),
            at: epoch(),
            user: UserId::new("kit-a").ok(),
            subject: None,
            organization: None,
            actor: Some(("system".to_owned(), None)),
            payload: payload.as_object().cloned(),
        };
        let outcomes = race(|_| {
            let (store, event) = (Arc::clone(&self.store), event.clone());
            async move { store.emit_webhook(&event).await }
        })
        .await?;
        let times = outcomes.iter().filter(|written| **written).count();
        rule(RULE, times == 1, times)?;
        let told = self.waiting(asked).await?;
        let events: Vec<_> = told.iter().map(|record| &record.event).collect();
        rule(RULE, events == [&event], &events)?;
        for silent in [other, theirs.id] {
            let told = self.waiting(silent).await?;
            rule("nobody is told of what they did not ask for", told.is_empty(), &told)?;
        }
        let claimed = self.store.claim_webhooks(epoch(), LEASE, 9, 9).await?;
        let sent: Vec<_> = claimed.iter().map(|delivery| &delivery.event).collect();
        rule("what the host tells arrives as it was told", sent == [&event], &sent)?;

        let id = SystemRandom.uuid_v7(epoch());
        let inside = WebhookEvent { id, organization: Some(organization), ..event.clone() };
        let written = self.store.emit_webhook(&inside).await?;
        let told = self.waiting(theirs.id).await?.len();
        rule(RULE, written && told == 1, (written, told))?;
        self.remove(&[asked, theirs.id]).await?;
        let id = SystemRandom.uuid_v7(epoch());
        let unheard = self.store.emit_webhook(&WebhookEvent { id, ..event }).await?;
        rule("an event that nobody asked for is not written", !unheard, unheard)?;
        self.remove(&[other]).await
    }

    pub(super) async fn what_waits_at_a_disabled_endpoint_is_swept(&self) -> Result<(), Violation> {
        const RULE: &str = "what waits at a disabled endpoint is swept when it is old";
        while self.store.sweep_webhooks(at(1), 1000).await? > 0 {}
        let endpoint = self.endpoint(CREATED).await?;
        self.user().await?;
        self.store.enable_webhook_endpoint(endpoint, false, &Effects::none()).await?;
        for (before, expected) in [(epoch(), 0), (at(1), 1)] {
            let swept = self.store.sweep_webhooks(before, 10).await?;
            rule(RULE, swept == expected, (before, swept))?;
        }
        self.remove(&[endpoint]).await
    }

    pub(super) async fn a_dead_workers_delivery_is_due_again(&self) -> Result<(), Violation> {
        const RULE: &str = "a webhook whose worker died is due again after its lease";
        let (endpoint, event, first) = self.claimed().await?;
        rule(RULE, (first.attempt, first.attempt_of_round) == (1, 1), &first)?;
        let early = epoch() + LEASE - Duration::MICROSECOND;
        let early = self.store.claim_webhooks(early, LEASE, 9, 9).await?;
        rule("nobody takes a webhook before its lease ends", early.is_empty(), &early)?;
        let second = self.store.claim_webhooks(epoch() + LEASE, LEASE, 9, 9).await?;
        let told: Vec<_> = second.iter().map(|it| (it.event.id, it.attempt)).collect();
        rule(RULE, told == [(event, 2)], told)?;
        self.remove(&[endpoint]).await
    }

    pub(super) async fn a_late_worker_disturbs_nobody(&self) -> Result<(), Violation> {
        const RULE: &str = "a webhook worker whose lease ran out disturbs nobody";
        let (endpoint, _, late) = self.claimed().await?;
        let current = self.store.claim_webhooks(epoch() + LEASE, LEASE, 9, 9).await?;
        for outcome in [WebhookOutcome::Retry { at: epoch() }, WebhookOutcome::Dead] {
            self.finish(&late, outcome).await?;
            let stolen = self.store.claim_webhooks(epoch() + LEASE, LEASE, 9, 9).await?;
            rule(RULE, stolen.is_empty(), &stolen)?;
        }
        let due = self.store.claim_webhooks(epoch() + LEASE + LEASE, LEASE, 9, 9).await?;
        rule(RULE, due.len() == current.len(), due.len())?;
        self.finish(&late, WebhookOutcome::Delivered).await?;
        let left = self.store.claim_webhooks(at(9999), LEASE, 9, 9).await?;
        rule("what arrived has arrived, whoever says so", left.is_empty(), &left)?;
        self.remove(&[endpoint]).await
    }

    pub(super) async fn a_dead_letter_is_sent_again_once(&self) -> Result<(), Violation> {
        const RULE: &str = "a dead letter is never taken, unless it is sent again, once";
        let (endpoint, event, first) = self.claimed().await?;
        self.finish(&first, WebhookOutcome::Retry { at: at(30) }).await?;
        let early = self.store.claim_webhooks(at(29), LEASE, 9, 9).await?;
        rule("a webhook is due again when it was told to be", early.is_empty(), &early)?;
        let second = self.store.claim_webhooks(at(30), LEASE, 9, 9).await?;
        for delivery in &second {
            self.finish(delivery, WebhookOutcome::Dead).await?;
        }
        let taken = self.store.claim_webhooks(at(9_999_999), LEASE, 9, 9).await?;
        rule(RULE, taken.is_empty(), &taken)?;
        let dead = self.store.webhook_deliveries(endpoint, WebhookState::Dead, None, 9).await?;
        let told: Vec<_> = dead.iter().map(|it| (it.event.id, it.attempts, it.due_at)).collect();
        rule("dead letters are listed", told == [(event, 2, None)], told)?;
        let (name, along) = self.along();
        let replays = race(|_| {
            let (store, along) = (Arc::clone(&self.store), again(&along));
            async move { store.replay_webhook(endpoint, event, at(50), &along).await }
        })
        .await?;
        let times = replays.iter().filter(|replayed| **replayed).count();
        rule(RULE, times == 1 && self.entries(&name).await? == 1, times)?;
        let third = self.store.claim_webhooks(at(50), LEASE, 9, 9).await?;
        let told: Vec<_> =
            third.iter().map(|it| (it.event.id, it.attempt, it.attempt_of_round)).collect();
        rule("what is sent again has its attempts anew", told == [(event, 3, 1)], told)?;
        for delivery in &third {
            self.finish(delivery, WebhookOutcome::Delivered).await?;
            self.finish(delivery, WebhookOutcome::Delivered).await?;
        }
        let ledger = self.store.webhook_attempts(endpoint, event).await?;
        let numbers: Vec<_> = ledger.iter().map(|attempt| attempt.number).collect();
        rule("each attempt is in the ledger, once", numbers == [1, 2, 3], numbers)?;
        let kept = ledger.first() == Some(&attempt(&first));
        rule("the ledger says how an attempt went", kept, &ledger)?;
        self.remove(&[endpoint]).await
    }

    pub(super) async fn an_endpoint_that_is_gone_is_disabled(&self) -> Result<(), Violation> {
        const RULE: &str = "an endpoint that is gone is disabled, and that is told";
        let (endpoint, _, delivery) = self.claimed().await?;
        let (name, along) = self.along();
        for _ in 0..2 {
            let (noted, along) = (attempt(&delivery), again(&along));
            self.store.finish_webhook(&delivery, &noted, WebhookOutcome::Gone, &along).await?;
        }
        let found = self.store.find_webhook_endpoint(endpoint).await?;
        let enabled = found.map(|found| found.enabled);
        rule(RULE, enabled == Some(false) && self.entries(&name).await? == 1, enabled)?;
        self.user().await?;
        let told = self.waiting(endpoint).await?;
        rule("a disabled endpoint is told of nothing", told.is_empty(), &told)?;
        self.remove(&[endpoint]).await
    }

    pub(super) async fn only_what_nobody_waits_for_is_swept(&self) -> Result<(), Violation> {
        const RULE: &str = "only old events that nobody waits for are swept";
        while self.store.sweep_webhooks(at(1), 1000).await? > 0 {}
        let (endpoint, event, delivery) = self.claimed().await?;
        let waiting = self.user().await?;
        self.finish(&delivery, WebhookOutcome::Delivered).await?;
        for (before, expected) in [(epoch(), 0), (at(1), 1), (at(1), 0)] {
            let swept = self.store.sweep_webhooks(before, 10).await?;
            rule(RULE, swept == expected, (before, swept))?;
        }
        let ledger = self.store.webhook_attempts(endpoint, event).await?;
        rule("a ledger goes with its event", ledger.is_empty(), &ledger)?;
        let left: Vec<_> = self.waiting(endpoint).await?.iter().map(|it| it.event.id).collect();
        rule(RULE, left == [waiting], left)?;
        self.remove(&[endpoint]).await
    }

    /// An endpoint, and an event that is on its way there.
    async fn claimed(&self) -> Result<(WebhookEndpointId, Uuid, WebhookDelivery), Violation> {
        let endpoint = self.endpoint(CREATED).await?;
        let event = self.user().await?;
        let mut claimed = self.store.claim_webhooks(epoch(), LEASE, 9, 9).await?;
        match claimed.pop() {
            Some(delivery) if delivery.event.id == event => Ok((endpoint, event, delivery)),
            other => Err(Violation { rule: "what is due is claimed", seen: format!("{other:?}") }),
        }
    }

    async fn finish(
        &self,
        delivery: &WebhookDelivery,
        outcome: WebhookOutcome,
    ) -> Result<(), Violation> {
        let noted = attempt(delivery);
        Ok(self.store.finish_webhook(delivery, &noted, outcome, &Effects::none()).await?)
    }
}

fn attempt(delivery: &WebhookDelivery) -> WebhookAttempt {
    let status = Some(500 + u16::try_from(delivery.attempt).unwrap_or_default());
    WebhookAttempt { number: delivery.attempt, at: at(7), status, fault: None }
}
