//! Each persona, walked over HTTP in the application as the demo composes it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use axum::http::StatusCode;
use donjon::crypto::{Clock as _, Keyring, SystemClock, SystemRandom};
use donjon::store::SqlStore;

use self::browser::{Browser, Page};
use super::*;
use crate::app::App;
use crate::config::Config;

#[path = "../../../tests/it/support/browser.rs"]
#[expect(dead_code, unreachable_pub, reason = "the integration tests use all of it")]
pub(crate) mod browser;

const ORIGIN: &str = "http://localhost:3000";
/// The settings that everybody has.
const SETTINGS: &[&str] = &[
    "/settings",
    "/settings/password",
    "/settings/two-factor",
    "/settings/sessions",
    "/settings/organizations",
    "/settings/tokens",
    "/settings/export",
    "/settings/delete",
    #[cfg(feature = "passkeys")]
    "/settings/passkeys",
    #[cfg(feature = "social")]
    "/settings/connections",
];

/// The demo, but for its neighbours, and a browser at it.
pub(crate) async fn demo() -> (App, Browser) {
    let text = format!(
        "listen = \"127.0.0.1:3000\"\nissuer = \"{ORIGIN}\"\ndatabase_url = \"sqlite::memory:\"\n\
         [[users]]\nemail = \"{}\"\npassword = \"{PASSWORD}\"",
        EMPLOYEE.email
    );
    let config = Config::parse(&text, Path::new("test.toml")).unwrap();
    let store = SqlStore::connect(&config.database_url).await.unwrap();
    let app = App::build(&config, store, Keyring::ephemeral(&SystemRandom), true).await.unwrap();
    let mut browser = Browser::new(app.router.clone(), ORIGIN);
    browser.peer = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    (app, browser)
}

/// Presses the button of a persona on the first page; where that leads.
pub(crate) async fn become_one(browser: &mut Browser, who: &Persona) -> Page {
    let home = browser.get("/").await;
    let card = home.body.split(&format!("id=\"persona-{}\"", first(who))).nth(1).unwrap();
    let mut card = home.clone_with(card.split("</li>").next().unwrap());
    card.url.clone_from(&home.url);
    let page = browser.submit(&card, &[]).await;
    browser.follow(page).await
}

fn first(who: &Persona) -> &str {
    who.email.split('@').next().unwrap()
}

impl Page {
    fn clone_with(&self, body: &str) -> Self {
        Self { body: body.to_owned(), ..self.clone() }
    }
}

/// The subjects of the mails to an address, the newest first.
async fn mails_to(browser: &mut Browser, address: &str) -> Vec<serde_json::Value> {
    let mut program = browser.another();
    program.accept = "application/json";
    let all: Vec<serde_json::Value> =
        serde_json::from_str(&program.get("/dev/mailbox").await.body).unwrap();
    all.into_iter().filter(|mail| mail["to"] == address).collect()
}

#[tokio::test]
async fn the_first_page_shows_everybody_and_a_host_of_ones_own_nobody() {
    let (app, mut browser) = demo().await;
    let home = browser.get("/").await;
    for persona in ALL.iter().filter(|persona| persona.is_there()) {
        assert!(home.body.contains(persona.email), "{persona:?}");
    }
    app.stop().await;

    let text = format!(
        "listen = \"127.0.0.1:3000\"\nissuer = \"{ORIGIN}\"\ndatabase_url = \"sqlite::memory:\""
    );
    let config = Config::parse(&text, Path::new("test.toml")).unwrap();
    let store = SqlStore::connect(&config.database_url).await.unwrap();
    let app = App::build(&config, store, Keyring::ephemeral(&SystemRandom), false).await.unwrap();
    let mut browser = Browser::new(app.router.clone(), ORIGIN);
    assert!(!browser.get("/").await.has("personas"));
    for persona in ALL {
        let fields = [("email", persona.email), ("password", PASSWORD)];
        let page = browser.post("/login", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{persona:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn the_fresh_one_has_all_the_settings() {
    let (app, mut browser) = demo().await;
    let page = become_one(&mut browser, &FRESH).await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/settings"));
    for path in SETTINGS {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.body.contains(FRESH.email), "{path}");
    }
    assert_eq!(browser.get("/admin").await.status, StatusCode::FORBIDDEN);
    // Nobody's member: the team's page leads to where one is chosen.
    let page = browser.get("/team").await;
    assert!(page.location().unwrap().path().starts_with("/settings/organizations"));
    app.stop().await;
}

#[tokio::test]
async fn a_token_that_a_user_makes_is_good_at_the_api() {
    let (app, mut browser) = demo().await;
    become_one(&mut browser, &FRESH).await;
    let page = browser.get("/settings/tokens").await;
    let made = browser
        .submit(
            &page.clone_with(page.body.split("<main").nth(1).unwrap()),
            &[("name", "script"), ("scope", crate::api::SCOPE), ("lifetime", "30")],
        )
        .await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let token = made.text_of("token");
    assert!(token.starts_with("demo_"), "{token}");
    let call = |token: String| {
        axum::http::Request::get("/api/me")
            .header("host", "localhost:3000")
            .header("authorization", format!("Bearer {token}"))
            .body(Default::default())
            .unwrap()
    };
    let answer = browser.send(call(token.clone())).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let told: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(told["scope"], crate::api::SCOPE);
    let answer = browser.send(call(format!("{token}x"))).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    app.stop().await;
}

#[tokio::test]
async fn the_unconfirmed_one_is_mailed_the_link_and_comes_in_by_it() {
    let (app, mut browser) = demo().await;
    let page = become_one(&mut browser, &UNCONFIRMED).await;
    assert_ne!(page.url.path(), "/", "{}", page.body);
    assert!(!browser.get("/").await.has("logged-in"));
    let mails = mails_to(&mut browser, UNCONFIRMED.email).await;
    let text = mails[0]["text"].as_str().unwrap();
    let link = text.split_whitespace().find(|word| word.contains("/confirm?")).unwrap();
    let page = browser.get(link).await;
    let page = browser.submit(&page, &[("password", PASSWORD)]).await;
    browser.follow(page).await;
    become_one(&mut browser, &UNCONFIRMED).await;
    assert!(browser.get("/").await.has("logged-in"));
    app.stop().await;
}

#[tokio::test]
async fn the_locked_one_is_refused_with_the_right_password() {
    let (app, mut browser) = demo().await;
    let page = become_one(&mut browser, &LOCKED).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!browser.get("/").await.has("logged-in"));
    let mails = mails_to(&mut browser, LOCKED.email).await;
    assert_eq!(mails.len(), 1, "the owner of a locked address is told: {mails:#?}");
    app.stop().await;
}

#[tokio::test]
async fn the_one_with_an_app_is_asked_for_the_code_that_the_page_shows() {
    let (app, mut browser) = demo().await;
    let home = browser.get("/").await;
    let shown = home.body.split("class=\"code\">").nth(1).unwrap().split('<').next().unwrap();
    let code = TOTP.key().unwrap().code_at(SystemClock.now());
    assert_eq!(shown.len(), code.len());
    let page = become_one(&mut browser, &TOTP).await;
    assert_eq!(page.url.path(), "/login/verify");
    let page = browser.submit(&page, &[("code", &code)]).await;
    let page = browser.follow(page).await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/settings/two-factor"));
    app.stop().await;
}

#[cfg(feature = "passkeys")]
#[tokio::test]
async fn the_one_for_passkeys_comes_in_by_a_link_to_add_one() {
    let (app, mut browser) = demo().await;
    let page = become_one(&mut browser, &PASSKEY).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let mails = mails_to(&mut browser, PASSKEY.email).await;
    let text = mails[0]["text"].as_str().unwrap();
    let link = text.split_whitespace().find(|word| word.contains("/login/link/open")).unwrap();
    let page = browser.get(link).await;
    let page = browser.submit(&page, &[]).await;
    let page = browser.follow(page).await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/settings/passkeys"));
    assert!(page.has("passkey"), "no button to add one: {}", page.body);
    app.stop().await;
}

#[tokio::test]
async fn the_owner_has_members_a_guest_and_a_page_of_her_own() {
    let (app, mut browser) = demo().await;
    let page = become_one(&mut browser, &OWNER).await;
    assert_eq!(page.url.path(), "/settings/organizations");
    let page = browser.get(&page.link("Northwind")).await;
    for who in ["max@example.test", "mia@example.test", "ivy@example.test"] {
        assert!(page.body.contains(who), "{who}: {}", page.body);
    }
    assert_eq!(mails_to(&mut browser, "ivy@example.test").await.len(), 1);
    let page = browser.get("/team").await;
    assert!(page.body.contains("Max Adler") && page.has("payout"), "{}", page.body);
    assert!(browser.get("/team/payout").await.has("payouts"));

    let mut member = browser.another();
    let fields = [("email", "mia@example.test"), ("password", PASSWORD)];
    let page = member.post("/login", &fields).await;
    member.follow(page).await;
    let page = member.get("/team").await;
    assert!(page.has("team") && !page.has("payout"));
    assert_eq!(member.get("/team/payout").await.status, StatusCode::FORBIDDEN);
    app.stop().await;
}

#[tokio::test]
async fn the_one_behind_single_sign_on_is_led_there_whatever_he_knows() {
    let (app, mut browser) = demo().await;
    let home = browser.get("/").await;
    let page = browser.get(&home.link("Go to the login as Sam")).await;
    assert_eq!(page.value_of("email"), SSO.email);
    let page = browser.post("/login", &[("email", SSO.email), ("password", PASSWORD)]).await;
    let location = page.location().unwrap();
    assert_eq!(location.path(), "/saml/acme/login", "{location}");
    assert!(!browser.get("/").await.has("logged-in"));
    app.stop().await;
}

#[tokio::test]
async fn the_administrator_sees_everybody_and_acts_as_the_owner_but_not_in_person() {
    let (app, mut browser) = demo().await;
    let page = become_one(&mut browser, &ADMIN).await;
    assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/admin"));
    let home = browser.get("/").await;
    for (text, shown) in
        [("all organizations", "Northwind"), ("webhooks", "Webhooks"), ("mails not sent", "Mails")]
    {
        let page = browser.get(&home.link(text)).await;
        assert!(page.status == StatusCode::OK && page.body.contains(shown), "{}", page.body);
    }
    let found = browser.get(&format!("/admin?email={}", OWNER.email)).await;
    let owner = browser.get(&found.link(OWNER.email)).await;
    let act = owner.url.path().to_owned() + "/impersonate";
    let page = browser.post(&act, &[("reason", "a ticket")]).await;
    let home = browser.follow(page).await;
    assert!(home.body.contains("Hello, Olivia Park") && home.has("stop-impersonation"));
    assert_eq!(browser.get("/team/payout").await.status, StatusCode::FORBIDDEN);
    let page = browser.post("/admin/stop", &[]).await;
    let back = browser.follow(page).await;
    assert_eq!(back.url.path(), owner.url.path());
    app.stop().await;
}
