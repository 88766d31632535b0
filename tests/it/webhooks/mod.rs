//! Webhooks: the store's contract, and deliveries to a receiver that fails in every way.

mod audited;
mod ends;
mod host_event;
pub mod receiver;
mod rotation;
mod worker;

use std::sync::Arc;

use donjon::account::AccountLayer;
use donjon::account::password::HashCost;
use donjon::crypto::{Keyring, SystemRandom};
use donjon::delivery::webhook::{
    EventType, WebhookEndpoints, WebhookSecret, WebhookVerifier, WebhookWorker,
};
use donjon::store::{SqlStore, WebhookEndpointId};
use donjon::testing::{ManualClock, contract};

use self::receiver::Receiver;
use crate::support::database::{Database, databases};

const ORIGIN: &str = "http://127.0.0.1:3000";

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_keep_the_contract_on_each_database() {
    for database in databases().await {
        let store = database.store().await;
        let (webhooks, users) = ((&store).into(), (&store).into());
        let (sessions, audit) = ((&store).into(), (&store).into());
        let kept = contract::webhooks(webhooks, users, sessions, audit).await;
        kept.unwrap_or_else(|violation| panic!("{}: {violation}", database.name));
    }
}

#[tokio::test]
async fn every_type_of_event_is_made_by_some_action() {
    use std::collections::BTreeSet;

    use sqlx::Connection as _;

    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("app.db").display());
    SqlStore::connect(&url).await.unwrap();
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let types: BTreeSet<String> = sqlx::query_scalar("SELECT type FROM donjon_webhook_actions")
        .fetch_all(&mut connection)
        .await
        .unwrap()
        .into_iter()
        .collect();
    // Sessions end without an action of their own.
    let known = EventType::ALL.into_iter().filter(|event| *event != EventType::SessionRevoked);
    let known: BTreeSet<String> = known.map(|event| event.to_string()).collect();
    assert_eq!(types, known);
}

/// An application, and a receiver that is told of new users.
pub struct Story {
    store: SqlStore,
    keyring: Keyring,
    clock: Arc<ManualClock>,
    accounts: AccountLayer,
    pub endpoints: WebhookEndpoints,
    pub receiver: Receiver,
    pub id: WebhookEndpointId,
    pub secret: WebhookSecret,
    _database: Database,
}

pub async fn each_story(tell: impl AsyncFn(Story)) {
    for database in databases().await {
        println!("on {}", database.name);
        let store = database.store().await;
        let keyring = Keyring::ephemeral(&SystemRandom);
        let clock = Arc::new(ManualClock::default());
        let accounts = AccountLayer::builder(&store, &keyring, ORIGIN)
            .hash_cost(HashCost { memory: 64, passes: 1, lanes: 1 })
            .clock(clock.clone())
            .build()
            .unwrap();
        let receiver = Receiver::start().await;
        let endpoints = WebhookEndpoints::new(&store, &keyring).clock(clock.clone());
        let events = [EventType::UserCreated];
        let made = endpoints.create(&receiver.url("/hook"), &events, None).await.unwrap();
        let (id, secret) = (made.0.id, made.1);
        tell(Story {
            store,
            keyring,
            clock,
            accounts,
            endpoints,
            receiver,
            id,
            secret,
            _database: database,
        })
        .await;
    }
}

impl Story {
    /// Makes a user, of whom the receiver is to be told.
    pub async fn user(&self, email: &str) -> String {
        let accounts = self.accounts.accounts();
        let account = accounts.create(email, None, Default::default(), true).await.unwrap();
        account.id().to_string()
    }

    pub fn worker(&self) -> WebhookWorker {
        self.worker_by(&self.receiver.egress())
    }

    fn worker_by(&self, egress: &donjon::http::Egress) -> WebhookWorker {
        WebhookWorker::new(&self.store, &self.keyring, egress).clock(self.clock.clone())
    }
}
