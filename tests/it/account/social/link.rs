//! An identity whose address has an account: never linked without its owner.

use http::StatusCode;

use super::*;
use crate::account::world::{PASSWORD, log_in};

const LINK: &str = "/login/with/fake/link";

#[tokio::test]
async fn who_has_an_account_logs_in_as_always_and_presses_a_button() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.browser();
        fake.provider.log_in(alice());
        let page = browser.get(&format!("{BEGIN}?return_to=/welcome")).await;
        let page = fake.come_back(&mut browser, &page).await;
        let page = browser.follow(page).await;
        assert_eq!(page.url.path(), LINK);
        assert!(page.has("log-in") && !page.has("submit"), "{}", page.body);
        assert_eq!(who(&mut browser).await, "hello stranger at /");

        let page = browser.get(&page.link("Log in")).await;
        let page = browser.submit(&page, &[("email", ALICE), ("password", PASSWORD)]).await;
        let page = browser.follow(page).await;
        assert_eq!((page.url.path(), page.has("submit")), (LINK, true));
        // Looking at it links nothing.
        let id = world.account(ALICE).await;
        assert_eq!(world.store.ways_in(id.id(), &open_ways()).await.unwrap().count, 1);
        let mut twin = browser.clone();
        let linked = browser.submit(&page, &[]).await;
        assert_eq!(browser.follow(linked).await.body, format!("hello {ALICE} at /welcome"));
        assert_eq!(world.store.ways_in(id.id(), &open_ways()).await.unwrap().count, 2);
        let mails = world.mails_to(ALICE).await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert_eq!(mails[0].subject, "Fake was connected to your account");
        let late = twin.submit(&page, &[]).await;
        assert!(late.location().unwrap().query().unwrap().contains("timed-out"));

        let page = fake.arrive(&mut world.browser(), alice()).await;
        assert_eq!(page.body, greeting(ALICE));
    })
    .await;
}

#[tokio::test]
async fn nobody_but_the_owner_links_and_only_after_a_fresh_login() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        let mallory = "mallory@example.test";
        world.user(ALICE).await;
        world.user(mallory).await;
        let mut browser = world.browser();
        fake.arrive(&mut browser, alice()).await;
        let page = browser.post(LINK, &[]).await;
        assert_eq!(page.location().unwrap().path(), "/login", "nobody is logged in");
        let parked = browser.cookies["identity"].clone();

        log_in(&mut browser, mallory, PASSWORD).await;
        let page = browser.get(LINK).await;
        assert!(!page.has("submit") && page.link("Log out") == "/logout", "{}", page.body);
        let page = browser.post(LINK, &[]).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.has("submit"));

        let mut owner = world.logged_in(ALICE).await;
        assert!(owner.post(LINK, &[]).await.location().unwrap().path().starts_with("/login"));
        owner.cookies.insert("identity".into(), parked);
        let page = owner.post_from("https://evil.example", LINK, &[]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "from another site");
        fake.advance(&world, Duration::minutes(10));
        for page in [owner.get(LINK).await, owner.post(LINK, &[]).await] {
            assert_eq!(page.location().unwrap().path(), "/login/again", "not fresh");
        }
        fake.advance(&world, Duration::hours(1));
        log_in(&mut owner, ALICE, PASSWORD).await;
        let page = owner.post(LINK, &[]).await;
        assert!(page.location().unwrap().query().unwrap().contains("timed-out"));
        let id = world.account(ALICE).await;
        assert_eq!(world.store.ways_in(id.id(), &open_ways()).await.unwrap().count, 1);
    })
    .await;
}
