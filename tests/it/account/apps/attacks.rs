//! What others try with codes, tokens and the page.

use time::Duration;

use super::*;

const EVE: &str = "eve@example.test";

#[tokio::test]
async fn a_code_works_once_and_its_replay_ends_the_session() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let code = code(&mut browser, &ask(&[])).await;
        let begun = exchange(&world, &code).await;
        assert!(opens(&apps, &begun).await);
        world.clock.advance(Duration::minutes(5));
        // The thief has the code, and not the verifier.
        let mut theft = exchange_of(&code);
        theft["code_verifier"] = "x".repeat(43).into();
        assert!(call(&world, EXCHANGE, &theft).await.is_refused("invalid_grant"));
        assert!(!opens(&apps, &begun).await);
        assert!(refresh(&world, &begun.refresh()).await.is_refused("invalid_grant"));
        let entries = told(&world, "session.app_reuse").await;
        assert_eq!(entries.len(), 1, "{entries:?}");
        assert_eq!(entries[0].metadata["secret"], "code");
        assert_eq!(browser.get("/").await.body, format!("hello {ALICE} at /"));
    })
    .await;
}

#[tokio::test]
async fn a_code_that_comes_with_the_wrong_verifier_or_address_is_void() {
    each_app_world(async |world, _| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        for (field, wrong) in [("code_verifier", "x".repeat(43)), ("redirect_uri", CLAIMED.into())]
        {
            let code = code(&mut browser, &ask(&[])).await;
            let mut theft = exchange_of(&code);
            theft[field] = wrong.into();
            assert!(call(&world, EXCHANGE, &theft).await.is_refused("invalid_grant"), "{field}");
            assert!(exchange(&world, &code).await.is_refused("invalid_grant"), "{field}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_app_cannot_use_what_is_another_apps() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let code = code(&mut browser, &ask(&[])).await;
        let mut theft = exchange_of(&code);
        theft["app"] = DESKTOP.into();
        assert!(call(&world, EXCHANGE, &theft).await.is_refused("invalid_grant"));
        let begun = exchange(&world, &code).await;
        assert_eq!(begun.status, StatusCode::OK, "the owner's code is void: {begun:?}");
        let theft = json!({ "app": DESKTOP, "refresh_token": begun.refresh() });
        assert!(call(&world, REFRESH, &theft).await.is_refused("invalid_grant"));
        assert!(opens(&apps, &begun).await);
        assert_eq!(refresh(&world, &begun.refresh()).await.status, StatusCode::OK);
    })
    .await;
}

/// Eve makes a code of her own account's, and has Alice's app take it: Alice would put her secrets
/// into Eve's account. The app has another verifier than Eve.
#[tokio::test]
async fn nobody_is_logged_in_to_somebody_elses_account_by_a_planted_code() {
    each_app_world(async |world, _| {
        world.user(EVE).await;
        let mut eve = world.logged_in(EVE).await;
        let planted = code(&mut eve, &ask(&[("code_challenge", &"A".repeat(43))])).await;
        assert!(exchange(&world, &planted).await.is_refused("invalid_grant"));
        let mut without = exchange_of(&planted);
        without.as_object_mut().unwrap().remove("code_verifier");
        assert!(call(&world, EXCHANGE, &without).await.is_refused("invalid_request"));
    })
    .await;
}

#[tokio::test]
async fn nothing_is_sent_to_an_address_that_is_not_the_apps() {
    each_app_world(async |world, _| {
        world.user(ALICE).await;
        let mut logged_in = world.logged_in(ALICE).await;
        let mut stranger = world.browser();
        for bad in [
            ask(&[("redirect_uri", "https://evil.example/cb")]),
            ask(&[("redirect_uri", "com.example.acme:/logged-in/../x")]),
            ask(&[("redirect_uri", "com.example.acme:/logged-in\u{0}")]),
            ask(&[("redirect_uri", "https://app.example/ios/logged-in?x")]),
            ask(&[("redirect_uri", "javascript:alert(1)")]),
            ask(&[("redirect_uri", "")]),
            ask(&[("app", DESKTOP)]),
            ask(&[("app", DESKTOP), ("redirect_uri", "http://127.0.0.1:1@evil.example/logged-in")]),
            ask(&[("app", DESKTOP), ("redirect_uri", "http://localhost/logged-in")]),
            ask(&[("app", "unknown")]),
            ask(&[("app", "acme-ios\u{0}")]),
            ask(&[("app", "")]),
            ask(&[("code_challenge", "")]),
            ask(&[("code_challenge", "short")]),
            ask(&[("code_challenge", &"=".repeat(43))]),
            ask(&[("code_challenge_method", "plain")]),
            ask(&[("code_challenge_method", "")]),
            ask(&[("state", &"x".repeat(513))]),
            ask(&[("state", "a\r\nSet-Cookie: b=c")]),
            format!("{}&app={PHONE}", ask(&[])),
            format!("{}&redirect_uri=https://evil.example/", ask(&[])),
        ] {
            for browser in [&mut logged_in, &mut stranger] {
                let page = browser.get(&bad).await;
                assert_eq!(page.status, StatusCode::BAD_REQUEST, "{bad}");
                assert!(!page.headers.contains_key("location"), "{bad}");
                // Nor by the form itself.
                let query = bad.split_once('?').unwrap().1;
                let fields: Vec<_> =
                    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
                let mut fields: Vec<_> =
                    fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
                fields.push(("decision", "approve"));
                let page = browser.post(LOGIN, &fields).await;
                assert_eq!(page.status, StatusCode::BAD_REQUEST, "{bad}");
                assert!(!page.headers.contains_key("location"), "{bad}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn another_site_cannot_let_an_app_in() {
    each_app_world(async |world, _| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let page = browser.get(&ask(&[])).await;
        let mut form = page.form();
        form.fields.push(("decision".into(), "approve".into()));
        let fields: Vec<_> = form.fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let page = browser.post_from("https://evil.example", LOGIN, &fields).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(!page.headers.contains_key("location"));
    })
    .await;
}

#[tokio::test]
async fn the_page_counts_for_whom_it_was_shown_to() {
    each_app_world(async |world, _| {
        for user in [ALICE, EVE] {
            world.user(user).await;
        }
        let mut browser = world.logged_in(ALICE).await;
        let page = browser.get(&ask(&[])).await;
        // In another window somebody else logs in.
        browser.get(&format!("/other-door?{EVE}")).await;
        let answer = browser.submit(&page, &[("decision", "approve")]).await;
        assert_eq!(sent(&answer, "code"), None);
        let page = browser.follow(answer).await;
        assert!(page.has("approve") && page.body.contains(EVE), "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn an_administrator_who_acts_as_the_user_lets_no_app_in() {
    each_app_world(async |world, _| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let page = browser.get(&ask(&[])).await;
        let mut admin = world.browser();
        admin.get(&format!("/act?{ALICE}")).await;
        assert_eq!(admin.get(&ask(&[])).await.status, StatusCode::FORBIDDEN);
        let answer = admin.submit(&page, &[("decision", "approve")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(told(&world, "impersonation.denied").await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_token_of_an_app_opens_no_page_and_a_cookie_no_api() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let begun = on_the_phone(&world, &mut browser).await;
        let (name, cookie) =
            browser.cookies.iter().find(|(name, _)| name.contains("session")).unwrap();
        let mut thief = world.browser();
        for secret in [begun.access(), begun.refresh()] {
            thief.cookies.insert(name.clone(), secret.clone());
            assert_eq!(thief.get("/").await.body, "hello stranger at /");
        }
        assert!(apps.verify(cookie).await.is_err());
        assert!(apps.verify(&format!("acmeapp_{cookie}")).await.is_err());
        let scope = apps.verify(&begun.access()).await.unwrap().scope;
        assert!(scope.authentication().is_none() && scope.current_account().is_none());
    })
    .await;
}

#[tokio::test]
async fn what_the_host_takes_from_an_app_its_sessions_lose() {
    each_app_world(async |world, _| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let begun = on_the_phone(&world, &mut browser).await;
        let none =
            AppSessions::new(&world.store, "acmeapp".parse().unwrap()).clock(world.clock.clone());
        assert!(none.verify(&begun.access()).await.is_err(), "the app is gone");
        let less = none
            .app(App::new(PHONE, "Acme").redirect_uri(SCHEME).scopes(["api:read", "api:admin"]))
            .unwrap();
        let verified = less.verify(&begun.access()).await.unwrap();
        assert_eq!(verified.credential.scopes, ["api:read"], "and nothing new");
    })
    .await;
}
