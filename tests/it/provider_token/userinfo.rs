//! The userinfo endpoint, and what is no access token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use donjon::crypto::SystemRandom;
use donjon::jose::{AccessTokenJwt, Algorithm, SigningKey};
use donjon::store::IssuerId;
use http::Request;
use http_body_util::Full;
use serde_json::json;
use time::Duration;

use super::world::{API, CHALLENGE, ISSUER, Mood, USERINFO, each_world, part, peek};

#[tokio::test]
async fn what_is_said_of_the_user_is_what_the_scopes_ask_for() {
    each_world(async |world| {
        for (scope, expected) in [
            ("openid", json!({ "sub": "alice", "tenant": 7 })),
            ("openid profile", json!({ "sub": "alice", "tenant": 7, "name": "Alice" })),
            (
                "openid email",
                json!({
                    "sub": "alice", "tenant": 7, "email": "alice@example.test",
                    "email_verified": true,
                }),
            ),
            (
                "openid address phone",
                json!({
                    "sub": "alice", "tenant": 7, "address": { "country": "NL" },
                    "phone_number": "+31",
                }),
            ),
        ] {
            let tokens = world.tokens("spa", scope).await;
            let answer = world.get(USERINFO, Some(&tokens.access)).await;
            assert_eq!((answer.status.as_u16(), &answer.json), (200, &expected));
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            let email = peek(&tokens.id.unwrap()).get("email").is_some();
            assert_eq!(email, scope.contains("email"), "an ID token obeys the scopes too");
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_comes_in_the_header_or_in_a_form_and_nowhere_else() {
    each_world(async |world| {
        let token = world.tokens("spa", "openid").await.access;
        let post = async |header: Option<&str>, form: &str| {
            let mut request = Request::post(USERINFO);
            if let Some(header) = header {
                request = request.header("authorization", header);
            }
            if !form.is_empty() {
                request = request.header("content-type", "application/x-www-form-urlencoded");
            }
            world.send(request.body(Full::from(form.to_owned())).unwrap()).await
        };
        let header = format!("Bearer {token}");
        assert_eq!(post(Some(&header), "").await.status, 200);
        assert_eq!(post(Some(&header.replace("Bearer", "bearer")), "").await.status, 200);
        assert_eq!(post(None, &format!("access_token={token}")).await.status, 200);
        let both = post(Some(&header), &format!("access_token={token}")).await;
        assert_eq!((both.status.as_u16(), &both.json["error"]), (400, &json!("invalid_request")));

        for bare in [
            world.get(USERINFO, None).await,
            world.get(&format!("{USERINFO}?access_token={token}"), None).await,
            post(None, "").await,
            post(Some("Basic Yzpz"), "").await,
        ] {
            assert_eq!(bare.status, 401);
            assert_eq!(bare.header("www-authenticate"), format!("Bearer realm=\"{ISSUER}\""));
            assert!(bare.body.is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_not_our_access_token_is_refused() {
    each_world(async |world| {
        let tokens = world.tokens("spa", "openid offline_access").await;
        let claims = peek(&tokens.access);
        let stranger = SigningKey::generate(Algorithm::ES256).unwrap();
        let [header, payload, signature] =
            [0, 1, 2].map(|index| tokens.access.split('.').nth(index).unwrap());
        let encode = |json: &serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let unsigned = encode(&json!({ "alg": "none", "typ": "at+jwt" }));
        let mut symmetric = part(&tokens.access, 0);
        symmetric["alg"] = json!("HS256");
        let mut admin = claims.clone();
        admin["sub"] = json!("admin");
        for forged in [
            tokens.id.clone().unwrap(),
            tokens.refresh().to_owned(),
            AccessTokenJwt::sign(&stranger, &claims).unwrap().into_string(),
            format!("{unsigned}.{payload}."),
            format!("{unsigned}.{payload}.{signature}"),
            format!("{}.{payload}.{signature}", encode(&symmetric)),
            format!("{header}.{}.{signature}", encode(&admin)),
            format!("{}A", tokens.access),
            "x".to_owned(),
            "x".repeat(20_000),
        ] {
            let answer = world.get(USERINFO, Some(&forged)).await;
            assert_eq!(answer.status, 401, "{forged}");
            assert_eq!(answer.json["error"], "invalid_token");
            let challenge = answer.header("www-authenticate");
            assert!(challenge.starts_with("Bearer ") && challenge.contains("invalid_token"));
        }
        assert_eq!(world.get(USERINFO, Some(&tokens.access)).await.status, 200);
        world.wait(Duration::minutes(11)).await;
        assert_eq!(world.get(USERINFO, Some(&tokens.access)).await.status, 401);
    })
    .await;
}

#[tokio::test]
async fn a_token_for_an_api_alone_is_none_for_userinfo() {
    each_world(async |world| {
        // Not even with `openid`: who holds a token for an API alone must not read the user's
        // claims with it.
        for (resources, status) in
            [(vec![API.to_owned()], 401), (vec![API.to_owned(), ISSUER.to_owned()], 200)]
        {
            let mut grant = world.grant("spa", "openid email api:read");
            grant.resources = resources;
            let code = world.code_for(grant, Some(CHALLENGE)).await;
            let token = world.exchange("spa", &code).await.tokens().access;
            assert_eq!(world.get(USERINFO, Some(&token)).await.status, status);
        }

        let token = world.tokens("spa", "api:read").await.access;
        let answer = world.get(USERINFO, Some(&token)).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["error"]),
            (403, &json!("insufficient_scope"))
        );
        assert!(answer.header("www-authenticate").contains("scope=\"openid\""));
    })
    .await;
}

#[tokio::test]
async fn the_hosts_faults_are_the_servers_errors_and_a_gone_user_ends_the_token() {
    each_world(async |world| {
        let token = world.tokens("spa", "openid").await.access;
        for mood in [Mood::Fails, Mood::Panics, Mood::MixesUsersUp] {
            world.host.feel(mood);
            let answer = world.get(USERINFO, Some(&token)).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.json["error"]),
                (500, &json!("server_error"))
            );
            assert_eq!(answer.header("www-authenticate"), "");
        }
        world.host.feel(Mood::HasForgotten);
        assert_eq!(world.get(USERINFO, Some(&token)).await.status, 401);
    })
    .await;
}

/// A store's outage, or a stopped clockwork, must not let revoked tokens live on.
#[tokio::test]
async fn a_server_that_cannot_tell_what_is_revoked_says_so() {
    each_world(async |world| {
        let tokens = world.tokens("spa", "openid").await;
        world.server.shut_down().await;
        world.clock.advance(Duration::seconds(4));
        assert_eq!(world.get(USERINFO, Some(&tokens.access)).await.status, 200);
        world.clock.advance(Duration::SECOND);
        let answer = world.get(USERINFO, Some(&tokens.access)).await;
        let seen = (answer.status.as_u16(), &answer.json["error"]);
        assert_eq!(seen, (503, &json!("temporarily_unavailable")));
        world.server.catch_up().await;
        assert_eq!(world.get(USERINFO, Some(&tokens.access)).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_signing_key_of_the_store_is_sealed() {
    each_world(async |world| {
        let keys = world.store.signing_keys(&IssuerId::new(ISSUER)).await.unwrap();
        assert_eq!(keys.len(), 2);
        for key in keys {
            let bytes = key.private_key.as_bytes();
            for algorithm in [Algorithm::ES256, Algorithm::RS256] {
                assert!(SigningKey::from_pkcs8(algorithm, bytes).is_err());
            }
            let foreign = donjon::crypto::Keyring::ephemeral(&SystemRandom);
            let purpose = donjon::crypto::Purpose::new("provider/signing-key");
            assert!(foreign.open(purpose, b"", &key.private_key).is_err());
        }
    })
    .await;
}
