use donjon::account::AccountLayer;
use donjon::crypto::{Keyring, SystemRandom};
use donjon::store::SqlStore;

use super::*;
use crate::neighbours::identity_provider::tests::vouch_for;

async fn accounts() -> Accounts {
    let store = SqlStore::connect("sqlite::memory:").await.unwrap();
    let keyring = Keyring::ephemeral(&SystemRandom);
    let layer = AccountLayer::builder(&store, &keyring, "http://127.0.0.1:3000").build().unwrap();
    layer.accounts().clone()
}

fn users(accounts: &Accounts, domains: Option<&[&str]>) -> SamlUsers {
    let connection = ConnectionConfig {
        id: "acme".into(),
        idp_metadata: "acme.xml".into(),
        name_id_format: None,
        email_domains: domains.map(|domains| domains.iter().map(|&d| d.to_owned()).collect()),
    };
    SamlUsers::new(accounts, &[connection])
}

async fn log_in(users: &SamlUsers, connection: &str) -> Result<Account, String> {
    let facts = vouch_for("alice");
    let login = SamlLogin::new(connection, &facts);
    users.map_user(login).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn whoever_comes_first_is_made_and_then_found() {
    let accounts = accounts().await;
    let users = users(&accounts, Some(&["ACME.example"]));
    let first = log_in(&users, "acme").await.unwrap();
    assert_eq!(first.email(), Some("alice@acme.example"));
    assert!(first.email_verified());
    assert_eq!(first.attributes()["name"], "Alice Moreau");
    assert_eq!(log_in(&users, "acme").await.unwrap().id(), first.id());
}

#[tokio::test]
async fn who_has_a_password_keeps_the_account() {
    let accounts = accounts().await;
    let password = Some("correct horse battery staple");
    let account = accounts.create("alice@acme.example", password, Attributes::new(), true);
    let account = account.await.unwrap();
    assert_eq!(log_in(&users(&accounts, None), "acme").await.unwrap().id(), account.id());
}

#[tokio::test]
async fn a_customer_speaks_for_its_own_domains_only() {
    let accounts = accounts().await;
    let error = log_in(&users(&accounts, Some(&["globex.example"])), "acme").await.unwrap_err();
    assert!(error.contains("may not vouch for alice@acme.example"), "{error}");
    assert!(log_in(&users(&accounts, Some(&[])), "acme").await.is_err());
    assert!(log_in(&users(&accounts, None), "other").await.is_err());
    assert!(accounts.find_by_email("alice@acme.example").await.unwrap().is_none());
}

#[tokio::test]
async fn an_account_that_somebody_else_may_have_planted_is_not_entered() {
    let accounts = accounts().await;
    let planted =
        accounts.create("alice@acme.example", Some("known to me"), Attributes::new(), false);
    planted.await.unwrap();
    let error = log_in(&users(&accounts, None), "acme").await.unwrap_err();
    assert!(error.contains("never confirmed"), "{error}");
}
