use donjon::testing::contract;

use crate::support::database::databases;

#[tokio::test(flavor = "multi_thread")]
async fn lifecycles_keep_the_contract_on_each_database() {
    for database in databases().await {
        let store = database.store().await;
        let kept = contract::lifecycles((&store).into(), (&store).into(), (&store).into()).await;
        kept.unwrap_or_else(|violation| panic!("{}: {violation}", database.name));
    }
}
