//! Consent: who is asked, who answers, and what the answer is worth.

use std::sync::Arc;

use donjon::provider::{Client, ConsentPolicy, ConsentRule, FirstPartyClients, ResolverError};
use donjon::scope::{Account, Context, CurrentScope};
use http::StatusCode;
use time::Duration;

use super::world::{ISSUER, each_world, each_world_with};

#[tokio::test]
async fn the_page_says_who_asks_for_what_and_leads_to_the_client() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let fields =
            [("scope", "openid offline_access api:read"), ("resource", "https://api.example/")];
        let page = browser.authorize_to_consent(&fields).await;
        let body = &page.answer.body;
        assert!(body.contains("The spa &#60;client&#62;"), "{body}");
        for shown in [
            "alice@example.test",
            "api:read",
            "https://api.example/",
            "id=\"approve\"",
            "id=\"deny\"",
        ] {
            assert!(body.contains(shown), "{shown}: {body}");
        }
        assert!(!body.contains("<script"));
        let headers = &page.answer.headers;
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.ends_with("form-action 'self' https://client.example"), "{policy}");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["x-frame-options"], "DENY");
    })
    .await;
}

#[tokio::test]
async fn no_is_an_answer() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let page = browser.authorize_to_consent(&[]).await;
        let answer = browser.press(&page, "deny").await;
        assert_eq!(answer.error(), "access_denied");
        // It is over: the page behind the back button has no interaction any more.
        assert!(browser.cookies.is_empty());
        assert_eq!(browser.press(&page, "approve").await.page_error(), "invalid_request");
        // And nothing is remembered of it.
        assert_eq!(browser.authorize(&[("prompt", "none")]).await.error(), "consent_required");
    })
    .await;
}

#[tokio::test]
async fn consent_is_remembered_for_its_user_client_scopes_and_resources() {
    each_world(async |world| {
        let api = ("resource", "https://api.example/");
        let mut browser = world.browser_of("alice");
        let page = browser.authorize_to_consent(&[("scope", "openid api:read"), api]).await;
        browser.press(&page, "approve").await.code();

        browser.authorize(&[("scope", "openid api:read"), api]).await.code();
        browser.authorize(&[("scope", "openid"), api]).await.code();
        for more in [
            vec![("scope", "openid api:read email"), api],
            vec![("scope", "openid api:read")],
            vec![("scope", "openid api:read"), ("resource", "https://other.example/")],
            vec![("scope", "openid api:read"), api, ("client_id", "web"), ("nonce", "n")],
            vec![("scope", "openid api:read"), api, ("prompt", "consent")],
        ] {
            browser.authorize(&more).await.interaction_path();
        }
        let two = format!(
            "{}&resource=https%3A%2F%2Fother.example%2F",
            super::world::encode(&super::world::request(&[("scope", "openid"), api]),)
        );
        browser.get(&format!("/oauth/authorize?{two}")).await.interaction_path();

        let mut bob = world.browser_of("bob");
        bob.authorize(&[("scope", "openid api:read"), api]).await.interaction_path();
    })
    .await;
}

/// Any program on the user's machine can say that it is the app, and listen.
#[tokio::test]
async fn an_app_that_anybody_could_be_is_asked_for_each_time() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        for port in [51_004, 51_005] {
            let uri = format!("http://127.0.0.1:{port}/native");
            let silent = browser.authorize(&[("redirect_uri", &uri), ("prompt", "none")]).await;
            assert!(silent.location().starts_with(&format!("{uri}?error=consent_required")));
            let page = browser.authorize_to_consent(&[("redirect_uri", &uri)]).await;
            let answer = browser.press(&page, "approve").await;
            assert!(answer.location().starts_with(&format!("{uri}?code=")));
        }
        // The client's place in the web is its own, and the consent counts there.
        browser.authorize(&[("prompt", "none")]).await.code();
    })
    .await;
}

#[tokio::test]
async fn read_here_and_write_there_is_not_write_here() {
    each_world(async |world| {
        let (here, there) =
            (("resource", "https://here.example/"), ("resource", "https://there.example/"));
        let mut browser = world.browser_of("alice");
        for fields in [[("scope", "openid email"), here], [("scope", "openid api:read"), there]] {
            let page = browser.authorize_to_consent(&fields).await;
            browser.press(&page, "approve").await.code();
        }
        browser.authorize(&[("scope", "openid api:read"), here]).await.interaction_path();
    })
    .await;
}

#[tokio::test]
async fn the_hosts_own_clients_do_not_ask_unless_they_want_to() {
    let own = |builder: donjon::provider::AuthorizationServerBuilder| {
        builder.consent_policy(Arc::new(FirstPartyClients::new(["spa"])))
    };
    each_world_with(own, async |world| {
        let mut browser = world.browser_of("alice");
        browser.authorize(&[("prompt", "none")]).await.code();
        browser.authorize(&[("prompt", "consent")]).await.interaction_path();
        browser.authorize(&[("client_id", "web"), ("nonce", "n")]).await.interaction_path();
    })
    .await;
}

struct EachTime;

#[async_trait::async_trait]
impl ConsentPolicy for EachTime {
    async fn rule(
        &self,
        _: &Client,
        _: &Account,
        asked: &Context,
    ) -> Result<ConsentRule, ResolverError> {
        if asked.scopes.iter().any(|scope| scope == "profile") {
            return Err("no idea".into());
        }
        Ok(ConsentRule::EachTime)
    }
}

#[tokio::test]
async fn a_policy_may_ask_each_time_and_may_fail() {
    let each_time = |builder: donjon::provider::AuthorizationServerBuilder| {
        builder.consent_policy(Arc::new(EachTime))
    };
    each_world_with(each_time, async |world| {
        let mut browser = world.browser_of("alice");
        let page = browser.authorize_to_consent(&[]).await;
        browser.press(&page, "approve").await.code();
        browser.authorize(&[]).await.interaction_path();
        assert_eq!(browser.authorize(&[("prompt", "none")]).await.error(), "consent_required");
        assert_eq!(browser.authorize(&[("scope", "profile")]).await.error(), "server_error");
    })
    .await;
}

#[tokio::test]
async fn the_form_counts_only_from_our_own_page() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let page = browser.authorize_to_consent(&[]).await;
        for origin in [
            "https://evil.example",
            "https://client.example",
            "null",
            "http://op.example",
            "http://op.example:1",
        ] {
            let answer = browser.post(&page.path, &page.form("approve"), origin).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin}");
            assert!(!answer.headers.contains_key("location"));
        }
        // A GET decides nothing.
        let answer = browser.get(&format!("{}?{}", page.path, page.form("approve"))).await;
        assert_eq!(answer.status, StatusCode::OK);
        for bad in [
            "decision=approve",
            "shown_to=x&decision=perhaps",
            "",
            "decision=approve&decision=deny",
        ] {
            let answer = browser.post(&page.path, bad, ISSUER).await;
            assert_eq!(answer.page_error(), "invalid_request", "{bad}");
        }
        assert_eq!(browser.authorize(&[("prompt", "none")]).await.error(), "consent_required");
    })
    .await;
}

#[tokio::test]
async fn only_the_user_who_was_asked_can_say_yes() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let page = browser.authorize_to_consent(&[]).await;
        // Somebody else logs in between the page and the button.
        world.log_in(&mut browser, "bob");
        let answer = browser.press(&page, "approve").await;
        assert_eq!(answer.interaction_path(), page.path);
        assert_eq!(browser.authorize(&[("prompt", "none")]).await.error(), "consent_required");
        let asked_anew = browser.consent_page(&page.path).await;
        assert!(asked_anew.answer.body.contains("bob@example.test"));
        assert_ne!(asked_anew.shown_to, page.shown_to);
        let code = browser.press(&asked_anew, "approve").await.code();
        assert_eq!(world.code(&code).await.unwrap().grant.subject.as_str(), "bob");
    })
    .await;
}

#[tokio::test]
async fn a_mark_is_good_for_its_interaction_only() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let first = browser.authorize_to_consent(&[]).await;
        let second = browser.authorize_to_consent(&[("scope", "openid api:read")]).await;
        let answer = browser.post(&second.path, &first.form("approve"), ISSUER).await;
        assert_eq!(answer.interaction_path(), second.path);
        let forged = format!("shown_to={}&decision=approve", "A".repeat(43));
        let answer = browser.post(&second.path, &forged, ISSUER).await;
        assert_eq!(answer.interaction_path(), second.path);
    })
    .await;
}

#[tokio::test]
async fn who_logged_out_meanwhile_must_log_in_again() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let page = browser.authorize_to_consent(&[]).await;
        browser.scope = CurrentScope::anonymous();
        assert_eq!(browser.press(&page, "approve").await.interaction_path(), page.path);
        assert_eq!(browser.get(&page.path).await.return_to(), page.path);
        world.log_in(&mut browser, "alice");
        let page = browser.consent_page(&page.path).await;
        browser.press(&page, "approve").await.code();
        world.clock.advance(Duration::SECOND);
    })
    .await;
}
