//! The store contract kit: what every backend must do, as checks that any backend can be put to.
//!
//! Each function takes the part of the contract it proves and answers the first [`Violation`] it
//! finds. It needs an empty store of its own, and leaves it full. Races run 32 callers at once.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use donjon::store::SqlStore;
//! use donjon::testing::contract;
//!
//! let store = SqlStore::connect("sqlite::memory:").await.unwrap();
//! assert!(contract::sessions(store.into()).await.is_ok());
//! # });
//! ```

#[cfg(feature = "accounts")]
mod account;
#[cfg(feature = "accounts")]
mod admin;
#[cfg(feature = "accounts")]
mod api_token;
#[cfg(feature = "accounts")]
mod app_session;
mod audit;
#[cfg(feature = "accounts")]
mod email_change;
#[cfg(feature = "accounts")]
mod identity;
#[cfg(feature = "accounts")]
mod lifecycle;
mod limit;
mod mail_link;
#[cfg(feature = "accounts")]
mod mfa;
#[cfg(feature = "accounts")]
mod organization;
#[cfg(feature = "accounts")]
mod outbox;
#[cfg(feature = "accounts")]
mod passkey;
mod password;
mod provider;
#[cfg(feature = "accounts")]
mod receipts;
mod saml;
mod session;
#[cfg(feature = "accounts")]
mod single_sign_on;
#[cfg(feature = "accounts")]
mod support;
#[cfg(feature = "accounts")]
mod ways_in;
#[cfg(feature = "accounts")]
mod webhook;

use std::future::Future;

use time::{Duration, OffsetDateTime};

#[cfg(feature = "accounts")]
pub use self::account::accounts;
#[cfg(feature = "accounts")]
pub use self::admin::administration;
#[cfg(feature = "accounts")]
pub use self::api_token::api_tokens;
#[cfg(feature = "accounts")]
pub use self::app_session::app_sessions;
pub use self::audit::audit;
#[cfg(feature = "accounts")]
pub use self::email_change::{EmailChangeParts, email_changes};
#[cfg(feature = "accounts")]
pub use self::identity::identities;
#[cfg(feature = "accounts")]
pub use self::lifecycle::lifecycles;
pub use self::limit::limits;
pub use self::mail_link::mail_links;
#[cfg(feature = "accounts")]
pub use self::mfa::second_factors;
#[cfg(feature = "accounts")]
pub use self::organization::{OrganizationParts, organizations};
#[cfg(feature = "accounts")]
pub use self::outbox::outbox;
#[cfg(feature = "accounts")]
pub use self::passkey::passkeys;
pub use self::password::passwords;
pub use self::provider::provider;
#[cfg(feature = "accounts")]
pub use self::receipts::{ReceiptParts, receipts};
pub use self::saml::saml;
pub use self::session::sessions;
#[cfg(feature = "accounts")]
pub use self::single_sign_on::{SsoParts, single_sign_on};
#[cfg(feature = "accounts")]
pub use self::support::support;
#[cfg(feature = "accounts")]
pub use self::ways_in::{WaysInParts, ways_in};
#[cfg(feature = "accounts")]
pub use self::webhook::webhooks;
use crate::store::StoreError;

/// Callers in a race.
pub const CALLERS: usize = 32;

/// A rule of the contract that a store broke.
#[derive(Debug, thiserror::Error)]
#[error("{rule}: {seen}")]
pub struct Violation {
    /// The rule, as a sentence that names it.
    pub rule: &'static str,
    /// What was seen instead.
    pub seen: String,
}

impl From<StoreError> for Violation {
    fn from(error: StoreError) -> Self {
        Self { rule: "the store answers", seen: format!("{error:?}") }
    }
}

/// Checks one rule; `seen` says what was there instead.
pub(crate) fn rule(
    rule: &'static str,
    holds: bool,
    seen: impl std::fmt::Debug,
) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation { rule, seen: format!("{seen:?}") }) }
}

/// Runs `CALLERS` calls at once and gathers their results, in the order of the callers.
pub(crate) async fn race<T, F, C>(call: C) -> Result<Vec<T>, Violation>
where
    C: Fn(usize) -> F,
    F: Future<Output = Result<T, StoreError>> + Send + 'static,
    T: Send + 'static,
{
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let call = call(caller);
        callers.spawn(async move { (caller, call.await) });
    }
    let mut results = callers.join_all().await;
    results.sort_by_key(|(caller, _)| *caller);
    results.into_iter().map(|(_, result)| result).collect::<Result<_, _>>().map_err(Violation::from)
}

/// The moment the kit's clock shows first.
pub(crate) fn epoch() -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::days(20_000)
}

/// What logs in at the kit's application.
#[cfg(feature = "accounts")]
pub(crate) fn open_ways() -> crate::store::OpenWays {
    crate::store::OpenWays {
        rp_id: Some("example.test".into()),
        providers: vec!["acme".into(), "other".into()],
    }
}

/// That many seconds after [`epoch`].
pub(crate) fn at(seconds: i64) -> OffsetDateTime {
    epoch() + Duration::seconds(seconds)
}
