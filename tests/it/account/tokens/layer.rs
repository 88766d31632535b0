//! An API behind the layer.

use std::convert::Infallible;

use bytes::Bytes;
use donjon::account::token::ApiTokenLayer;
use donjon::http::PeerAddr;
use donjon::resource::RequireScopeLayer;
use donjon::scope::{Credential, CurrentScope};
use donjon::session::{RequireUserLayer, SessionLayer};
use donjon::store::{Device, TokenPage};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tower::{Layer, Service, ServiceBuilder, ServiceExt as _, service_fn};

use super::*;
use crate::account::world::{ALICE, ORIGIN};
use crate::support::statements::counted;

type Answer = (StatusCode, HeaderMap, String);

/// Says who called, as what, and by which credential.
async fn whoami(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let extensions = request.extensions();
    let scope = extensions.get::<CurrentScope>().cloned().unwrap_or_default();
    let email = scope.account().and_then(|account| account.email()).unwrap_or("-").to_owned();
    let credential = extensions.get::<Credential>();
    let by = credential.map_or("-".to_owned(), |c| format!("{:?} {}", c.kind, c.scopes.join(",")));
    let text = format!("{email} {:?} {by}", scope.actor());
    Ok(Response::new(Full::from(text)))
}

pub(super) async fn ask<S, B>(app: S, token: Option<&str>, cookie: Option<&str>) -> Answer
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let mut request = Request::get("/api").extension(PeerAddr([192, 0, 2, 7].into()));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    let Ok(response) = app.oneshot(request.body(Full::default()).unwrap()).await;
    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await else { panic!("a body") };
    (parts.status, parts.headers, String::from_utf8(body.to_bytes().to_vec()).unwrap())
}

/// The API, for whoever may do this.
pub(super) async fn call(tokens: &ApiTokens, scope: &str, token: &str) -> Answer {
    let api = ServiceBuilder::new()
        .layer(ApiTokenLayer::new(tokens))
        .layer(RequireScopeLayer::new([scope]))
        .service(service_fn(whoami));
    ask(api, Some(token), None).await
}

/// The API without a guard: who came through the layer.
async fn seen(tokens: &ApiTokens, token: Option<&str>) -> Answer {
    ask(ApiTokenLayer::new(tokens).layer(service_fn(whoami)), token, None).await
}

#[tokio::test]
async fn a_good_token_says_who_calls_and_what_they_may_do() {
    each_token_world(async |world, tokens| {
        world.user(ALICE).await;
        let (text, _) = token_of(&world, &tokens, ALICE).await;
        let (status, _, body) = call(&tokens, "api:read", text.expose()).await;
        let expected = format!("{ALICE} User PersonalAccessToken api:read");
        assert_eq!((status, body), (StatusCode::OK, expected));
        let (status, headers, _) = call(&tokens, "api:write", text.expose()).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        let said = headers["www-authenticate"].to_str().unwrap();
        assert!(said.contains("insufficient_scope") && said.contains("scope=\"api:write\""));
        assert!(told(&world, "api.token_verify").await.is_empty(), "successes are not told of");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_costs_one_read_and_a_write_every_five_minutes() {
    each_token_world(async |world, tokens| {
        world.user(ALICE).await;
        let (text, _) = token_of(&world, &tokens, ALICE).await;
        let used = async || {
            let user = id_of(&world, ALICE).await;
            tokens.of(&user, TokenPage::default()).await.unwrap()[0].last_used_at
        };
        seen(&tokens, Some(text.expose())).await;
        let first = used().await;
        for (seconds, writes) in [(0, 0), (299, 0), (1, 1), (299, 0)] {
            world.clock.advance(Duration::seconds(seconds));
            let ((status, ..), cost) = counted(seen(&tokens, Some(text.expose()))).await;
            assert_eq!(status, StatusCode::OK);
            assert_eq!((cost.reads(), cost.transitions()), (1, writes), "{seconds}: {cost:?}");
        }
        assert_eq!(used().await, first.map(|first| first + Duration::minutes(5)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_with_our_prefix_costs_no_statement() {
    each_token_world(async |world, tokens| {
        world.user(ALICE).await;
        let (text, _) = token_of(&world, &tokens, ALICE).await;
        let good = text.expose();
        let twisted = good.replace(&good[10..12], if &good[10..12] == "ab" { "ba" } else { "ab" });
        for bad in ["acme_", "acme_x", &twisted, &good[..good.len() - 1], &format!("{good}0")] {
            let ((status, ..), cost) = counted(call(&tokens, "api:read", bad)).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{bad}");
            assert_eq!(cost.0, Vec::<String>::new(), "{bad}");
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_can_tell_why_a_token_is_refused() {
    each_token_world(async |world, tokens| {
        world.user(ALICE).await;
        let user = id_of(&world, ALICE).await;
        let robots = tokens.service_accounts();
        let robot = robots.create("robot", None).await.unwrap();
        let ask = request(&["api:read"], 1);
        let (expired, _) = tokens.create(&user, &ask).await.unwrap();
        world.clock.advance(Duration::days(1));
        let (revoked, token) = tokens.create(&user, &ask).await.unwrap();
        tokens.revoke(&user, token.id).await.unwrap();
        let (disabled, _) = robots.create_credential(&robot.id, &ask).await.unwrap();
        robots.disable(&robot.id).await.unwrap();
        let unknown = ApiToken::generate(&donjon::crypto::SystemRandom, &"acme".parse().unwrap());
        let mut answers = Vec::new();
        for bad in [&expired, &revoked, &disabled, &unknown] {
            answers.push(call(&tokens, "api:read", bad.expose()).await);
        }
        answers.push(call(&tokens, "api:read", "acme_damaged").await);
        let (status, headers, body) = &answers[0];
        assert_eq!(*status, StatusCode::UNAUTHORIZED);
        assert!(headers["www-authenticate"].to_str().unwrap().contains("error=\"invalid_token\""));
        assert!(!body.contains(ALICE));
        assert!(answers.windows(2).all(|two| two[0] == two[1]), "{answers:?}");
        let told = told(&world, "api.token_verify").await;
        let mut reasons: Vec<_> = told.iter().map(|e| e.metadata["reason"].as_str()).collect();
        reasons.sort();
        assert_eq!(reasons, ["disabled", "expired", "revoked", "unknown"].map(Some));
    })
    .await;
}

#[tokio::test]
async fn refusals_are_told_of_with_a_bound() {
    each_token_world(async |world, tokens| {
        world.user(ALICE).await;
        let (revoked, token) = token_of(&world, &tokens, ALICE).await;
        tokens.revoke(&id_of(&world, ALICE).await, token.id).await.unwrap();
        let prefix = "acme".parse().unwrap();
        for _ in 0..12 {
            let unknown = ApiToken::generate(&donjon::crypto::SystemRandom, &prefix);
            call(&tokens, "api:read", unknown.expose()).await;
            call(&tokens, "api:read", revoked.expose()).await;
        }
        let entries = told(&world, "api.token_verify").await;
        let of_alice = entries.iter().filter(|entry| entry.user.is_some()).count();
        assert_eq!((entries.len(), of_alice), (10, 5));
        assert!(entries.iter().all(|entry| entry.address == Some([192, 0, 2, 7].into())));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_made_up_tokens_costs_a_read_each_and_soon_no_write() {
    each_token_world(async |_, tokens| {
        let made_up = async || {
            let unknown =
                ApiToken::generate(&donjon::crypto::SystemRandom, &"acme".parse().unwrap());
            let ((status, ..), cost) = counted(call(&tokens, "api:read", unknown.expose())).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED);
            (cost.reads(), cost.transitions())
        };
        for _ in 0..6 {
            made_up().await;
        }
        for _ in 0..3 {
            assert_eq!(made_up().await, (1, 0));
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_no_token_of_ours_goes_on_as_it_came() {
    each_token_world(async |_, tokens| {
        for other in
            [None, Some("eyJhbGciOiJFUzI1NiJ9.e30.c2ln"), Some("other_token"), Some("acme")]
        {
            let ((status, _, body), cost) = counted(seen(&tokens, other)).await;
            assert_eq!((status, body.as_str()), (StatusCode::OK, "- Nobody -"), "{other:?}");
            assert_eq!(cost.0, Vec::<String>::new());
        }
        let (status, headers, _) = call(&tokens, "api:read", "eyJh.e30.c2ln").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(headers["www-authenticate"], "Bearer realm=\"api\"");
        let twice = Request::get("/").header("authorization", "Bearer acme_a");
        let twice = twice.header("authorization", "Bearer acme_b").body(Full::default()).unwrap();
        let layer = ApiTokenLayer::new(&tokens).layer(service_fn(whoami));
        let Ok(response) = layer.oneshot(twice).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    })
    .await;
}

#[tokio::test]
async fn a_login_in_a_browser_is_no_scope_and_a_token_is_no_login() {
    each_token_world(async |world, tokens| {
        let bob = "bob@example.test";
        world.user(ALICE).await;
        world.user(bob).await;
        let browser = world.logged_in(bob).await;
        let (name, value) =
            browser.cookies.iter().find(|(name, _)| name.contains("session")).unwrap();
        let cookie = format!("{name}={value}");
        let (text, _) = token_of(&world, &tokens, ALICE).await;
        let sessions = SessionLayer::new(&world.store, &world.keyring)
            .base_url(ORIGIN)
            .unwrap()
            .clock(world.clock.clone());
        let api = ApiTokenLayer::new(&tokens);
        let inner = || service_fn(whoami);

        let scoped = RequireScopeLayer::new(["api:read"]).layer(inner());
        let guarded = sessions.layer(api.layer(scoped));
        let (status, ..) = ask(guarded, None, Some(&cookie)).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "a cookie carries no scope");

        let is_alice = format!("{ALICE} User PersonalAccessToken api:read");
        let (_, _, body) = ask(sessions.layer(inner()), None, Some(&cookie)).await;
        assert_eq!(body, format!("{bob} User -"));
        for cookie in [None, Some(cookie.as_str())] {
            let inside = sessions.layer(api.layer(inner()));
            assert_eq!(ask(inside, Some(text.expose()), cookie).await.2, is_alice);
            let outside = api.layer(sessions.layer(inner()));
            assert_eq!(ask(outside, Some(text.expose()), cookie).await.2, is_alice);
            let for_people = RequireUserLayer::default().layer(inner());
            let guarded = sessions.layer(api.layer(for_people));
            let (status, ..) = ask(guarded, Some(text.expose()), cookie).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "a token proves no login");
        }
        let verified = tokens.verify(text.expose(), &Device::default()).await.unwrap();
        assert!(verified.scope.current_account().is_none(), "nor lets it others in");
    })
    .await;
}

#[tokio::test]
async fn a_store_that_is_down_lets_no_token_in_and_blames_none() {
    let (_directory, down) = crate::account::down::ruined().await;
    let tokens = tokens_over(&down, Arc::default());
    let text = ApiToken::generate(&donjon::crypto::SystemRandom, &"acme".parse().unwrap());
    let (status, headers, body) = call(&tokens, "api:read", text.expose()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(headers["retry-after"], "1");
    assert!(!headers.contains_key("www-authenticate") && !body.contains("donjon_"));
}
