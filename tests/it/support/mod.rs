//! What the tests share.

#[cfg(feature = "accounts")]
pub mod behind;
pub mod browser;
pub mod database;
#[cfg(feature = "accounts")]
pub mod heard;
#[cfg(all(feature = "provider", feature = "saml"))]
pub mod identity_provider;
#[cfg(feature = "interop")]
pub mod process;
#[cfg(feature = "postgres")]
pub mod proxy;
#[cfg(feature = "interop")]
pub mod serve;
pub mod statements;
#[cfg(feature = "interop")]
pub mod tools;
