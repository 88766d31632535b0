//! Whatever is asked: no crash, and no redirect but to the client's own address or to our own.

use std::cell::Cell;

use donjon::store::SqlStore;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::world::{CALLBACK, CHALLENGE, ISSUER, World, clients, each_world};

const NAMES: [&str; 17] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "resource",
    "login_hint",
    "id_token_hint",
    "acr_values",
    "request",
    "unheard-of",
];
const VALUES: [&str; 14] = [
    "spa",
    "web",
    "code",
    "query",
    "form_post",
    "openid",
    "openid email",
    "S256",
    CHALLENGE,
    "none",
    "login consent",
    "0",
    CALLBACK,
    "https://evil.example/",
];

/// A redirect URI that was tampered with, one way or another.
fn tampered() -> impl Strategy<Value = String> {
    let evil = prop::sample::select(vec![
        "@evil.example",
        ".evil.example",
        "//evil.example",
        "\\evil.example",
        "%2f",
        "#x",
        "\r\nx: y",
        "?",
        "&",
        ":80",
        "\u{0}",
        "/..",
        " ",
    ]);
    (0..=CALLBACK.len(), 0usize..3, evil).prop_map(|(at, cut, evil)| {
        let (before, after) = CALLBACK.split_at(at);
        format!("{before}{evil}{}", after.get(cut..).unwrap_or_default())
    })
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(VALUES.to_vec()).prop_map(str::to_owned),
        1 => tampered(),
        1 => ".{0,40}",
    ]
}

/// A good request, perhaps with a tampered redirect URI, with some fields changed, left out or
/// repeated.
fn request() -> impl Strategy<Value = Vec<(String, String)>> {
    let keep = prop::collection::vec(prop::bool::weighted(0.95), 7);
    let uri = prop::option::weighted(0.4, tampered());
    let more = prop::collection::vec((prop::sample::select(NAMES.to_vec()), value()), 0..3);
    (keep, uri, more).prop_map(|(keep, uri, more)| {
        let good = super::world::request(&[("redirect_uri", uri.as_deref().unwrap_or(CALLBACK))]);
        let kept = good.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(field, _)| field);
        kept.chain(more.into_iter().map(|(name, value)| (name.to_owned(), value))).collect()
    })
}

#[test]
fn nothing_is_redirected_anywhere_else() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(async {
        let store = SqlStore::connect("sqlite::memory:").await.unwrap();
        World::new(store, clients(), |builder| builder).await
    });
    let config = Config { cases: 1000, failure_persistence: None, ..Config::default() };
    let (redirects, pages) = (Cell::new(0), Cell::new(0));
    let outcome = TestRunner::new(config).run(&(request(), any::<bool>()), |(fields, post)| {
        let form = serde_urlencoded::to_string(&fields).unwrap();
        let mut browser = world.browser_of("alice");
        let answer = runtime.block_on(async {
            if post {
                browser.post("/oauth/authorize", &form, ISSUER).await
            } else {
                browser.get(&format!("/oauth/authorize?{form}")).await
            }
        });
        prop_assert!(answer.status.as_u16() < 500, "{}", answer.status);
        let Some(location) = answer.headers.get("location") else {
            pages.set(pages.get() + 1);
            for action in answer.body.split("action=\"").skip(1) {
                prop_assert!(action.starts_with(&format!("{CALLBACK}\"")), "{action}");
            }
            return Ok(());
        };
        redirects.set(redirects.get() + 1);
        let location = location.to_str().unwrap();
        let at_client = location.starts_with(&format!("{CALLBACK}&"));
        let own = ["/oauth/interactions/", "/login?"].iter().any(|path| location.starts_with(path));
        prop_assert!(at_client || own, "{location}");
        prop_assert_eq!(at_client, location.contains("iss=https%3A%2F%2Fop.example"));
        Ok(())
    });
    outcome.unwrap();
    // Both kinds of answer were among those that were looked at.
    let (redirects, pages) = (redirects.get(), pages.get());
    assert!(redirects > 100 && pages > 100, "{redirects} redirects, {pages} pages");
}

/// What one database keeps and another does not, or what ends a line, is no reason to fail.
#[tokio::test]
async fn no_text_is_too_odd_for_the_store() {
    each_world(async |world| {
        for name in NAMES.iter().chain(&["ui_locales", "claims", "display", "response_mode"]) {
            for odd in
                ["\0", "https://a.example/\0", "a\0b c", "\u{1}", "\u{85}", "\u{fffe}", "\u{fffd}"]
            {
                let mut browser = world.browser_of("alice");
                let answer = browser.authorize(&[(name, odd)]).await;
                assert!(answer.status.as_u16() < 500, "{name} {odd:?}: {}", answer.body);
                let Some(location) = answer.headers.get("location") else { continue };
                let location = location.to_str().unwrap().to_owned();
                assert!(
                    !location.contains("temporarily_unavailable"),
                    "{name} {odd:?}: {location}"
                );
                if location.starts_with("/oauth/interactions/") {
                    let page = browser.consent_page(&location).await;
                    let answer = browser.press(&page, "approve").await;
                    assert!(answer.at_client().contains_key("code"), "{name} {odd:?}");
                }
            }
        }
    })
    .await;
}
