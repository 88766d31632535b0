//! An API behind the layer.

use std::convert::Infallible;

use donjon::account::app::AppSessionLayer;
use donjon::account::token::{ApiTokenLayer, ApiTokens, TokenRequest};
use donjon::resource::RequireScopeLayer;
use donjon::scope::{Credential, CurrentScope};
use donjon::session::RequireUserLayer;
use http::Response;
use http_body_util::BodyExt as _;
use time::Duration;
use tower::{Layer as _, Service, ServiceBuilder, ServiceExt as _, service_fn};

use super::*;

/// Says who called, as what, and by which credential.
async fn whoami(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let scope = request.extensions().get::<CurrentScope>().cloned().unwrap_or_default();
    let email = scope.account().and_then(|account| account.email()).unwrap_or("-").to_owned();
    let credential = request.extensions().get::<Credential>();
    let by = credential.map_or("-".to_owned(), |c| format!("{:?} {}", c.kind, c.scopes.join(",")));
    Ok(Response::new(Full::from(format!("{email} {:?} {by}", scope.actor()))))
}

async fn get<S, B>(app: S, token: &str) -> (StatusCode, HeaderMap, String)
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let request = Request::get("/api")
        .header("authorization", format!("Bearer {token}"))
        .body(Full::default());
    let Ok(response) = app.oneshot(request.unwrap()).await;
    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await else { panic!("a body") };
    (parts.status, parts.headers, String::from_utf8(body.to_bytes().to_vec()).unwrap())
}

#[tokio::test]
async fn an_api_sees_who_calls_from_an_app_and_what_it_may_do() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let begun = on_the_phone(&world, &mut browser).await;
        let api = |scope| {
            ServiceBuilder::new()
                .layer(AppSessionLayer::new(&apps))
                .layer(RequireScopeLayer::new([scope]))
                .service(service_fn(whoami))
        };
        let (status, _, body) = get(api("api:write"), &begun.access()).await;
        let expected = format!("{ALICE} User AppSession api:read,api:write");
        assert_eq!((status, body), (StatusCode::OK, expected));
        let (status, headers, _) = get(api("api:admin"), &begun.access()).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(headers["www-authenticate"].to_str().unwrap().contains("insufficient_scope"));
        // It is no login: what asks for one is not met.
        let guarded = ServiceBuilder::new()
            .layer(AppSessionLayer::new(&apps))
            .layer(RequireUserLayer::new("/login"))
            .service(service_fn(whoami));
        assert_eq!(get(guarded, &begun.access()).await.0, StatusCode::UNAUTHORIZED);

        for bad in [begun.refresh(), "acmeapp_x".into(), "acmeapp_".into()] {
            let (status, headers, _) = get(api("api:read"), &bad).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{bad}");
            assert!(headers["www-authenticate"].to_str().unwrap().contains("invalid_token"));
        }
        world.clock.advance(Duration::minutes(15));
        let (status, headers, _) = get(api("api:read"), &begun.access()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(headers["www-authenticate"].to_str().unwrap().contains("invalid_token"));
    })
    .await;
}

#[tokio::test]
async fn tokens_of_apps_and_of_the_api_are_good_side_by_side() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let begun = on_the_phone(&world, &mut browser).await;
        let tokens = ApiTokens::new(&world.store, "acme".parse().unwrap())
            .scopes(["api:read"])
            .unwrap()
            .clock(world.clock.clone());
        let request = TokenRequest {
            name: "script".into(),
            scopes: vec!["api:read".into()],
            lifetime: Some(Duration::DAY),
        };
        let (script, _) = tokens.create(&alice(&world).await, &request).await.unwrap();
        let (one, other) = (AppSessionLayer::new(&apps), ApiTokenLayer::new(&tokens));
        for (token, kind) in
            [(begun.access(), "AppSession"), (script.expose().to_owned(), "PersonalAccessToken")]
        {
            let outside = one.layer(other.layer(service_fn(whoami)));
            assert!(get(outside, &token).await.2.contains(kind));
            let inside = other.layer(one.layer(service_fn(whoami)));
            assert!(get(inside, &token).await.2.contains(kind));
        }
    })
    .await;
}
