//! The whole application in this process, without its neighbours.

use std::path::Path;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use donjon::crypto::SystemRandom;
use tower::ServiceExt as _;

use super::*;

const BROWSER: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";
const JSON: &str = "application/json";
const ALL: usize = 1024 * 1024;

async fn app() -> App {
    app_at("127.0.0.1:3000", "http://127.0.0.1:3000", false).await
}

async fn app_at(listen: &str, issuer: &str, danger_mailbox: bool) -> App {
    let text = format!(
        "listen = \"{listen}\"\nissuer = \"{issuer}\"\ndatabase_url = \"sqlite::memory:\"\n\
         danger_mailbox = {danger_mailbox}"
    );
    let config = Config::parse(&text, Path::new("test.toml")).unwrap();
    let store = SqlStore::connect(&config.database_url).await.unwrap();
    App::build(&config, store, Keyring::ephemeral(&SystemRandom), false).await.unwrap()
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

async fn ask(app: &App, request: http::request::Builder, body: impl Into<Body>) -> Answer {
    send(app, request.header("host", "127.0.0.1:3000").body(body.into()).unwrap()).await
}

async fn send(app: &App, request: Request<Body>) -> Answer {
    let Ok(response) = app.router.clone().oneshot(request).await;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, ALL).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, body }
}

fn request(method: Method, path: &str, accept: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header("accept", accept)
}

fn form(path: &str, accept: &str) -> http::request::Builder {
    let kind = "application/x-www-form-urlencoded";
    request(Method::POST, path, accept).header("content-type", kind)
}

#[tokio::test]
async fn nobody_is_left_before_a_blank_page() {
    let app = app().await;
    let own = |path: &str, accept: &str| form(path, accept).header("sec-fetch-site", "same-origin");
    let evil =
        |path: &str, accept: &str| form(path, accept).header("origin", "https://evil.example");
    let long = "x".repeat(1024 * 1024);
    for accept in [BROWSER, JSON] {
        let get = |path| request(Method::GET, path, accept);
        for (what, request, body, status, code) in [
            ("no such page", get("/nowhere"), "", 404, "not_found"),
            ("no such connection", get("/saml/none/login"), "", 404, "connection_not_found"),
            ("the host's method", own("/", accept), "", 405, "method_not_allowed"),
            ("the provider's method", get("/oauth/token"), "", 405, "method_not_allowed"),
            ("a form too long", own("/login", accept), &long, 413, "request_too_large"),
            (
                "a token request too long",
                own("/oauth/token", accept),
                &long,
                413,
                "request_too_large",
            ),
            ("a response too long", own("/saml/none/acs", accept), &long, 413, "request_too_large"),
            ("from elsewhere to the accounts", evil("/login", accept), "", 403, "cross_origin"),
            (
                "from elsewhere to the host",
                evil("/sessions/end", accept),
                "id=1",
                403,
                "cross_origin",
            ),
            ("no form at all", own("/login", accept), "%FF=%FF", 400, "invalid_form"),
        ] {
            let answer = ask(&app, request, body.to_owned()).await;
            assert_eq!(answer.status.as_u16(), status, "{what} for {accept}");
            let kind = answer.headers["content-type"].to_str().unwrap();
            if accept == JSON {
                assert_eq!(kind, JSON, "{what}");
                let told: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
                assert_eq!(told["error"], code, "{what}");
                assert!(told["message"].as_str().unwrap().len() > 20, "{what}");
            } else {
                assert_eq!(kind, "text/html; charset=utf-8", "{what}");
                assert!(answer.body.contains(&format!("id=\"error\">{code}<")), "{what}");
                assert!(answer.body.contains("Donjon demo"), "{what} has another look");
                assert!(answer.headers.contains_key("content-security-policy"), "{what}");
            }
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn an_api_call_without_a_token_is_challenged_in_the_way_of_its_caller() {
    let app = app().await;
    let program = ask(&app, request(Method::GET, "/api/me", JSON), "").await;
    assert_eq!((program.status.as_u16(), program.body.as_str()), (401, ""));
    let person = ask(&app, request(Method::GET, "/api/me", BROWSER), "").await;
    assert_eq!(person.status, 401);
    assert!(person.body.contains("authentication_required"));
    for answer in [program, person] {
        assert!(answer.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
    }
    app.stop().await;
}

#[tokio::test]
async fn the_mailbox_is_not_shown_through_a_proxy_unless_the_host_says_so() {
    for (danger_mailbox, status) in [(false, 421), (true, 200)] {
        let app = app_at("127.0.0.1:3000", "http://localhost:3000", danger_mailbox).await;
        let get = || request(Method::GET, "/dev/mailbox", JSON);
        assert_eq!(ask(&app, get(), "").await.status, 200);
        for header in [
            "forwarded",
            "via",
            "x-forwarded-for",
            "X-Forwarded-Proto",
            "x-forwarded-host",
            "x-forwarded-port",
            "x-real-ip",
            "cf-connecting-ip",
        ] {
            let forwarded = get().header(header, "192.0.2.1");
            assert_eq!(ask(&app, forwarded, "").await.status, status, "{header}");
        }
        // As nginx does that was told nothing but where to pass requests on to.
        let plain = get().version(http::Version::HTTP_10);
        assert_eq!(ask(&app, plain, "").await.status, status);
    }
}

/// Whatever such a proxy says of itself, and whichever host it names: nobody looks.
#[tokio::test]
async fn behind_a_proxy_that_ends_tls_there_is_no_mailbox_unless_the_host_says_so() {
    for (danger_mailbox, status) in [(false, 404), (true, 200)] {
        let app = app_at("127.0.0.1:3000", "https://op.example", danger_mailbox).await;
        for host in ["op.example", "127.0.0.1:3000", "localhost:3000"] {
            for forwarded in [None, Some("x-forwarded-for"), Some("forwarded"), Some("via")] {
                let mut get = request(Method::GET, "/dev/mailbox", JSON).header("host", host);
                if let Some(name) = forwarded {
                    get = get.header(name, "192.0.2.1");
                }
                let answer = send(&app, get.body(Body::empty()).unwrap()).await;
                assert_eq!(answer.status, status, "{host} {forwarded:?}: {}", answer.body);
            }
        }
        let get = request(Method::GET, "/", BROWSER).header("host", "op.example");
        let home = send(&app, get.body(Body::empty()).unwrap()).await;
        assert_eq!(home.body.contains("/dev/mailbox"), danger_mailbox);
        app.stop().await;
    }
}

#[tokio::test]
async fn a_site_that_rebinds_its_name_does_not_get_the_mailbox() {
    let home = app().await;
    let public = app_at("0.0.0.0:9443", "https://op.test:9443", true).await;
    let bound = app_at("192.0.2.7:9443", "https://op.test:9443", true).await;
    for (app, host, known) in [
        (&home, "127.0.0.1:3000", true),
        (&home, "localhost:3000", true),
        (&home, "LocalHost.:3000", true),
        (&home, "demo.localhost", true),
        (&home, "127.8.9.1", true),
        (&home, "[::1]:3000", true),
        (&home, "evil.example:3000", false),
        (&home, "evil.example", false),
        (&home, "localhost.evil.example:3000", false),
        (&home, "evillocalhost", false),
        (&home, "127.0.0.1.evil.example", false),
        (&home, "localhost@evil.example", false),
        (&home, "evil.example@localhost", false),
        (&home, "192.0.2.7:3000", false),
        (&home, "", false),
        (&public, "op.test:9443", true),
        (&public, "OP.TEST", true),
        (&public, "192.0.2.7:9443", true),
        (&public, "evil.example:9443", false),
        (&bound, "192.0.2.7:9443", true),
        (&bound, "192.0.2.8:9443", false),
    ] {
        let request = request(Method::GET, "/dev/mailbox", BROWSER).header("host", host);
        let answer = send(app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.headers["cache-control"], "no-store", "{host}");
        assert_eq!(answer.body.contains("id=\"mailbox\""), known, "{host:?}");
        if !known {
            assert_eq!(answer.status, 421, "{host:?}");
            assert!(answer.body.contains("id=\"error\">misdirected_request<"), "{host:?}");
            assert!(answer.body.contains("/dev/mailbox instead."), "{host:?}");
        }
    }

    // HTTP/2 and proxies name the host in the target; a request names one.
    let target = |uri: &str| Request::get(uri).header("accept", JSON).header("host", "localhost");
    let evil = target("http://evil.example/dev/mailbox").body(Body::empty()).unwrap();
    assert_eq!(send(&home, evil).await.status, 421);
    let twice = target("/dev/mailbox").header("host", "evil.example").body(Body::empty()).unwrap();
    assert_eq!(send(&home, twice).await.status, 421);
    let nobody = Request::get("/dev/mailbox").body(Body::empty()).unwrap();
    assert_eq!(send(&home, nobody).await.status, 421);
    for app in [home, public, bound] {
        app.stop().await;
    }
}

#[tokio::test]
async fn a_mail_for_programs_is_kept_by_no_cache() {
    let app = app().await;
    let register = form("/register", BROWSER).header("sec-fetch-site", "same-origin");
    ask(&app, register, "email=robin%40example.test&password=correct+horse+battery").await;
    let answer = ask(&app, request(Method::GET, "/dev/mailbox", JSON), "").await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["content-type"], JSON);
    let mails: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(mails[0]["to"], "robin@example.test");
    app.stop().await;
}
