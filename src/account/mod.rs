//! The application's own users: sign up, confirm by mail, log in, log out, forgotten password.
//!
//! An [`AccountLayer`] answers the pages (`/register`, `/confirm`, `/login`, `/logout`,
//! `/forgot-password`, `/reset-password` and more; see [`Paths`]) and leaves all other paths to the service
//! it wraps. It logs in by writing to the [`Session`](crate::session::Session), so it belongs
//! inside a [`SessionLayer`](crate::session::SessionLayer). It writes mails to the outbox; a
//! [`delivery::Worker`](crate::delivery::Worker), here or in another process, sends them.
//!
//! Nothing that a stranger can see tells whether an address has an account: registration, login,
//! and the requests for links answer alike, after the same store calls and the same hashing. What
//! the store then has to write may differ, so answers to whoever signs up, asks for a link or
//! fails to log in come at even times ([`Policy::even_answers`]).
//!
//! Who may sign up is up to [`Policy::sign_ups`] and, like who may log in, to an [`AccountHook`] of the
//! host's, which also says what the host knows of somebody new.
//! The same hashing means at every cost that a hash is stored at. Who imports accounts, or changes what a
//! hash costs, declares what is stored ([`AccountLayerBuilder::stored_as`]) until all those users have
//! logged in; otherwise the time tells who they are.
//!
//! Whoever confirms an address by the mailed link also shows that the password is theirs: by the
//! browser that signed up, or by the password itself. So nobody gets an account by signing up with
//! another's address and waiting for the owner to confirm it.
//!
//! The same mail carries six digits, to be typed where the mail cannot be opened. They are tried five
//! times at most, and not more than five times in an hour for an address.
//!
//! Who prefers it is mailed a link to log in (`/login/link`; [`Policy::login_link_for`]). In another
//! browser than the one that asked for it the link takes the address, so that nobody is logged in to
//! an account that somebody else has chosen for them.
//!
//! A login is counted before its password is looked at. Too many failures in a row lock what they
//! were counted under, for a while: the address, or, in a browser that the user has logged in with
//! before, the user and that browser ([`Policy::lockout`], [`Policy::known_for`]). So whoever knows
//! an address can lock it, but not keep its owner out.
//!
//! What may be a password is up to [`PasswordRules`](password::PasswordRules). A user changes it at
//! `/settings/password`, and all other sessions end; the host can have a user choose another before
//! the next login gets any further ([`Accounts::require_password_change`]).
//!
//! A user who wants another address is mailed a link there, and the old address is told
//! (`/settings/email`; [`Policy::email_change_for`]). The address is not kept for them meanwhile: it
//! belongs to who first confirms it, and whoever signed up with it and never did loses it.
//!
//! Forms are posted only so often: by one network, by one network about one account, and about one
//! account in all ([`Policy::limits`]). The networks are those of the addresses that the session layer
//! saw, by the server's [`PeerAddr`](crate::http::PeerAddr), or axum's `ConnectInfo`, and its trusted
//! proxies; all who come without an address are of one.
//!
//! What is sensitive asks for a login of the last minutes, and sends who has none to prove who they
//! are once more, at `/login/again`. A login with a browser, or from a network, that a user is not
//! known by is told to the user by mail, and to the audit log.
//!
//! A user who has set up an authenticator app (`/settings/two-factor`) is logged in by the password
//! and a code, at `/login/verify`, unless the browser is one that the user trusts
//! ([`Policy::trust_for`]). Until the code there is no session.
//!
//! With feature `passkeys`, and where the host says so, users register passkeys
//! (`/settings/passkeys`), log in with them and nothing else, and prove the second step by them.
//!
//! With [`AccountLayerBuilder::api_tokens`] users make tokens for programs, at `/settings/tokens`; see
//! [`token`].
//!
//! A front end with pages of its own has all of these as JSON: see [`json`].
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
mod admin;
mod again;
pub mod app;
mod attributes;
mod break_glass;
mod builder;
mod choice;
mod code;
mod config;
mod confirm;
mod confirm_code;
mod cookie;
mod deletion;
mod device;
mod email;
mod email_change;
mod enough;
mod error;
mod even;
mod export;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod hook;
mod import;
mod invitation;
pub mod json;
mod layer;
mod letters;
mod limits;
mod login;
mod login_link;
mod logout;
mod mailed;
mod manage;
mod marks;
pub mod mfa;
mod new_password;
pub mod organization;
mod other_login;
#[cfg(feature = "passkeys")]
pub mod passkey;
#[cfg(not(feature = "passkeys"))]
mod passkey_off;
pub mod password;
mod pending;
mod prove;
mod refuse;
mod refused_login;
mod register;
mod registrant;
mod reset;
#[cfg(feature = "testing")]
pub(crate) mod scenario;
mod second_factor;
mod seen;
mod settings;
mod sign_in;
mod single_sign_on;
mod site;
mod six_digits;
#[cfg(feature = "social")]
pub mod social;
pub mod token;
mod trip;

pub use accounts::{Accounts, ChangeEmailError, CreateError};
pub use admin::{AdminAct, AdminAuthorizer};
pub use attributes::AttributesError;
pub use builder::{AccountLayerBuilder, BuildError};
pub use code::{CodeFor, MailCode};
pub use config::{Paths, Policy, SignUps, Unconfirmed};
pub use deletion::{DeletionHook, DeletionHookError, DeletionPolicy};
pub use email::{Email, InvalidEmail};
pub use error::AccountError;
pub use export::{ExportError, ExportSource};
pub use hook::{
    AccountHook, Login, LoginDoor, Refusal, SignUp, SignUpAttributes, SignUpField, SignUpWay,
};
pub use import::ImportError;
pub use layer::{AccountLayer, AccountService};
pub use limits::{AppLimits, FormLimits, Limits};
pub use manage::{
    AccountPage, AccountQuery, By, Confirming, Deletion, Disabling, Enabling, Keeping, ResetMail,
    SecondFactorRemoval, SetPasswordError, Unlocking,
};
pub use other_login::OtherLogin;

pub use crate::store::DeletionStrategy;
