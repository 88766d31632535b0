//! Webhooks by the rules of [Standard Webhooks](https://www.standardwebhooks.com): each message is
//! signed with a secret that only its sender and its receiver know.
//!
//! An application tells others of what happens to its users: [`WebhookEndpoints`] says whom, and a
//! [`WebhookWorker`] sees the events off.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use donjon::crypto::{Keyring, SystemRandom};
//! use donjon::delivery::webhook::{EventType, WebhookEndpoints, WebhookWorker};
//! use donjon::http::Egress;
//! use donjon::store::SqlStore;
//!
//! let store = SqlStore::connect("sqlite::memory:").await?;
//! let keyring = Keyring::ephemeral(&SystemRandom);
//! let endpoints = WebhookEndpoints::new(&store, &keyring);
//! let events = [EventType::UserCreated, EventType::UserDeleted];
//! let (_, secret) = endpoints.create("https://crm.example/hooks", &events, None).await?;
//! println!("verify what comes with {}", secret.expose());
//! let worker = WebhookWorker::new(&store, &keyring, &Egress::new()).start();
//! // … the application runs …
//! worker.stop().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! The host tells of what is its own beside ours ([`HostEvent`], [`WebhookEndpoints::emit`]). What
//! was delivered, or given up, is kept for a while and then forgotten
//! ([`WebhookWorker::keep_for`]).
//!
//! Sending and receiving by hand:
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

mod endpoints;
mod event;
mod host_event;
mod secret;
mod signature;
mod verifier;
mod worker;

pub use endpoints::{EndpointError, WebhookEndpoints};
pub use event::{EventType, UnknownEventType};
pub use host_event::{HostEvent, HostEventName, InvalidEventName, InvalidHostEvent};
pub use secret::{InvalidWebhookSecret, WebhookSecret};
pub use signature::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, sign};
pub use verifier::{VerifiedWebhook, WebhookError, WebhookVerifier};
pub use worker::WebhookWorker;
