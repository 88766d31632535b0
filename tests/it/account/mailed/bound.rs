//! A link opens what it was mailed for, to whom, and where, whatever its row says by then: whoever can
//! write one row, as by a hole elsewhere, gets into nobody's account by a link of their own.

use donjon::account::AccountLayer;
use donjon::account::password::HashCost;
use donjon::crypto::Keyring;
use donjon::delivery::{Mailbox, Worker};
use donjon::session::SessionLayer;
use http::StatusCode;
use tower::{Layer as _, service_fn};

use crate::account::world::{ALICE, ORIGIN, PASSWORD, World, hello};
use crate::support::browser::Browser;
use crate::support::database::{databases, shared_databases};

const MALLORY: &str = "mallory@example.test";
const OLD: &str = "k1:5Jc1EMlGuTtzHFLtUFo5sWZ3NUbMYE/eW2gNAzoq+jA=";
const NEW: &str = "k2:0yH4TkqgDcxKMZRzT0vT6cdSo1ZPy1b31L7vqyDpYtI=";

/// The links of Mallory: what each is asked for by, and where it leads.
const KINDS: [(&str, &str); 4] = [
    ("reset", "/reset-password"),
    ("login", "/login/link/open"),
    ("confirm", "/confirm"),
    ("change_email", "/settings/email/confirm"),
];

/// The story with each of Mallory's links: its purpose, and its address.
async fn each_link(story: impl AsyncFn(&World, &mut Browser, &str, &str)) {
    for database in shared_databases().await {
        println!("on {}", database.name);
        let world = World::over(database, &|builder| builder).await;
        world.user(ALICE).await;
        let mut mallory = world.browser();
        let page = mallory.get("/register").await;
        mallory.submit(&page, &[("email", MALLORY), ("password", PASSWORD)]).await;
        let confirm = world.link_to(MALLORY).await;
        let reset = world.reset_link(MALLORY).await;
        let page = mallory.get("/login/link").await;
        mallory.submit(&page, &[("email", MALLORY)]).await;
        let login = world.link_to(MALLORY).await;
        for (purpose, link) in [("confirm", confirm), ("reset", reset), ("login", login)] {
            story(&world, &mut mallory, purpose, &link).await;
        }
    }
}

/// Neither shown nor followed, and nothing is spent.
async fn is_refused(world: &World, browser: &mut Browser, purpose: &str, link: &str) {
    let shown = browser.get(link).await;
    assert_eq!(shown.status, StatusCode::GONE, "{purpose}");
    let (path, token) = link[ORIGIN.len()..].split_once("?token=").unwrap();
    let fields = [("token", token), ("password", "another password of hers"), ("email", ALICE)];
    let done = browser.post(path, &fields).await;
    assert_eq!(done.status, StatusCode::GONE, "{purpose}");
    assert_eq!(world.mails_to(ALICE).await.len(), 0, "{purpose}");
    world.logged_in(ALICE).await;
    let there =
        format!("UPDATE donjon_links SET expires_at = expires_at WHERE purpose = '{purpose}'");
    assert_eq!(world.database.tamper(&there).await, 1, "{purpose}");
}

async fn is_shown(browser: &mut Browser, purpose: &str, link: &str) {
    assert_eq!(browser.get(link).await.status, StatusCode::OK, "{purpose}");
}

#[tokio::test]
async fn a_link_does_not_become_that_of_another_user() {
    each_link(async |world, mallory, purpose, link| {
        is_shown(mallory, purpose, link).await;
        let change = |email: &str| {
            format!(
                "UPDATE donjon_links SET email = '{email}',
                     user_id = (SELECT id FROM donjon_users WHERE email = '{email}')
                 WHERE purpose = '{purpose}'"
            )
        };
        assert_eq!(world.database.tamper(&change(ALICE)).await, 1);
        is_refused(world, mallory, purpose, link).await;
        assert_eq!(world.database.tamper(&change(MALLORY)).await, 1);
        is_shown(mallory, purpose, link).await;
    })
    .await;
}

#[tokio::test]
async fn a_link_does_not_become_one_to_another_address() {
    each_link(async |world, mallory, purpose, link| {
        let from_to = |from: &str, to: &str| {
            ["users", "links"].map(|table| {
                format!("UPDATE donjon_{table} SET email = '{to}' WHERE email = '{from}'")
            })
        };
        for statement in from_to(MALLORY, "victim@example.test") {
            assert!(world.database.tamper(&statement).await > 0);
        }
        is_refused(world, mallory, purpose, link).await;
        for statement in from_to("victim@example.test", MALLORY) {
            assert!(world.database.tamper(&statement).await > 0);
        }
        is_shown(mallory, purpose, link).await;
    })
    .await;
}

#[tokio::test]
async fn a_link_does_not_become_one_for_another_purpose() {
    each_link(async |world, mallory, purpose, link| {
        let token = link.split_once("?token=").unwrap().1;
        for (other, path) in KINDS.into_iter().filter(|(other, _)| *other != purpose) {
            let turn = |from: &str, to: &str| {
                format!("UPDATE donjon_links SET purpose = '{to}' WHERE purpose = '{from}'")
            };
            world.database.tamper(&turn(other, "aside")).await;
            assert_eq!(world.database.tamper(&turn(purpose, other)).await, 1);
            if other == "change_email" {
                let mut browser = world.browser();
                browser.get(&format!("/other-door?{MALLORY}")).await;
                let shown = browser.get(&format!("{path}?token={token}")).await;
                assert_eq!(shown.status, StatusCode::GONE, "{purpose}");
            } else {
                let turned = format!("{ORIGIN}{path}?token={token}");
                is_refused(world, mallory, other, &turned).await;
            }
            assert_eq!(world.database.tamper(&turn(other, purpose)).await, 1);
            world.database.tamper(&turn("aside", other)).await;
        }
        is_shown(mallory, purpose, link).await;
    })
    .await;
}

#[tokio::test]
async fn a_change_of_address_does_not_become_one_to_an_address_that_nobody_proved() {
    for database in shared_databases().await {
        let world = World::over(database, &|builder| builder).await;
        world.user(MALLORY).await;
        let mut browser = world.logged_in(MALLORY).await;
        browser.post("/settings/email", &[("email", "mallory@evil.example")]).await;
        let link = world.link_to("mallory@evil.example").await;
        let to = |email: &str| {
            format!("UPDATE donjon_links SET email = '{email}' WHERE purpose = 'change_email'")
        };
        assert_eq!(world.database.tamper(&to("boss@example.test")).await, 1);
        let page = browser.get(&link).await;
        assert_eq!(page.status, StatusCode::GONE);
        let (path, token) = link[ORIGIN.len()..].split_once("?token=").unwrap();
        let page = browser.post(path, &[("token", token)]).await;
        assert_eq!(page.status, StatusCode::GONE);
        assert_eq!(world.database.tamper(&to("mallory@evil.example")).await, 1);
        let page = browser.post(path, &[("token", token)]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn links_outlive_a_rotation_of_the_keyring_and_not_the_loss_of_its_key() {
    for database in databases().await {
        let (store, mailbox) = (database.store().await, Mailbox::default());
        let app = |keyring: &str| {
            let keyring: Keyring = keyring.parse().unwrap();
            let accounts = AccountLayer::builder(&store, &keyring, ORIGIN)
                .hash_cost(HashCost { memory: 64, passes: 1, lanes: 1 })
                .build()
                .unwrap();
            let sessions = SessionLayer::new(store.clone(), &keyring).base_url(ORIGIN).unwrap();
            let users = accounts.accounts().clone();
            (Browser::new(sessions.layer(accounts.layer(service_fn(hello))), ORIGIN), users)
        };
        let (mut browser, users) = app(OLD);
        users.create(ALICE, Some(PASSWORD), Default::default(), true).await.unwrap();
        let page = browser.get("/forgot-password").await;
        browser.submit(&page, &[("email", ALICE)]).await;
        Worker::new(&store, &OLD.parse::<Keyring>().unwrap(), mailbox.clone()).run_once().await;
        let mails = mailbox.messages();
        let link = mails[0].text.lines().find(|line| line.starts_with("http")).unwrap();

        let (mut browser, _) = app(NEW);
        assert_eq!(browser.get(link).await.status, StatusCode::GONE, "{}", database.name);
        let (mut browser, _) = app(&format!("{NEW},{OLD}"));
        let page = browser.get(link).await;
        assert_eq!(page.status, StatusCode::OK, "{}", database.name);
        let page = browser.submit(&page, &[("password", "a brand new password of hers")]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", database.name);
    }
}
