use donjon::testing::contract;

use crate::support::database::databases;

#[tokio::test(flavor = "multi_thread")]
async fn api_tokens_keep_the_contract_on_each_database() {
    for database in databases().await {
        let store = database.store().await;
        let (tokens, users) = ((&store).into(), (&store).into());
        let (sessions, audit) = ((&store).into(), (&store).into());
        let organizations = (&store).into();
        let kept = contract::api_tokens(tokens, users, sessions, organizations, audit).await;
        kept.unwrap_or_else(|violation| panic!("{}: {violation}", database.name));
    }
}
