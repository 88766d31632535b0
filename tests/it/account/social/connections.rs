//! The page where users see to their identities.

use http::StatusCode;

use super::*;
use crate::account::world::{PASSWORD, each_world, log_in};

const PAGE: &str = "/settings/connections";
const LINK: &str = "/settings/connections/link";
const UNLINK: &str = "/settings/connections/unlink";
const FAKE: [(&str, &str); 1] = [("provider", "fake")];

/// Where the browser ends that links Alice's identity.
async fn connect(fake: &Fake, browser: &mut Browser) -> Page {
    fake.provider.log_in(alice());
    let page = browser.post(LINK, &FAKE).await;
    let page = fake.come_back(browser, &page).await;
    browser.follow(page).await
}

#[tokio::test]
async fn an_identity_is_linked_and_unlinked_and_its_owner_is_told() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        let bob = "bob@example.test";
        world.user(bob).await;
        let mut browser = world.logged_in(bob).await;
        assert!(browser.get(PAGE).await.has("link-fake"));
        let page = connect(&fake, &mut browser).await;
        assert_eq!(page.url.query().unwrap(), "notice=linked");
        assert!(page.has("linked-fake") && !page.has("link-fake"), "{}", page.body);
        // The address there is Alice's; here it stays Bob's.
        let page = fake.arrive(&mut world.browser(), alice()).await;
        assert_eq!(page.body, greeting(bob));

        let again = connect(&fake, &mut browser).await;
        assert_eq!(again.url.query().unwrap(), "notice=linked");
        let page = browser.post(UNLINK, &FAKE).await;
        let page = browser.follow(page).await;
        assert!(page.has("link-fake") && !page.has("linked-fake"), "{}", page.body);
        let subjects: Vec<_> =
            world.mails_to(bob).await.into_iter().map(|mail| mail.subject).collect();
        assert_eq!(
            subjects,
            ["Fake was connected to your account", "Fake was disconnected from your account"]
        );
        let page = fake.arrive(&mut world.browser(), alice()).await;
        assert_eq!(page.body, greeting(ALICE), "a stranger again");
        let page = connect(&fake, &mut browser).await;
        assert_eq!(page.url.query().unwrap(), "notice=taken");
    })
    .await;
}

#[tokio::test]
async fn the_only_way_in_stays() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        let mut browser = world.browser();
        fake.arrive(&mut browser, alice()).await;
        let page = browser.post(UNLINK, &FAKE).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.has("linked-fake") && page.body.contains("role=\"alert\""));
        assert!(world.mails_to(ALICE).await.is_empty());
        assert_eq!(page.link("Choose a password"), "/forgot-password");

        // With a password it is not the only one.
        let link = world.reset_link(ALICE).await;
        let page = browser.get(&link).await;
        browser.submit(&page, &[("password", PASSWORD)]).await;
        world.mails_to(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let page = browser.post(UNLINK, &FAKE).await;
        assert_eq!(page.location().unwrap().query().unwrap(), "notice=unlinked");
    })
    .await;
}

#[tokio::test]
async fn linking_and_unlinking_take_a_fresh_login_and_a_form_of_ours() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        for path in [LINK, UNLINK] {
            let page = browser.post_from("https://evil.example", path, &FAKE).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
            let page = browser.get(path).await;
            assert_eq!(page.location().unwrap().path(), PAGE);
        }
        let unknown = browser.post(LINK, &[("provider", "evil")]).await;
        assert_eq!(unknown.location().unwrap().query().unwrap(), "notice=failed");
        // Fresh when it began, and not any more when it ends.
        fake.provider.log_in(alice());
        let begun = browser.post(LINK, &FAKE).await;
        fake.advance(&world, Duration::minutes(10));
        let page = fake.come_back(&mut browser, &begun).await;
        assert_eq!(page.location().unwrap().query().unwrap(), "notice=failed");
        for mut visitor in [browser, world.browser()] {
            for path in [LINK, UNLINK] {
                let page = visitor.post(path, &FAKE).await;
                assert!(page.location().unwrap().path().starts_with("/login"), "{path}");
            }
            let page = visitor.get(PAGE).await;
            assert!(page.location().unwrap().path().starts_with("/login"));
        }
        let id = world.account(ALICE).await;
        assert_eq!(world.store.ways_in(id.id(), &open_ways()).await.unwrap().count, 1);
    })
    .await;
}

/// A login by it would ask for no code any more.
#[tokio::test]
async fn who_links_a_provider_that_stands_for_a_second_factor_has_used_theirs() {
    let fake = Fake::start().await;
    fake.each_world_as(
        |client| client.sufficient_methods(["mfa"]),
        async |world| {
            let bob = "bob@example.test";
            world.user(bob).await;
            let mut thief = world.logged_in(bob).await;
            fake.provider.log_in(alice().by(["mfa"]));
            let begun = thief.post(LINK, &FAKE).await;
            let mut owner = world.logged_in(bob).await;
            crate::account::second_factor::set_up(&world, &mut owner).await;
            let asks = |page: &Page| {
                let at = page.location().unwrap();
                assert!(at.query().unwrap_or_default().contains("factor=second"), "{at}");
            };
            // What was begun before, anew, and by the address.
            let page = fake.come_back(&mut thief, &begun).await;
            assert_eq!(page.location().unwrap().query().unwrap(), "notice=failed");
            asks(&thief.post(LINK, &FAKE).await);
            fake.provider.log_in(FakeUser::new("mallory-1").with_email(bob, true).by(["mfa"]));
            let page = thief.get(BEGIN).await;
            let page = fake.come_back(&mut thief, &page).await;
            let link = page.location().unwrap();
            assert_eq!(link.path(), format!("{BEGIN}/link"));
            asks(&thief.get(link.as_str()).await);
            asks(&thief.post(link.as_str(), &[]).await);
            let id = world.account(bob).await;
            assert_eq!(world.store.ways_in(id.id(), &open_ways()).await.unwrap().count, 1);

            let page = connect(&fake, &mut owner).await;
            assert_eq!(page.url.query().unwrap(), "notice=linked");
        },
    )
    .await;
}

/// An attacker who has the victim's browser open the attacker's own answer gets no way in.
#[tokio::test]
async fn nobody_links_their_own_identity_to_another_account() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        let mallory = "mallory@example.test";
        world.user(ALICE).await;
        world.user(mallory).await;
        let mut attacker = world.logged_in(mallory).await;
        let mut victim = world.logged_in(ALICE).await;
        fake.provider.log_in(FakeUser::new("mallory-1"));
        let begun = attacker.post(LINK, &FAKE).await;
        let callback = fake.callback(&begun);
        let page = victim.get(&callback).await;
        assert!(page.location().unwrap().query().unwrap().contains("timed-out"));
        // Not even with the attacker's cookie in the victim's browser.
        let planted = attacker.cookies["social"].clone();
        victim.cookies.insert("social".into(), planted);
        let page = victim.get(&callback).await;
        assert_eq!(page.location().unwrap().query().unwrap(), "notice=failed");
        // Nor in another session of the attacker's.
        let mut again = world.browser();
        log_in(&mut again, mallory, PASSWORD).await;
        let begun = attacker.post(LINK, &FAKE).await;
        again.cookies.insert("social".into(), attacker.cookies["social"].clone());
        let page = fake.come_back(&mut again, &begun).await;
        assert_eq!(page.location().unwrap().query().unwrap(), "notice=failed");
        for email in [ALICE, mallory] {
            let id = world.account(email).await;
            assert_eq!(
                world.store.ways_in(id.id(), &open_ways()).await.unwrap().count,
                1,
                "{email}"
            );
        }
    })
    .await;
}

/// A provider that the host has dropped logs nobody in.
#[tokio::test]
async fn a_provider_that_is_not_configured_is_no_way_in_to_fall_back_on() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        let mut browser = world.browser();
        fake.arrive(&mut browser, alice()).await;
        let id = world.account(ALICE).await;
        let none = donjon::store::Effects::none();
        let identity = donjon::store::NewIdentity {
            provider: "of-old".into(),
            subject: "alice".into(),
            email: None,
            name: None,
            tokens: None,
            at: donjon::crypto::Clock::now(&*world.clock),
        };
        world.store.link_identity(id.id(), &identity, None, &none).await.unwrap();
        let page = browser.post(UNLINK, &FAKE).await;
        assert_eq!(page.status, http::StatusCode::UNPROCESSABLE_ENTITY);
        let page = browser.post(UNLINK, &[("provider", "of-old")]).await;
        assert!(page.location().unwrap().query().unwrap().contains("unlinked"));
        let ways = world.store.ways_in(id.id(), &open_ways()).await.unwrap();
        assert_eq!((ways.count, ways.identities.len()), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn without_providers_there_is_no_such_page() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        assert!(browser.get(PAGE).await.body.starts_with("hello"));
        assert!(browser.get(BEGIN).await.body.starts_with("hello"));
        assert!(!browser.get("/settings").await.body.contains("connections"));
    })
    .await;
}
