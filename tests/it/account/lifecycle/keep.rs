//! Keeping an account that was going to be deleted.

use donjon::crypto::{Clock as _, RandomExt as _, Sealed, SystemRandom};
use donjon::store::{
    DeletionRequest, Effects, LinkKey, LinkPurpose, NewDeletion, NewDelivery, NewLink,
};
use time::Duration;

use super::*;
use crate::account::second_factor::App;
use crate::account::world::{ORIGIN, each_world, log_in};
use crate::support::database::shared_databases;

const KEEP: &str = "/keep-account";

#[tokio::test]
async fn who_logs_in_is_asked_first_and_gets_a_session_only_with_the_account() {
    each_world(async |world| {
        leaving(&world).await;
        world.mails_to(ALICE).await;
        let mut browser = world.browser();
        let page = log_in(&mut browser, ALICE, PASSWORD).await;
        assert_eq!(page.url.path(), KEEP);
        assert!(page.body.contains("2026-01-15"), "{}", page.body);
        assert!(!browser.cookies.contains_key("session"));
        assert_eq!(browser.get("/").await.body, "hello stranger at /");

        let kept = browser.submit(&page, &[]).await;
        assert_eq!(browser.follow(kept).await.body, format!("hello {ALICE} at /"));
        assert_eq!(world.mails_to(ALICE).await[0].subject, "Your account stays");
        assert!(!browser.cookies.contains_key("keep-account"));

        // It is over for good, and asked for again only after a while.
        world.clock.advance(Duration::hours(23));
        assert_eq!(world.accounts.execute_due_deletions().await.unwrap(), 0);
        let mut again = world.logged_in(ALICE).await;
        let page = ask(&mut again).await;
        assert_eq!(page.status, StatusCode::CONFLICT);
        assert!(page.body.contains("2026-01-02"), "{}", page.body);
        world.clock.advance(Duration::hours(1));
        let mut again = world.logged_in(ALICE).await;
        assert!(ask(&mut again).await.has("leaving"));
    })
    .await;
}

/// Somebody who knows the password keeps the account: its owner is told where from.
#[tokio::test]
async fn a_login_that_keeps_the_account_is_told_like_any_other() {
    each_world(async |world| {
        leaving(&world).await;
        world.all_mails_to(ALICE).await;
        world.clock.advance(Duration::SECOND);
        let mut browser = world.browser();
        let page = log_in(&mut browser, ALICE, PASSWORD).await;
        browser.submit(&page, &[]).await;
        let mails = world.all_mails_to(ALICE).await;
        let mut subjects: Vec<_> = mails.iter().map(|mail| mail.subject.as_str()).collect();
        subjects.sort_unstable();
        assert_eq!(subjects, ["A login with a new device", "Your account stays"]);
    })
    .await;
}

#[tokio::test]
async fn the_mailed_link_keeps_the_account_and_logs_nobody_in() {
    each_world(async |world| {
        leaving(&world).await;
        let link = world.link_to(ALICE).await;
        let mut browser = world.browser();
        let page = browser.get(&link).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.has("keep-text"), "a mail scanner opens it, and nothing happens");
        let page = browser.submit(&page, &[]).await;
        let login = browser.follow(page).await;
        assert_eq!(login.url.path(), "/login");
        assert!(login.body.contains("Your account stays"));
        assert_eq!(browser.get("/").await.body, "hello stranger at /");
        assert_eq!(browser.get(&link).await.status, StatusCode::GONE);
        world.logged_in(ALICE).await;
    })
    .await;
}

#[tokio::test]
async fn a_wrong_password_is_told_nothing_of_the_deletion() {
    each_world(async |world| {
        leaving(&world).await;
        let mut browser = world.browser();
        let page = log_in(&mut browser, ALICE, "wrong").await;
        let nobody = log_in(&mut world.browser(), "bob@example.test", "wrong").await;
        let bob = page.body.replace(ALICE, "bob@example.test");
        assert_eq!(bob.replace("alice%40", "bob%40"), nobody.body);
        let page = browser.get(KEEP).await;
        assert_eq!(page.status, StatusCode::GONE);
        assert_eq!(browser.post(KEEP, &[("token", "")]).await.status, StatusCode::GONE);
    })
    .await;
}

#[tokio::test]
async fn with_a_second_factor_it_takes_both() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut browser = world.browser();
        log_in(&mut browser, ALICE, PASSWORD).await;
        let code = app.code(&world);
        browser.post("/login/verify", &[("code", &code)]).await;
        assert!(ask(&mut browser).await.has("leaving"));

        let mut owner = world.browser();
        let page = log_in(&mut owner, ALICE, PASSWORD).await;
        assert_eq!(page.url.path(), "/login/verify");
        assert_eq!(owner.get(KEEP).await.status, StatusCode::GONE, "not with the password alone");
        let used = owner.clone().post("/login/verify", &[("code", &code)]).await;
        assert_eq!(used.status, REFUSED, "a replay");
        let code = app.next_code(&world);
        let page = owner.post("/login/verify", &[("code", &code)]).await;
        let page = owner.follow(page).await;
        assert_eq!(page.url.path(), KEEP);
        let replay = log_in(&mut world.browser(), ALICE, PASSWORD).await;
        assert_eq!(replay.url.path(), "/login/verify");
        let page = owner.submit(&page, &[]).await;
        assert_eq!(owner.follow(page).await.body, format!("hello {ALICE} at /"));
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_comes_late_or_twice_opens_nothing() {
    each_world(async |world| {
        leaving(&world).await;
        let mut browser = world.browser();
        let page = log_in(&mut browser, ALICE, PASSWORD).await;
        let mut slow = browser.clone();
        let mut twin = browser.clone();
        let first = browser.submit(&page, &[]).await;
        assert_eq!(browser.follow(first).await.body, format!("hello {ALICE} at /"));
        let second = twin.submit(&page, &[]).await;
        assert_eq!(second.status, StatusCode::GONE);
        assert!(!twin.cookies.contains_key("session"), "{:?}", twin.cookies);
        world.clock.advance(Duration::minutes(5));
        assert_eq!(slow.submit(&page, &[]).await.status, StatusCode::GONE);

        // Nor after a reset of the password, which moves the epoch.
        world.clock.advance(Duration::days(1));
        let mut again = world.logged_in(ALICE).await;
        assert!(ask(&mut again).await.has("leaving"));
        world.mails_to(ALICE).await;
        let mut thief = world.browser();
        let page = log_in(&mut thief, ALICE, PASSWORD).await;
        let reset = world.reset_link(ALICE).await;
        let mut owner = world.browser();
        let form = owner.get(reset.strip_prefix(ORIGIN).unwrap()).await;
        owner.submit(&form, &[("password", "another long password")]).await;
        let late = thief.submit(&page, &[]).await;
        assert_eq!(late.status, StatusCode::GONE);
        assert!(!thief.cookies.contains_key("session"));
        let page = log_in(&mut owner, ALICE, "another long password").await;
        assert_eq!(page.url.path(), KEEP, "the owner still can");
    })
    .await;
}

/// Their address became another one between the form and the transition.
/// On databases that somebody else can write to, too.
async fn each_shared_world(story: impl AsyncFn(World)) {
    for database in shared_databases().await {
        println!("on {}", database.name);
        story(World::over(database, &|builder| builder).await).await;
    }
}

#[tokio::test]
async fn a_link_to_keep_an_account_is_not_mailed_if_it_is_not_written() {
    for address in ["before@example.test", ALICE] {
        each_shared_world(async |world| {
            world.user(ALICE).await;
            let (alice, now) = (world.account(ALICE).await, world.clock.now());
            let mail = NewDelivery {
                id: SystemRandom.uuid_v7(now),
                kind: "mail",
                payload: Sealed::from_bytes(Vec::new()),
                created_at: now,
            };
            let link = NewLink {
                purpose: LinkPurpose::Keep,
                token: SystemRandom.token().hash(),
                key: LinkKey::from_bytes([0; 32]),
                code: None,
                expires_at: now + Duration::DAY,
                effects: mail.clone().into(),
            };
            let keep = Some((address.to_owned(), link));
            let deletion = NewDeletion { user: alice.id().clone(), at: now + Duration::DAY, keep };
            let told = world.store.request_deletion(&deletion, &Effects::none(), now).await;
            assert_eq!(told.unwrap(), DeletionRequest::Scheduled);
            let there = "UPDATE donjon_links SET expires_at = expires_at WHERE purpose = 'keep'";
            let written = u64::from(address == ALICE);
            assert_eq!(world.database.tamper(there).await, written, "{address}");
            let taken = world.store.claim_deliveries("mail", now, Duration::DAY, 1_000).await;
            let mailed = taken.unwrap().iter().filter(|taken| taken.id == mail.id).count();
            assert_eq!(mailed as u64, written, "{address}");
        })
        .await;
    }
}

/// Whoever can write a row can blank what binds it, too: that makes it nobody's.
#[tokio::test]
async fn a_link_to_keep_an_account_that_is_bound_to_nothing_opens_nothing() {
    each_shared_world(async |world| {
        leaving(&world).await;
        let link = world.link_to(ALICE).await;
        // As it was before links were bound.
        let unbound = "UPDATE donjon_links SET binding = substr(binding, 1, 0) \
                       WHERE purpose = 'keep'";
        assert_eq!(world.database.tamper(unbound).await, 1);
        let mut browser = world.browser();
        assert_eq!(browser.get(&link).await.status, StatusCode::GONE);
        let (path, token) = link[ORIGIN.len()..].split_once("?token=").unwrap();
        let refused = browser.post(path, &[("token", token)]).await;
        assert_eq!(refused.status, StatusCode::GONE);
        let page = log_in(&mut browser, ALICE, PASSWORD).await;
        assert_eq!(page.url.path(), KEEP, "its user keeps it all the same");
        let kept = browser.submit(&page, &[]).await;
        assert_eq!(browser.follow(kept).await.body, format!("hello {ALICE} at /"));
    })
    .await;
}
