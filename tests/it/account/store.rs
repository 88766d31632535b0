use donjon::testing::contract;

use crate::support::database::databases;

#[tokio::test(flavor = "multi_thread")]
async fn accounts_keep_the_contract_on_each_database() {
    for database in databases().await {
        let store = database.store().await;
        let kept =
            contract::accounts((&store).into(), (&store).into(), (&store).into(), (&store).into())
                .await;
        kept.unwrap_or_else(|violation| panic!("{}: {violation}", database.name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_keeps_the_contract_on_each_database() {
    for database in databases().await {
        let store = database.store().await;
        let kept = contract::outbox((&store).into(), (&store).into()).await;
        kept.unwrap_or_else(|violation| panic!("{}: {violation}", database.name));
    }
}
