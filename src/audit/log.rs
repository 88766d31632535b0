use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{AuditEntry, Outcome};
use crate::scope::{OrganizationId, UserId};
use crate::store::{AuditFilter, AuditStore, Result};

/// The most entries of one page.
const MAX_PAGE: u32 = 500;

/// The audit log of a store. Cheap to clone.
#[derive(Clone)]
pub struct AuditLog(Arc<dyn AuditStore>);

impl AuditLog {
    /// The log of this store.
    pub fn new(store: impl Into<Arc<dyn AuditStore>>) -> Self {
        Self(store.into())
    }

    /// Writes an entry of the host’s own. Ours are written with what they tell of.
    ///
    /// # Errors
    /// Of the store.
    pub async fn write(&self, entry: &AuditEntry) -> Result<()> {
        self.0.write_audit_entry(entry).await?;
        entry.announce();
        Ok(())
    }

    /// Begins a query for all entries.
    pub fn query(&self) -> AuditQuery<'_> {
        AuditQuery { log: self, filter: AuditFilter::default() }
    }

    /// Removes what is older than `before`, in bounded batches. Answers how many entries went.
    ///
    /// # Errors
    /// Of the store.
    pub async fn forget(&self, before: OffsetDateTime) -> Result<u64> {
        let mut all = 0;
        loop {
            match self.0.sweep_audit(before, MAX_PAGE).await? {
                0 => return Ok(all),
                some => all += some,
            }
        }
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog").finish_non_exhaustive()
    }
}

/// A question to the log. All its conditions must hold.
#[derive(Clone, Debug)]
#[must_use]
pub struct AuditQuery<'a> {
    log: &'a AuditLog,
    filter: AuditFilter,
}

/// Some entries, newest first.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins, if there is one: for [`AuditQuery::before`].
    pub next: Option<Uuid>,
}

impl AuditQuery<'_> {
    /// Of this action.
    pub fn action(mut self, name: impl Into<String>) -> Self {
        self.filter.action = Some(name.into());
        self
    }

    /// Of all actions that begin with these words, such as `session.`.
    pub fn actions_of(mut self, prefix: impl Into<String>) -> Self {
        self.filter.prefix = Some(prefix.into());
        self
    }

    /// That ended like this.
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.filter.outcome = Some(outcome);
        self
    }

    /// Done by this user or service account.
    pub fn actor(mut self, id: &UserId) -> Self {
        self.filter.actor = Some(id.clone());
        self
    }

    /// About this user.
    pub fn user(mut self, id: &UserId) -> Self {
        self.filter.user = Some(id.clone());
        self
    }

    /// In this organization.
    pub fn organization(mut self, id: OrganizationId) -> Self {
        self.filter.organization = Some(id);
        self
    }

    /// Not before this time.
    pub fn since(mut self, time: OffsetDateTime) -> Self {
        self.filter.since = Some(time);
        self
    }

    /// Before this time.
    pub fn until(mut self, time: OffsetDateTime) -> Self {
        self.filter.until = Some(time);
        self
    }

    /// Before this entry: goes on after a page.
    pub fn before(mut self, cursor: Uuid) -> Self {
        self.filter.before = Some(cursor);
        self
    }

    /// The newest entries that fit, at most `limit` and never more than 500.
    ///
    /// # Errors
    /// Of the store.
    pub async fn newest(&self, limit: u32) -> Result<AuditPage> {
        let limit = limit.clamp(1, MAX_PAGE);
        let mut entries = self.log.0.audit_entries(&self.filter, limit + 1).await?;
        let more = entries.len() > limit as usize;
        entries.truncate(limit as usize);
        let next = if more { entries.last().map(|entry| entry.id) } else { None };
        Ok(AuditPage { entries, next })
    }
}
