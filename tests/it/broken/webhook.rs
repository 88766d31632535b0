use std::sync::Arc;

use async_trait::async_trait;
use donjon::crypto::{RandomExt as _, Sealed, SystemRandom};
use donjon::scope::OrganizationId;
use donjon::store::*;
use donjon::testing::contract;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::support::database::Database;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Tells every endpoint of everything.
    TellsEverybody,
    /// Reads what is due, and claims it later: two workers take the same.
    ClaimsTwice,
    /// Gives one endpoint all there is.
    LetsOneHangThemAll,
    /// Takes things for good: a worker that dies takes them with it.
    LosesWhatADeadWorkerHeld,
    /// Lets a worker whose lease ran out decide.
    ObeysALateWorker,
    /// Tells everybody who sends an event again that they did.
    ReplaysForEverybody,
    /// Goes on telling an endpoint that is gone.
    IgnoresTheGone,
    /// Replaces secrets whatever they are.
    ReplacesBlindly,
    /// Takes what somebody waits for.
    SweepsTooMuch,
    /// Serves whoever has the most to send.
    ServesTheLoudest,
    /// Writes an event of the host's anew each time.
    TellsAgain,
    /// Forgets what the host says of its event.
    LosesThePayload,
    /// Keeps for ever what waits for an endpoint that is off.
    WaitsForTheDisabled,
}

#[derive(Debug)]
struct Broken {
    good: Arc<dyn WebhookStore>,
    fault: Fault,
}

impl Broken {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// As many as there are, and of those the ones of whoever has the most; the others are given
    /// back.
    async fn claim_loudest(
        &self,
        now: OffsetDateTime,
        lease: Duration,
        limit: u32,
        each: u32,
    ) -> Result<Vec<WebhookDelivery>> {
        let all = self.good.claim_webhooks(now, lease, 10_000, each).await?;
        let of = |endpoint| all.iter().filter(|claimed| claimed.endpoint == endpoint).count();
        let loud: Vec<_> = all.iter().map(|delivery| of(delivery.endpoint)).collect();
        let mut order: Vec<_> = loud.into_iter().zip(all).collect();
        order.sort_by_key(|(loud, _)| std::cmp::Reverse(*loud));
        let mut all: Vec<_> = order.into_iter().map(|(_, delivery)| delivery).collect();
        let keep = usize::try_from(limit).unwrap_or(usize::MAX).min(all.len());
        for back in all.split_off(keep) {
            let attempt =
                WebhookAttempt { number: back.attempt, at: now, status: None, fault: None };
            let outcome = WebhookOutcome::Retry { at: back.event.at };
            self.good.finish_webhook(&back, &attempt, outcome, &Effects::none()).await?;
        }
        Ok(all)
    }
}

#[async_trait]
impl WebhookStore for Broken {
    async fn create_webhook_endpoint(
        &self,
        endpoint: &WebhookEndpoint,
        along: &Effects,
    ) -> Result<()> {
        let mut endpoint = endpoint.clone();
        if self.is(Fault::TellsEverybody) {
            endpoint.event_types.push("user.created".into());
        }
        self.good.create_webhook_endpoint(&endpoint, along).await
    }

    async fn webhook_endpoints(
        &self,
        organization: Option<OrganizationId>,
        limit: u32,
    ) -> Result<Vec<WebhookEndpoint>> {
        self.good.webhook_endpoints(organization, limit).await
    }

    async fn find_webhook_endpoint(
        &self,
        id: WebhookEndpointId,
    ) -> Result<Option<WebhookEndpoint>> {
        self.good.find_webhook_endpoint(id).await
    }

    async fn change_webhook_endpoint(
        &self,
        id: WebhookEndpointId,
        url: &str,
        event_types: &[String],
        along: &Effects,
    ) -> Result<bool> {
        self.good.change_webhook_endpoint(id, url, event_types, along).await
    }

    async fn enable_webhook_endpoint(
        &self,
        id: WebhookEndpointId,
        enabled: bool,
        along: &Effects,
    ) -> Result<bool> {
        self.good.enable_webhook_endpoint(id, enabled, along).await
    }

    async fn replace_webhook_secrets(
        &self,
        id: WebhookEndpointId,
        current: &Sealed,
        next: &Sealed,
        along: &Effects,
    ) -> Result<bool> {
        let told = self.good.replace_webhook_secrets(id, current, next, along).await?;
        Ok(told || self.is(Fault::ReplacesBlindly))
    }

    async fn delete_webhook_endpoint(
        &self,
        id: WebhookEndpointId,
        along: &Effects,
    ) -> Result<bool> {
        self.good.delete_webhook_endpoint(id, along).await
    }

    async fn claim_webhooks(
        &self,
        now: OffsetDateTime,
        mut lease: Duration,
        limit: u32,
        mut each: u32,
    ) -> Result<Vec<WebhookDelivery>> {
        if self.is(Fault::ServesTheLoudest) {
            return self.claim_loudest(now, lease, limit, each).await;
        }
        match self.fault {
            Fault::ClaimsTwice => lease = Duration::ZERO,
            Fault::LosesWhatADeadWorkerHeld => lease = Duration::days(3650),
            Fault::LetsOneHangThemAll => each = u32::MAX,
            _ => {}
        }
        self.good.claim_webhooks(now, lease, limit, each).await
    }

    async fn finish_webhook(
        &self,
        delivery: &WebhookDelivery,
        attempt: &WebhookAttempt,
        outcome: WebhookOutcome,
        along: &Effects,
    ) -> Result<()> {
        if self.is(Fault::ObeysALateWorker) && outcome != WebhookOutcome::Delivered {
            for attempt_now in 1..=delivery.attempt + 1 {
                let any = WebhookDelivery { attempt: attempt_now, ..delivery.clone() };
                self.good.finish_webhook(&any, attempt, outcome, along).await?;
            }
            return Ok(());
        }
        let gone = outcome == WebhookOutcome::Gone && self.is(Fault::IgnoresTheGone);
        let outcome = if gone { WebhookOutcome::Dead } else { outcome };
        self.good.finish_webhook(delivery, attempt, outcome, along).await
    }

    async fn replay_webhook(
        &self,
        endpoint: WebhookEndpointId,
        event: Uuid,
        now: OffsetDateTime,
        along: &Effects,
    ) -> Result<bool> {
        let told = self.good.replay_webhook(endpoint, event, now, along).await?;
        Ok(told || self.is(Fault::ReplaysForEverybody))
    }

    async fn webhook_deliveries(
        &self,
        endpoint: WebhookEndpointId,
        state: WebhookState,
        before: Option<OffsetDateTime>,
        limit: u32,
    ) -> Result<Vec<WebhookRecord>> {
        self.good.webhook_deliveries(endpoint, state, before, limit).await
    }

    async fn webhook_attempts(
        &self,
        endpoint: WebhookEndpointId,
        event: Uuid,
    ) -> Result<Vec<WebhookAttempt>> {
        self.good.webhook_attempts(endpoint, event).await
    }

    async fn emit_webhook(&self, event: &WebhookEvent) -> Result<bool> {
        let mut event = event.clone();
        match self.fault {
            Fault::TellsAgain => event.id = SystemRandom.uuid_v7(event.at),
            Fault::LosesThePayload => event.payload = None,
            _ => {}
        }
        self.good.emit_webhook(&event).await
    }

    async fn sweep_webhooks(&self, before: OffsetDateTime, limit: u32) -> Result<u64> {
        if self.is(Fault::WaitsForTheDisabled) {
            let endpoints = self.good.webhook_endpoints(None, 100).await?;
            if endpoints.iter().any(|endpoint| !endpoint.enabled) {
                return Ok(0);
            }
        }
        let wide = self.is(Fault::SweepsTooMuch);
        let before = if wide { before + Duration::SECOND } else { before };
        self.good.sweep_webhooks(before, limit).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_store_of_webhooks_breaks() {
    for (fault, rule) in [
        (Fault::TellsEverybody, "nobody is told of what they did not ask for"),
        (Fault::ClaimsTwice, "a webhook is claimed by one worker"),
        (Fault::LetsOneHangThemAll, "an endpoint that hangs holds up nobody else"),
        (
            Fault::LosesWhatADeadWorkerHeld,
            "a webhook whose worker died is due again after its lease",
        ),
        (Fault::ObeysALateWorker, "a webhook worker whose lease ran out disturbs nobody"),
        (Fault::ReplaysForEverybody, "a dead letter is never taken, unless it is sent again, once"),
        (Fault::IgnoresTheGone, "an endpoint that is gone is disabled, and that is told"),
        (Fault::ReplacesBlindly, "of those who replace secrets at once exactly one does"),
        (Fault::SweepsTooMuch, "only old events that nobody waits for are swept"),
        (Fault::ServesTheLoudest, "whoever has the fewest taken is served first"),
        (
            Fault::TellsAgain,
            "an event of the host's own is written once, for each endpoint that asked for it",
        ),
        (
            Fault::LosesThePayload,
            "an event of the host's own is written once, for each endpoint that asked for it",
        ),
        (Fault::WaitsForTheDisabled, "what waits at a disabled endpoint is swept when it is old"),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Broken { good: (&store).into(), fault };
        let (users, sessions, audit) = ((&store).into(), (&store).into(), (&store).into());
        let seen = contract::webhooks(Arc::new(broken), users, sessions, audit).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
