//! Impersonations that run are permitted as long as they run: whoever may no longer act as a user
//! does not go on.
//!
//! Requests do not ask for it, since the host's own pages never come by here. A task does, every
//! minute.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::{AdminAct, AdminAuthorizer};
use crate::account::site::Site;
use crate::audit::{Action, AuditActor, Entry};
use crate::scope::Account;
use crate::session::scope_of;
use crate::store::{Result, RunningImpersonation};

/// Impersonations in one batch.
const BATCH: u32 = 100;
/// How long the host may take to say whether one may go on.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ends those that are not permitted any more; answers how many.
pub(in crate::account) async fn end_unpermitted(site: &Site) -> Result<u64> {
    let Some(authorizer) = &site.authorizer else { return Ok(0) };
    let (mut after, mut ended) = (None, 0);
    loop {
        let running = site.store.running_impersonations(after, BATCH, site.now()).await?;
        let Some(last) = running.last() else { return Ok(ended) };
        after = Some(last.session.id);
        for one in &running {
            let Some(login) = &one.session.login else { continue };
            if !may_go_on(&**authorizer, one, &login.account).await {
                ended += u64::from(end(site, one, &login.account).await?);
            }
        }
    }
}

/// What does not say yes in time says no.
async fn may_go_on(
    authorizer: &dyn AdminAuthorizer,
    one: &RunningImpersonation,
    user: &Account,
) -> bool {
    let ask = async {
        let act = AdminAct::to_act_as(authorizer, user).await;
        authorizer.may(&scope_of(&one.led_from), act, Some(user)).await
    };
    let answer = tokio::time::timeout(PATIENCE, AssertUnwindSafe(ask).catch_unwind()).await;
    matches!(answer, Ok(Ok(true)))
}

async fn end(site: &Site, one: &RunningImpersonation, user: &Account) -> Result<bool> {
    let id = one.session.id;
    let entry = Entry::new(Action::IMPERSONATION_STOP).by(AuditActor::System).about(user.id());
    let mut entry = entry.to("session", id).with("reason", "not_permitted");
    if let Some(login) = &one.led_from.login {
        entry = entry.with("administrator", login.account.id().as_str());
    }
    let along = site.effects(entry);
    let ended = site.store.end_impersonation(user.id(), id, &along, site.now()).await?;
    if ended {
        along.announce();
    }
    Ok(ended)
}
