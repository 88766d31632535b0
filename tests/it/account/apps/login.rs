//! The page in the browser, and the way from there to a session.

use super::*;
use crate::account::world::{PASSWORD, each_world_with, log_in};

#[tokio::test]
async fn an_app_logs_its_user_in_by_way_of_the_browser() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.browser();
        let page = browser.get(&ask(&[])).await;
        let page = browser.follow(page).await;
        assert_eq!(page.url.path(), "/login");
        let page = browser.submit(&page, &[("email", ALICE), ("password", PASSWORD)]).await;
        let page = browser.follow(page).await;
        assert_eq!(page.url.path(), LOGIN, "{}", page.body);
        for shown in ["Log in to Acme for iPhone", ALICE, "api:read", "api:write"] {
            assert!(page.body.contains(shown), "{shown}: {}", page.body);
        }
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.ends_with("form-action 'self' com.example.acme:"), "{policy}");
        let page = browser.submit(&page, &[("decision", "approve")]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        let target = page.headers["location"].to_str().unwrap();
        assert!(target.starts_with("com.example.acme:/logged-in?code="), "{target}");
        assert_eq!(sent(&page, "state").as_deref(), Some("a state & more"));

        let begun = exchange(&world, &sent(&page, "code").unwrap()).await;
        assert_eq!(begun.status, StatusCode::OK, "{begun:?}");
        assert_eq!(begun.headers["cache-control"], "no-store");
        assert!(!begun.headers.contains_key("set-cookie"));
        let user = alice(&world).await;
        let known = json!({ "id": user.as_str(), "email": ALICE, "email_verified": true });
        assert_eq!(begun.body["user"], known);
        assert_eq!(begun.body["scope"], "api:read api:write");
        assert_eq!(
            (&begun.body["token_type"], &begun.body["expires_in"]),
            (&json!("Bearer"), &json!(900))
        );
        assert_eq!(begun.body["refresh_expires_in"], 30 * 24 * 60 * 60);
        assert!(begun.access().starts_with("acmeapp_"));
        assert!(begun.refresh().starts_with("acmeapp_refresh_"));
        let verified = apps.verify(&begun.access()).await.unwrap();
        assert_eq!(verified.credential.client_id.as_deref(), Some(PHONE));
        assert_eq!(verified.credential.token_id, begun.text("session"));

        let entries = told(&world, "session.app_start").await;
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].user, Some(user));
        assert_eq!(entries[0].metadata["app"], PHONE);
        let page = browser.get(LIST).await;
        assert!(page.body.contains("Acme for iPhone, on "), "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn whoever_says_no_goes_back_without_a_code() {
    each_app_world(async |world, _| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let page = browser.get(&ask(&[])).await;
        let page = browser.submit(&page, &[("decision", "deny")]).await;
        assert_eq!(sent(&page, "error").as_deref(), Some("access_denied"));
        assert_eq!(sent(&page, "state").as_deref(), Some("a state & more"));
        assert_eq!(sent(&page, "code"), None);
    })
    .await;
}

#[tokio::test]
async fn only_an_app_behind_a_claimed_address_is_let_in_again_without_a_question() {
    each_app_world(async |world, _| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let claimed = ask(&[("redirect_uri", CLAIMED)]);
        let first = browser.get(&claimed).await;
        assert!(first.has("approve"), "nobody was asked");
        on_the_phone(&world, &mut browser).await;
        let again = browser.get(&claimed).await;
        assert!(sent(&again, "code").is_some(), "{}", again.body);
        // Any program can have the scheme.
        assert!(browser.get(&ask(&[])).await.has("approve"));
        // And the other app has no session yet, nor does it say that it asks once.
        let desktop =
            ask(&[("app", DESKTOP), ("redirect_uri", "http://127.0.0.1:50123/logged-in")]);
        assert!(browser.get(&desktop).await.has("approve"));
    })
    .await;
}

#[tokio::test]
async fn an_app_on_a_desktop_listens_on_any_port() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let here = "http://127.0.0.1:50123/logged-in";
        let asked = ask(&[("app", DESKTOP), ("redirect_uri", here), ("state", "")]);
        let page = browser.get(&asked).await;
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.ends_with("form-action 'self' http://127.0.0.1:50123"), "{policy}");
        let code = code(&mut browser, &asked).await;
        let mut body = exchange_of(&code);
        body["app"] = DESKTOP.into();
        body["redirect_uri"] = here.into();
        let begun = call(&world, EXCHANGE, &body).await;
        assert_eq!(begun.status, StatusCode::OK, "{begun:?}");
        let verified = apps.verify(&begun.access()).await.unwrap();
        assert_eq!(verified.credential.scopes, ["api:read"]);
    })
    .await;
}

#[tokio::test]
async fn whoever_must_choose_another_password_does_so_before_an_app_is_let_in() {
    each_app_world(async |world, _| {
        world.user(ALICE).await;
        let user = alice(&world).await;
        assert!(
            world
                .accounts
                .accounts()
                .require_password_change(&user, &donjon::account::By::system())
                .await
                .unwrap()
        );
        let mut browser = world.browser();
        let page = browser.get(&ask(&[])).await;
        let page = browser.follow(page).await;
        let page = browser.submit(&page, &[("email", ALICE), ("password", PASSWORD)]).await;
        let page = browser.follow(page).await;
        assert_eq!(page.url.path(), "/login/password", "{}", page.body);
        let page = browser.submit(&page, &[("password", "quite another horse staple")]).await;
        let page = browser.follow(page).await;
        assert_eq!(page.url.path(), LOGIN, "{}", page.body);
        assert!(page.has("approve"));
    })
    .await;
}

#[tokio::test]
async fn somebody_else_can_log_in_instead() {
    each_app_world(async |world, _| {
        for user in [ALICE, "bob@example.test"] {
            world.user(user).await;
        }
        let mut browser = world.logged_in(ALICE).await;
        let page = browser.get(&ask(&[])).await;
        let other = page.link("Use another account");
        let page = browser.get(&other).await;
        let page = browser.submit(&page, &[]).await;
        let page = browser.follow(page).await;
        let fields = [("email", "bob@example.test"), ("password", PASSWORD)];
        let page = browser.submit(&page, &fields).await;
        let page = browser.follow(page).await;
        assert_eq!(page.url.path(), LOGIN);
        assert!(page.body.contains("bob@example.test"));
    })
    .await;
}

#[tokio::test]
async fn without_apps_there_are_no_such_pages() {
    each_world_with(
        |builder| builder,
        async |world| {
            world.user(ALICE).await;
            let mut browser = world.browser();
            log_in(&mut browser, ALICE, PASSWORD).await;
            let page = browser.get(&ask(&[])).await;
            assert!(page.body.starts_with("hello"), "{}", page.body);
            let told = exchange(&world, "x").await;
            assert_eq!(told.body, Value::Null, "{told:?}");
        },
    )
    .await;
}
