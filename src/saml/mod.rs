//! A strict SAML 2.0 service provider.
//!
//! [`SamlLayer`] answers `/saml/{connection}/metadata`, `/login` and `/acs`. A login ends in the
//! session of [`session`](crate::session), and from there on nobody can tell it from another: who
//! the user is, is decided by the host's [`UserMapper`].
//!
//! The protocol itself is pure: [`xml`] turns bytes into a tree, a canonical form and a verdict on
//! a signature; [`protocol`] builds requests, judges responses, and writes and reads metadata.
//! Neither does I/O, reads a clock or draws randomness: time and identifiers are arguments.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use std::sync::Arc;
//!
//! use donjon::crypto::{Keyring, SystemRandom};
//! use donjon::saml::{MapperError, SamlLayer, SamlLogin, UserMapper};
//! use donjon::scope::{Account, UserId};
//! use donjon::store::SqlStore;
//!
//! /// Everybody the identity provider knows is a user, by the name it knows them by.
//! #[derive(Debug)]
//! struct ByName;
//!
//! #[async_trait::async_trait]
//! impl UserMapper for ByName {
//!     async fn map_user(&self, login: SamlLogin<'_>) -> Result<Account, MapperError> {
//!         let name = format!("{}:{}", login.connection, login.facts.name_id.value);
//!         let id = UserId::new(name).map_err(|e| MapperError::Refused(e.to_string()))?;
//!         Ok(Account::new(id))
//!     }
//! }
//!
//! let store = SqlStore::connect("sqlite::memory:").await?;
//! let keyring = Keyring::ephemeral(&SystemRandom); // `Keyring::from_env()?` in earnest
//! let saml = SamlLayer::builder(&store, &keyring, "https://app.example", Arc::new(ByName))
//!     // .connection(Connection::from_metadata("acme", &std::fs::read("idp.xml")?, now)?)
//!     .build()?;
//! # drop(saml);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! The identity provider's response arrives by a post from another site, where the browser sends
//! none of our cookies. A good one is kept for a minute, and the browser fetches the result by a
//! GET, with the cookie that proves it is the one that began. Request, response and assertion are
//! used up in one transition, before the host is asked.

pub mod protocol;
pub mod xml;

mod browser;
mod connection;
mod endpoint;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod layer;
mod login_error;
mod login_requests;
mod mapper;
mod service;
mod service_provider;

pub use connection::{Connection, ConnectionError};
pub use error::{SamlError, StatusCode};
pub use layer::{SamlConfigError, SamlLayer, SamlLayerBuilder};
pub use login_error::LoginError;
pub use login_requests::LoginRequests;
pub use mapper::{MapperError, SamlLogin, UserMapper};
pub use service::SamlService;
