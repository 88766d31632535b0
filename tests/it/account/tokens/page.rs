//! The page where a user makes tokens, and revokes them.

use donjon::store::{Device, Effects, TokenPage};
use http::StatusCode;
use time::Duration;

use super::*;
use crate::account::world::{ALICE, each_world};
use crate::support::browser::{Browser, Page};

const GOOD: [(&str, &str); 4] =
    [("name", "Backups"), ("scope", "api:read"), ("scope", "api:write"), ("lifetime", "30")];

async fn alice(world: &World) -> Browser {
    world.user(ALICE).await;
    world.logged_in(ALICE).await
}

async fn held(world: &World, tokens: &ApiTokens, email: &str) -> Vec<StoredApiToken> {
    tokens.of(&id_of(world, email).await, TokenPage::default()).await.unwrap()
}

fn leads_to_login(page: &Page) -> bool {
    page.location().is_some_and(|target| target.path().starts_with("/login"))
}

#[tokio::test]
async fn a_token_is_shown_once_and_its_owner_is_told() {
    each_token_world(async |world, tokens| {
        let mut browser = alice(&world).await;
        assert!(browser.get(TOKENS).await.has("no-tokens"));
        let page = browser.post(TOKENS, &GOOD).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert_eq!(page.headers["cache-control"], "no-store");
        let text = page.text_of("token");
        let verified = tokens.verify(&text, &Device::default()).await.unwrap();
        assert_eq!(verified.credential.scopes, ["api:read", "api:write"]);
        assert_eq!(verified.scope.account().unwrap().email(), Some(ALICE));

        let list = browser.get(TOKENS).await;
        assert!(list.body.contains("Backups") && !list.body.contains(&text));
        let mails = world.mails_to(ALICE).await;
        assert_eq!(mails[0].subject, "A new API token");
        assert!(mails[0].text.contains("“Backups”") && !mails[0].text.contains(&text));
        let entries = told(&world, "api.token_create").await;
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].actor, Some(id_of(&world, ALICE).await));
        assert_eq!(entries[0].subject.as_deref(), Some(verified.credential.token_id.as_str()));
        assert!(!format!("{entries:?}").contains(&text));
    })
    .await;
}

#[tokio::test]
async fn a_token_is_what_the_host_allows() {
    each_token_world(async |world, tokens| {
        let mut browser = alice(&world).await;
        let long = "x".repeat(101);
        for (name, scopes, lifetime) in [
            ("", ["api:read"].as_slice(), "30"),
            (" \t ", &["api:read"], "30"),
            (&long, &["api:read"], "30"),
            ("a\u{1b}[2J", &["api:read"], "30"),
            ("a", &[], "30"),
            ("a", &["api:admin"], "30"),
            ("a", &["api:read", "*"], "30"),
            ("a", &["api:read"], "never"),
            ("a", &["api:read"], "366"),
            ("a", &["api:read"], "0"),
            ("a", &["api:read"], "-1"),
            ("a", &["api:read"], "99999999999999999999"),
            ("a", &["api:read"], ""),
        ] {
            let mut form = vec![("name", name), ("lifetime", lifetime)];
            form.extend(scopes.iter().map(|scope| ("scope", *scope)));
            let page = browser.post(TOKENS, &form).await;
            let seen = format!("{name:?} {scopes:?} {lifetime:?}: {}", page.body);
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{seen}");
            assert!(page.body.contains("role=\"alert\"") && page.has("submit"), "{seen}");
        }
        assert!(held(&world, &tokens, ALICE).await.is_empty());
        assert!(world.mails_to(ALICE).await.is_empty());
        let page =
            browser.post(TOKENS, &[("name", "<b>&"), ("scope", "api:read"), ("lifetime", "365")]);
        assert!(page.await.body.contains("&#60;b&#62;&#38;"));
    })
    .await;
}

#[tokio::test]
async fn nobody_has_more_tokens_than_the_host_allows() {
    each_token_world(async |world, tokens| {
        let mut browser = alice(&world).await;
        for _ in 0..3 {
            assert!(browser.post(TOKENS, &GOOD).await.has("token"));
        }
        let page = browser.post(TOKENS, &GOOD).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.body.contains("value=\"Backups\""), "what was typed is kept");
        let first = held(&world, &tokens, ALICE).await.remove(0);
        browser.post(REVOKE, &[("id", &first.id.to_string())]).await;
        assert!(browser.post(TOKENS, &GOOD).await.has("token"));
    })
    .await;
}

#[tokio::test]
async fn a_token_is_revoked_at_once_and_by_its_owner_only() {
    each_token_world(async |world, tokens| {
        let mut browser = alice(&world).await;
        let mallory = "mallory@example.test";
        world.user(mallory).await;
        let mut attacker = world.logged_in(mallory).await;
        let (text, token) = token_of(&world, &tokens, ALICE).await;
        let id = token.id.to_string();
        for bad in [id.as_str(), "x", &"0".repeat(32)] {
            let page = attacker.post(REVOKE, &[("id", bad)]).await;
            assert_eq!(page.location().unwrap().path(), TOKENS);
        }
        tokens.verify(text.expose(), &Device::default()).await.unwrap();
        assert!(told(&world, "api.token_revoke").await.is_empty());
        let page = browser.post(REVOKE, &[("id", &id)]).await;
        assert_eq!(page.location().unwrap().path(), TOKENS);
        tokens.verify(text.expose(), &Device::default()).await.unwrap_err();
        assert!(browser.get(TOKENS).await.has("no-tokens"));
        browser.post(REVOKE, &[("id", &id)]).await;
        assert_eq!(told(&world, "api.token_revoke").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn making_and_revoking_a_token_takes_a_fresh_login() {
    each_token_world(async |world, tokens| {
        let browser = alice(&world).await;
        let (_, token) = token_of(&world, &tokens, ALICE).await;
        let id = token.id.to_string();
        world.clock.advance(Duration::hours(2));
        for mut visitor in [browser, world.browser()] {
            assert!(leads_to_login(&visitor.post(TOKENS, &GOOD).await));
            assert!(leads_to_login(&visitor.post(REVOKE, &[("id", &id)]).await));
        }
        assert!(leads_to_login(&world.browser().get(TOKENS).await));
        assert_eq!(held(&world, &tokens, ALICE).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_token_form_cannot_be_posted_from_another_site() {
    each_token_world(async |world, tokens| {
        let mut browser = alice(&world).await;
        let page = browser.post_from("https://evil.example", TOKENS, &GOOD).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(held(&world, &tokens, ALICE).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_reset_of_the_password_ends_every_token() {
    each_token_world(async |world, tokens| {
        world.user(ALICE).await;
        let (text, _) = token_of(&world, &tokens, ALICE).await;
        let link = world.reset_link(ALICE).await;
        let mut browser = world.browser();
        let page = browser.get(&link).await;
        browser.submit(&page, &[("password", "another long passphrase")]).await;
        tokens.verify(text.expose(), &Device::default()).await.unwrap_err();
        assert!(held(&world, &tokens, ALICE).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_token_of_an_account_that_was_disabled_stays_dead_when_it_is_enabled() {
    each_token_world(async |world, tokens| {
        world.user(ALICE).await;
        let (text, _) = token_of(&world, &tokens, ALICE).await;
        let alice = world.account(ALICE).await;
        let (now, none) = (donjon::crypto::Clock::now(&*world.clock), Effects::none());
        assert!(world.store.disable_account(alice.id(), &none, now).await.unwrap());
        tokens.verify(text.expose(), &Device::default()).await.unwrap_err();
        assert!(world.store.enable_account(alice.id(), &none).await.unwrap());
        tokens.verify(text.expose(), &Device::default()).await.unwrap_err();
    })
    .await;
}

#[tokio::test]
async fn without_tokens_there_is_no_page_about_them() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        assert!(!browser.get("/settings").await.body.contains("tokens"));
        for path in [TOKENS, REVOKE] {
            let page = browser.get(path).await;
            assert_eq!(page.body, format!("hello {ALICE} at {path}"), "the host's own");
        }
    })
    .await;
}

#[tokio::test]
async fn signing_out_from_apps_ends_every_token_and_signing_out_alone_none() {
    each_token_world(async |world, tokens| {
        world.user(ALICE).await;
        token_of(&world, &tokens, ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        browser.post("/settings/sessions/sign-out", &[]).await;
        assert_eq!(held(&world, &tokens, ALICE).await.len(), 1);
        let mut browser = world.logged_in(ALICE).await;
        browser.post("/settings/sessions/sign-out", &[("apps", "1")]).await;
        assert!(held(&world, &tokens, ALICE).await.is_empty());
    })
    .await;
}
