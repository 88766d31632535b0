//! The application's own users: sign up, confirm by mail, log in, log out, forgotten password.
//!
//! An [`AccountLayer`] answers the pages (`/register`, `/confirm`, `/login`, `/logout`,
//! `/forgot-password`, `/reset-password`; see [`Paths`]) and leaves all other paths to the service
//! it wraps. It logs in by writing to the [`Session`](crate::session::Session), so it belongs
//! inside a [`SessionLayer`](crate::session::SessionLayer). It writes mails to the outbox; a
//! [`delivery::Worker`](crate::delivery::Worker), here or in another process, sends them.
//!
//! Nothing that a stranger can see tells whether an address has an account: registration, login,
//! and the requests for links answer alike, after the same store calls and the same hashing.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use donjon::account::AccountLayer;
//! use donjon::crypto::{Keyring, SystemRandom};
//! use donjon::delivery::{Mailbox, Worker};
//! use donjon::page::Theme;
//! use donjon::session::SessionLayer;
//! use donjon::store::SqlStore;
//!
//! let url = "http://localhost:3000";
//! let store = SqlStore::connect("sqlite::memory:").await?;
//! let keyring = Keyring::ephemeral(&SystemRandom);
//! let mails = Worker::new(&store, &keyring, Mailbox::default()).start();
//! let sessions = SessionLayer::new(store.clone(), &keyring).base_url(url)?;
//! let accounts =
//!     AccountLayer::builder(&store, &keyring, url).pages(Theme::new("Acme")).build()?;
//!
//! let app: axum::Router = axum::Router::new().layer(accounts).layer(sessions);
//! # drop(app);
//! # mails.stop().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod accounts;
mod builder;
mod config;
mod confirm;
mod email;
mod error;
mod layer;
mod letters;
mod login;
mod logout;
pub mod password;
mod register;
mod reset;
mod site;
mod trip;

pub use accounts::{Accounts, CreateError};
pub use builder::{AccountLayerBuilder, BuildError};
pub use config::{Paths, Policy, Unconfirmed};
pub use email::{Email, InvalidEmail};
pub use error::AccountError;
pub use layer::{AccountLayer, AccountService};
