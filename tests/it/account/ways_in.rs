//! Ways into an account: who may add one, and what becomes of those that a stranger has added.

use donjon::store::SqlStore;
use donjon::testing::contract::{self, WaysInParts};

use crate::support::database::databases;

/// All parts of one store.
pub fn parts(store: &SqlStore) -> WaysInParts {
    WaysInParts {
        users: store.into(),
        links: store.into(),
        passkeys: store.into(),
        identities: store.into(),
        factors: store.into(),
        passwords: store.into(),
        tokens: store.into(),
        sessions: store.into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ways_in_keep_the_contract_on_each_database() {
    for database in databases().await {
        let store = database.store().await;
        let kept = contract::ways_in(parts(&store)).await;
        kept.unwrap_or_else(|violation| panic!("{}: {violation}", database.name));
    }
}
