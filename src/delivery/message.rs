use std::fmt;

use serde::{Deserialize, Serialize};
#[cfg(feature = "accounts")]
use time::OffsetDateTime;

use crate::crypto::{Keyring, KeyringError, Purpose, Sealed};
#[cfg(feature = "accounts")]
use crate::crypto::{Random, RandomExt as _};
#[cfg(feature = "accounts")]
use crate::store::NewDelivery;
use uuid::Uuid;

/// The kind of a mail in the outbox.
pub(super) const MAIL: &str = "mail";
const PURPOSE: Purpose = Purpose::new("delivery/mail");

/// A mail to one person. It prints without its content, which may hold a secret link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The id of its delivery: the same each time it is handed to a
    /// [`Mailer`](super::Mailer), so that a repetition can be recognised.
    #[serde(skip)]
    pub id: Uuid,
    /// The address: one, without a display name, free of control characters.
    pub to: String,
    /// The subject: one line.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("to", &self.to)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// A message as a delivery, to be written with the transition that causes it.
#[cfg(feature = "accounts")]
pub(crate) fn seal(
    keyring: &Keyring,
    random: &dyn Random,
    message: &Message,
    now: OffsetDateTime,
) -> NewDelivery {
    let id = random.uuid_v7(now);
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(message).unwrap_or_default());
    let payload = keyring.seal(random, PURPOSE, id.as_bytes(), &plain);
    NewDelivery { id, kind: MAIL, payload, created_at: now }
}

/// Why a delivery holds no message.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error(transparent)]
    Sealed(#[from] KeyringError),
    #[error("the delivery holds no message: {0}")]
    Content(#[from] serde_json::Error),
}

/// The message that was sealed into the delivery with this id.
pub(super) fn open(keyring: &Keyring, id: Uuid, payload: &Sealed) -> Result<Message, OpenError> {
    let plain = keyring.open(PURPOSE, id.as_bytes(), payload)?;
    let message: Message = serde_json::from_slice(&plain)?;
    Ok(Message { id, ..message })
}

#[cfg(all(test, feature = "accounts"))]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;

    #[test]
    fn a_message_opens_only_in_its_own_delivery() {
        let keyring = Keyring::ephemeral(&SystemRandom);
        let message = Message {
            id: Uuid::nil(),
            to: "a@example.test".into(),
            subject: "s".into(),
            text: "secret".into(),
            html: "secret".into(),
        };
        let delivery = seal(&keyring, &SystemRandom, &message, OffsetDateTime::UNIX_EPOCH);
        let opened = open(&keyring, delivery.id, &delivery.payload).unwrap();
        assert_eq!(opened, Message { id: delivery.id, ..message.clone() });
        assert!(open(&keyring, Uuid::nil(), &delivery.payload).is_err());
        assert!(!format!("{message:?}").contains("secret"));
    }
}
