//! What a client may ask, and what is said to the rest.

use std::collections::BTreeMap;

use http::StatusCode;

use super::world::{CALLBACK, CHALLENGE, ISSUER, Mood, each_world, encode, request};

#[tokio::test]
async fn before_the_redirect_uri_is_proven_there_is_a_page_and_never_a_redirect() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        for (fields, error) in [
            (vec![("client_id", "")], "invalid_request"),
            (vec![("client_id", "nobody")], "invalid_client"),
            (vec![("client_id", &*"x".repeat(300))], "invalid_client"),
            (vec![("redirect_uri", "")], "invalid_request"),
            // The attacks on exact comparison are listed where it is made; these are the shapes.
            (vec![("redirect_uri", "https://evil.example/cb")], "invalid_request"),
            (vec![("redirect_uri", "https://client.example/cb")], "invalid_request"),
            (vec![("redirect_uri", "https://client.example/cb?keep=me/random")], "invalid_request"),
            (vec![("redirect_uri", "https://client.example/%63b?keep=me")], "invalid_request"),
            (
                vec![("redirect_uri", "https://client.example@evil.example/cb?keep=me")],
                "invalid_request",
            ),
            (vec![("redirect_uri", "//client.example/cb?keep=me")], "invalid_request"),
            // Whatever else is wrong is not told to an address that is not proven.
            (
                vec![("redirect_uri", "https://evil.example/"), ("response_type", "token")],
                "invalid_request",
            ),
            (
                vec![("redirect_uri", "https://evil.example/"), ("prompt", "none")],
                "invalid_request",
            ),
        ] {
            let answer = browser.authorize(&fields).await;
            assert_eq!(answer.page_error(), error, "{fields:?}");
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            assert!(!answer.body.contains("evil.example"), "{fields:?}");
            assert!(browser.cookies.is_empty());
        }
        for query in [
            "",
            "client_id=spa&client_id=spa",
            "client_id=%FF",
            "client_id=spa&redirect_uri=a&redirect_uri=a",
        ] {
            let answer = browser.get(&format!("/oauth/authorize?{query}")).await;
            assert_eq!(answer.page_error(), "invalid_request", "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn after_it_is_proven_the_client_is_told() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        for (fields, error) in [
            (vec![("response_type", "")], "invalid_request"),
            (vec![("response_type", "token")], "unsupported_response_type"),
            (vec![("response_type", "code id_token")], "unsupported_response_type"),
            (vec![("response_mode", "fragment")], "invalid_request"),
            (vec![("scope", "")], "invalid_scope"),
            (vec![("scope", "openid admin")], "invalid_scope"),
            (vec![("scope", "unheard-of")], "invalid_scope"),
            (vec![("code_challenge", "")], "invalid_request"),
            (vec![("code_challenge_method", "plain")], "invalid_request"),
            (vec![("code_challenge_method", "")], "invalid_request"),
            (vec![("code_challenge", "short")], "invalid_request"),
            (vec![("prompt", "none login")], "invalid_request"),
            (vec![("prompt", "create")], "invalid_request"),
            (vec![("prompt", "login login")], "invalid_request"),
            (vec![("max_age", "-1")], "invalid_request"),
            (vec![("nonce", &*"n".repeat(600))], "invalid_request"),
            // PostgreSQL keeps no NUL in JSON: the code could not be written.
            (vec![("nonce", "n\0")], "invalid_request"),
            (vec![("login_hint", "alice\r\n")], "invalid_request"),
            (vec![("acr_values", "a \u{85}b")], "invalid_request"),
            (vec![("request", "e30.e30.")], "request_not_supported"),
            (vec![("request_uri", "https://client.example/r#h")], "request_uri_not_supported"),
            (vec![("registration", "{}")], "registration_not_supported"),
            (vec![("resource", "https://api.example/#x")], "invalid_target"),
            (vec![("resource", "http://api.example/")], "invalid_target"),
            (vec![("resource", "urn:example:api")], "invalid_target"),
            (vec![("id_token_hint", "e30.e30.e30")], "invalid_request"),
        ] {
            let answer = browser.authorize(&fields).await;
            assert_eq!(answer.error(), error, "{fields:?}");
            assert_eq!(answer.at_client()["state"], "the state");
        }
        for name in ["response_type", "scope", "nonce", "prompt", "code_challenge"] {
            let repeated = format!("{}&{name}=a&{name}=a", encode(&request(&[])));
            let answer = browser.get(&format!("/oauth/authorize?{repeated}")).await;
            assert_eq!(answer.error(), "invalid_request", "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_state_that_cannot_be_repeated_is_not() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        for state in ["a\r\nSet-Cookie: session=evil", &"s".repeat(3000)] {
            let answer = browser.authorize(&[("state", state)]).await;
            assert_eq!(answer.error(), "invalid_request");
            assert!(!answer.at_client().contains_key("state"));
            assert!(!answer.headers.contains_key("set-cookie"));
        }
        let twice = format!("{}&state=other", encode(&request(&[])));
        let answer = browser.get(&format!("/oauth/authorize?{twice}")).await;
        assert!(!answer.at_client().contains_key("state"));

        let odd = "{\"a\":\"b&code=evil#é\"}";
        let answer = browser.authorize(&[("state", odd), ("prompt", "none")]).await;
        assert_eq!(answer.at_client()["state"], odd);
    })
    .await;
}

#[tokio::test]
async fn what_nobody_knows_is_ignored() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let page = browser
            .authorize_to_consent(&[
                ("extra", "foobar"),
                ("display", "popup"),
                ("claims_locales", "se"),
                ("claims", "{\"userinfo\":{\"name\":null}}"),
                ("scope", "openid unheard-of email"),
                ("response_mode", "query"),
            ])
            .await;
        let code = browser.press(&page, "approve").await.code();
        let stored = world.code(&code).await.unwrap();
        assert_eq!(stored.grant.scopes, ["openid", "email"]);
    })
    .await;
}

#[tokio::test]
async fn a_code_carries_what_was_asked_and_proven() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let page = browser
            .authorize_to_consent(&[
                ("scope", "email openid offline_access"),
                ("nonce", "n-1"),
                ("max_age", "600"),
                ("resource", "https://api.example/"),
            ])
            .await;
        let code = browser.press(&page, "approve").await.code();
        let stored = world.code(&code).await.unwrap();
        assert_eq!(stored.redirect_uri, CALLBACK);
        assert_eq!(stored.code_challenge.as_deref(), Some(CHALLENGE));
        let grant = stored.grant;
        assert_eq!(grant.subject.as_str(), "alice");
        assert_eq!(grant.client_id, "spa");
        assert_eq!(grant.scopes, ["email", "openid", "offline_access"]);
        assert_eq!(grant.resources, ["https://api.example/"]);
        assert_eq!(grant.nonce.as_deref(), Some("n-1"));
        assert!(grant.offline && grant.auth_time_requested);
        // The facts are those of the login, not of the moment the code was issued.
        assert_eq!(Some(&grant.authentication), browser.scope.authentication());
    })
    .await;
}

#[tokio::test]
async fn a_confidential_client_may_bring_a_nonce_in_place_of_pkce() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let without = [("client_id", "web"), ("code_challenge", ""), ("code_challenge_method", "")];
        assert_eq!(browser.authorize(&without).await.error(), "invalid_request");
        let mut with_nonce = without.to_vec();
        with_nonce.push(("nonce", "n"));
        let page = browser.authorize_to_consent(&with_nonce).await;
        let code = browser.press(&page, "approve").await.code();
        assert_eq!(world.code(&code).await.unwrap().code_challenge, None);
    })
    .await;
}

#[tokio::test]
async fn a_native_app_gets_its_code_on_the_port_it_listens_at() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let fields = [("redirect_uri", "http://127.0.0.1:51004/native")];
        let page = browser.authorize_to_consent(&fields).await;
        let answer = browser.press(&page, "approve").await;
        assert!(answer.location().starts_with("http://127.0.0.1:51004/native?code="));
        let policy = page.answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.ends_with("form-action 'self' http://127.0.0.1:51004"), "{policy}");
    })
    .await;
}

#[tokio::test]
async fn a_posted_request_goes_on_as_a_get_so_that_the_cookies_are_there() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        // A cross-site POST comes without cookies, so nobody is there.
        let scope = std::mem::take(&mut browser.scope);
        let form = encode(&request(&[]));
        let answer = browser.post("/oauth/authorize", &form, "https://client.example").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let path = answer.interaction_path();
        browser.scope = scope;
        let page = browser.consent_page(&path).await;
        assert!(!browser.press(&page, "approve").await.code().is_empty());

        // Validated at once, and never shown a page when none may be.
        let bad = encode(&request(&[("scope", "admin")]));
        let answer = browser.post("/oauth/authorize", &bad, "https://client.example").await;
        assert_eq!(answer.error(), "invalid_scope");
        let silent = encode(&request(&[("prompt", "none"), ("scope", "profile")]));
        let answer = browser.post("/oauth/authorize", &silent, "https://client.example").await;
        let answer = browser.get(&answer.interaction_path()).await;
        assert_eq!(answer.error(), "consent_required");
        let answer = browser.post("/oauth/authorize", "client_id=spa", ISSUER).await;
        assert_eq!(answer.page_error(), "invalid_request");
    })
    .await;
}

#[tokio::test]
async fn form_post_answers_with_a_form_that_needs_no_script() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let fields = [("response_mode", "form_post"), ("state", "\"><script>")];
        let page = browser.authorize_to_consent(&fields).await;
        let answer = browser.press(&page, "approve").await;
        assert_eq!(answer.status, StatusCode::OK);
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.ends_with("form-action 'self' https://client.example"), "{policy}");
        assert_eq!(answer.headers["cache-control"], "no-store");
        let body = &answer.body;
        assert!(body.contains("action=\"https://client.example/cb?keep=me\""), "{body}");
        for name in ["code", "state", "iss"] {
            assert!(body.contains(&format!("name=\"{name}\"")), "{body}");
        }
        assert!(body.contains("type=\"submit\"") && !body.contains("<script"), "{body}");
    })
    .await;
}

#[tokio::test]
async fn other_methods_are_refused() {
    each_world(async |world| {
        let mut browser = world.browser();
        let answer = browser.get("/oauth/interactions").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.page_error(), "not_found");
        let answer = browser.get("/oauth/interactions/a/b").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        let answer = browser.post("/oauth/authorize", "{}", ISSUER).await;
        assert_eq!(answer.page_error(), "invalid_request");
    })
    .await;
}

#[tokio::test]
async fn the_faults_of_the_host_are_server_errors_and_tell_nothing() {
    each_world(async |world| {
        for mood in [Mood::Fails, Mood::Panics] {
            let mut browser = world.browser_of("alice");
            world.host.feel(mood);
            let answer = browser.authorize(&[]).await;
            assert_eq!(answer.error(), "server_error", "{mood:?}");
            assert!(!answer.location().contains("fire"));
            world.host.feel(Mood::Well);

            let page = browser.authorize_to_consent(&[("prompt", "consent")]).await;
            world.host.feel(mood);
            assert_eq!(browser.press(&page, "approve").await.error(), "server_error", "{mood:?}");
            world.host.feel(Mood::Well);
            // It cost that request, nothing more.
            assert!(!browser.press(&page, "approve").await.code().is_empty());
            world.clock.advance(time::Duration::HOUR);
        }
        world.host.feel(Mood::NamesAnotherHost);
        let answer = world.browser().authorize(&[]).await;
        assert_eq!(answer.error(), "server_error");
    })
    .await;
}

#[tokio::test]
async fn a_host_that_mixes_users_up_gets_no_code_issued() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let page = browser.authorize_to_consent(&[]).await;
        world.host.feel(Mood::MixesUsersUp);
        assert_eq!(browser.press(&page, "approve").await.error(), "server_error");
    })
    .await;
}

#[tokio::test]
async fn discovery_tells_what_is_supported() {
    each_world(async |world| {
        let answer = world.browser().get("/.well-known/openid-configuration").await;
        let says: BTreeMap<String, serde_json::Value> = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(says["authorization_endpoint"], "https://op.example/oauth/authorize");
        assert_eq!(says["response_types_supported"], serde_json::json!(["code"]));
        assert_eq!(says["response_modes_supported"], serde_json::json!(["query", "form_post"]));
        assert_eq!(says["authorization_response_iss_parameter_supported"], true);
        for unsupported in [
            "claims_parameter_supported",
            "request_parameter_supported",
            "request_uri_parameter_supported",
        ] {
            assert_eq!(says[unsupported], false, "{unsupported}");
        }
    })
    .await;
}
