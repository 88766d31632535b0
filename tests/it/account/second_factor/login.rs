//! Logging in with a code of the app, or one from paper.

use time::Duration;

use super::*;
use crate::account::world::{ALICE, each_world};
use crate::support::statements::counted;

#[tokio::test]
async fn a_login_takes_the_password_and_a_code_of_the_app() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut browser = world.browser();
        let page = pending(&mut browser, ALICE).await;
        assert!(page.has("code") && page.has("trust"));
        assert_eq!(browser.get("/").await.body, "hello stranger at /");
        let page = browser.submit(&page, &[("code", &app.code(&world))]).await;
        assert_eq!(
            page.set_cookie("pending-login").unwrap().split(';').next(),
            Some("pending-login=")
        );
        assert_eq!(browser.follow(page).await.body, format!("hello {ALICE} at /"));
        assert_eq!(methods(&world, ALICE).await[0], ["pwd", "otp", "mfa"]);
    })
    .await;
}

#[tokio::test]
async fn a_login_with_a_code_ends_where_the_trip_leads() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut browser = world.browser();
        let page = browser.get("/login?return_to=%2Freports%3Fa%3Db").await;
        let page = browser.submit(&page, &[("email", ALICE), ("password", PASSWORD)]).await;
        let page = browser.follow(page).await;
        let page = browser.submit(&page, &[("code", "000000")]).await;
        assert_eq!(page.status, REFUSED);
        let page = browser.submit(&page, &[("code", &app.code(&world))]).await;
        assert_eq!(page.location().unwrap().as_str(), "http://127.0.0.1:3000/reports?a=b");
    })
    .await;
}

#[tokio::test]
async fn a_code_that_was_used_is_worth_nothing() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let (mut owner, mut thief) = (world.browser(), world.browser());
        pending(&mut owner, ALICE).await;
        pending(&mut thief, ALICE).await;
        let code = app.code(&world);
        assert_eq!(verify(&mut owner, &code).await.body, format!("hello {ALICE} at /"));
        for _ in 0..2 {
            assert_eq!(verify(&mut thief, &code).await.status, REFUSED);
            world.clock.advance(Duration::seconds(20));
        }
        assert_eq!(thief.get("/").await.body, "hello stranger at /");
        let code = app.next_code(&world);
        assert_eq!(verify(&mut thief, &code).await.body, format!("hello {ALICE} at /"));
    })
    .await;
}

#[tokio::test]
async fn a_backup_code_opens_once() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let typed = app.codes[3].to_lowercase().replace('-', " ");
        let mut browser = world.browser();
        pending(&mut browser, ALICE).await;
        assert_eq!(verify(&mut browser, &typed).await.body, format!("hello {ALICE} at /"));
        assert_eq!(methods(&world, ALICE).await[0], ["pwd", "otp", "mfa"]);
        let page = browser.get("/settings/two-factor").await;
        assert_eq!(page.text_of("codes-left"), "9 left");

        let mut again = world.browser();
        pending(&mut again, ALICE).await;
        assert_eq!(verify(&mut again, &typed).await.status, REFUSED);
        assert_eq!(verify(&mut again, &app.codes[4]).await.body, format!("hello {ALICE} at /"));
    })
    .await;
}

#[tokio::test]
async fn wrong_codes_lock_both_kinds_for_a_while_and_again() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut unused = app.codes.iter();
        for _ in 0..2 {
            let mut thief = world.browser();
            pending(&mut thief, ALICE).await;
            for wrong in ["000000", "AAAAA-AAAAA", "123456", "", "no code at all"] {
                assert_eq!(verify(&mut thief, wrong).await.status, REFUSED, "{wrong}");
            }
            world.mails_to(ALICE).await;
            let (good, backup) = (app.code(&world), unused.next().unwrap());
            assert_eq!(verify(&mut thief, &good).await.status, REFUSED);
            assert_eq!(verify(&mut thief, backup).await.status, REFUSED);
            let mails = world.mails_to(ALICE).await;
            assert_eq!(mails.len(), 1, "{mails:?}");
            assert_eq!(mails[0].subject, "Somebody has your password");

            world.clock.advance(Duration::minutes(15));
            let mut owner = world.browser();
            pending(&mut owner, ALICE).await;
            assert_eq!(verify(&mut owner, backup).await.body, format!("hello {ALICE} at /"));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_of_a_login_costs_no_more_than_it_must() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut browser = world.browser();
        let fields = [("email", ALICE), ("password", PASSWORD)];
        let (_, password) = counted(browser.post("/login", &fields)).await;
        assert_eq!((password.reads(), password.transitions()), (0, 2), "begin, complete");
        let (_, shown) = counted(browser.get(VERIFY)).await;
        assert_eq!((shown.reads(), shown.transitions()), (0, 0));
        let code = app.code(&world);
        let (_, wrong) = counted(browser.post(VERIFY, &[("code", "1")])).await;
        assert_eq!((wrong.reads(), wrong.transitions()), (0, 2), "begin, note the refusal");
        let (_, right) = counted(browser.post(VERIFY, &[("code", &code)])).await;
        assert_eq!(
            (right.reads(), right.transitions()),
            (1, 3),
            "standing; begin, session, complete"
        );
    })
    .await;
}
