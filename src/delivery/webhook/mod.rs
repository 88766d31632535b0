//! Webhooks by the rules of [Standard Webhooks](https://www.standardwebhooks.com): each message is
//! signed with a secret that only its sender and its receiver know.
//!
//! ```
//! use donjon::crypto::{Clock as _, RandomExt as _, SystemClock, SystemRandom};
//! use donjon::delivery::webhook::{WebhookSecret, WebhookVerifier, sign};
//!
//! // The sender:
//! let secret = WebhookSecret::generate(&SystemRandom);
//! let now = SystemClock.now();
//! let body = br#"{"type":"user.created"}"#;
//! let headers = sign([&secret], SystemRandom.uuid_v7(now), now, body);
//!
//! // The receiver, who was given the secret's text:
//! let verifier = WebhookVerifier::new([secret.expose().parse()?]);
//! let message = verifier.verify(&headers, body, SystemClock.now())?;
//! println!("{} is new, unless it was seen before", message.id);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod secret;
mod signature;
mod verifier;

pub use secret::{InvalidWebhookSecret, WebhookSecret};
pub use signature::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, sign};
pub use verifier::{VerifiedWebhook, WebhookError, WebhookVerifier};
