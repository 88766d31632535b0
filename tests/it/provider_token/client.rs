//! Client authentication, client credentials, registration.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use donjon::crypto::Redacted;
use donjon::jose::{Algorithm, SigningKey, Typ, sign_jwt};
use donjon::provider::{AuthMethod, ClientError, GrantType, RegistrationError};
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http_body_util::Full;
use serde_json::json;
use time::Duration;

use super::world::{
    ASSERTION_TYPE, Answer, CALLBACK, INTROSPECT, ISSUER, REVOKE, SECRET, TOKEN, VERIFIER, World,
    assertion, basic, client_key, each_world, metadata, peek,
};

/// Asks for a code that is not there: who gets `invalid_grant` has authenticated.
const PROBE: [(&str, &str); 4] = [
    ("grant_type", "authorization_code"),
    ("code", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ("redirect_uri", "https://client.example/cb"),
    ("code_verifier", "x"),
];

async fn probe(world: &World, header: Option<&str>, fields: &[(&str, &str)]) -> Answer {
    let mut request =
        Request::post(TOKEN).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(header) = header {
        request = request.header(AUTHORIZATION, header);
    }
    let fields: Vec<_> = PROBE.iter().chain(fields).collect();
    let body = serde_urlencoded::to_string(fields).unwrap();
    world.send(request.body(Full::from(body)).unwrap()).await
}

#[tokio::test]
async fn each_client_authenticates_in_the_way_it_is_registered_for() {
    each_world(async |world| {
        let jwt = assertion(&world, "good", |_| {});
        let by_jwt = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &jwt)];
        for (header, fields) in [
            (None, &[("client_id", "spa")][..]),
            (Some(basic("web", SECRET)), &[]),
            (Some(basic("web", SECRET)), &[("client_id", "web")]),
            (None, &[("client_id", "post"), ("client_secret", SECRET)]),
            (None, &by_jwt),
        ] {
            let answer = probe(&world, header.as_deref(), fields).await;
            answer.is_error(400, "invalid_grant");
        }
    })
    .await;
}

#[tokio::test]
async fn any_other_way_is_invalid_client_and_says_no_more() {
    each_world(async |world| {
        let jwt = assertion(&world, "mixed", |_| {});
        let by_jwt = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &jwt)];
        let post = [("client_id", "post"), ("client_secret", SECRET)];
        let mut told = std::collections::HashSet::new();
        for (header, fields) in [
            // Unknown, wrong, or not the registered way.
            (Some(basic("nobody", SECRET)), &[][..]),
            (Some(basic("web", "wrong")), &[]),
            (Some(basic("web", "")), &[]),
            (Some(basic("spa", SECRET)), &[]),
            (Some(basic("post", SECRET)), &[]),
            (None, &[("client_id", "web")]),
            (None, &[("client_id", "web"), ("client_secret", SECRET)]),
            (None, &[("client_id", "post"), ("client_secret", "wrong")]),
            (None, &[("client_id", "jwt")]),
        ] {
            let answer = probe(&world, header.as_deref(), fields).await;
            answer.is_error(401, "invalid_client");
            told.insert(answer.json.to_string());
        }
        assert_eq!(told.len(), 1, "{told:?}");

        for (header, fields) in [
            // Nothing at all, nonsense, and more than one way.
            (None, &[][..]),
            (Some("Bearer x".to_owned()), &[]),
            (Some("Basic !!".to_owned()), &[]),
            (Some(format!("Basic {}", STANDARD.encode("web"))), &[]),
            (Some(basic("web", SECRET)), &post),
            (Some(basic("web", SECRET)), &[("client_id", "spa")]),
            (Some(basic("jwt", SECRET)), &by_jwt),
            (None, &[post[0], post[1], by_jwt[0], by_jwt[1]]),
            (None, &[("client_id", "spa"), by_jwt[0], by_jwt[1]]),
        ] {
            let answer = probe(&world, header.as_deref(), fields).await;
            answer.is_error(401, "invalid_client");
        }
    })
    .await;
}

async fn assert_with(world: &World, path: &str, jwt: &str) -> Answer {
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", "api:read"),
        ("token", "x"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", jwt),
    ];
    world.post(path, None, &fields).await
}

#[tokio::test]
async fn an_assertion_is_used_once_wherever_it_is_used() {
    each_world(async |world| {
        for (index, first) in [TOKEN, REVOKE, INTROSPECT].into_iter().enumerate() {
            let jwt = assertion(&world, &format!("once-{index}"), |_| {});
            assert_eq!(assert_with(&world, first, &jwt).await.status, 200);
            let other = world.another_node().await;
            for again in [TOKEN, REVOKE, INTROSPECT] {
                assert_with(&other, again, &jwt).await.is_error(401, "invalid_client");
            }
        }
        // Once it is over it is refused for that.
        let jwt = assertion(&world, "late", |_| {});
        world.wait(Duration::minutes(2)).await;
        assert_with(&world, TOKEN, &jwt).await.is_error(401, "invalid_client");
    })
    .await;
}

#[tokio::test]
async fn a_replayed_assertion_redeems_no_code() {
    each_world(async |world| {
        let (code, jwt) = (world.code("jwt", "openid").await, assertion(&world, "spent", |_| {}));
        assert_eq!(assert_with(&world, TOKEN, &jwt).await.status, 200);
        let exchange = async |jwt: &str| {
            let by_jwt = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", jwt)];
            world.exchange_with("jwt", &code, &by_jwt).await
        };
        exchange(&jwt).await.is_error(401, "invalid_client");
        exchange(&assertion(&world, "fresh", |_| {})).await.tokens();
    })
    .await;
}

#[tokio::test]
async fn an_assertion_must_be_the_clients_own_for_us_and_now() {
    each_world(async |world| {
        let now = world.now().unix_timestamp();
        let token_endpoint = format!("{ISSUER}{TOKEN}");
        let to_the_endpoint = assertion(&world, "endpoint", |c| c["aud"] = json!(token_endpoint));
        assert_eq!(assert_with(&world, TOKEN, &to_the_endpoint).await.status, 200);

        let stranger = SigningKey::generate(Algorithm::ES256).unwrap();
        let claims = peek(&assertion(&world, "forged", |_| {}));
        let mut refused = vec![
            sign_jwt(&stranger, Typ::JWT, &claims).unwrap(),
            sign_jwt(&client_key(), Typ::ACCESS_TOKEN, &claims).unwrap(),
            assertion(&world, "a", |c| c["aud"] = json!("https://other.example")),
            assertion(&world, "b", |c| c["aud"] = json!(format!("{ISSUER}/"))),
            assertion(&world, "c", |c| c["iss"] = json!("spa")),
            assertion(&world, "d", |c| c["sub"] = json!("spa")),
            assertion(&world, "e", |c| c["exp"] = json!(now - 60)),
            assertion(&world, "f", |c| c["exp"] = json!(now + 3600)),
            assertion(&world, "g", |c| c["iat"] = json!(now + 3600)),
            assertion(&world, "", |_| {}),
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJqd3QifQ.".to_owned(),
            "x.y.z".to_owned(),
        ];
        for claim in ["exp", "aud", "iss", "sub", "jti"] {
            refused.push(assertion(&world, "h", |c| {
                c.as_object_mut().unwrap().remove(claim);
            }));
        }
        for jwt in refused {
            assert_with(&world, TOKEN, &jwt).await.is_error(401, "invalid_client");
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_gets_a_token_of_its_own_for_its_own_scopes() {
    each_world(async |world| {
        let ask = async |scope: &str| {
            let fields = [("grant_type", "client_credentials"), ("scope", scope)];
            world.post(TOKEN, Some("machine"), &fields).await
        };
        let answer = ask("api:read").await;
        let tokens = answer.tokens();
        assert!(tokens.refresh.is_none() && tokens.id.is_none());
        assert_eq!(answer.json["scope"], "api:read");
        let claims = peek(&tokens.access);
        assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("machine"), &json!("machine")));
        for user_only in ["grant_id", "auth_time", "acr", "amr", "sid"] {
            assert!(claims.get(user_only).is_none(), "{user_only}");
        }
        assert_eq!(ask("").await.json["scope"], "api:read api:write");
        for refused in ["openid", "api:read offline_access", "profile", "admin", " "] {
            ask(refused).await.is_error(400, "invalid_scope");
        }
        let fields = [("grant_type", "client_credentials"), ("resource", "https://x.example")];
        world.post(TOKEN, Some("machine"), &fields).await.is_error(400, "invalid_target");
        let userinfo = world.get("/oauth/userinfo", Some(&tokens.access)).await;
        assert_eq!(userinfo.status, 403);
    })
    .await;
}

#[tokio::test]
async fn a_registered_client_is_served_by_every_node_and_its_change_is_seen_within_a_second() {
    each_world(async |world| {
        let other = world.another_node().await;
        let mut new = metadata("new", AuthMethod::ClientSecretBasic);
        new.client_secret = None;
        new.grant_types = Some(vec![GrantType::ClientCredentials]);
        let registered = world.server.register_client(new.clone()).await.unwrap();
        let secret = registered.secret.unwrap().expose();
        let ask = async |world: &World, secret: &str| {
            let request = Request::post(TOKEN)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(AUTHORIZATION, basic("new", secret))
                .body(Full::from("grant_type=client_credentials"));
            world.send(request.unwrap()).await.status.as_u16()
        };
        assert_eq!((ask(&world, &secret).await, ask(&other, &secret).await), (200, 200));

        let changed = world.server.register_client(new).await.unwrap().secret.unwrap().expose();
        assert_eq!((ask(&world, &secret).await, ask(&world, &changed).await), (401, 200));
        other.clock.advance(Duration::SECOND);
        assert_eq!((ask(&other, &secret).await, ask(&other, &changed).await), (401, 200));
    })
    .await;
}

#[tokio::test]
async fn what_is_no_client_is_not_registered() {
    each_world(async |world| {
        let duplicate = world.server.register_client(metadata("spa", AuthMethod::None)).await;
        assert!(matches!(
            duplicate,
            Err(RegistrationError::Client(ClientError::Duplicate(id))) if id == "spa"
        ));
        let mut weak = metadata("short", AuthMethod::ClientSecretBasic);
        weak.client_secret = Some(Redacted("hunter2".into()));
        let weak = world.server.register_client(weak).await;
        assert!(matches!(weak, Err(RegistrationError::WeakSecret)));
        let mut eddsa = metadata("eddsa", AuthMethod::None);
        eddsa.id_token_signed_response_alg = Some(Algorithm::EdDSA);
        let eddsa = world.server.register_client(eddsa).await.unwrap_err();
        assert!(eddsa.to_string().contains("signing_algorithm"), "{eddsa}");
        let mut open = metadata("open", AuthMethod::None);
        open.redirect_uris = vec!["http://client.example/cb".into()];
        let open = world.server.register_client(open).await.unwrap_err();
        assert!(open.to_string().contains("redirect_uris"), "{open}");
    })
    .await;
}

/// What one database keeps and another does not is no reason to fail.
#[tokio::test]
async fn no_text_is_too_odd_for_the_store() {
    each_world(async |world| {
        let good = [
            ("grant_type", "authorization_code"),
            ("client_id", "spa"),
            ("code", "x"),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("refresh_token", "x"),
            ("scope", "openid"),
            ("resource", "https://a.example"),
            ("token", "x"),
            ("token_type_hint", "access_token"),
            ("client_secret", "x"),
            ("client_assertion", "x.y.z"),
        ];
        for path in [TOKEN, REVOKE, INTROSPECT] {
            for (name, _) in good {
                for odd in ["\0", "a\0b", "\u{1}", "\u{fffe}"] {
                    let fields =
                        good.map(|(key, value)| (key, if key == name { odd } else { value }));
                    for basic in [None, Some("web"), Some("w\0b")] {
                        let answer = world.post(path, basic, &fields).await;
                        assert!(
                            answer.status.as_u16() < 500,
                            "{path} {name} {odd:?}: {}",
                            answer.json
                        );
                    }
                }
            }
        }
        let mut odd = metadata("odd", AuthMethod::PrivateKeyJwt);
        let mut key = serde_json::to_value(client_key().public_jwk()).unwrap();
        key["kid"] = json!("a\0b");
        odd.jwks = Some(serde_json::from_value(json!({ "keys": [key] })).unwrap());
        let refused = world.server.register_client(odd).await.unwrap_err();
        assert!(refused.to_string().contains("jwks"), "{refused}");
    })
    .await;
}
