//! Impersonations that run are permitted as long as they run: whoever may no longer act as a user
//! does not go on, nor does anybody whose own session is over.
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
use crate::store::{Result, RunningImpersonation, StoredSession};

/// Impersonations in one batch.
const BATCH: u32 = 100;
/// How long the host may take to say whether one may go on.
const PATIENCE: Duration = Duration::from_secs(10);
/// Why they end, as the audit log is told.
const NOT_PERMITTED: &str = "not_permitted";
const OVER: &str = "administrators_session_over";

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
            let Some(led_from) = &one.led_from else {
                ended += u64::from(end(site, one, &login.account, OVER).await?);
                continue;
            };
            if !may_go_on(&**authorizer, led_from, &login.account).await {
                ended += u64::from(end(site, one, &login.account, NOT_PERMITTED).await?);
            }
        }
    }
}

/// What does not say yes in time says no.
async fn may_go_on(
    authorizer: &dyn AdminAuthorizer,
    led_from: &StoredSession,
    user: &Account,
) -> bool {
    let ask = async {
        let act = AdminAct::to_act_as(authorizer, user).await;
        authorizer.may(&scope_of(led_from), act, Some(user)).await
    };
    let answer = tokio::time::timeout(PATIENCE, AssertUnwindSafe(ask).catch_unwind()).await;
    matches!(answer, Ok(Ok(true)))
}

async fn end(
    site: &Site,
    one: &RunningImpersonation,
    user: &Account,
    reason: &str,
) -> Result<bool> {
    let id = one.session.id;
    let entry = Entry::new(Action::IMPERSONATION_STOP).by(AuditActor::System).about(user.id());
    let mut entry = entry.to("session", id).with("reason", reason);
    let login = one.session.login.as_ref();
    if let Some(administrator) = login.and_then(|login| login.impersonator.as_ref()) {
        entry = entry.with("administrator", administrator.as_str());
    }
    let along = site.effects(entry);
    let ended = site.store.end_impersonation(user.id(), id, &along, site.now()).await?;
    if ended {
        along.announce();
    }
    Ok(ended)
}
