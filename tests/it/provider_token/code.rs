//! The exchange of codes.

use donjon::jose::{Algorithm, ClaimRules, JwkSet, JwtVerifier, left_half_hash};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use time::Duration;

use super::world::{
    API, CALLBACK, CHALLENGE, ISSUER, Mood, TOKEN, USERINFO, VERIFIER, each_world, part, peek,
};
use crate::support::statements::counted;

#[tokio::test]
async fn a_code_becomes_tokens_that_say_what_was_granted() {
    each_world(async |world| {
        let grant = world.grant("spa", "openid email offline_access api:read");
        let code = world.code_for(grant.clone(), Some(CHALLENGE)).await;
        let answer = world.exchange("spa", &code).await;
        let tokens = answer.tokens();
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.json["token_type"], "Bearer");
        assert_eq!(answer.json["expires_in"], 600);
        assert_eq!(answer.json["scope"], "openid email offline_access api:read");
        assert_eq!(tokens.refresh().len(), 43);

        let keys = JwkSet::from_json(&world.get("/oauth/jwks", None).await.body).unwrap();
        let keys = keys.verifying_keys();
        let rules = ClaimRules::new().issuer(ISSUER).audience("spa");
        let id_token = tokens.id.as_deref().unwrap();
        let verifier = JwtVerifier::id_token(&[Algorithm::RS256], rules);
        let claims: Value = verifier.verify(id_token, &keys, world.now()).unwrap().into_claims();
        let (now, sid) = (world.now().unix_timestamp(), grant.authentication.session_id);
        assert_eq!(
            claims,
            json!({
                "iss": ISSUER, "sub": "alice", "aud": "spa", "iat": now, "exp": now + 3600,
                "auth_time": now - 60, "nonce": "n-0S6_WzA2Mj", "sid": sid.to_string(),
                "acr": "urn:example:gold", "amr": ["pwd"], "tenant": 7,
                "email": "alice@example.test",
                "at_hash": left_half_hash(Algorithm::RS256, &tokens.access),
            })
        );

        let rules = ClaimRules::new().issuer(ISSUER).audience(ISSUER);
        let verifier = JwtVerifier::access_token(&[Algorithm::ES256], rules);
        let claims: Value =
            verifier.verify(&tokens.access, &keys, world.now()).unwrap().into_claims();
        assert_eq!(claims["jti"].as_str().unwrap().len(), 43);
        let expected = json!({
            "iss": ISSUER, "sub": "alice", "aud": ISSUER, "iat": now, "exp": now + 600,
            "jti": claims["jti"], "client_id": "spa",
            "scope": "openid email offline_access api:read", "auth_time": now - 60,
            "acr": "urn:example:gold", "amr": ["pwd"], "grant_id": grant.id.to_string(),
        });
        assert_eq!(claims, expected);
        assert_eq!(part(&tokens.access, 0)["typ"], "at+jwt");
    })
    .await;
}

#[tokio::test]
async fn without_openid_and_offline_access_there_is_an_access_token_alone() {
    each_world(async |world| {
        let tokens = world.tokens("spa", "api:read").await;
        assert!(tokens.id.is_none() && tokens.refresh.is_none());
        // A client that may not refresh gets none either, whatever was granted.
        let tokens = world.tokens("once", "openid offline_access").await;
        assert!(tokens.refresh.is_none() && tokens.id.is_some());
    })
    .await;
}

#[tokio::test]
async fn an_id_token_has_the_algorithm_that_its_client_registered() {
    each_world(async |world| {
        for (client, algorithm) in [("spa", "RS256"), ("ec", "ES256")] {
            let tokens = world.tokens(client, "openid").await;
            assert_eq!(part(tokens.id.as_deref().unwrap(), 0)["alg"], algorithm);
            let access = part(&tokens.access, 0);
            assert_eq!((&access["alg"], &access["typ"]), (&json!("ES256"), &json!("at+jwt")));
        }
    })
    .await;
}

#[tokio::test]
async fn a_thief_with_the_code_gets_nothing_and_the_owner_still_can() {
    each_world(async |world| {
        let code = world.code("spa", "openid").await;
        let wrong = "a".repeat(43);
        for (other, expected) in [
            (&[("code_verifier", wrong.as_str())][..], "invalid_grant"),
            (&[("code_verifier", CHALLENGE)], "invalid_grant"),
            (&[("code_verifier", "")], "invalid_grant"),
            (&[("redirect_uri", "https://client.example/cb/")], "invalid_grant"),
            (&[("redirect_uri", "https://evil.example/cb")], "invalid_grant"),
            (&[("redirect_uri", "")], "invalid_request"),
            (&[("client_id", "other")], "invalid_grant"),
            (&[("client_id", "web")], "invalid_client"),
            (&[("client_id", "nobody")], "invalid_client"),
            (&[("client_id", "")], "invalid_client"),
            (&[("client_id", "spa\0")], "invalid_client"),
        ] {
            let status = if expected == "invalid_client" { 401 } else { 400 };
            world.exchange_with("spa", &code, other).await.is_error(status, expected);
        }
        for guess in ["", "x", &"A".repeat(43), &code.to_uppercase(), &format!("{code}=")] {
            let answer = world.exchange_with("spa", &code, &[("code", guess)]).await;
            let expected = if guess.is_empty() { "invalid_request" } else { "invalid_grant" };
            answer.is_error(400, expected);
        }
        world.exchange("spa", &code).await.tokens();
    })
    .await;
}

#[tokio::test]
async fn a_code_that_was_asked_for_without_pkce_takes_no_verifier() {
    each_world(async |world| {
        // The attack strips the challenge from the request; the client sends its verifier.
        let code = world.code_for(world.grant("web", "openid"), None).await;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        world.post(TOKEN, Some("web"), &fields).await.is_error(400, "invalid_grant");
        world.post(TOKEN, Some("web"), &fields[..3]).await.tokens();
    })
    .await;
}

#[tokio::test]
async fn a_replayed_code_takes_everything_back_on_every_node() {
    each_world(async |world| {
        let code = world.code("spa", "openid offline_access").await;
        let tokens = world.exchange("spa", &code).await.tokens();
        let other = world.another_node().await;
        assert_eq!(other.get(USERINFO, Some(&tokens.access)).await.status, 200);
        // At once, and half a minute later, when the code would still be good.
        world.wait(Duration::seconds(30)).await;
        world.exchange("spa", &code).await.is_error(400, "invalid_grant");
        assert_eq!(world.get(USERINFO, Some(&tokens.access)).await.status, 401);
        world.refresh("spa", tokens.refresh()).await.is_error(400, "invalid_grant");
        other.refresh("spa", tokens.refresh()).await.is_error(400, "invalid_grant");
        other.server.catch_up().await;
        assert_eq!(other.get(USERINFO, Some(&tokens.access)).await.status, 401);
        world.exchange("spa", &code).await.is_error(400, "invalid_grant");
    })
    .await;
}

#[tokio::test]
async fn an_expired_code_is_worth_nothing() {
    each_world(async |world| {
        let code = world.code("spa", "openid").await;
        world.wait(Duration::seconds(61)).await;
        world.exchange("spa", &code).await.is_error(400, "invalid_grant");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_exchanges_at_once_one_succeeds_and_nothing_it_got_lives() {
    each_world(async |world| {
        let code = world.code("spa", "openid offline_access").await;
        let mut attempts = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let (world, code) = (world.clone(), code.clone());
            attempts.spawn(async move { world.exchange("spa", &code).await });
        }
        let answers = attempts.join_all().await;
        let good: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(good.len(), 1);
        for refused in answers.iter().filter(|answer| answer.status != 200) {
            refused.is_error(400, "invalid_grant");
        }
        let tokens = good[0].tokens();
        assert_eq!(world.get(USERINFO, Some(&tokens.access)).await.status, 401);
        world.refresh("spa", tokens.refresh()).await.is_error(400, "invalid_grant");
    })
    .await;
}

#[tokio::test]
async fn a_failing_host_costs_a_request_and_no_code() {
    each_world(async |world| {
        let code = world.code("spa", "openid").await;
        for mood in [Mood::Fails, Mood::Panics, Mood::MixesUsersUp] {
            world.host.feel(mood);
            world.exchange("spa", &code).await.is_error(500, "server_error");
        }
        world.host.feel(Mood::HasForgotten);
        world.exchange("spa", &code).await.is_error(400, "invalid_grant");
        world.host.feel(Mood::Well);
        world.exchange("spa", &code).await.tokens();
    })
    .await;
}

#[tokio::test]
async fn a_token_request_is_a_post_of_a_form_and_says_each_thing_once() {
    each_world(async |world| {
        let code = world.code("spa", "openid").await;
        let form = format!(
            "grant_type=authorization_code&client_id=spa&code={code}&redirect_uri={CALLBACK}\
             &code_verifier={VERIFIER}"
        );
        let in_the_url = Request::post(format!("{TOKEN}?{form}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::default());
        world.send(in_the_url.unwrap()).await.is_error(401, "invalid_client");
        let by_get = world.get(&format!("{TOKEN}?{form}"), None).await;
        assert_eq!((by_get.status.as_u16(), by_get.header("allow")), (405, "POST"));
        let as_json = Request::post(TOKEN)
            .header("content-type", "application/json")
            .body(Full::from(format!(r#"{{"grant_type":"authorization_code","code":"{code}"}}"#)));
        world.send(as_json.unwrap()).await.is_error(400, "invalid_request");
        for field in ["code", "client_id", "redirect_uri", "code_verifier", "grant_type"] {
            let twice = Request::post(TOKEN)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(Full::from(format!("{form}&{field}=x")));
            world.send(twice.unwrap()).await.is_error(400, "invalid_request");
        }
        let long = Request::post(TOKEN)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::from(format!("{form}&x={}", "y".repeat(70_000))));
        assert_eq!(world.send(long.unwrap()).await.status, 413);
        world.exchange("spa", &code).await.tokens();
    })
    .await;
}

#[tokio::test]
async fn a_client_uses_the_grant_types_it_is_registered_for() {
    each_world(async |world| {
        for (grant_type, code) in [
            ("client_credentials", "unauthorized_client"),
            ("refresh_token", "unauthorized_client"),
            ("password", "unsupported_grant_type"),
            ("urn:ietf:params:oauth:grant-type:device_code", "unsupported_grant_type"),
            ("", "invalid_request"),
        ] {
            let fields = [("grant_type", grant_type), ("client_id", "once")];
            world.post(TOKEN, None, &fields).await.is_error(400, code);
        }
        let code = world.code("machine", "api:read").await;
        let fields =
            [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
        world.post(TOKEN, Some("machine"), &fields).await.is_error(400, "unauthorized_client");
    })
    .await;
}

#[tokio::test]
async fn resources_are_the_audience_and_can_be_narrowed_only() {
    each_world(async |world| {
        let mut grant = world.grant("spa", "api:read offline_access");
        grant.resources = vec![API.into(), "https://other.example".into()];
        let code = world.code_for(grant, Some(CHALLENGE)).await;
        let elsewhere = [("resource", "https://third.example")];
        world.exchange_with("spa", &code, &elsewhere).await.is_error(400, "invalid_target");
        let tokens = world.exchange_with("spa", &code, &[("resource", API)]).await.tokens();
        assert_eq!(peek(&tokens.access)["aud"], API);
        // The refresh token keeps them all.
        let tokens = world.refresh("spa", tokens.refresh()).await.tokens();
        assert_eq!(peek(&tokens.access)["aud"], json!([API, "https://other.example"]));
        let answer = world.refresh_with("spa", tokens.refresh(), &elsewhere).await;
        answer.is_error(400, "invalid_target");
        for odd in ["urn:example:api", "http://other.example", "https://other.example#x"] {
            let answer = world.refresh_with("spa", tokens.refresh(), &[("resource", odd)]).await;
            answer.is_error(400, "invalid_target");
        }
    })
    .await;
}

/// The issuer is no silent second audience, whatever the scopes are.
#[tokio::test]
async fn the_issuer_is_an_audience_only_where_no_other_is_named_or_it_is() {
    each_world(async |world| {
        for (resources, audience) in [
            (vec![], json!(ISSUER)),
            (vec![API], json!(API)),
            (vec![API, "https://other.example"], json!([API, "https://other.example"])),
            (vec![API, ISSUER], json!([API, ISSUER])),
        ] {
            let mut grant = world.grant("spa", "openid api:read offline_access");
            grant.resources = resources.iter().map(|resource| (*resource).to_owned()).collect();
            let code = world.code_for(grant, Some(CHALLENGE)).await;
            let tokens = world.exchange("spa", &code).await.tokens();
            assert_eq!(peek(&tokens.access)["aud"], audience);
            assert_eq!(peek(tokens.id.as_ref().unwrap())["aud"], "spa");
            let tokens = world.refresh("spa", tokens.refresh()).await.tokens();
            assert_eq!(peek(&tokens.access)["aud"], audience);
        }
    })
    .await;
}

#[tokio::test]
async fn an_exchange_is_one_read_and_one_transition() {
    each_world(async |world| {
        world.tokens("spa", "openid offline_access").await;
        let code = world.code("spa", "openid offline_access").await;
        let (answer, statements) = counted(world.exchange("spa", &code)).await;
        let tokens = answer.tokens();
        assert_eq!((statements.reads(), statements.transitions()), (1, 1), "{statements:?}");
        let (answer, statements) = counted(world.refresh("spa", tokens.refresh())).await;
        answer.tokens();
        assert_eq!((statements.reads(), statements.transitions()), (1, 1), "{statements:?}");
    })
    .await;
}
