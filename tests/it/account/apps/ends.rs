//! What ends a session of an app.

use futures_util::future::join_all;
use time::Duration;

use super::*;
use crate::account::world::PASSWORD;

/// Whether both secrets of a session open nothing any more.
async fn is_over(world: &World, apps: &AppSessions, told: &Told) -> bool {
    !opens(apps, told).await && refresh(world, &told.refresh()).await.is_refused("invalid_grant")
}

#[tokio::test]
async fn an_app_logs_out_by_either_of_its_secrets() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        for secret in ["access_token", "refresh_token"] {
            let begun = on_the_phone(&world, &mut browser).await;
            for _ in 0..2 {
                let told = call(&world, REVOKE, &json!({ "token": begun.text(secret) })).await;
                assert_eq!((told.status, told.body), (StatusCode::OK, json!({})), "{secret}");
            }
            assert!(is_over(&world, &apps, &begun).await, "{secret}");
        }
        let entries = told(&world, "session.app_end").await;
        assert_eq!(entries.len(), 2, "{entries:?}");
        let user = alice(&world).await;
        assert!(entries.iter().all(|entry| entry.user.as_ref() == Some(&user)));
        for nothing in ["", "acmeapp_", "\u{0}", "acmeapp_refresh_x"] {
            let told = call(&world, REVOKE, &json!({ "token": nothing })).await;
            assert_eq!(told.status, StatusCode::OK, "{nothing:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn its_user_ends_it_where_sessions_of_browsers_are_ended() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let begun = on_the_phone(&world, &mut browser).await;
        browser.post("/settings/sessions/revoke", &[("session", &begun.text("session"))]).await;
        assert!(is_over(&world, &apps, &begun).await, "revoked by itself");
        let begun = on_the_phone(&world, &mut browser).await;
        browser.post("/settings/sessions/revoke-others", &[]).await;
        assert!(is_over(&world, &apps, &begun).await, "revoked with all others");
        let begun = on_the_phone(&world, &mut browser).await;
        browser.post("/settings/sessions/sign-out", &[("apps", "1")]).await;
        assert!(is_over(&world, &apps, &begun).await, "logged out everywhere");
        let mut browser = world.logged_in(ALICE).await;
        let begun = on_the_phone(&world, &mut browser).await;
        browser.post("/settings/sessions/sign-out", &[]).await;
        assert!(is_over(&world, &apps, &begun).await, "logged out of all browsers");
    })
    .await;
}

/// Whoever holds a code when its user signs out everywhere must not keep what it opens.
#[tokio::test(flavor = "multi_thread")]
async fn no_code_that_is_redeemed_meanwhile_outlives_a_sign_out() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        for _ in 0..3 {
            let mut browser = world.logged_in(ALICE).await;
            let mut codes = Vec::new();
            for _ in 0..12 {
                codes.push(code(&mut browser, &ask(&[])).await);
            }
            let redeemed = join_all(codes.iter().map(|code| exchange(&world, code)));
            let signed_out = browser.post("/settings/sessions/sign-out", &[("apps", "1")]);
            let (told, page) = tokio::join!(redeemed, signed_out);
            assert!(page.status.is_redirection(), "{}", page.body);
            for begun in told.iter().filter(|told| told.status == StatusCode::OK) {
                assert!(is_over(&world, &apps, begun).await);
            }
            let user = alice(&world).await;
            assert!(world.store.app_sessions_of(&user).await.unwrap().is_empty());
        }
    })
    .await;
}

/// The code is redeemed first, and the sign-out has begun before its session is there.
#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_ends_what_was_opened_while_it_waited() {
    use sqlx::{Connection as _, PgConnection};

    each_app_world(async |world, apps| {
        if world.database.name != "postgres" {
            return;
        }
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let code = code(&mut browser, &ask(&[])).await;
        let connect = || PgConnection::connect(&world.database.url);
        let (mut holder, mut observer) = (connect().await.unwrap(), connect().await.unwrap());
        let pid: i32 =
            sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut holder).await.unwrap();
        let mut held = holder.begin().await.unwrap();
        sqlx::query("SELECT id FROM donjon_sessions FOR UPDATE").execute(&mut *held).await.unwrap();
        let waiting = async |observer: &mut PgConnection, expected: i64| loop {
            let waiting: i64 = sqlx::query_scalar(
                "WITH RECURSIVE waits AS ( \
                     SELECT pid FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid)) \
                     UNION SELECT a.pid FROM pg_stat_activity a, waits w \
                     WHERE w.pid = ANY (pg_blocking_pids(a.pid)) \
                 ) SELECT count(*) FROM waits",
            )
            .bind(pid)
            .fetch_one(&mut *observer)
            .await
            .unwrap();
            if waiting == expected {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        };
        let signing_out = async {
            waiting(&mut observer, 1).await;
            let (page, ()) = tokio::join!(
                browser.post("/settings/sessions/sign-out", &[("apps", "1")]),
                async {
                    waiting(&mut observer, 2).await;
                    held.rollback().await.unwrap();
                }
            );
            page
        };
        let (begun, page) = tokio::join!(exchange(&world, &code), signing_out);
        assert!(page.status.is_redirection(), "{}", page.body);
        assert_eq!(begun.status, StatusCode::OK, "it was first: {begun:?}");
        assert!(is_over(&world, &apps, &begun).await);
    })
    .await;
}

/// SAML's SessionNotOnOrAfter.
#[tokio::test]
async fn it_is_over_when_the_identity_provider_said_that_the_login_is() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.browser();
        browser.get(&format!("/vouched-for-an-hour?{ALICE}")).await;
        let begun = on_the_phone(&world, &mut browser).await;
        assert_eq!(begun.body["refresh_expires_in"], 3600);
        for _ in 0..2 {
            world.clock.advance(Duration::minutes(25));
            browser.get("/").await;
        }
        let last = refresh(&world, &begun.refresh()).await;
        assert_eq!(last.body["refresh_expires_in"], 600);
        assert_eq!(last.body["expires_in"], 600);
        // Going on in the browser, or with another app, does not prolong it.
        let other = on_the_phone(&world, &mut browser).await;
        assert_eq!(other.body["refresh_expires_in"], 600);
        world.clock.advance(Duration::minutes(10) - Duration::SECOND);
        assert!(opens(&apps, &last).await && opens(&apps, &other).await);
        world.clock.advance(Duration::SECOND);
        for over in [&last, &other] {
            assert!(is_over(&world, &apps, over).await);
        }
    })
    .await;
}

#[tokio::test]
async fn logging_out_of_the_browser_leaves_it() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let begun = on_the_phone(&world, &mut browser).await;
        browser.post("/logout", &[]).await;
        assert!(opens(&apps, &begun).await);
        assert_eq!(refresh(&world, &begun.refresh()).await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn no_secret_outlives_a_reset_of_the_password_nor_does_a_code() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let begun = on_the_phone(&world, &mut browser).await;
        let code = code(&mut browser, &ask(&[])).await;
        let link = world.reset_link(ALICE).await;
        let mut other = world.browser();
        let page = other.get(&link).await;
        other.submit(&page, &[("password", "quite another horse staple")]).await;
        assert!(is_over(&world, &apps, &begun).await);
        assert!(exchange(&world, &code).await.is_refused("invalid_grant"));
    })
    .await;
}

#[tokio::test]
async fn another_password_ends_it_too() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let begun = on_the_phone(&world, &mut browser).await;
        let fields = [("current", PASSWORD), ("password", "quite another horse staple")];
        let page = browser.post("/settings/password", &fields).await;
        assert!(page.status.is_redirection() || page.status.is_success(), "{}", page.body);
        assert!(is_over(&world, &apps, &begun).await, "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn whoever_is_kept_out_is_out_of_apps_at_once() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let begun = on_the_phone(&world, &mut browser).await;
        let code = code(&mut browser, &ask(&[])).await;
        let user = alice(&world).await;
        assert!(
            world
                .accounts
                .accounts()
                .require_password_change(&user, &donjon::account::By::system())
                .await
                .unwrap()
        );
        assert!(is_over(&world, &apps, &begun).await);
        assert!(exchange(&world, &code).await.is_refused("invalid_grant"));
    })
    .await;
}

#[tokio::test]
async fn a_code_is_over_with_the_login_it_was_made_in_and_after_a_minute() {
    each_app_world(async |world, _| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let left = code(&mut browser, &ask(&[])).await;
        let late = code(&mut browser, &ask(&[])).await;
        world.clock.advance(Duration::seconds(59));
        browser.post("/logout", &[]).await;
        assert!(exchange(&world, &left).await.is_refused("invalid_grant"));
        let mut browser = world.logged_in(ALICE).await;
        let fresh = code(&mut browser, &ask(&[])).await;
        world.clock.advance(Duration::seconds(60));
        for over in [&late, &fresh] {
            assert!(exchange(&world, over).await.is_refused("invalid_grant"));
        }
    })
    .await;
}

#[tokio::test]
async fn the_export_tells_of_sessions_of_apps() {
    each_app_world(async |world, _| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let begun = on_the_phone(&world, &mut browser).await;
        let page = browser.post("/settings/export", &[]).await;
        let document: Value = serde_json::from_str(&page.body).unwrap();
        let text = document.to_string();
        assert!(text.contains("app_sessions") && text.contains(&begun.text("session")), "{text}");
        assert!(text.contains(PHONE));
        for secret in ["access_token", "refresh_token"] {
            assert!(!text.contains(&begun.text(secret)));
        }
    })
    .await;
}
