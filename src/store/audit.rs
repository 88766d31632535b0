use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{NewDelivery, Result, Sighting};
use crate::audit::{AuditEntry, Outcome};
use crate::scope::{OrganizationId, UserId};

/// What is written along with a change, in the same transition: entries of the audit log, and what
/// must leave the application. An entry that names no user gets the one the transition changed.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// What the audit log tells of it.
    pub audit: Vec<AuditEntry>,
    /// Mails, events and the like.
    pub deliveries: Vec<NewDelivery>,
    /// Where the user was seen, if that is to be remembered, and what depends on it.
    pub sighting: Option<Sighting>,
    /// Whether they were written, and what the transition wrote beside them.
    pub receipt: Receipt,
}

/// Whether a transition has written [`Effects`] that it was given for one outcome of several, of
/// which its answer does not tell: the first refusal of a lockout, a copied passkey, where a user
/// was seen. And which entries of its own it wrote beside them, of what ended along with what they tell
/// of. The store says so here, before it answers. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Receipt(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    written: AtomicBool,
    derived: Mutex<Vec<AuditEntry>>,
}

impl Receipt {
    /// They were written, or were not: what was said before is forgotten.
    pub fn note(&self, written: bool) {
        self.0.written.store(written, Ordering::Release);
    }

    /// Whether they were, as far as the store has said.
    pub fn is_written(&self) -> bool {
        self.0.written.load(Ordering::Acquire)
    }

    /// The transition wrote these entries of its own: what was said of others before is forgotten.
    pub fn note_derived(&self, entries: Vec<AuditEntry>) {
        *self.0.derived.lock().unwrap_or_else(PoisonError::into_inner) = entries;
    }

    /// The entries that it wrote of its own, as far as the store has said.
    pub fn derived(&self) -> Vec<AuditEntry> {
        self.0.derived.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Effects {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether there is nothing to be written.
    pub fn is_empty(&self) -> bool {
        self.audit.is_empty() && self.deliveries.is_empty() && self.sighting.is_none()
    }

    /// The same, with an entry more.
    #[must_use]
    pub fn and_entry(mut self, entry: AuditEntry) -> Self {
        self.audit.push(entry);
        self
    }

    /// The same, with a delivery more.
    #[must_use]
    pub fn and_delivery(mut self, delivery: NewDelivery) -> Self {
        self.deliveries.push(delivery);
        self
    }

    /// The same, with where the user was seen.
    #[must_use]
    pub fn and_sighting(self, sighting: Sighting) -> Self {
        Self { sighting: Some(sighting), ..self }
    }

    /// Tells of the entries by [`tracing`], of those of the [`Sighting`] that were written, and of what
    /// the transition wrote of its own. To be called once they are committed.
    pub fn announce(&self) {
        self.audit.iter().for_each(AuditEntry::announce);
        self.receipt.derived().iter().for_each(AuditEntry::announce);
        if let Some(seen) = &self.sighting {
            seen.familiar.announce_if_written();
            seen.strange.announce_if_written();
        }
    }

    /// The same, if the [`Receipt`] says that they were written.
    pub fn announce_if_written(&self) {
        if self.receipt.is_written() {
            self.announce();
        }
    }
}

impl From<NewDelivery> for Effects {
    fn from(delivery: NewDelivery) -> Self {
        Self::none().and_delivery(delivery)
    }
}

impl From<AuditEntry> for Effects {
    fn from(entry: AuditEntry) -> Self {
        Self::none().and_entry(entry)
    }
}

/// Which entries of the audit log. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this action.
    pub action: Option<String>,
    /// Of the actions that begin so.
    pub prefix: Option<String>,
    /// That ended like this.
    pub outcome: Option<Outcome>,
    /// Done by this user or service account.
    pub actor: Option<UserId>,
    /// About this user.
    pub user: Option<UserId>,
    /// In this organization.
    pub organization: Option<OrganizationId>,
    /// Not before this time.
    pub since: Option<OffsetDateTime>,
    /// Before this time.
    pub until: Option<OffsetDateTime>,
    /// Before this entry.
    pub before: Option<Uuid>,
}

/// The audit log. Entries enter it with the transition they tell of; none is ever changed, but that what
/// is personal in it goes with the account that it is about
/// ([`DeletionStrategy`](super::DeletionStrategy)). [`SqlStore`](super::SqlStore) has the database refuse
/// all else by triggers, whoever asks for it: `UPDATE` of anything but what is personal, which may
/// become null or empty; `DELETE` of what is younger than a sweep has said in its transaction, and
/// `TRUNCATE`. That stops mistakes; whoever owns the table may drop the triggers, and whoever may write
/// to it can say that it is swept. To prove that nobody did, send the entries elsewhere as they are
/// written (by [`tracing`], target `donjon::audit`).
#[async_trait]
pub trait AuditStore: std::fmt::Debug + Send + Sync + 'static {
    /// Writes an entry that tells of no transition of ours. Writing one twice changes nothing.
    async fn write_audit_entry(&self, entry: &AuditEntry) -> Result<()>;

    /// The entries that fit, newest first; at most `limit`. The order is by time, then id, so that
    /// a page can go on after the last entry of the one before.
    async fn audit_entries(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>>;

    /// Removes at most `limit` entries older than `before`. Answers how many.
    async fn sweep_audit(&self, before: OffsetDateTime, limit: u32) -> Result<u64>;
}
