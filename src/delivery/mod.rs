//! The outbox: what must leave the application, and the worker that sees it off.
//!
//! A mail is written, sealed, in the same transition as what causes it, so that a change that was
//! acknowledged never loses its mail. A [`Worker`] takes what is due, hands it to a [`Mailer`],
//! tries again when that fails, and gives up after a while: a dead letter stays in the table for
//! an operator to see. Any number of processes may run workers over one store. A worker that is
//! killed in the middle leaves a lease that runs out within half a minute ([`Worker::lease`]), so a mail
//! is sent at least once, and in rare cases twice. Both times it has the same [`Message::id`]. With feature `smtp`, `SmtpMailer` sends
//! what it is given to a mail server.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use donjon::crypto::{Keyring, SystemRandom};
//! use donjon::delivery::{Mailbox, Worker};
//! use donjon::store::SqlStore;
//!
//! let store = SqlStore::connect("sqlite::memory:").await?;
//! let keyring = Keyring::ephemeral(&SystemRandom);
//! let mailbox = Mailbox::default();
//! let worker = Worker::new(&store, &keyring, mailbox.clone()).start();
//! // … the application runs …
//! worker.stop().await;
//! assert!(mailbox.messages().is_empty());
//! # Ok::<(), donjon::store::ConnectError>(())
//! # }).unwrap();
//! ```

mod mailbox;
mod mailer;
mod message;
mod pump;
#[cfg(feature = "smtp")]
mod smtp;
pub mod webhook;
mod worker;

pub use mailbox::Mailbox;
pub use mailer::{MailError, Mailer};
pub use message::Message;
#[cfg(feature = "accounts")]
pub(crate) use message::seal;
pub use pump::RunningWorker;
#[cfg(all(feature = "smtp", any(test, fuzzing)))]
pub(crate) use smtp::fuzzing;
#[cfg(feature = "smtp")]
pub use smtp::{SmtpError, SmtpMailer, SmtpMailerBuilder, SmtpTls};
pub use worker::{DeadMail, RetryPolicy, Worker};
