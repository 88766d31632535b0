//! The app on somebody's desktop, from the page in the browser to the API.

use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use super::*;
use crate::personas::tests::browser::Browser;
use crate::personas::tests::{become_one, demo};
use crate::personas::{FRESH, Persona};

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const LISTENS: &str = "http://127.0.0.1:49152/logged-in";

/// What the app posts, and is answered.
async fn post(browser: &Browser, path: &str, body: Value) -> (StatusCode, Value) {
    let request = Request::post(path)
        .header("host", "localhost:3000")
        .header("content-type", "application/json")
        .body(body.to_string().into())
        .unwrap();
    let (parts, body) = browser.send(request).await.into_parts();
    (parts.status, serde_json::from_slice(&body).unwrap_or_default())
}

/// What `/api/me` says to whoever shows this token.
async fn me(browser: &Browser, token: &Value) -> (StatusCode, Value) {
    let request = Request::get("/api/me")
        .header("host", "localhost:3000")
        .header("authorization", format!("Bearer {}", token.as_str().unwrap()))
        .body(Default::default())
        .unwrap();
    let (parts, body) = browser.send(request).await.into_parts();
    (parts.status, serde_json::from_slice(&body).unwrap_or_default())
}

/// Logs in to the app as this user: by the page, with a challenge of the app's.
async fn log_in(browser: &mut Browser, who: &Persona) -> Value {
    let query = serde_urlencoded::to_string([
        ("app", ID),
        ("redirect_uri", LISTENS),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "mine"),
    ]);
    let page = browser.get(&format!("/app/login?{}", query.unwrap())).await;
    let page = browser.follow(page).await;
    assert!(page.body.contains("Donjon for desktops") && page.body.contains(who.email));
    let page = browser.submit(&page, &[("decision", "approve")]).await;
    let target = page.location().unwrap();
    assert!(target.as_str().starts_with(LISTENS), "{target}");
    let sent = |name: &str| target.query_pairs().find(|(key, _)| key == name).unwrap().1;
    assert_eq!(sent("state"), "mine");
    let exchange = json!({
        "app": ID, "code": sent("code"), "code_verifier": VERIFIER, "redirect_uri": LISTENS,
    });
    let (status, told) = post(browser, "/app/session", exchange).await;
    assert_eq!((status, &told["user"]["email"]), (StatusCode::OK, &json!(who.email)), "{told}");
    told
}

#[tokio::test]
async fn the_desktop_app_logs_in_by_the_browser_refreshes_and_calls_the_api() {
    let (app, mut browser) = demo().await;
    become_one(&mut browser, &FRESH).await;
    let begun = log_in(&mut browser, &FRESH).await;
    let (status, told) = me(&browser, &begun["access_token"]).await;
    assert_eq!((status, &told["scope"]), (StatusCode::OK, &json!(api::SCOPE)), "{told}");
    assert_eq!(told["sub"], begun["user"]["id"]);

    let refresh = json!({ "app": ID, "refresh_token": begun["refresh_token"] });
    let (status, next) = post(&browser, "/app/session/refresh", refresh).await;
    assert_eq!(status, StatusCode::OK, "{next}");
    assert_ne!(next["access_token"], begun["access_token"]);
    assert_eq!(me(&browser, &next["access_token"]).await.0, StatusCode::OK);
    let page = browser.get("/settings/sessions").await;
    assert!(page.body.contains("Donjon for desktops"), "{}", page.body);

    post(&browser, "/app/session/revoke", json!({ "token": next["refresh_token"] })).await;
    assert_eq!(me(&browser, &next["access_token"]).await.0, StatusCode::UNAUTHORIZED);
    app.stop().await;
}
