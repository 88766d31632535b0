//! The statements that both backends share, and how they read an account in a list.

use sqlx::types::Json;
use uuid::Uuid;

use super::account::account;
use super::convert::time;
use super::lifecycle::standing;
use super::session::{LOAD_BY_ID, LOAD_LED};
use crate::scope::{Attributes, SessionId, UserId};
use crate::store::{AccountSummary, Result, RunningImpersonation, StoredSession};

/// By the time they were made, then by id, so that a page goes on after the last one before.
pub(super) const LIST: &str = "SELECT id, email, email_verified, attributes, disabled_at, \
     deletion_at, deleted_at, password IS NOT NULL, created_at FROM donjon_users \
     WHERE substr(coalesce(email, ''), 1, length($1)) = $1 \
     AND ($2 IS NULL OR (created_at, id) < \
         ((SELECT created_at FROM donjon_users WHERE id = $2), $2)) \
     ORDER BY created_at DESC, id DESC LIMIT $3";

/// The sessions of impersonations, each with the one that it is led from, though that be over.
pub(super) const RUNNING: &str = "SELECT s.id, i.administrator_session_id \
     FROM donjon_impersonations i \
     JOIN donjon_sessions s ON s.id = i.session_id AND s.expires_at > $1 \
         AND (s.idle_expires_at IS NULL OR s.idle_expires_at > $1) \
     WHERE i.session_id > $2 ORDER BY i.session_id LIMIT $3";

#[cfg(feature = "sqlite")]
pub(super) const BEGIN: &str = "INSERT INTO donjon_impersonations \
     (session_id, administrator_session_id, administrator_id, reason, begun_at) \
     SELECT s.id, a.id, a.user_id, $4, $5 FROM donjon_sessions s \
     JOIN donjon_sessions a ON a.id = $2 AND a.user_id = $3 AND a.impersonator_id IS NULL \
         AND a.expires_at > $5 AND (a.idle_expires_at IS NULL OR a.idle_expires_at > $5) \
     JOIN donjon_users u ON u.id = s.user_id AND u.disabled_at IS NULL \
         AND u.deletion_at IS NULL AND u.deleted_at IS NULL \
     WHERE s.id = $1 AND s.impersonator_id = $3 \
     ON CONFLICT (session_id) DO NOTHING";

/// The next impersonations that run: `page` gives the ids of some after one, and `load` their
/// sessions. A page of which all have ended meanwhile is passed over.
pub(super) async fn running<P, L>(
    after: Option<SessionId>,
    page: impl Fn(Uuid) -> P,
    load: impl Fn(&'static str, Uuid) -> L,
) -> Result<Vec<RunningImpersonation>>
where
    P: Future<Output = Result<Vec<(Uuid, Uuid)>>>,
    L: Future<Output = Result<Option<StoredSession>>>,
{
    let (mut after, mut all) = (after.map_or(Uuid::nil(), |after| after.0), Vec::new());
    loop {
        let ids = page(after).await?;
        let Some((last, _)) = ids.last() else { return Ok(all) };
        after = *last;
        for (acting, leader) in ids {
            // What has ended meanwhile does not run.
            if let Some(acting) = load(LOAD_LED, acting).await? {
                all.push(impersonation(acting, load(LOAD_BY_ID, leader).await?));
            }
        }
        if !all.is_empty() {
            return Ok(all);
        }
    }
}

/// An impersonation, and where it is led from if that is the administrator's own.
fn impersonation(session: StoredSession, led_from: Option<StoredSession>) -> RunningImpersonation {
    let login = session.login.as_ref();
    let administrator = login.and_then(|login| login.impersonator.as_ref());
    let led_from = led_from.filter(|leader| {
        let leader = leader.login.as_ref().map(|login| login.account.id());
        administrator.is_some() && leader == administrator
    });
    RunningImpersonation { session, led_from }
}

pub(super) fn key(administrator: &UserId) -> String {
    format!("admin:{administrator}")
}

pub(super) type SummaryRow = (
    String,
    Option<String>,
    bool,
    Json<Attributes>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    bool,
    i64,
);

pub(super) fn summary(row: SummaryRow) -> Result<AccountSummary> {
    let (id, email, verified, attributes, disabled, deletion, deleted, password, created) = row;
    Ok(AccountSummary {
        account: account((id, email, verified, attributes))?,
        standing: standing((disabled, deletion, deleted, password, None, None, false))?,
        created_at: time(created)?,
    })
}
