use donjon::store::SqlStore;
use donjon::testing::contract::{self, OrganizationParts};

use crate::support::database::databases;

/// The parts of the contract that a store of everything has.
pub fn parts(store: &SqlStore) -> OrganizationParts {
    OrganizationParts {
        store: store.into(),
        invitations: store.into(),
        sessions: store.into(),
        users: store.into(),
        factors: store.into(),
        audit: store.into(),
        lifecycles: store.into(),
        webhooks: store.into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_keep_the_contract_on_each_database() {
    for database in databases().await {
        let store = database.store().await;
        let kept = contract::organizations(parts(&store)).await;
        kept.unwrap_or_else(|violation| panic!("{}: {violation}", database.name));
    }
}
