use std::fmt::Debug;

use async_trait::async_trait;

use super::Message;

/// Sends mail: an SMTP client, a provider's API, or a [`Mailbox`](super::Mailbox).
#[async_trait]
pub trait Mailer: Debug + Send + Sync + 'static {
    /// Sends one message; it is sent once this returns `Ok`. A call that takes longer than the
    /// worker's limit is dropped and counts as [`MailError::Temporary`].
    async fn send(&self, message: &Message) -> Result<(), MailError>;
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// It may go better later: it is tried again.
    #[error("the mail was not sent, and is tried again: {0}")]
    Temporary(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A policy of the receiver's is against it: it is tried a few times more
    /// ([`RetryPolicy::refusals`](super::RetryPolicy::refusals)).
    #[error("the mail is refused by a policy: {0}")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It never will: the address or the message is refused.
    #[error("the mail is refused for good: {0}")]
    Permanent(#[source] Box<dyn std::error::Error + Send + Sync>),
}
