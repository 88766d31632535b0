//! The audit log on both databases.

use donjon::testing::contract;

use crate::support::database::databases;

#[tokio::test(flavor = "multi_thread")]
async fn each_backend_keeps_the_audit_log() {
    for database in databases().await {
        let outcome = contract::audit(database.store().await.into()).await;
        assert!(outcome.is_ok(), "{}: {outcome:?}", database.name);
    }
}
