//! Storage as a contract of atomic state transitions.
//!
//! There is no get, set or update here: every method is a thing that happens (`redeem_code`,
//! `rotate_session`, `begin_login`), takes effect whole or not at all, and is decided by the
//! first writer. The loser is told what happened. A denial that must be remembered (a replayed
//! code revokes its grant) is committed although the caller gets a refusal.
//!
//! [`SqlStore`] fulfils the contract on SQLite and PostgreSQL; feature `testing` has the kit that
//! proves it for any backend (`testing::contract`).
//!
//! Times are given by the caller, never taken from the database's clock.

mod account;
mod admin;
mod api_token;
mod app_session;
mod audit;
mod email_change;
mod error;
mod identity;
mod invitation;
mod lifecycle;
mod limit;
mod link;
mod mail_link;
mod mfa;
mod open_ways;
mod organization;
mod outbox;
mod passkey;
mod password;
mod provider;
mod revocation_log;
mod saml;
mod session;
mod sighting;
mod single_sign_on;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
mod support;
mod sweep;
#[cfg_attr(
    not(any(feature = "sqlite", feature = "postgres")),
    expect(dead_code, reason = "only the SQL backends read all of it")
)]
mod user_data;
mod webhook;

pub use account::*;
pub use admin::*;
pub use api_token::*;
pub use app_session::*;
pub use audit::*;
pub use email_change::*;
pub use error::{Result, StoreError};
pub use identity::*;
pub use invitation::*;
pub use lifecycle::*;
pub use limit::*;
pub use link::*;
pub use mail_link::*;
pub use mfa::*;
pub use open_ways::OpenWays;
pub use organization::*;
pub use outbox::*;
pub use passkey::*;
pub use password::*;
pub use provider::*;
pub use revocation_log::RevocationLog;
pub use saml::*;
pub use session::*;
pub use sighting::*;
pub use single_sign_on::*;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use sql::{ConnectError, SqlStore, StoreOptions};
pub use support::*;
pub(crate) use sweep::{SWEEP_BATCH, sweep_regularly};
#[cfg(feature = "accounts")]
pub(crate) use user_data::omissions;
pub use webhook::*;

/// Declares a name for several parts of the contract: who fulfils them all has it.
macro_rules! together {
    ($(#[$doc:meta])* $name:ident: $($part:ident),*) => {
        $(#[$doc])*
        pub trait $name: $($part +)* {}

        impl<T: $($part +)*> $name for T {}
    };
}

together! {
    /// What the account pages work with.
    AccountStore: UserStore, SessionStore, AuditStore, LimitStore, MfaStore, PasskeyStore, IdentityStore,
    OrganizationStore, InvitationStore, ApiTokenStore, LifecycleStore, PasswordStore, AdminStore,
    MailLinkStore, EmailChangeStore, SsoStore, OutboxStore, SupportStore
}

together! {
    /// A backend that fulfils the whole contract.
    Store: AccountStore, AppSessionStore, ProviderStore, SamlStore,
    WebhookStore
}
