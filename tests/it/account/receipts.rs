//! What the stores say of effects that they were given for one outcome of several.

use donjon::store::SqlStore;
use donjon::testing::contract::{self, ReceiptParts};

use crate::support::database::databases;

/// All parts of one store.
pub fn parts(store: &SqlStore) -> ReceiptParts {
    ReceiptParts {
        users: store.into(),
        factors: store.into(),
        passkeys: store.into(),
        links: store.into(),
        passwords: store.into(),
        identities: store.into(),
        addresses: store.into(),
        lifecycles: store.into(),
        audit: store.into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_keep_the_contract_on_each_database() {
    for database in databases().await {
        let store = database.store().await;
        let kept = contract::receipts(parts(&store)).await;
        kept.unwrap_or_else(|violation| panic!("{}: {violation}", database.name));
    }
}
