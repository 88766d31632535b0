use donjon::account::AccountLayer;
use donjon::crypto::{Keyring, SystemRandom};
use donjon::store::SqlStore;
use futures_util::future::join_all;

use super::*;
use crate::config::Config;
use crate::neighbours::identity_provider::tests::vouch_for;

const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

async fn accounts() -> Accounts {
    let store = SqlStore::connect("sqlite::memory:").await.unwrap();
    let keyring = Keyring::ephemeral(&SystemRandom);
    let layer = AccountLayer::builder(&store, &keyring, "http://127.0.0.1:3000").build().unwrap();
    layer.accounts().clone()
}

fn connection(id: &str, domains: Option<&[&str]>) -> ConnectionConfig {
    ConnectionConfig {
        id: id.into(),
        name: None,
        idp_metadata: "idp.xml".into(),
        name_id_format: None,
        email_domains: domains.map(|domains| domains.iter().map(|&d| d.to_owned()).collect()),
    }
}

fn users(accounts: &Accounts, domains: Option<&[&str]>) -> SamlUsers {
    SamlUsers::new(accounts, &[connection("acme", domains)])
}

async fn log_in(users: &SamlUsers, connection: &str) -> Result<Account, String> {
    log_in_as(users, connection, &vouch_for("alice")).await
}

async fn log_in_as(
    users: &SamlUsers,
    connection: &str,
    facts: &LoginFacts,
) -> Result<Account, String> {
    let login = SamlLogin::new(connection, facts);
    users.map_user(login).await.map_err(|error| error.to_string())
}

/// What an identity provider says of somebody with this name and Alice's address.
fn alices_address_as(name: &str, format: &str) -> LoginFacts {
    let mut facts = vouch_for("alice");
    facts.name_id.value = name.into();
    facts.name_id.format = Some(format.into());
    assert_eq!(facts.attributes.first("email"), Some("alice@acme.example"));
    facts
}

async fn alice(accounts: &Accounts) -> Account {
    let password = Some("correct horse battery staple");
    accounts.create("alice@acme.example", password, Attributes::new(), true).await.unwrap()
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
    let account = alice(&accounts).await;
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
async fn a_claimed_domain_is_closed_to_every_other_connection() {
    let accounts = accounts().await;
    let account = alice(&accounts).await;
    let connections = [connection("acme", Some(&["ACME.example."])), connection("globex", None)];
    let users = SamlUsers::new(&accounts, &connections);
    for (name, format) in [
        ("alice@acme.example", EMAIL_FORMAT),
        ("ALICE@ACME.EXAMPLE", EMAIL_FORMAT),
        (" alice@acme.example\n", EMAIL_FORMAT),
        // Full-width letters, which IDNA takes for ordinary ones.
        ("alice@\u{FF21}\u{FF23}\u{FF2D}\u{FF25}.example", EMAIL_FORMAT),
        ("alice@acme.example", UNSPECIFIED_FORMAT),
        ("a-1", PERSISTENT),
    ] {
        let error = log_in_as(&users, "globex", &alices_address_as(name, format)).await;
        assert!(error.is_err(), "{name:?}: {error:?}");
    }
    assert_eq!(log_in(&users, "acme").await.unwrap().id(), account.id());

    let mut elsewhere = vouch_for("alice");
    elsewhere.name_id.value = "alice@unclaimed.example".into();
    assert!(log_in_as(&users, "globex", &elsewhere).await.is_ok());
    assert!(log_in_as(&users, "acme", &elsewhere).await.is_err());
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

#[tokio::test]
async fn an_address_that_goes_to_another_name_does_not_take_the_account_along() {
    for seeded in [true, false] {
        let accounts = accounts().await;
        if seeded {
            alice(&accounts).await;
        }
        let connections = [connection("acme", None), connection("other", None)];
        let users = SamlUsers::new(&accounts, &connections);
        let first = log_in_as(&users, "acme", &alices_address_as("a-1", PERSISTENT)).await.unwrap();
        for (name, format) in [
            ("m-1", PERSISTENT),
            ("A-1", PERSISTENT),
            ("a-1", UNSPECIFIED_FORMAT),
            ("a-1", TRANSIENT),
            ("alice@acme.example", EMAIL_FORMAT),
        ] {
            let error = log_in_as(&users, "acme", &alices_address_as(name, format)).await;
            let error = error.unwrap_err();
            assert!(error.contains("another name at your identity provider"), "{name}: {error}");
        }
        let mut qualified = alices_address_as("a-1", PERSISTENT);
        qualified.name_id.name_qualifier = Some("https://another.example".into());
        assert!(log_in_as(&users, "acme", &qualified).await.is_err());
        qualified.name_id.name_qualifier = Some(qualified.issuer.clone());
        let again = log_in_as(&users, "acme", &qualified).await.unwrap();
        assert_eq!(again.id(), first.id());
        // Each connection knows the user by a name of its own.
        let other = log_in_as(&users, "other", &alices_address_as("7", PERSISTENT)).await.unwrap();
        assert_eq!(other.id(), first.id());
        assert!(log_in_as(&users, "other", &alices_address_as("8", PERSISTENT)).await.is_err());
    }
}

#[tokio::test]
async fn a_name_that_is_another_one_each_time_ties_nobody() {
    let accounts = accounts().await;
    let account = alice(&accounts).await;
    let users = users(&accounts, None);
    for name in ["t-1", "t-2"] {
        let facts = alices_address_as(name, TRANSIENT);
        assert_eq!(log_in_as(&users, "acme", &facts).await.unwrap().id(), account.id());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_names_that_come_at_once_one_gets_the_account() {
    for seeded in [true, false] {
        let accounts = accounts().await;
        if seeded {
            alice(&accounts).await;
        }
        let users = users(&accounts, None);
        let names = (0..8).map(|index| alices_address_as(&format!("n-{index}"), PERSISTENT));
        let names: Vec<_> = names.collect();
        let logins = join_all(names.iter().map(|facts| log_in_as(&users, "acme", facts))).await;
        assert_eq!(logins.iter().filter(|login| login.is_ok()).count(), 1, "{logins:?}");
    }
}

#[test]
fn a_connection_that_may_vouch_for_all_is_warned_of() {
    let connection = |id: &str, more: &str| {
        format!("[[saml.connections]]\nid = \"{id}\"\nidp_metadata = \"idp.xml\"\n{more}\n")
    };
    let text = format!(
        "listen = \"127.0.0.1:1\"\nissuer = \"http://127.0.0.1:1\"\ndatabase_url = \"sqlite::memory:\"\n\
         {}{}",
        connection("acme", "email_domains = [\"acme.example\"]"),
        connection("globex", "")
    );
    let config = Config::parse(&text, std::path::Path::new("/etc/op/op.toml")).unwrap();
    let warnings: Vec<_> = domains::warnings(&config).map(|warning| warning.to_string()).collect();
    assert_eq!(warnings.len(), 1);
    for word in [
        "/etc/op/op.toml: saml.connections[1].email_domains: is not set",
        "\"globex\" may log in as any user",
        "write email_domains = [",
    ] {
        assert!(warnings[0].contains(word), "{}", warnings[0]);
    }
}
