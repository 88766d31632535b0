//! How often apps may call, and users make codes for them. It is counted in the store, before anything
//! else is done; what turns out to open nothing is counted once more.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::AppSessions;
use crate::account::AccountError;
use crate::account::limits::{self, Uses, network};
use crate::account::site::{Site, Visit};
use crate::crypto::TokenHash;
use crate::http::respond;
use crate::scope::UserId;

/// Counts a call, which may be about the session with refresh tokens of this family.
pub(super) async fn call(
    site: &Site,
    visit: &Visit,
    apps: &AppSessions,
    family: Option<&TokenHash>,
) -> Result<(), AccountError> {
    let (limits, network) = (site.policy.limits.apps, network(visit));
    // Who has shown too much that opens nothing shows no more, whatever they have now.
    if let Some(network) = &network {
        turn_away(site, apps, &refused_key(network))?;
    }
    let mut uses = Uses::default();
    if let Some(network) = &network {
        uses.add(format!("apps:network:{network}"), limits.per_network, Some("apps"));
    }
    if let Some(family) = family {
        let family = URL_SAFE_NO_PAD.encode(family.as_bytes());
        uses.add(format!("apps:session:{family}"), limits.per_session, None);
    }
    count(site, visit, apps, &uses).await
}

/// Counts a call that opened nothing.
pub(super) async fn refusal(
    site: &Site,
    visit: &Visit,
    apps: &AppSessions,
) -> Result<(), AccountError> {
    let mut uses = Uses::default();
    if let Some(network) = network(visit) {
        uses.add(refused_key(&network), site.policy.limits.apps.refused, Some("refused"));
    }
    count(site, visit, apps, &uses).await
}

/// Counts a code, with the form by which it is asked for, unless that was counted.
pub(super) async fn code(site: &Site, visit: &Visit, user: &UserId) -> Result<(), AccountError> {
    let mut uses = Uses::of_form_unless_counted(site, visit);
    uses.add(format!("apps:codes:{user}"), site.policy.limits.apps.codes, None);
    limits::count(site, visit, &uses).await
}

fn refused_key(network: &str) -> String {
    format!("apps:refused:{network}")
}

/// Counts in a transition of its own; in none, once this process knows that it is too much.
async fn count(
    site: &Site,
    visit: &Visit,
    apps: &AppSessions,
    uses: &Uses,
) -> Result<(), AccountError> {
    if uses.list().is_empty() {
        return Ok(());
    }
    for used in uses.list() {
        turn_away(site, apps, &used.key)?;
    }
    let now = site.now();
    let counts = site.store.count_uses(uses.list(), now).await?;
    for (used, count) in uses.list().iter().zip(&counts) {
        if count.is_over(used.limit) {
            apps.enough.learn(&used.key, count.until, now);
        }
    }
    uses.judge(visit, &counts, now)
}

fn turn_away(site: &Site, apps: &AppSessions, key: &str) -> Result<(), AccountError> {
    let now = site.now();
    let until = apps.enough.until(key, now).map(|until| respond::seconds_until(until, now));
    until.map_or(Ok(()), |seconds| Err(AccountError::Limited(seconds)))
}
