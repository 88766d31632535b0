use std::convert::Infallible;

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::csrf::CsrfLayer;

use super::*;
use crate::http::{Body, ResponseBody, respond};
use crate::page::Theme;

const BROWSER: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

fn layer() -> ErrorPagesLayer {
    ErrorPagesLayer::new(Theme::new("Northwind")).home("/start")
}

async fn text(response: Response<ResponseBody<Body>>) -> (StatusCode, http::HeaderMap, String) {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

/// What a caller with this `Accept` gets when `answer` is what the application says.
async fn ask(accept: &str, answer: Response<Body>) -> (StatusCode, http::HeaderMap, String) {
    let inner = service_fn(move |_: Request<Body>| {
        let answer = answer.clone();
        async move { Ok::<_, Infallible>(answer) }
    });
    let request = Request::get("/").header("accept", accept).body(Body::empty()).unwrap();
    let Ok(response) = layer().layer(inner).oneshot(request).await;
    text(response).await
}

#[tokio::test]
async fn a_blank_error_becomes_a_page_for_people_and_json_for_programs() {
    let mut blank = respond::status(StatusCode::METHOD_NOT_ALLOWED);
    blank.headers_mut().insert("allow", "GET".parse().unwrap());
    blank.headers_mut().insert("content-length", "0".parse().unwrap());
    let (status, headers, page) = ask(BROWSER, blank.clone()).await;
    assert_eq!(
        (status, &headers["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"GET".parse().unwrap())
    );
    assert!(!headers.contains_key("content-length"));
    assert!(headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    assert!(page.contains("id=\"error\">method_not_allowed<") && page.contains("href=\"/start\""));

    for accept in ["application/json", "*/*"] {
        let (status, headers, json) = ask(accept, blank.clone()).await;
        assert_eq!(
            (status, headers["allow"].as_bytes()),
            (StatusCode::METHOD_NOT_ALLOWED, &b"GET"[..])
        );
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["error"], "method_not_allowed");
        assert!(json["message"].as_str().unwrap().ends_with('.'));
    }
}

#[tokio::test]
async fn plain_text_is_replaced_for_those_who_want_better() {
    let plain = respond::plain(StatusCode::PAYLOAD_TOO_LARGE, "text/plain; charset=utf-8", "long");
    assert!(ask(BROWSER, plain.clone()).await.2.contains("request_too_large"));
    let json = ask("application/json", plain.clone()).await;
    assert!(json.2.contains("\"error\":\"request_too_large\""));
    assert_eq!(ask("*/*", plain).await.2, "long");
}

#[tokio::test]
async fn what_says_something_is_left_alone() {
    for answer in [
        respond::plain(StatusCode::BAD_REQUEST, "application/json", "{}"),
        respond::plain(StatusCode::NOT_FOUND, "text/html", "<p>Gone</p>"),
        respond::plain(StatusCode::OK, "text/plain", "fine"),
        respond::status(StatusCode::NO_CONTENT),
        respond::see_other("/"),
    ] {
        let (expected, said) = (answer.status(), answer.clone().into_body());
        let said = said.collect().await.unwrap().to_bytes();
        for accept in [BROWSER, "application/json"] {
            let (status, _, body) = ask(accept, answer.clone()).await;
            assert_eq!((status, body.as_bytes()), (expected, &said[..]));
        }
    }
}

#[tokio::test]
async fn a_challenge_says_it_all_to_a_program() {
    let mut challenge = respond::status(StatusCode::UNAUTHORIZED);
    challenge.headers_mut().insert("www-authenticate", "Bearer".parse().unwrap());
    assert_eq!(ask("application/json", challenge.clone()).await.2, "");
    let (_, headers, page) = ask(BROWSER, challenge).await;
    assert_eq!(headers["www-authenticate"], "Bearer");
    assert!(page.contains("authentication_required"));
}

#[tokio::test]
async fn a_cross_origin_post_is_told_apart_from_other_refusals() {
    let inner = service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::default()) });
    let app = layer().layer(CsrfLayer::new().layer(inner));
    for (accept, told) in [(BROWSER, "id=\"error\">cross_origin<"), ("*/*", "\"cross_origin\"")] {
        let request = Request::post("/sessions/end")
            .header("accept", accept)
            .header("host", "app.example")
            .header("origin", "https://evil.example")
            .body(Body::empty())
            .unwrap();
        let Ok(response) = app.clone().oneshot(request).await;
        let (status, _, body) = text(response).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(body.contains(told), "{body}");
    }
    assert!(ask(BROWSER, respond::status(StatusCode::FORBIDDEN)).await.2.contains(">forbidden<"));
}
