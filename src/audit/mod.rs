//! The audit log: who did what to whom, when and from where.
//!
//! An entry is written in the same transition as the change it tells of: both are there, or
//! neither is. Nothing secret is ever in one. An entry is never changed, but that what is personal in it
//! goes with the account that it is about ([`DeletionStrategy`](crate::store::DeletionStrategy)); it is
//! removed only by the retention that the host chooses. The databases of
//! [`SqlStore`](crate::store::SqlStore) refuse all else ([`AuditStore`](crate::store::AuditStore)).
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use donjon::audit::{Action, AuditLog, Entry};
//! use donjon::crypto::{Clock, SystemClock, SystemRandom};
//! use donjon::store::SqlStore;
//!
//! let store = SqlStore::connect("sqlite::memory:").await.unwrap();
//! let log = AuditLog::new(&store);
//!
//! // The host’s own events stand beside ours, under names of its own.
//! let now = SystemClock.now();
//! let entry = Entry::new(Action::host("invoice.paid").unwrap()).with("invoice", "2026-17");
//! log.write(&entry.at(now, &SystemRandom)).await.unwrap();
//!
//! let page = log.query().action("invoice.paid").newest(10).await.unwrap();
//! assert_eq!(page.entries[0].metadata["invoice"], "2026-17");
//! # });
//! ```

mod action;
mod entry;
mod export;
mod log;

pub use action::{Action, ReservedAction};
pub use entry::{AuditActor, AuditEntry, Entry, Outcome, Subject};
pub use export::{CSV_HEADER, csv_line, json_line, json_value};
pub use log::{AuditLog, AuditPage, AuditQuery};
