//! The layers that protect an API, around a plain service, with tokens of a real server.

use std::convert::Infallible;

use donjon::http::ResponseBody;
use donjon::jose::{JwkSet, TokenAuthority};
use donjon::resource::{RequireScopeLayer, StoreAuthority, VerifyTokenLayer};
use donjon::scope::{Account, Authentication, Credential, CurrentScope, SessionId, UserId};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use time::Duration;
use tower::{Layer as _, ServiceBuilder, ServiceExt as _, service_fn};

use crate::provider_token::world::{API, CHALLENGE, ISSUER, REVOKE, World, each_world, peek};
use crate::support::statements::counted;

type Answered = Response<ResponseBody<ResponseBody<Full<bytes::Bytes>>>>;

/// Says who called.
async fn call(layer: VerifyTokenLayer, scopes: &[&str], request: Request<()>) -> Answered {
    let inner = service_fn(|request: Request<()>| async move {
        let caller = request.extensions().get::<Credential>().cloned();
        let text = caller.map(|c| {
            format!("{} {} {}", c.subject, c.client_id.unwrap_or_default(), c.scopes.join(","))
        });
        Ok::<_, Infallible>(Response::new(Full::from(text.unwrap_or_default())))
    });
    let api = ServiceBuilder::new()
        .layer(layer)
        .layer(RequireScopeLayer::new(scopes.iter().copied()))
        .service(inner);
    let Ok(response) = api.oneshot(request).await;
    response
}

fn bearer(token: &str) -> Request<()> {
    Request::get("/").header("authorization", format!("Bearer {token}")).body(()).unwrap()
}

fn challenge(response: &Answered) -> &str {
    response.headers().get("www-authenticate").map_or("", |value| value.to_str().unwrap())
}

async fn text(response: Answered) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

fn layer(world: &World) -> VerifyTokenLayer {
    VerifyTokenLayer::new(&world.server)
}

#[tokio::test]
async fn a_good_token_gets_through_and_says_who_calls_without_a_read() {
    each_world(async |world| {
        let token = world.tokens("spa", "openid api:read").await.access;
        let (response, statements) =
            counted(call(layer(&world), &["api:read"], bearer(&token))).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(text(response).await, "alice spa openid,api:read");
        assert_eq!(statements.0, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn without_a_token_there_is_a_bare_challenge_wherever_else_it_is() {
    each_world(async |world| {
        let token = world.tokens("spa", "openid api:read").await.access;
        let in_the_url = Request::get(format!("/?access_token={token}")).body(()).unwrap();
        let in_a_cookie =
            Request::get("/").header("cookie", format!("access_token={token}")).body(()).unwrap();
        let basic = Request::get("/").header("authorization", "Basic Yzpz").body(()).unwrap();
        for request in [Request::new(()), in_the_url, in_a_cookie, basic] {
            let response = call(layer(&world), &[], request).await;
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            assert_eq!(challenge(&response), format!("Bearer realm=\"{ISSUER}\""));
        }
        let mut twice = bearer(&token);
        let again = twice.headers()["authorization"].clone();
        twice.headers_mut().append("authorization", again);
        let response = call(layer(&world), &[], twice).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    })
    .await;
}

#[tokio::test]
async fn a_login_in_a_browser_is_no_api_credential() {
    each_world(async |world| {
        let mut request = Request::new(());
        let authentication = Authentication {
            ends_at: None,
            at: world.now(),
            methods: vec![],
            context_class: None,
            session_id: SessionId(uuid::Uuid::nil()),
            login_path: None,
            fresh_until: None,
        };
        let account = Account::new(UserId::new("alice").unwrap());
        request.extensions_mut().insert(CurrentScope::user(account, authentication));
        let inner = service_fn(|_: Request<()>| async {
            Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::default()))
        });
        let guarded = RequireScopeLayer::new(["api:read"]).layer(inner);
        let Ok(response) = guarded.oneshot(request).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn a_token_without_the_scope_is_told_which() {
    each_world(async |world| {
        let token = world.tokens("spa", "openid api:read").await.access;
        let response = call(layer(&world), &["api:read", "api:write"], bearer(&token)).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        let said = challenge(&response);
        assert!(said.contains("error=\"insufficient_scope\""), "{said}");
        assert!(said.contains("scope=\"api:read api:write\""), "{said}");
        // Scopes are whole words.
        let response = call(layer(&world), &["api"], bearer(&token)).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn a_token_for_another_audience_or_another_kind_is_refused() {
    each_world(async |world| {
        let mut grant = world.grant("spa", "openid api:read offline_access");
        grant.resources = vec![API.into()];
        let code = world.code_for(grant, Some(CHALLENGE)).await;
        let for_the_api = world.exchange("spa", &code).await.tokens();
        let for_the_issuer = world.tokens("spa", "openid").await;
        let api = || layer(&world).audience(API);
        for (layer, token, status) in [
            (api(), for_the_api.access.as_str(), 200),
            (api().audience(ISSUER), &for_the_issuer.access, 200),
            (layer(&world), &for_the_api.access, 401),
            (api(), &for_the_issuer.access, 401),
            (layer(&world), for_the_issuer.id.as_deref().unwrap(), 401),
            (layer(&world).audience("spa"), for_the_issuer.id.as_deref().unwrap(), 401),
            (layer(&world), for_the_api.refresh(), 401),
            (layer(&world), "x", 401),
        ] {
            let response = call(layer, &[], bearer(token)).await;
            assert_eq!(response.status().as_u16(), status, "{token}");
            if status == 401 {
                assert!(challenge(&response).contains("error=\"invalid_token\""));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_of_another_issuer_over_the_same_keys_is_refused() {
    each_world(async |world| {
        let token = world.tokens("spa", "api:read").await.access;
        let keys = JwkSet::from_json(&world.get("/oauth/jwks", None).await.body).unwrap();
        let other = StoreAuthority::connect_with_clock(
            "https://other.example",
            &keys,
            &world.store,
            world.clock.clone(),
        );
        let other = other.await.unwrap();
        let layer = VerifyTokenLayer::new(&other).audience(ISSUER);
        assert_eq!(call(layer, &[], bearer(&token)).await.status(), StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn an_expired_or_revoked_token_is_refused() {
    each_world(async |world| {
        let tokens = world.tokens("spa", "openid offline_access").await;
        let form = [("client_id", "spa"), ("token", tokens.refresh())];
        assert_eq!(call(layer(&world), &[], bearer(&tokens.access)).await.status(), 200);
        world.post(REVOKE, None, &form).await;
        assert_eq!(call(layer(&world), &[], bearer(&tokens.access)).await.status(), 401);
        let tokens = world.tokens("spa", "openid").await;
        world.wait(Duration::minutes(11)).await;
        assert_eq!(call(layer(&world), &[], bearer(&tokens.access)).await.status(), 401);
    })
    .await;
}

/// An API in a process of its own, which shares the store with the server.
#[tokio::test(flavor = "multi_thread")]
async fn an_api_without_a_server_learns_of_revocations_by_itself() {
    each_world(async |world| {
        let tokens = world.tokens("spa", "openid offline_access").await;
        let keys = JwkSet::from_json(&world.get("/oauth/jwks", None).await.body).unwrap();
        let authority =
            StoreAuthority::connect_with_clock(ISSUER, &keys, &world.store, world.clock.clone());
        let authority = authority.await.unwrap();
        let layer = VerifyTokenLayer::new(&authority);
        let response = call(layer.clone(), &["openid"], bearer(&tokens.access)).await;
        assert_eq!(response.status(), StatusCode::OK);
        let claims = peek(&tokens.access);
        let token_id = claims["jti"].as_str().unwrap();
        assert_eq!(authority.is_revoked(None, token_id), Some(false));

        let form = [("client_id", "spa"), ("token", tokens.access.as_str())];
        world.post(REVOKE, None, &form).await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert_eq!(authority.is_revoked(None, token_id), Some(true));
        let response = call(layer.clone(), &[], bearer(&tokens.access)).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);

        world.server.rotate_keys_at_once().await.unwrap();
        world.clock.advance(Duration::MICROSECOND);
        let keys = JwkSet::from_json(&world.get("/oauth/jwks", None).await.body).unwrap();
        authority.replace_keys(&keys);
        let new = world.tokens("spa", "openid").await;
        assert_eq!(call(layer, &[], bearer(&new.access)).await.status(), StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn a_log_that_nobody_follows_answers_503() {
    each_world(async |world| {
        let token = world.tokens("spa", "openid").await.access;
        world.server.shut_down().await;
        world.clock.advance(Duration::seconds(5));
        let response = call(layer(&world), &[], bearer(&token)).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()["retry-after"], "1");
        assert_eq!(challenge(&response), "");
    })
    .await;
}

#[cfg(feature = "accounts")]
#[tokio::test]
async fn tokens_of_both_kinds_are_good_where_the_host_says_so() {
    use donjon::account::token::{ApiTokenLayer, ApiTokens, TokenRequest};

    each_world(async |world| {
        let tokens = ApiTokens::new(&world.store, "acme".parse().unwrap());
        let tokens = tokens.scopes(["api:read"]).unwrap().clock(world.clock.clone());
        let robots = tokens.service_accounts();
        let robot = robots.create("robot", None).await.unwrap();
        let ask =
            TokenRequest { name: "a".into(), scopes: vec!["api:read".into()], lifetime: None };
        let (own, _) = robots.create_credential(&robot.id, &ask).await.unwrap();
        let oauth = world.tokens("spa", "openid api:read").await.access;
        let status = async |verify: VerifyTokenLayer, outside: bool, token: &str| {
            let inner = service_fn(|_: Request<()>| async {
                Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::default()))
            });
            let scoped = RequireScopeLayer::new(["api:read"]).layer(inner);
            let own = ApiTokenLayer::new(&tokens);
            let Ok(status) = if outside {
                own.layer(verify.layer(scoped)).oneshot(bearer(token)).await.map(|r| r.status())
            } else {
                verify.layer(own.layer(scoped)).oneshot(bearer(token)).await.map(|r| r.status())
            };
            status.as_u16()
        };
        let (strict, open) = (layer(&world), layer(&world).accept_api_tokens());
        let elsewhere = layer(&world).audience(API).accept_api_tokens();
        for (verify, outside, token, expected) in [
            (&open, true, own.expose(), 200),
            (&open, true, oauth.as_str(), 200),
            (&strict, true, own.expose(), 401),
            (&strict, true, &oauth, 200),
            (&open, false, own.expose(), 401),
            (&elsewhere, true, &oauth, 401),
            (&open, true, "acme_x", 401),
        ] {
            assert_eq!(status(verify.clone(), outside, token).await, expected, "{token}");
        }
        // An access token that one layer has verified is looked at again by the next.
        let inner = service_fn(|_: Request<()>| async {
            Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::default()))
        });
        let twice = open.layer(elsewhere.layer(inner));
        let Ok(response) = twice.oneshot(bearer(&oauth)).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    })
    .await;
}
