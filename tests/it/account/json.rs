//! The account pages as JSON, for a front end of the host's own.

use donjon::crypto::Clock as _;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use time::Duration;

use super::enumeration::{seen, warm};
use super::mailed::digits;
use super::second_factor::secret_of;
use super::world::{ALICE, ORIGIN, PASSWORD, World, each_world};
use crate::support::browser::{Browser, Page};
use crate::support::statements::{Statements, counted};

const NOBODY: &str = "nobody@example.test";

/// A front end of the host's own.
fn front_end(world: &World) -> Browser {
    let mut browser = world.browser();
    browser.accept = "application/json";
    browser
}

/// Posts to where a page says, which must know the fields; `status` is what is answered.
async fn fill(
    front_end: &mut Browser,
    (page, form): (&Value, &str),
    fields: Value,
    status: StatusCode,
) -> Value {
    let known = page["forms"][form].as_array().unwrap();
    for field in fields.as_object().unwrap().keys() {
        assert!(known.iter().any(|known| known == field), "{field} of {form} on {page}");
    }
    let answer = front_end.post_json(page[form].as_str().unwrap(), &fields).await;
    assert_eq!(answer.status, status, "{}", answer.body);
    assert!(!answer.headers.contains_key("location"));
    assert_eq!(answer.headers["cache-control"], "no-store");
    answer.json()
}

async fn open(front_end: &mut Browser, path: &str) -> Value {
    let page = front_end.get(path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    page.json()
}

/// Goes where an answer leads.
async fn go_on(front_end: &mut Browser, answer: &Value) -> Value {
    open(front_end, answer["next"].as_str().unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_front_end_signs_up_logs_in_with_two_factors_and_logs_out_in_json_alone() {
    each_world(async |world| {
        let mut front_end = front_end(&world);
        let ok = StatusCode::OK;
        let page = open(&mut front_end, "/register").await;
        assert_eq!((&page["page"], &page["logged_in"]), (&json!("register"), &json!(false)));
        let short = json!({ "email": ALICE, "password": "short" });
        let refused = StatusCode::UNPROCESSABLE_ENTITY;
        let page = fill(&mut front_end, (&page, "action"), short, refused).await;
        assert_eq!(page["password_problem"], "too_short");
        let fields = json!({ "email": ALICE, "password": PASSWORD });
        let page = fill(&mut front_end, (&page, "action"), fields, ok).await;
        assert_eq!((&page["page"], &page["about"]), (&json!("check_mail"), &json!("registration")));
        let code = digits(&world.mails_to(ALICE).await[0]);
        let fields = json!({ "email": ALICE, "code": code });
        let answer = fill(&mut front_end, (&page, "code"), fields, ok).await;
        let page = go_on(&mut front_end, &answer).await;
        assert_eq!((&page["page"], &page["notice"]), (&json!("login"), &json!("confirmed")));

        let wrong = json!({ "email": ALICE, "password": "wrong password" });
        let page = fill(&mut front_end, (&page, "action"), wrong, refused).await;
        assert_eq!((&page["refused"], &page["logged_in"]), (&json!(true), &json!(false)));
        let fields = json!({ "email": ALICE, "password": PASSWORD, "remember": true });
        let answer = fill(&mut front_end, (&page, "action"), fields, ok).await;
        assert_eq!(answer, json!({ "next": "/", "logged_in": true }));

        // A second factor, and a login with it.
        let page = open(&mut front_end, "/settings/two-factor/setup").await;
        let secret = secret_of(page["secret"].as_str().unwrap());
        let fields = json!({ "code": secret.code_at(world.clock.now()) });
        let page = fill(&mut front_end, (&page, "action"), fields, ok).await;
        assert_eq!(page["codes"].as_array().unwrap().len(), 10);
        let page = open(&mut front_end, "/logout").await;
        let answer = fill(&mut front_end, (&page, "action"), json!({}), ok).await;
        assert_eq!(answer["logged_in"], false, "{answer}");
        world.clock.advance(Duration::seconds(60));

        let page = open(&mut front_end, "/login?return_to=/notes").await;
        let fields = json!({ "email": ALICE, "password": PASSWORD });
        let answer = fill(&mut front_end, (&page, "action"), fields, ok).await;
        assert_eq!(answer["logged_in"], false);
        let page = go_on(&mut front_end, &answer).await;
        assert_eq!(page["page"], "verify_login");
        let page = fill(&mut front_end, (&page, "action"), json!({ "code": "1" }), refused).await;
        assert_eq!(page["refused"], true);
        let fields = json!({ "code": secret.code_at(world.clock.now()), "trust": false });
        let answer = fill(&mut front_end, (&page, "action"), fields, ok).await;
        assert_eq!(answer, json!({ "next": "/notes", "logged_in": true }));

        let page = open(&mut front_end, "/settings/sessions").await;
        let sessions = page["sessions"].as_array().unwrap();
        assert_eq!((sessions.len(), &sessions[0]["is_current"]), (1, &json!(true)));
        assert_eq!(page["frame"]["account"], ALICE);
        // What is sensitive says what comes first, and where.
        world.clock.advance(Duration::minutes(20));
        let stale = front_end.get("/settings/two-factor/setup").await;
        assert_eq!(stale.status, StatusCode::FORBIDDEN);
        let error = stale.json();
        assert_eq!(error["error"], "reauthentication_required");
        let page = go_on(&mut front_end, &error).await;
        assert_eq!((&page["page"], &page["asks_password"]), (&json!("login_again"), &json!(true)));
        let fields = json!({ "password": PASSWORD });
        let answer = fill(&mut front_end, (&page, "action"), fields, ok).await;
        assert_eq!(answer["next"], "/settings/two-factor/setup");

        let page = open(&mut front_end, "/logout").await;
        let answer = fill(&mut front_end, (&page, "action"), json!({}), ok).await;
        assert_eq!(answer["logged_in"], false);
        let visitor = front_end.get("/settings/sessions").await;
        assert_eq!(visitor.status, StatusCode::UNAUTHORIZED);
        let error = visitor.json();
        assert_eq!(error["next"], "/login?return_to=%2Fsettings%2Fsessions");
        assert_eq!(error["logged_in"], false);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_front_end_sets_a_new_password_and_logs_in_by_a_mailed_link_in_json_alone() {
    each_world(async |world| {
        let ok = StatusCode::OK;
        world.user(ALICE).await;
        let mut front_end = front_end(&world);
        let page = open(&mut front_end, "/forgot-password").await;
        let fields = json!({ "email": ALICE });
        let page = fill(&mut front_end, (&page, "action"), fields.clone(), ok).await;
        assert_eq!((&page["page"], &page["about"]), (&json!("check_mail"), &json!("reset")));
        let link = world.link_to(ALICE).await;
        let page = open(&mut front_end, &link).await;
        assert_eq!((&page["page"], &page["email"]), (&json!("reset_password"), &json!(ALICE)));
        let fields = json!({ "token": page["token"], "password": "another good passphrase" });
        let answer = fill(&mut front_end, (&page, "action"), fields.clone(), ok).await;
        assert!(answer["next"].is_string(), "{answer}");
        let over = front_end.get(&link).await;
        assert_eq!(over.status, StatusCode::GONE);
        let over = over.json();
        assert_eq!((&over["page"], &over["was_for"]), (&json!("link_over"), &json!("reset")));

        let mut front_end = front_end.another();
        world.mails_to(ALICE).await;
        let page = open(&mut front_end, "/login/link").await;
        let fields = json!({ "email": ALICE });
        fill(&mut front_end, (&page, "action"), fields, ok).await;
        let page = open(&mut front_end, &world.link_to(ALICE).await).await;
        assert_eq!(page["page"], "open_login_link");
        let fields = json!({ "token": page["token"] });
        let answer = fill(&mut front_end, (&page, "action"), fields, ok).await;
        assert_eq!(answer["logged_in"], true, "{answer}");
    })
    .await;
}

/// What an answer in JSON to a form in JSON shows and costs.
async fn asked(
    front_end: &mut Browser,
    path: &str,
    form: &Value,
) -> ((StatusCode, http::HeaderMap, String), Statements) {
    let (page, cost): (Page, _) = counted(front_end.post_json(path, form)).await;
    page.json();
    (seen(&page, form["email"].as_str().unwrap()), cost)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_in_json_is_the_same_for_every_address_and_costs_what_a_page_costs() {
    each_world(async |world| {
        let (locked, waiting) = ("locked@example.test", "waiting@example.test");
        let accounts = world.accounts.accounts();
        for email in [ALICE, locked] {
            world.user(email).await;
        }
        accounts.create(waiting, Some(PASSWORD), Default::default(), false).await.unwrap();
        warm(&world, &world.store).await;
        let front_end = front_end(&world);
        for _ in 0..7 {
            let form = json!({ "email": locked, "password": "wrong password" });
            front_end.another().post_json("/login", &form).await;
        }
        let wrong = [(NOBODY, PASSWORD), (ALICE, "wrong password"), (locked, PASSWORD)];
        let cases = [
            ("/login", [&wrong[..], &[(waiting, PASSWORD), (waiting, "wrong")]].concat()),
            ("/register", vec![("free@example.test", PASSWORD), (ALICE, PASSWORD)]),
            ("/forgot-password", vec![(NOBODY, ""), (ALICE, ""), (waiting, "")]),
            ("/confirm/resend", vec![(NOBODY, ""), (ALICE, ""), (waiting, "")]),
            ("/login/link", vec![(NOBODY, ""), (ALICE, ""), (waiting, "")]),
            ("/confirm", vec![(NOBODY, ""), (ALICE, ""), (waiting, "")]),
        ];
        for (path, who) in cases {
            let email = ("email", "somebody@example.test");
            let fields = [email, ("password", PASSWORD), ("code", "000000")];
            let (_, as_page) = counted(world.browser().post(path, &fields)).await;
            let mut first = None;
            for (email, password) in who {
                let form = json!({ "email": email, "password": password, "code": "000000" });
                let told = asked(&mut front_end.another(), path, &form).await;
                let first = first.get_or_insert_with(|| told.clone());
                assert_eq!(&told, first, "{path} {email}");
                assert_eq!(told.1, as_page, "{path} {email}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_posts_no_json_and_no_text_that_looks_like_it() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        browser.accept = "application/json";
        let password = json!({ "current": PASSWORD, "password": "chosen by another site" });
        let json = password.to_string();
        let path = "/settings/password";
        // A form with `enctype=text/plain`, whose one field is called like the beginning of an object.
        let as_text = format!("{{\"x\":\"={}", &json[1..].replacen('"', "\",\"", 1));
        let urlencoded = "application/x-www-form-urlencoded";
        let kinds = ["application/json", "text/plain", "multipart/form-data", urlencoded];
        for kind in kinds {
            for body in [&json, &as_text] {
                for origin in ["https://evil.example", "null"] {
                    let body = Some((kind, body.clone()));
                    let page = browser.request_of(Method::POST, path, body, Some(origin)).await;
                    assert_eq!(page.status, StatusCode::FORBIDDEN, "{kind} from {origin}");
                    assert_eq!(page.json()["error"], "cross_origin");
                }
            }
        }
        // Nor does it pass where nothing is known of where it comes from, nor is it read from our own.
        for kind in ["text/plain", "text/plain; charset=application/json", "multipart/form-data"] {
            for origin in [None, Some(ORIGIN)] {
                let body = Some((kind, json.clone()));
                let page = browser.request_of(Method::POST, path, body, origin).await;
                assert_eq!(page.status, StatusCode::BAD_REQUEST, "{kind}");
                assert_eq!(page.json()["error"], "invalid_form");
            }
        }
        // A browser asks first whether it may send JSON, and may not.
        let origin = Some("https://evil.example");
        let preflight = browser.request_of(Method::OPTIONS, path, None, origin).await;
        assert!(!preflight.status.is_success(), "{}", preflight.status);
        let granted = preflight.headers.keys().find(|name| name.as_str().starts_with("access-"));
        assert_eq!(granted, None);
        world.logged_in(ALICE).await;
    })
    .await;
}

#[tokio::test]
async fn a_form_in_json_has_each_field_once_and_a_browser_gets_its_page() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut front_end = front_end(&world);
        let twice = format!(r#"{{"email":"{ALICE}","email":"{NOBODY}","password":"{PASSWORD}"}}"#);
        for body in [twice.as_str(), "[]", "{", r#"{"email":1}"#, r#"{"email":{}}"#, ""] {
            let body = Some(("application/json", body.to_owned()));
            let page = front_end.request_of(Method::POST, "/login", body, Some(ORIGIN)).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
            assert_eq!(page.json()["error"], "invalid_form");
        }
        // JSON in, a redirect out: what is answered is what is asked for.
        let mut browser = world.browser();
        let form = json!({ "email": ALICE, "password": PASSWORD });
        let page = browser.post_json("/login", &form).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        let page = browser.get("/settings").await;
        assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
        // And a form in, JSON out, with the same cookies.
        let form = [("email", ALICE), ("password", PASSWORD)];
        let page = front_end.post("/login", &form).await;
        assert_eq!((page.status, &page.json()["next"]), (StatusCode::OK, &json!("/")));
        assert_eq!(
            front_end.cookies.keys().collect::<Vec<_>>(),
            browser.cookies.keys().collect::<Vec<_>>()
        );
        // No banner is spliced into what an administrator's program reads.
        let mut acting = self::front_end(&world);
        acting.get(&format!("/act?{ALICE}")).await;
        let page = open(&mut acting, "/settings").await;
        assert_eq!(page["impersonation"]["stop"], "/admin/stop");
        assert_eq!(
            (&page["page"], &page["logged_in"]),
            (&json!("settings_overview"), &json!(true))
        );
    })
    .await;
}
