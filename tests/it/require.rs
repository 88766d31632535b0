//! The requirement layers over HTTP.

use std::convert::Infallible;
use std::sync::Arc;

use donjon::crypto::Clock as _;
use donjon::http::{Body, ResponseBody};
use donjon::scope::{Account, Authentication, CurrentScope, Method, SessionId, UserId};
use donjon::session::{RequireSudoLayer, RequireUserLayer};
use donjon::testing::ManualClock;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use time::Duration;
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceExt as _, service_fn};

pub const HTML: &str = "text/html,*/*;q=0.8";
pub const JSON: &str = "application/json";

pub type Inner = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

pub struct Answer {
    pub status: StatusCode,
    pub location: Option<String>,
    pub body: String,
}

pub async fn ask<L>(
    layer: L,
    scope: Option<CurrentScope>,
    request: http::request::Builder,
) -> Answer
where
    L: Layer<Inner>,
    L::Service: Service<Request<Body>, Response = Response<ResponseBody<Body>>, Error = Infallible>,
{
    let inner = Inner::new(service_fn(async |_: Request<Body>| {
        Ok::<_, Infallible>(Response::new(Body::from("inner")))
    }));
    let mut request = request.body(Body::empty()).unwrap();
    if let Some(scope) = scope {
        request.extensions_mut().insert(scope);
    }
    let Ok(response) = layer.layer(inner).oneshot(request).await;
    let (parts, body) = response.into_parts();
    if parts.status == StatusCode::UNAUTHORIZED {
        assert!(parts.headers.contains_key("www-authenticate"), "RFC 9110, section 15.5.2");
    }
    let location = parts.headers.get("location").map(|value| value.to_str().unwrap().to_owned());
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status, location, body: String::from_utf8(body.to_vec()).unwrap() }
}

fn logged_in(clock: &ManualClock, fresh_for: Option<Duration>) -> CurrentScope {
    let account = Account::new(UserId::new("u1").unwrap());
    let authentication = Authentication {
        ends_at: None,
        at: clock.now(),
        methods: vec![Method::PASSWORD],
        context_class: None,
        session_id: SessionId(uuid::Uuid::nil()),
        login_path: None,
        fresh_until: fresh_for.map(|fresh_for| clock.now() + fresh_for),
    };
    CurrentScope::user(account, authentication)
}

pub fn get(path: &str, accept: &str) -> http::request::Builder {
    Request::get(path).header("accept", accept)
}

#[tokio::test]
async fn a_browser_is_sent_to_log_in_and_a_program_is_told() {
    let nobody = || Some(CurrentScope::anonymous());
    let browser = ask(RequireUserLayer::default(), nobody(), get("/a?b=c&d", HTML)).await;
    assert_eq!(browser.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.location.unwrap(), "/login?return_to=%2Fa%3Fb%3Dc%26d");
    let program = ask(RequireUserLayer::default(), nobody(), get("/a", JSON)).await;
    assert_eq!(program.status, StatusCode::UNAUTHORIZED);
    assert_eq!(program.body, r#"{"error":"authentication_required"}"#);
    let user = Some(logged_in(&ManualClock::default(), None));
    let passed = ask(RequireUserLayer::default(), user, get("/a", HTML)).await;
    assert_eq!((passed.status, passed.body.as_str()), (StatusCode::OK, "inner"));
}

#[tokio::test]
async fn the_login_page_can_be_anywhere() {
    let layer = RequireUserLayer::new("/in?theme=dark");
    let answer = ask(layer, Some(CurrentScope::anonymous()), get("/a", HTML)).await;
    assert_eq!(answer.location.unwrap(), "/in?theme=dark&return_to=%2Fa");
}

#[tokio::test]
async fn nothing_unsafe_is_returned_to() {
    let nobody = || Some(CurrentScope::anonymous());
    for path in ["//evil.example/x", "/%5cevil", "http://evil.example/"] {
        let answer = ask(RequireUserLayer::default(), nobody(), get(path, HTML)).await;
        let location = answer.location.unwrap();
        let returned = location.strip_prefix("/login").unwrap();
        assert!(!returned.contains("return_to=%2F%2F"), "{path}: {location}");
        assert!(!returned.contains("evil.example"), "{path}: {location}");
    }
    let post = Request::post("/transfer").header("accept", HTML);
    let answer = ask(RequireUserLayer::default(), nobody(), post).await;
    assert_eq!(answer.location.unwrap(), "/login", "a POST is not repeated");
}

/// A router that cuts off what it matched leaves a path that leads nowhere.
#[tokio::test]
async fn who_logs_in_comes_back_into_a_nested_router() {
    use axum::Router;
    use axum::routing::get as route;
    use donjon::crypto::{Keyring, SystemRandom};
    use donjon::session::SessionLayer;
    use donjon::store::SqlStore;

    let store = SqlStore::connect("sqlite::memory:").await.unwrap();
    let sessions = SessionLayer::new(&store, &Keyring::ephemeral(&SystemRandom));
    let inner = Router::new().route("/users", route("inner")).layer(RequireUserLayer::default());
    let app = Router::new().nest("/admin", inner).layer(sessions);
    for (path, leads_to) in [
        ("/admin/users?page=2", "/login?return_to=%2Fadmin%2Fusers%3Fpage%3D2"),
        ("//evil.example/admin/users", ""),
    ] {
        let request = get(path, HTML).body(axum::body::Body::empty()).unwrap();
        let Ok(answer) = app.clone().oneshot(request).await;
        let location = answer.headers().get("location").map(|to| to.to_str().unwrap());
        assert_eq!(location.unwrap_or_default(), leads_to);
    }
}

#[tokio::test]
async fn without_a_session_layer_nobody_passes() {
    let answer = ask(RequireUserLayer::default(), None, get("/a", HTML)).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_login_is_fresh_until_it_is_not() {
    let clock = Arc::new(ManualClock::default());
    let layer = RequireSudoLayer::default().clock(clock.clone());
    let user = logged_in(&clock, Some(Duration::minutes(5)));
    let moments = [
        (Duration::ZERO, true),
        (Duration::minutes(5) - Duration::MICROSECOND, true),
        (Duration::MICROSECOND, false),
    ];
    for (step, fresh) in moments {
        clock.advance(step);
        let answer = ask(layer.clone(), Some(user.clone()), get("/a", JSON)).await;
        let expected = if fresh { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(answer.status, expected, "{step}");
        assert_eq!(answer.body == r#"{"error":"reauthentication_required"}"#, !fresh);
    }
    let stale = || user.clone();
    let browser = ask(layer.clone(), Some(stale()), get("/a", HTML)).await;
    assert_eq!(browser.location.unwrap(), "/login?return_to=%2Fa");
    let elsewhere = layer.clone().reauthenticate_at("/prove");
    let browser = ask(elsewhere, Some(stale()), get("/a", HTML)).await;
    assert_eq!(browser.location.unwrap(), "/prove?return_to=%2Fa");
    let never = ask(layer.clone(), Some(logged_in(&clock, None)), get("/a", JSON)).await;
    assert_eq!(never.status, StatusCode::FORBIDDEN);
    let nobody = ask(layer, Some(CurrentScope::anonymous()), get("/a", JSON)).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}
