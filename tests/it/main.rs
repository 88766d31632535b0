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
#[cfg(all(feature = "accounts", feature = "postgres"))]
mod at_once;
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
#[cfg(all(feature = "accounts", feature = "postgres"))]
mod store_deadline;
mod support;
mod supported;
#[cfg(feature = "accounts")]
mod webhooks;

#[cfg(feature = "interop")]
mod interop;

#[tokio::test(flavor = "multi_thread")]
async fn each_database_keeps_the_contract_of_limits() {
    for database in support::database::databases().await {
        let outcome = donjon::testing::contract::limits(database.store().await.into()).await;
        assert!(outcome.is_ok(), "{}: {outcome:?}", database.name);
    }
}

#[tokio::test]
async fn each_database_opens_and_migrates_twice() {
    for database in support::database::databases().await {
        database.store().await;
        database.store().await;
    }
}
