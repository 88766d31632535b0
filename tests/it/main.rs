//! The integration tests: one binary, real databases.
#![cfg(all(feature = "testing", feature = "sqlite"))]
#![expect(unreachable_pub, reason = "nobody is outside a test binary")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows the test functions, but not their helpers"
)]

#[cfg(feature = "accounts")]
mod account;
mod architecture;
mod audit;
mod broken;
#[cfg(feature = "provider")]
mod provider_authorize;
#[cfg(feature = "provider")]
mod provider_jwks_uri;
#[cfg(feature = "provider")]
mod provider_token;
mod require;
mod require_membership;
#[cfg(all(feature = "provider", feature = "resource"))]
mod resource;
#[cfg(feature = "saml")]
mod saml;
#[cfg(all(feature = "provider", feature = "saml"))]
mod saml_times;
mod session;
mod support;
mod supported;

#[cfg(feature = "interop")]
mod interop;

#[tokio::test]
async fn each_database_opens_and_migrates_twice() {
    for database in support::database::databases().await {
        database.store().await;
        database.store().await;
    }
}
