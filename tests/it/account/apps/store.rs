use donjon::testing::contract;

use crate::support::database::databases;

#[tokio::test(flavor = "multi_thread")]
async fn app_sessions_keep_the_contract_on_each_database() {
    for database in databases().await {
        let store = database.store().await;
        let (apps, users) = ((&store).into(), (&store).into());
        let (sessions, audit) = ((&store).into(), (&store).into());
        let kept = contract::app_sessions(apps, users, sessions, audit).await;
        kept.unwrap_or_else(|violation| panic!("{}: {violation}", database.name));
    }
}
