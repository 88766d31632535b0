//! Accounts of which nothing came: whoever signed up with an address never showed that it is theirs.
//! They would keep it from its owner, who was told of them once, and they would become more and more.

use time::Duration;

use crate::account::site::Site;
use crate::audit::{Action, AuditActor, Entry};
use crate::store::Result;

/// In one batch.
const BATCH: u32 = 100;

/// Removes one batch. Answers how many.
pub(in crate::account) async fn remove_abandoned(site: &Site) -> Result<u64> {
    let (now, stay) = (site.now(), site.policy.abandoned_for);
    if stay <= Duration::ZERO {
        return Ok(0);
    }
    let before = now - stay;
    let mut removed = 0;
    for user in site.store.abandoned_accounts(before, now, BATCH).await? {
        let entry = Entry::new(Action::DELETE).by(AuditActor::System).about(&user);
        let along = site.effects(entry.with("abandoned", true));
        if site.store.remove_abandoned_account(&user, before, &along, now).await? {
            along.announce();
            removed += 1;
        }
    }
    Ok(removed)
}
