//! Stores that each break one rule of the contract: the kit must name it.

#[cfg(feature = "accounts")]
mod account;
#[cfg(feature = "accounts")]
mod admin;
#[cfg(feature = "accounts")]
pub mod api_token;
#[cfg(feature = "accounts")]
mod app_session;
mod audit;
#[cfg(feature = "accounts")]
pub mod email_change;
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
pub mod provider;
pub mod saml;
pub mod session;
#[cfg(feature = "accounts")]
mod single_sign_on;
#[cfg(feature = "accounts")]
mod support;
pub mod unreachable;
#[cfg(feature = "accounts")]
mod webhook;

use donjon::store::{Effects, Receipt};

/// The same effects, of which nobody hears whether they were written.
fn unsigned(effects: &Effects) -> Effects {
    let mut unsigned = Effects { receipt: Receipt::default(), ..effects.clone() };
    if let Some(seen) = &mut unsigned.sighting {
        seen.familiar.receipt = Receipt::default();
        seen.strange.receipt = Receipt::default();
    }
    unsigned
}
