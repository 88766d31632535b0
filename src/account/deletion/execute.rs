//! Deletes the accounts whose time has come. Any number of processes may do it: each deletion is
//! taken by one of them, for a while.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use time::Duration;

use super::hook::DeletionHookError;
use crate::account::site::Site;
use crate::audit::{Action, AuditActor, Entry};
use crate::scope::{Account, UserId};
use crate::store::{DeletionExecution, DeletionOutcome, DueDeletion, Effects, Result};

/// Deletions in one batch.
const BATCH: u32 = 20;
/// How long one call of the host's hook may take.
const HOOK_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(300);
/// For how long a deletion belongs to whoever took it: longer than a batch may take.
const LEASE: Duration = Duration::hours(4);
/// The first pause after a failure; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::minutes(1);
const LONGEST_PAUSE: Duration = Duration::hours(6);

/// One batch. Answers how many were taken in hand.
pub(in crate::account) async fn execute_due(site: &Site) -> Result<u64> {
    let due = site.store.claim_deletions(site.now(), LEASE, BATCH).await?;
    execute(site, &due).await?;
    Ok(due.len() as u64)
}

/// That of one user, if its time has come: nobody waits for what others asked for.
pub(in crate::account) async fn execute_own(site: &Site, user: &UserId) -> Result<()> {
    let due = site.store.claim_deletion_of(user, site.now(), LEASE).await?;
    execute(site, due.as_slice()).await
}

async fn execute(site: &Site, due: &[DueDeletion]) -> Result<()> {
    for deletion in due {
        let outcome = match bring_about(site, deletion).await {
            Ok(Some(outcome)) => outcome,
            Ok(None) => continue,
            Err(error) => {
                tracing::warn!(error, user = %deletion.user, "an account was not deleted yet");
                DeletionOutcome::Retry { at: site.now() + pause_after(deletion.attempt) }
            }
        };
        site.store.finish_deletion(deletion, outcome).await?;
    }
    Ok(())
}

/// `None` if somebody else has it in hand.
async fn bring_about(
    site: &Site,
    deletion: &DueDeletion,
) -> std::result::Result<Option<DeletionOutcome>, DeletionHookError> {
    if let Some(account) = &deletion.account {
        // Before the host erases what it knows of an account that cannot be deleted yet.
        let left_alone = site.store.left_alone_by(account.id()).await?;
        if !left_alone.is_empty() {
            return Err(only_owner_of(&left_alone));
        }
        if let Some(hook) = &site.deletion_hook {
            ask(hook.before(account)).await?;
        }
        #[cfg_attr(not(feature = "social"), expect(unused_mut, reason = "nothing to revoke"))]
        let mut along = effects(site, deletion, account);
        #[cfg(feature = "social")]
        for job in crate::account::social::revocations(site, account.id(), None).await? {
            along = along.and_delivery(job);
        }
        let strategy = site.policy.deletion.strategy;
        let (store, now) = (&site.store, site.now());
        match store.execute_deletion(deletion, strategy, &along, now).await? {
            DeletionExecution::Deleted => along.announce(),
            DeletionExecution::Late => return Ok(None),
            DeletionExecution::SoleOwner(names) => {
                return Err(only_owner_of(&names));
            }
        }
    }
    if let Some(hook) = &site.deletion_hook {
        ask(hook.after(&deletion.user)).await?;
    }
    Ok(Some(DeletionOutcome::Finished))
}

fn only_owner_of(names: &[String]) -> DeletionHookError {
    format!("it is the only owner of {}", names.join(", ")).into()
}

/// What is written with the deletion: the last entry and the last mail.
fn effects(site: &Site, deletion: &DueDeletion, account: &Account) -> Effects {
    let entry = Entry::new(Action::DELETE).by(AuditActor::System).about(account.id());
    let along = site.effects(entry);
    match &deletion.email {
        Some(to) => along.and_delivery(site.letters.deleted(to, &site.paths, site.now())),
        None => along,
    }
}

/// Awaits the host's hook; its panics are errors, and so is taking too long.
async fn ask(
    answer: impl Future<Output = std::result::Result<(), DeletionHookError>>,
) -> std::result::Result<(), DeletionHookError> {
    let answer = AssertUnwindSafe(answer).catch_unwind();
    match tokio::time::timeout(HOOK_TIMEOUT, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err("the deletion hook panicked".into()),
        Err(elapsed) => Err(elapsed.into()),
    }
}

fn pause_after(attempt: u32) -> Duration {
    let doubled = 2_i32.checked_pow(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
    FIRST_PAUSE.checked_mul(doubled).map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_six_hours() {
        let minutes = |attempt| pause_after(attempt).whole_minutes();
        assert_eq!([1, 2, 3, 9, 10, 1_000].map(minutes), [1, 2, 4, 256, 360, 360]);
    }
}
