//! What ends a session of an app.

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
        assert!(world.accounts.accounts().require_password_change(&user).await.unwrap());
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
