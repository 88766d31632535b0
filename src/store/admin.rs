use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Effects, RateLimit, Result, Standing, StoredSession};
use crate::scope::{Account, SessionId, UserId};

/// Which accounts an administrator looks for. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// Whose address begins so; as it is normalised.
    pub email_prefix: String,
    /// Made before this one: goes on after a page.
    pub before: Option<UserId>,
}

/// An account as a list shows it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AccountSummary {
    /// The account.
    pub account: Account,
    /// How it stands.
    pub standing: Standing,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// A session that was written, in which an administrator is to act as a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImpersonation {
    /// The session.
    pub session: SessionId,
    /// The administrator.
    pub administrator: UserId,
    /// The administrator's own session, which it is led from.
    pub led_from: SessionId,
    /// Why.
    pub reason: String,
}

/// A session that is alive, in which an administrator acts as a user.
#[derive(Clone, Debug, PartialEq)]
pub struct RunningImpersonation {
    /// The session.
    pub session: StoredSession,
    /// The administrator's own session, which it is led from; `None` if that opens nothing any more:
    /// nor does this one then.
    pub led_from: Option<StoredSession>,
}

/// Transitions of administrators.
#[async_trait]
pub trait AdminStore: std::fmt::Debug + Send + Sync + 'static {
    /// The accounts that fit, those made last first; at most `limit`.
    async fn list_accounts(
        &self,
        filter: &AccountFilter,
        limit: u32,
    ) -> Result<Vec<AccountSummary>>;

    /// Binds an impersonation to the session it is led from, if that is alive, is the
    /// administrator's own and no impersonation itself, and the user may come in. From then on it
    /// is alive only while the other is. Of two callers exactly one is told so.
    async fn begin_impersonation(
        &self,
        impersonation: &NewImpersonation,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool>;

    /// The impersonations whose sessions are there and have not run out, in the order of the ids of
    /// these, beginning after this one; at most `limit`. There are no more if none is told. They are
    /// told, too, if the session they are led from is over, or is
    /// [let in no more](super::SsoStore): so that they end.
    async fn running_impersonations(
        &self,
        after: Option<SessionId>,
        limit: u32,
        now: OffsetDateTime,
    ) -> Result<Vec<RunningImpersonation>>;

    /// Ends the session with this id in which somebody acts as a user, and writes its event, and
    /// `along`. Of two callers exactly one is told so.
    async fn end_impersonation(
        &self,
        user: &UserId,
        session: SessionId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool>;

    /// Counts one thing more that an administrator does; `false` beyond the limit.
    async fn count_admin_action(
        &self,
        administrator: &UserId,
        limit: RateLimit,
        now: OffsetDateTime,
    ) -> Result<bool>;
}
