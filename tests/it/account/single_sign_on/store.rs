use donjon::store::SqlStore;
use donjon::testing::contract::{self, SsoParts};

use crate::support::database::databases;

/// The parts of the contract that a store of everything has.
pub fn parts(store: &SqlStore) -> SsoParts {
    SsoParts {
        store: store.into(),
        organizations: store.into(),
        users: store.into(),
        factors: store.into(),
        standings: store.into(),
        sessions: store.into(),
        audit: store.into(),
        passkeys: store.into(),
        tokens: store.into(),
        administrators: store.into(),
        grants: store.into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn single_sign_on_keeps_the_contract_on_each_database() {
    for database in databases().await {
        let store = database.store().await;
        let kept = contract::single_sign_on(parts(&store)).await;
        kept.unwrap_or_else(|violation| panic!("{}: {violation}", database.name));
    }
}
