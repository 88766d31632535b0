//! SAML: the store's contract, and the layer over HTTP.

use donjon::testing::contract;

use crate::support::database::databases;

#[tokio::test(flavor = "multi_thread")]
async fn each_database_keeps_the_contract_of_saml_logins() {
    for database in databases().await {
        let outcome = contract::saml(database.store().await.into()).await;
        assert!(outcome.is_ok(), "{}: {outcome:?}", database.name);
    }
}
