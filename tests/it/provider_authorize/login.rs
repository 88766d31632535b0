//! Logging in: when it is needed, and that it really happened.

use donjon::scope::{CurrentScope, Prompt};
use time::Duration;

use super::world::{Browser, CALLBACK, World, each_world};

/// A consent for later requests of this user.
async fn agree(world: &World, user: &str) -> Browser {
    let mut browser = world.browser_of(user);
    let page = browser.authorize_to_consent(&[("prompt", "consent")]).await;
    browser.press(&page, "approve").await.code();
    browser
}

#[tokio::test]
async fn who_is_not_logged_in_is_sent_to_log_in_and_comes_back() {
    each_world(async |world| {
        let mut browser = world.browser();
        let answer = browser
            .authorize(&[
                ("login_hint", "alice@example.test"),
                ("ui_locales", "se en"),
                ("acr_values", "urn:a urn:b"),
                ("prompt", "login consent"),
                ("max_age", "60"),
                ("resource", "https://api.example/"),
            ])
            .await;
        let return_to = answer.return_to();

        let asked = world.host.asked.lock().unwrap().pop().unwrap();
        assert_eq!(asked.return_to.as_deref(), Some(&*return_to));
        assert_eq!(asked.interaction_id.as_deref(), return_to.rsplit('/').next());
        assert_eq!(asked.client_id.as_deref(), Some("spa"));
        assert_eq!(asked.login_hint.as_deref(), Some("alice@example.test"));
        assert_eq!(asked.ui_locales, ["se", "en"]);
        assert_eq!(asked.acr_values, ["urn:a", "urn:b"]);
        assert_eq!(asked.prompt, [Prompt::Login, Prompt::Consent]);
        assert_eq!(asked.max_age, Some(60));
        assert_eq!(asked.scopes, ["openid", "email"]);
        assert_eq!(asked.resources, ["https://api.example/"]);

        world.log_in(&mut browser, "alice");
        let page = browser.consent_page(&return_to).await;
        assert!(page.answer.body.contains("alice@example.test"));
        let code = browser.press(&page, "approve").await.code();
        assert_eq!(world.code(&code).await.unwrap().grant.subject.as_str(), "alice");
    })
    .await;
}

#[tokio::test]
async fn coming_back_without_having_logged_in_leads_to_the_login_again() {
    each_world(async |world| {
        let mut browser = world.browser();
        let return_to = browser.authorize(&[]).await.return_to();
        assert_eq!(browser.get(&return_to).await.return_to(), return_to);
        world.log_in(&mut browser, "alice");
        browser.consent_page(&return_to).await;
    })
    .await;
}

#[tokio::test]
async fn a_fresh_login_is_proven_and_not_believed() {
    each_world(async |world| {
        for fields in [[("prompt", "login")], [("prompt", "select_account")], [("max_age", "0")]] {
            let mut browser = agree(&world, "alice").await;
            world.clock.advance(Duration::MINUTE);
            let return_to = browser.authorize(&fields).await.return_to();
            // The user, or a host whose login page lets them through, comes straight back.
            assert_eq!(browser.get(&return_to).await.return_to(), return_to, "{fields:?}");
            world.log_in(&mut browser, "alice");
            let code = browser.get(&return_to).await.code();
            let grant = world.code(&code).await.unwrap().grant;
            assert_eq!(Some(&grant.authentication), browser.scope.authentication());
        }
    })
    .await;
}

#[tokio::test]
async fn freshness_is_proven_when_the_form_comes_too() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let stale = browser.scope.clone();
        world.clock.advance(Duration::MINUTE);
        let return_to = browser.authorize(&[("prompt", "login")]).await.return_to();
        world.log_in(&mut browser, "alice");
        let page = browser.consent_page(&return_to).await;
        browser.scope = stale;
        let answer = browser.press(&page, "approve").await;
        assert_eq!(answer.interaction_path(), return_to);
        browser.scope = CurrentScope::anonymous();
        assert_eq!(browser.press(&page, "approve").await.interaction_path(), return_to);
        assert_eq!(browser.get(&return_to).await.return_to(), return_to);
    })
    .await;
}

#[tokio::test]
async fn a_host_that_never_logs_in_again_does_not_loop_for_ever() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        world.clock.advance(Duration::MINUTE);
        let return_to = browser.authorize(&[("prompt", "login")]).await.return_to();
        let mut rounds = 0;
        let answer = loop {
            let answer = browser.get(&return_to).await;
            rounds += 1;
            if !answer.location().starts_with("/login") {
                break answer;
            }
            assert!(rounds < 20);
        };
        assert_eq!(answer.error(), "login_required");
    })
    .await;
}

#[tokio::test]
async fn max_age_counts_from_the_last_login() {
    each_world(async |world| {
        let mut browser = agree(&world, "alice").await;
        world.clock.advance(Duration::seconds(2));
        let answer = browser.authorize(&[("max_age", "10000")]).await;
        let first = world.code(&answer.code()).await.unwrap().grant;
        assert!(first.auth_time_requested);
        assert_eq!(Some(&first.authentication), browser.scope.authentication());

        let return_to = browser.authorize(&[("max_age", "1")]).await.return_to();
        world.log_in(&mut browser, "alice");
        // Slower than max_age itself: what counts is that the login came after the request.
        world.clock.advance(Duration::MINUTE);
        let second = world.code(&browser.get(&return_to).await.code()).await.unwrap().grant;
        assert!(second.authentication.at > first.authentication.at);
    })
    .await;
}

#[tokio::test]
async fn prompt_none_shows_no_page_whatever_is_missing() {
    each_world(async |world| {
        let silent = ("prompt", "none");
        let mut nobody = world.browser();
        assert_eq!(nobody.authorize(&[silent]).await.error(), "login_required");
        assert!(nobody.cookies.is_empty());

        let mut stranger = world.browser_of("bob");
        assert_eq!(stranger.authorize(&[silent]).await.error(), "consent_required");

        let mut browser = agree(&world, "alice").await;
        browser.authorize(&[silent]).await.code();
        let more = browser.authorize(&[silent, ("scope", "openid email profile")]).await;
        assert_eq!(more.error(), "consent_required");
        let elsewhere = browser.authorize(&[silent, ("resource", "https://api.example/")]).await;
        assert_eq!(elsewhere.error(), "consent_required");
        world.clock.advance(Duration::MINUTE);
        let stale = browser.authorize(&[silent, ("max_age", "1")]).await;
        assert_eq!(stale.error(), "login_required");
        browser.authorize(&[silent, ("max_age", "3600")]).await.code();
    })
    .await;
}

#[tokio::test]
async fn a_user_who_changes_on_the_way_is_taken_as_who_they_are_now() {
    each_world(async |world| {
        let mut browser = agree(&world, "alice").await;
        let return_to = browser.authorize(&[("prompt", "login")]).await.return_to();
        world.log_in(&mut browser, "bob");
        // What alice agreed to is nothing to bob.
        let page = browser.consent_page(&return_to).await;
        assert!(page.answer.body.contains("bob@example.test"));
        assert!(!page.answer.body.contains("alice"));
        let code = browser.press(&page, "approve").await.code();
        assert_eq!(world.code(&code).await.unwrap().grant.subject.as_str(), "bob");
    })
    .await;
}

/// Redeems a code for an ID token.
async fn id_token(browser: &mut Browser, code: &str) -> String {
    let form = serde_urlencoded::to_string([
        ("grant_type", "authorization_code"),
        ("client_id", "spa"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        // RFC 7636, appendix B.
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ]);
    let answer = browser.post("/oauth/token", &form.unwrap(), "https://client.example").await;
    let tokens: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    tokens["id_token"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
}

#[tokio::test]
async fn an_id_token_hint_is_met_by_its_user_only() {
    each_world(async |world| {
        let mut browser = agree(&world, "alice").await;
        let code = browser.authorize(&[]).await.code();
        let token = id_token(&mut browser, &code).await;
        let (hint, silent) = (("id_token_hint", &*token), ("prompt", "none"));
        // Long over, it still says who is meant.
        world.clock.advance(Duration::days(2));
        browser.authorize(&[hint, silent]).await.code();
        let forged = format!("{token}A");
        let refused = browser.authorize(&[("id_token_hint", &forged), silent]).await;
        assert_eq!(refused.error(), "invalid_request");

        let mut other = agree(&world, "bob").await;
        assert_eq!(other.authorize(&[hint, silent]).await.error(), "login_required");
        let return_to = other.authorize(&[hint]).await.return_to();
        world.log_in(&mut other, "bob");
        assert_eq!(other.get(&return_to).await.error(), "login_required");
        world.log_in(&mut other, "alice");
        let grant = world.code(&other.get(&return_to).await.code()).await.unwrap().grant;
        assert_eq!(grant.subject.as_str(), "alice");
    })
    .await;
}
