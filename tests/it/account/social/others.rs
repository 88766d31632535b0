//! Providers that speak OAuth 2.0 and an API of their own.

use donjon::account::social::Social;
use http::StatusCode;
use serde_json::json;

use super::*;
use crate::account::second_factor::App;
use crate::account::world::{PASSWORD, each_world_with};

const BOB: &str = "bob@example.test";

/// The browser comes back to the door of `id` with a code.
async fn come_back(browser: &mut Browser, id: &str) -> Page {
    come_back_from(browser, id, "").await
}

/// The same, with these fields more.
async fn come_back_from(browser: &mut Browser, id: &str, more: &str) -> Page {
    let page = browser.get(&format!("/login/with/{id}")).await;
    let sent = page.location().unwrap();
    let field =
        |name: &str| sent.query_pairs().find(|(key, _)| key == name).map(|(_, v)| v.into_owned());
    assert_eq!(field("code_challenge_method").as_deref(), Some("S256"), "{sent}");
    assert_eq!(field("nonce"), None, "{sent}");
    let state = field("state").unwrap();
    let page = browser.get(&format!("/login/with/{id}/callback?code=c&state={state}{more}")).await;
    browser.follow(page).await
}

fn tokens() -> String {
    json!({"access_token": "gho_1", "token_type": "bearer", "scope": "read:user"}).to_string()
}

#[tokio::test]
async fn a_user_of_github_is_a_number_with_one_verified_address() {
    let fake = Fake::start().await;
    let address = |email: &str, primary: bool, verified: bool| {
        json!([{"email": email, "primary": primary, "verified": verified}]).to_string()
    };
    each_world_with(
        |builder| {
            let github = Provider::github_at(&fake.provider.issuer(), "me", "secret");
            builder.social(Social::new([github]).egress(fake.provider.egress()))
        },
        async |world| {
            fake.provider.answer_at("/login/oauth/access_token", 200, tokens());
            let user = json!({"id": 583_231, "login": "octocat", "email": "evil@example.test"});
            fake.provider.answer_at("/api/v3/user", 200, user.to_string());
            for emails in [address(ALICE, true, false), address(ALICE, false, true)] {
                fake.provider.answer_at("/api/v3/user/emails", 200, emails);
                let page = come_back(&mut world.browser(), "github").await;
                assert_eq!(page.url.path(), "/login/with/github/email");
            }
            fake.provider.answer_at("/api/v3/user/emails", 200, address(ALICE, true, true));
            let page = come_back(&mut world.browser(), "github").await;
            assert_eq!(page.body, greeting(ALICE));
            // Whoever takes the name over later is another number.
            let user = json!({"id": 999, "login": "octocat"});
            fake.provider.answer_at("/api/v3/user", 200, user.to_string());
            fake.provider.answer_at("/api/v3/user/emails", 404, "{}");
            let page = come_back(&mut world.browser(), "github").await;
            assert_eq!(page.url.path(), "/login/with/github/email");
            // GitHub refuses with a 200.
            let refusal = json!({"error": "bad_verification_code"}).to_string();
            fake.provider.answer_at("/login/oauth/access_token", 200, refusal);
            let page = come_back(&mut world.browser(), "github").await;
            assert_eq!(page.url.query().unwrap(), "notice=provider-failed");
        },
    )
    .await;
}

/// GitHub says whose answer it is (RFC 9207), and did not always.
#[tokio::test]
async fn an_answer_of_github_is_in_its_own_name_or_in_none() {
    let fake = Fake::start().await;
    each_world_with(
        |builder| {
            let github = Provider::github_at(&fake.provider.issuer(), "me", "secret");
            builder.social(Social::new([github]).egress(fake.provider.egress()))
        },
        async |world| {
            fake.provider.answer_at("/login/oauth/access_token", 200, tokens());
            fake.provider.answer_at(
                "/api/v3/user",
                200,
                json!({"id": 1, "login": "a"}).to_string(),
            );
            let address = json!([{"email": ALICE, "primary": true, "verified": true}]);
            fake.provider.answer_at("/api/v3/user/emails", 200, address.to_string());
            let named = |issuer: &str| {
                let mut fields = url::form_urlencoded::Serializer::new("&".to_owned());
                fields.append_pair("iss", issuer).finish()
            };
            let site = fake.provider.issuer();
            for own in [named(&format!("{site}/login/oauth")), String::new()] {
                let page = come_back_from(&mut world.browser(), "github", &own).await;
                assert_eq!(page.body, greeting(ALICE), "{own}");
            }
            for other in [&site, &format!("{site}/login/oauth/"), "https://evil.example"] {
                let page = come_back_from(&mut world.browser(), "github", &named(other)).await;
                assert_eq!(page.url.query(), Some("notice=provider-failed"), "{other}");
            }
            assert_eq!(refusals(&world).await, ["wrong_issuer"; 3]);
        },
    )
    .await;
}

/// Facebook does not say whose answer it is, and may begin to: then it is its own, or a mix-up.
#[tokio::test]
async fn an_answer_of_facebook_is_in_its_own_name_or_in_none() {
    let fake = Fake::start().await;
    each_world_with(
        |builder| {
            let issuer = fake.provider.issuer();
            let facebook = Provider::facebook_at([&issuer, &issuer], "me", "secret");
            builder.social(Social::new([facebook]).egress(fake.provider.egress()))
        },
        async |world| {
            fake.provider.answer_at("/v24.0/oauth/access_token", 200, tokens());
            fake.provider.answer_at("/v24.0/me", 200, json!({"id": "10158"}).to_string());
            let named = |issuer: &str| {
                let mut fields = url::form_urlencoded::Serializer::new("&".to_owned());
                fields.append_pair("iss", issuer).finish()
            };
            let site = fake.provider.issuer();
            for own in [named(&site), String::new()] {
                let page = come_back_from(&mut world.browser(), "facebook", &own).await;
                assert_eq!(page.url.path(), "/login/with/facebook/email", "{own}");
            }
            let limited = site.replace("localhost", "limited.localhost");
            for other in [&format!("{site}/"), &limited, "https://evil.example"] {
                let page = come_back_from(&mut world.browser(), "facebook", &named(other)).await;
                assert_eq!(page.url.query(), Some("notice=provider-failed"), "{other}");
            }
            assert_eq!(refusals(&world).await, ["wrong_issuer"; 3]);
        },
    )
    .await;
}

#[tokio::test]
async fn an_address_at_facebook_is_confirmed_by_mail() {
    let fake = Fake::start().await;
    each_world_with(
        |builder| {
            let issuer = fake.provider.issuer();
            let facebook = Provider::facebook_at([&issuer, &issuer], "me", "secret");
            builder.social(Social::new([facebook]).egress(fake.provider.egress()))
        },
        async |world| {
            world.user(ALICE).await;
            fake.provider.answer_at("/v24.0/oauth/access_token", 200, tokens());
            let me = json!({"id": "10158", "name": "Alice", "email": ALICE}).to_string();
            fake.provider.answer_at("/v24.0/me", 200, me);
            let mut browser = world.browser();
            let page = come_back(&mut browser, "facebook").await;
            assert_eq!(page.url.path(), "/login/with/facebook/email");
            assert_eq!(page.value_of("email"), ALICE);
            assert_eq!(who(&mut browser).await, "hello stranger at /");
        },
    )
    .await;
}

/// Whoever finds a browser in which its owner is logged in at GitHub is through there without a word.
#[tokio::test]
async fn a_login_that_nobody_dates_is_fresh_only_for_whom_nothing_else_is_asked() {
    let fake = Fake::start().await;
    each_world_with(
        |builder| {
            let github = Provider::github_at(&fake.provider.issuer(), "me", "secret");
            builder.social(Social::new([github]).egress(fake.provider.egress()))
        },
        async |world| {
            fake.provider.answer_at("/login/oauth/access_token", 200, tokens());
            let user = json!({"id": 1, "login": "a"}).to_string();
            fake.provider.answer_at("/api/v3/user", 200, user);
            let address = json!([{"email": ALICE, "primary": true, "verified": true}]);
            fake.provider.answer_at("/api/v3/user/emails", 200, address.to_string());
            let mut browser = world.browser();
            assert_eq!(come_back(&mut browser, "github").await.body, greeting(ALICE));
            let page = browser.get("/settings/two-factor/setup").await;
            assert_eq!(page.status, StatusCode::OK, "there is no other way to prove it");

            let app = App::set_up(&world, &mut browser).await;
            let mut thief = world.browser();
            let page = come_back(&mut thief, "github").await;
            let page = thief.submit(&page, &[("code", &app.code(&world))]).await;
            assert_eq!(thief.follow(page).await.body, greeting(ALICE), "by the code");

            // Nor where there is a password.
            world.user(BOB).await;
            let user = json!({"id": 2, "login": "b"}).to_string();
            fake.provider.answer_at("/api/v3/user", 200, user);
            let address = json!([{"email": BOB, "primary": true, "verified": true}]);
            fake.provider.answer_at("/api/v3/user/emails", 200, address.to_string());
            let mut browser = world.browser();
            let page = come_back(&mut browser, "github").await;
            let page = browser.get(&page.link("Log in")).await;
            let page = browser.submit(&page, &[("email", BOB), ("password", PASSWORD)]).await;
            let page = browser.follow(page).await;
            browser.submit(&page, &[]).await;
            let mut thief = world.browser();
            assert_eq!(come_back(&mut thief, "github").await.body, greeting(BOB));
            asks_to_prove_it(&mut thief).await;
        },
    )
    .await;
}

async fn asks_to_prove_it(browser: &mut Browser) {
    for path in ["/settings/delete", "/settings/connections", "/settings/two-factor"] {
        let page = browser.get(path).await;
        assert_eq!(page.location().unwrap().path(), "/login/again", "{path}");
    }
}
