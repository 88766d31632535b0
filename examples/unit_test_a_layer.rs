//! A layer takes a service and gives one back, so it is tested with `oneshot`: no socket, no server,
//! no database. Run it, or `cargo test --example unit_test_a_layer`.

use std::convert::Infallible;

use donjon::crypto::{Clock as _, SystemClock};
use donjon::http::Body;
use donjon::scope::{Account, Authentication, CurrentScope, Method, SessionId, UserId};
use donjon::session::RequireUserLayer;
use http::header::{ACCEPT, LOCATION};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tower::{BoxError, ServiceBuilder, ServiceExt as _};

/// Asks the service under test, an inbox for logged-in users, as `scope` and for `accept`.
async fn visit(
    scope: CurrentScope,
    accept: &str,
) -> Result<(StatusCode, Option<String>, String), BoxError> {
    let inbox = ServiceBuilder::new()
        .layer(RequireUserLayer::default())
        .service_fn(async |_| Ok::<_, Infallible>(Response::new(Body::from("3 new messages"))));

    // What a session layer around it would have put into the request.
    let request = Request::get("/inbox?page=2").header(ACCEPT, accept).extension(scope);
    let response = inbox.oneshot(request.body(Body::empty())?).await?;

    let (parts, body) = response.into_parts();
    let location = parts.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let body = String::from_utf8(body.collect().await?.to_bytes().into())?;
    Ok((parts.status, location.map(str::to_owned), body))
}

fn alice() -> Result<CurrentScope, BoxError> {
    let authentication = Authentication {
        ends_at: None,
        at: SystemClock.now(),
        methods: vec![Method::PASSWORD],
        context_class: None,
        session_id: SessionId(uuid::Uuid::nil()),
        login_path: None,
        fresh_until: None,
    };
    Ok(CurrentScope::user(Account::new(UserId::new("alice")?), authentication))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (status, _, body) = visit(alice()?, "text/html").await?;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "3 new messages"));

    let (status, location, _) = visit(CurrentScope::anonymous(), "text/html").await?;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(location.as_deref(), Some("/login?return_to=%2Finbox%3Fpage%3D2"));

    let (status, _, body) = visit(CurrentScope::anonymous(), "application/json").await?;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(body, r#"{"error":"authentication_required"}"#);

    println!("a visitor is kept out, and sent where to log in; Alice comes in");
    Ok(())
}

#[test]
fn it_holds() -> Result<(), BoxError> {
    main()
}
