#![cfg_attr(
    all(feature = "accounts", feature = "sqlite"),
    doc = include_str!("docs/crate.md")
)]
#![cfg_attr(
    not(all(feature = "accounts", feature = "sqlite")),
    doc = "The whole auth stack of a tower-based web application, as composable layers."
)]

pub mod audit;
pub mod crypto;
pub mod delivery;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod http;
pub mod page;
pub mod scope;
pub mod session;
pub mod store;

#[cfg(feature = "accounts")]
pub mod account;
#[cfg(any(feature = "provider", feature = "resource", feature = "social"))]
pub mod jose;
#[cfg(feature = "provider")]
pub mod provider;
#[cfg(feature = "resource")]
pub mod resource;
#[cfg(feature = "saml")]
pub mod saml;
#[cfg(feature = "testing")]
pub mod testing;
