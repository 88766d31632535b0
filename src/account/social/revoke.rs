//! Has a provider revoke the tokens that were kept, once an identity is unlinked or its account is
//! deleted (RFC 7009). The job is written, sealed, in the transition that forgets the tokens.

use serde::{Deserialize, Serialize};
use time::Duration;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Providers;
use super::fault::Fault;
use super::provider::Protocol;
use crate::account::site::Site;
use crate::crypto::{Purpose, RandomExt as _, Sealed};
use crate::scope::UserId;
use crate::store::{Delivery, DeliveryOutcome, NewDelivery, Result};

/// The kind of such a job in the outbox.
const KIND: &str = "provider_token";
const PURPOSE: Purpose = Purpose::new("account/provider-revocation");
/// Jobs in one batch.
const BATCH: u32 = 4;
/// For how long a batch belongs to whoever took it: longer than the provider may take.
const LEASE: Duration = Duration::minutes(5);
/// How many times a provider is asked.
const ATTEMPTS: u32 = 12;
/// The first pause after a failure; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::MINUTE;
const LONGEST_PAUSE: Duration = Duration::hours(6);

/// What is to be revoked, and where.
#[derive(Serialize, Deserialize)]
struct Job {
    provider: String,
    token: String,
    /// What it is, as RFC 7009, section 2.1, calls it.
    hint: String,
}

/// The jobs to be written with what forgets a user's tokens: those of one provider, or of all that the
/// host keeps tokens of. It reads them once for each of those, and nothing where none are kept.
pub(in crate::account) async fn revocations(
    site: &Site,
    user: &UserId,
    only: Option<&str>,
) -> Result<Vec<NewDelivery>> {
    let mut jobs = Vec::new();
    let Some(all) = &site.social else { return Ok(jobs) };
    for provider in &all.providers {
        // Others have no address for it that everybody knows.
        let can = provider.keeps_tokens && matches!(provider.protocol, Protocol::OpenId { .. });
        if !can || only.is_some_and(|only| only != provider.id) {
            continue;
        }
        let Some(stored) = site.store.provider_tokens(user, &provider.id).await? else { continue };
        let Some(tokens) = all.open_tokens(&provider.id, &stored) else { continue };
        // With a refresh token goes the whole grant.
        let (token, hint) = match tokens.refresh_token {
            Some(token) => (token, "refresh_token"),
            None => (tokens.access_token, "access_token"),
        };
        let job = Job { provider: provider.id.clone(), token, hint: hint.to_owned() };
        jobs.push(seal(site, all, &job));
    }
    Ok(jobs)
}

fn seal(site: &Site, all: &Providers, job: &Job) -> NewDelivery {
    let now = site.now();
    let id = site.random.uuid_v7(now);
    let plain = Zeroizing::new(serde_json::to_vec(job).unwrap_or_default());
    let payload = all.keyring.seal(&*site.random, PURPOSE, id.as_bytes(), &plain);
    NewDelivery { id, kind: KIND, payload, created_at: now }
}

fn open(all: &Providers, id: Uuid, payload: &Sealed) -> Option<Job> {
    let plain = all.keyring.open(PURPOSE, id.as_bytes(), payload).ok()?;
    serde_json::from_slice(&plain).ok()
}

/// One batch of the jobs that are due. Answers how many there were.
pub(in crate::account) async fn revoke_due(site: &Site) -> Result<u64> {
    let Some(all) = &site.social else { return Ok(0) };
    let due = site.store.claim_deliveries(KIND, site.now(), LEASE, BATCH).await?;
    for delivery in &due {
        let outcome = match revoke(all, delivery).await {
            Ok(()) => DeliveryOutcome::Delivered,
            Err(fault) if delivery.attempt_of_round >= ATTEMPTS => {
                tracing::error!(%fault, job = %delivery.id, "tokens of a provider were not revoked");
                DeliveryOutcome::Dead
            }
            Err(fault) => {
                tracing::warn!(%fault, job = %delivery.id, "tokens of a provider are not revoked yet");
                let at = site.now() + pause_after(delivery.attempt_of_round);
                DeliveryOutcome::Retry { at }
            }
        };
        site.store.finish_delivery(delivery, outcome).await?;
    }
    Ok(due.len() as u64)
}

async fn revoke(all: &Providers, delivery: &Delivery) -> std::result::Result<(), Fault> {
    let unknown = |what: &'static str| Fault::Unavailable(what.into());
    let job = open(all, delivery.id, &delivery.payload);
    let job = job.ok_or_else(|| unknown("the keyring does not open the job"))?;
    let provider = all.find(&job.provider);
    let provider =
        provider.ok_or_else(|| unknown("the provider is none of the host's any more"))?;
    all.client.revoke(provider, &job.token, &job.hint).await
}

fn pause_after(attempt: u32) -> Duration {
    let doubled = 2_i32.checked_pow(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
    FIRST_PAUSE.checked_mul(doubled).map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE))
}
