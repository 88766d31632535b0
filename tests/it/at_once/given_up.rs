//! A transaction that does not end in time: nobody gets its connection any more.

use std::time::Duration;

use donjon::scope::{OrganizationId, UserId};
use donjon::store::*;
use sqlx::PgConnection;
use time::OffsetDateTime;
use url::Url;

use super::{connection, is_waited_for, postgres, run};
use crate::support::database::Database;
use crate::support::proxy::Proxy;

const ID: OrganizationId = OrganizationId(uuid::Uuid::from_u128(7));
/// Far more than any deadline here, and far less than for ever.
const FOR_EVER: Duration = Duration::from_secs(120);

/// Whoever commits a change of an organization waits for who holds the gate: as for a standby that has
/// gone, no `statement_timeout` ends it.
const GATE: &str = "CREATE TABLE gate ();
     CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql
         AS $$ BEGIN LOCK TABLE gate IN SHARE MODE; RETURN NULL; END $$;
     CREATE CONSTRAINT TRIGGER at_commit AFTER UPDATE ON donjon_organizations
         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_at_gate()";

/// A store with one connection, little patience and an organization.
async fn with_one_connection(url: &str) -> SqlStore {
    let mut options = StoreOptions::default();
    options.patience = Duration::from_secs(1);
    options.connections = 1;
    let store = SqlStore::connect_with(url, options).await.unwrap();
    let new = NewOrganization {
        id: ID,
        slug: "acme".into(),
        name: "Acme".into(),
        owner: UserId::new("alice").unwrap(),
        created_at: OffsetDateTime::UNIX_EPOCH,
    };
    store.create_organization(&new, None, &Effects::none()).await.unwrap();
    store
}

async fn rename(store: &SqlStore, name: &str) -> Result<OrganizationChange, StoreError> {
    let none = Effects::none();
    let renamed = store.rename_organization(ID, name, None, &none);
    tokio::time::timeout(FOR_EVER, renamed).await.unwrap()
}

async fn name(store: &SqlStore) -> String {
    store.find_organization(ID).await.unwrap().unwrap().name
}

/// The one who waits for this connection.
async fn who_waits_for(connection: &mut PgConnection) -> i32 {
    sqlx::query_scalar(
        "SELECT pid FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))",
    )
    .fetch_one(connection)
    .await
    .unwrap()
}

async fn is_there(connection: &mut PgConnection, backend: i32) -> bool {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = $1)")
        .bind(backend)
        .fetch_one(connection)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_hangs_is_given_up_with_its_connection_and_others_are_served() {
    let Some((database, _)) = postgres().await else { return };
    let store = with_one_connection(&database.url).await;
    let mut holder = connection(&database).await;
    run(&mut holder, GATE).await;
    run(&mut holder, "BEGIN; LOCK TABLE gate IN ACCESS EXCLUSIVE MODE").await;
    let renamed = rename(&store, "Late").await;
    assert!(matches!(renamed, Err(StoreError::Unavailable(_))), "{renamed:?}");
    is_waited_for(&mut holder).await;
    let hung = who_waits_for(&mut holder).await;
    // It still hangs: what serves is another connection.
    assert_eq!(name(&store).await, "Acme");
    run(&mut holder, "COMMIT").await;
    // Nobody keeps the one that was given up: it ends once it may.
    while is_there(&mut holder, hung).await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(rename(&store, "Again").await.unwrap(), OrganizationChange::Done);
    assert_eq!(name(&store).await, "Again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_the_server_gives_up_is_rolled_back_and_its_connection_used_again() {
    let Some((database, _)) = postgres().await else { return };
    let store = with_one_connection(&database.url).await;
    let mut holder = connection(&database).await;
    run(&mut holder, "BEGIN; SELECT 1 FROM donjon_organizations FOR UPDATE").await;
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { rename(&store, "Late").await }
    });
    is_waited_for(&mut holder).await;
    let waiter = who_waits_for(&mut holder).await;
    let renamed = waiting.await.unwrap();
    assert!(matches!(renamed, Err(StoreError::Unavailable(_))), "{renamed:?}");
    assert_eq!(name(&store).await, "Acme");
    assert!(is_there(&mut holder, waiter).await, "a connection that answers is closed");
    run(&mut holder, "COMMIT").await;
    assert_eq!(rename(&store, "Again").await.unwrap(), OrganizationChange::Done);
    assert!(is_there(&mut holder, waiter).await, "a connection that answers is closed");
}

/// The address of the database by way of a proxy.
async fn behind_a_proxy(database: &Database) -> (Proxy, String) {
    let mut url = Url::parse(&database.url).unwrap();
    let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    let proxy = Proxy::before(server).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(proxy.address.port())).unwrap();
    // The proxy reads what passes.
    url.query_pairs_mut().append_pair("sslmode", "disable");
    (proxy, url.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hears_nothing_more_of_a_transaction_keeps_no_locks_for_it() {
    let Some((database, direct)) = postgres().await else { return };
    let (proxy, url) = behind_a_proxy(&database).await;
    let store = with_one_connection(&url).await;
    // The row is locked and changed; that it is to be committed never arrives, nor that nobody is
    // there any more.
    proxy.hold_after("Half-way");
    let renamed = rename(&store, "Half-way").await;
    assert!(matches!(renamed, Err(StoreError::Unavailable(_))), "{renamed:?}");
    assert_eq!(rename(&direct, "Direct").await.unwrap(), OrganizationChange::Done);
    assert_eq!(name(&direct).await, "Direct");
}
