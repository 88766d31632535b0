//! The back channel of the authorization server: the store's contract, and the endpoints, on every
//! database.

mod client;
mod code;
mod guesses;
mod key;
mod metadata;
mod refresh;
mod revocation;
mod single_sign_on;
mod userinfo;
pub mod world;

use donjon::testing::contract;

use crate::support::database::databases;

#[tokio::test(flavor = "multi_thread")]
async fn each_database_keeps_the_contract_of_the_provider() {
    for database in databases().await {
        let store = database.store().await;
        let outcome = contract::provider((&store).into(), store.into()).await;
        assert!(outcome.is_ok(), "{}: {outcome:?}", database.name);
    }
}
