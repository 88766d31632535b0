//! The page of administrators about mails that were given up.

use donjon::account::password::{HashCost, PoolSize};
use donjon::account::{AccountLayer, Policy};
use donjon::delivery::{MailError, Mailbox, Mailer, Message, Worker};
use donjon::session::SessionLayer;
use time::Duration;
use tower::{Layer as _, service_fn};

use super::*;
use crate::account::world::{ORIGIN, each_world, hello, log_in};

const LIST: &str = "/admin/mails";
const REVIVE: &str = "/admin/mails/revive";

/// Takes no mail.
#[derive(Debug)]
struct Refusing;

#[async_trait]
impl Mailer for Refusing {
    async fn send(&self, _: &Message) -> Result<(), MailError> {
        Err(MailError::Permanent("550 no such user".into()))
    }
}

/// The staff may everything, and a support desk looks and does nothing.
#[derive(Debug)]
struct Postmasters;

#[async_trait]
impl AdminAuthorizer for Postmasters {
    async fn may(&self, who: &CurrentScope, act: AdminAct, _: Option<&Account>) -> bool {
        let Some(staff) = who.account().filter(|staff| is_staff(staff)) else { return false };
        staff.email() != Some(BOSS) || act == AdminAct::LookAtMails
    }
}

/// Tells the story on each database: a mail to Bob was given up.
async fn each_post(story: impl AsyncFn(World, Browser)) {
    each_world(async |world| {
        for (email, staff) in [(ROOT, true), (BOSS, true), (BOB, false)] {
            let attributes = [("staff".to_owned(), json!(staff))].into_iter().collect();
            let accounts = world.accounts.accounts();
            accounts.create(email, Some(PASSWORD), attributes, true).await.unwrap();
        }
        let (store, keyring) = (&world.store, &world.keyring);
        let mut visitor = world.browser();
        let page = visitor.get("/forgot-password").await;
        visitor.submit(&page, &[("email", BOB)]).await;
        let refusing = Worker::new(store, keyring, Refusing).clock(world.clock.clone());
        assert_eq!(refusing.run_once().await, 1);

        let worker = Worker::new(store, keyring, Mailbox::default()).clock(world.clock.clone());
        let accounts = AccountLayer::builder(store, keyring, ORIGIN)
            .hash_cost(HashCost { memory: 64, passes: 1, lanes: 1 })
            .pool_size(PoolSize { workers: 2, queue: 64 })
            .policy(Policy { even_answers: Duration::ZERO, ..Policy::default() })
            .clock(world.clock.clone())
            .administrators(Postmasters)
            .mails(&worker)
            .build()
            .unwrap();
        let sessions = SessionLayer::new(store.clone(), keyring).base_url(ORIGIN).unwrap();
        let app = sessions.clock(world.clock.clone()).layer(accounts.layer(service_fn(hello)));
        let browser = Browser::new(app, ORIGIN);
        story(world, browser).await;
    })
    .await;
}

async fn logged_in(browser: &Browser, email: &str) -> Browser {
    let mut browser = browser.another();
    assert_eq!(log_in(&mut browser, email, PASSWORD).await.body, format!("hello {email} at /"));
    browser
}

#[tokio::test]
async fn mails_that_were_given_up_are_seen_and_tried_again() {
    each_post(async |world, browser| {
        let mut root = logged_in(&browser, ROOT).await;
        assert_eq!(root.get("/admin").await.link("Mails not sent"), LIST);
        let page = root.get(LIST).await;
        assert!(page.body.contains("Choose a new password"), "{}", page.body);
        assert!(page.body.contains("example.test · "), "{}", page.body);
        assert!(!page.body.contains(BOB) && !page.body.contains("token="), "{}", page.body);
        for days in ["", "1", "-1", "x"] {
            let page = root.post(REVIVE, &[("days", days)]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{days}");
        }
        let page = root.submit(&page, &[("days", "2")]).await;
        assert!(root.follow(page).await.has("no-mails"));
        let told = entry(&world, "admin.mails_revive").await;
        assert_eq!(told.actor, Some(id_of(&world, ROOT).await));
        assert_eq!(told.metadata["days"], 2);
        assert_eq!(world.mails_to(BOB).await[0].subject, "Choose a new password");
    })
    .await;
}

#[tokio::test]
async fn only_what_is_not_older_is_tried_again() {
    each_post(async |world, browser| {
        world.clock.advance(Duration::days(3));
        let mut root = logged_in(&browser, ROOT).await;
        for (days, left) in [("2", true), ("0", false)] {
            let page = root.post(REVIVE, &[("days", days)]).await;
            assert_eq!(root.follow(page).await.has("mails"), left, "{days}");
        }
        assert!(!world.mails_to(BOB).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn nobody_sees_to_mails_whom_the_host_does_not_let() {
    each_post(async |world, browser| {
        let (mut bob, mut desk) = (logged_in(&browser, BOB).await, logged_in(&browser, BOSS).await);
        let mut root = logged_in(&browser, ROOT).await;
        // The session that somebody else's door opened is good here, too.
        let mut acting = browser.another();
        let mut door = world.browser();
        door.get(&format!("/act?{ROOT}")).await;
        acting.cookies = door.cookies;
        assert_eq!(desk.get(LIST).await.status, StatusCode::OK, "the desk looks");
        for (who, browser) in [("bob", &mut bob), ("acting", &mut acting)] {
            assert_eq!(browser.get(LIST).await.status, StatusCode::FORBIDDEN, "{who}");
        }
        assert_eq!(browser.another().get(LIST).await.location().unwrap().path(), "/login");
        let fields = [("days", "0")];
        for (who, browser) in [("bob", &mut bob), ("desk", &mut desk), ("acting", &mut acting)] {
            assert_eq!(browser.post(REVIVE, &fields).await.status, StatusCode::FORBIDDEN, "{who}");
        }
        let page = root.post_from("https://evil.example", REVIVE, &fields).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        world.clock.advance(Duration::minutes(10));
        let page = root.post(REVIVE, &fields).await;
        assert_eq!(page.location().unwrap().path(), "/login/again", "no longer fresh");
        assert!(world.mails_to(BOB).await.is_empty(), "nothing was sent");
    })
    .await;
    each_office(async |_, mut root| {
        assert_eq!(root.get(LIST).await.status, StatusCode::NOT_FOUND, "there is no worker");
        let page = root.post(REVIVE, &[("days", "0")]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
    })
    .await;
}
