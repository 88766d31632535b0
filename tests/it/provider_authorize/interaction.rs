//! The interaction: one browser, one hour, one code.

use std::sync::Arc;

use donjon::crypto::Clock as _;
use donjon::crypto::OpaqueToken;
use donjon::store::{CodeRedemption, IssuerId, ProviderStore, RedeemCode};
use futures_util::future::join_all;
use time::Duration;

use super::world::{ISSUER, World, each_world};

async fn redeem(world: &World, code: &str) -> CodeRedemption {
    let store: Arc<dyn ProviderStore> = (&world.store).into();
    let redeem = RedeemCode {
        code: OpaqueToken::parse(code).unwrap().hash(),
        client_id: "spa".into(),
        refresh: None,
        assertion: None,
        now: world.clock.now(),
        revocation_expires_at: world.clock.now() + Duration::HOUR,
    };
    store.redeem_code(&IssuerId::new(ISSUER), &redeem).await.unwrap()
}

#[tokio::test]
async fn a_stolen_url_is_worth_nothing_in_another_browser() {
    each_world(async |world| {
        let mut victim = world.browser_of("alice");
        let page = victim.authorize_to_consent(&[]).await;
        // Neither the URL, nor the mark of the page, nor being the same user helps.
        for mut thief in [world.browser(), world.browser_of("mallory"), world.browser_of("alice")] {
            assert_eq!(thief.get(&page.path).await.page_error(), "invalid_request");
            let answer = thief.post(&page.path, &page.form("approve"), ISSUER).await;
            assert_eq!(answer.page_error(), "invalid_request");
            let answer = thief.post(&page.path, &page.form("deny"), ISSUER).await;
            assert_eq!(answer.page_error(), "invalid_request");
        }
        victim.press(&page, "approve").await.code();
    })
    .await;
}

/// Login CSRF: an attacker begins, and has the victim go on with the attacker's request.
#[tokio::test]
async fn an_interaction_cannot_be_handed_to_a_victim() {
    each_world(async |world| {
        let mut attacker = world.browser();
        let return_to = attacker.authorize(&[]).await.return_to();
        let mut victim = world.browser_of("alice");
        assert_eq!(victim.get(&return_to).await.page_error(), "invalid_request");
        // The victim's own interactions are no help.
        let own = victim.authorize_to_consent(&[]).await;
        let answer = victim.post(&return_to, &own.form("approve"), ISSUER).await;
        assert_eq!(answer.page_error(), "invalid_request");
    })
    .await;
}

#[tokio::test]
async fn a_cookie_counts_whole_and_for_its_own_interaction() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let first = browser.authorize(&[]).await.interaction_path();
        let second = browser.authorize(&[]).await.interaction_path();
        let name =
            |path: &str| format!("__Host-donjon-interaction-{}", path.rsplit('/').next().unwrap());
        let value = browser.cookies[&name(&first)].clone();
        for index in (0..value.len()).step_by(7) {
            let mut tampered = browser.clone();
            let mut text = value.clone().into_bytes();
            text[index] = if text[index] == b'A' { b'B' } else { b'A' };
            tampered.cookies.insert(name(&first), String::from_utf8(text).unwrap());
            let answer = tampered.get(&first).await;
            assert_eq!(answer.page_error(), "invalid_request", "{index}");
        }
        for text in ["", "AAAA", "%%%", &value[..value.len() / 2]] {
            browser.cookies.insert(name(&first), text.to_owned());
            assert_eq!(browser.get(&first).await.page_error(), "invalid_request");
        }
        // Swapped, both are worth nothing.
        let other = browser.cookies[&name(&second)].clone();
        browser.cookies.insert(name(&first), other);
        browser.cookies.insert(name(&second), value);
        assert_eq!(browser.get(&first).await.page_error(), "invalid_request");
        assert_eq!(browser.get(&second).await.page_error(), "invalid_request");
    })
    .await;
}

#[tokio::test]
async fn an_interaction_ends() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let page = browser.authorize_to_consent(&[]).await;
        world.clock.advance(Duration::minutes(59));
        browser.consent_page(&page.path).await;
        world.clock.advance(Duration::MINUTE);
        assert_eq!(browser.get(&page.path).await.page_error(), "invalid_request");
        assert_eq!(browser.press(&page, "approve").await.page_error(), "invalid_request");
        assert_eq!(browser.press(&page, "deny").await.page_error(), "invalid_request");
    })
    .await;
}

#[tokio::test]
async fn a_click_that_is_repeated_gets_the_same_code_until_it_is_redeemed() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let page = browser.authorize_to_consent(&[]).await;
        let code = browser.press(&page, "approve").await.code();
        assert_eq!(browser.press(&page, "approve").await.code(), code);
        assert_eq!(browser.get(&page.path).await.code(), code);
        assert_eq!(redeem(&world, &code).await, CodeRedemption::Redeemed);
        assert_eq!(browser.press(&page, "approve").await.page_error(), "invalid_request");
        assert_eq!(browser.get(&page.path).await.page_error(), "invalid_request");
    })
    .await;
}

#[tokio::test]
async fn many_clicks_at_once_are_one_code() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let page = browser.authorize_to_consent(&[]).await;
        let clicks = (0..32).map(|_| {
            let (mut browser, page) = (browser.clone(), &page);
            async move { browser.press(page, "approve").await.code() }
        });
        let mut codes = join_all(clicks).await;
        codes.dedup();
        assert_eq!(codes.len(), 1, "{codes:?}");
        assert!(world.code(&codes[0]).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn a_code_that_ran_out_is_not_sent_again() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let page = browser.authorize_to_consent(&[]).await;
        browser.press(&page, "approve").await.code();
        world.clock.advance(Duration::minutes(2));
        assert_eq!(browser.press(&page, "approve").await.page_error(), "invalid_request");
    })
    .await;
}

#[tokio::test]
async fn the_next_user_of_the_browser_does_not_get_the_code_of_the_one_before() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        let page = browser.authorize_to_consent(&[]).await;
        let code = browser.press(&page, "approve").await.code();
        world.log_in(&mut browser, "bob");
        let page = browser.consent_page(&page.path).await;
        let answer = browser.press(&page, "approve").await;
        assert_eq!(answer.page_error(), "invalid_request");
        assert!(!answer.body.contains(&code));
    })
    .await;
}

#[tokio::test]
async fn a_long_request_is_kept_in_the_store_and_the_cookie_still_says_whose_it_is() {
    each_world(async |world| {
        let long = "s".repeat(2000);
        let resource = format!("https://api.example/{}", "r".repeat(450));
        let fields = [("state", &*long), ("resource", &*resource), ("nonce", &long[..500])];
        let mut browser = world.browser();
        let return_to = browser.authorize(&fields).await.return_to();
        let cookie: usize = browser.cookies.values().map(String::len).sum();
        assert!(cookie < 500, "{cookie}");

        // Sent round once more, it is still the same.
        assert_eq!(browser.get(&return_to).await.return_to(), return_to);
        world.log_in(&mut browser, "alice");
        let mut thief = world.browser_of("alice");
        assert_eq!(thief.get(&return_to).await.page_error(), "invalid_request");
        let page = browser.consent_page(&return_to).await;
        let fields = browser.press(&page, "approve").await.at_client();
        assert_eq!(fields["state"], long);
        let grant = world.code(&fields["code"]).await.unwrap().grant;
        assert_eq!(grant.resources, [resource.as_str()]);

        let mut late = world.browser();
        let return_to = late
            .authorize(&[("state", &*long), ("resource", &*resource), ("nonce", &long[..500])])
            .await
            .return_to();
        world.clock.advance(Duration::HOUR);
        world.log_in(&mut late, "alice");
        assert_eq!(late.get(&return_to).await.page_error(), "invalid_request");
    })
    .await;
}

#[tokio::test]
async fn a_browser_has_a_few_interactions_in_progress_and_the_newest_stay() {
    each_world(async |world| {
        let mut browser = world.browser();
        let mut paths = Vec::new();
        for _ in 0..10 {
            paths.push(browser.authorize(&[]).await.return_to());
            world.clock.advance(Duration::SECOND);
        }
        assert_eq!(browser.cookies.len(), 4);
        world.log_in(&mut browser, "alice");
        for old in &paths[..6] {
            assert_eq!(browser.get(old).await.page_error(), "invalid_request");
        }
        for new in &paths[6..] {
            browser.consent_page(new).await;
        }
        // Long ones are fewer: together they stay within what every request has to carry.
        let state = "s".repeat(1500);
        for _ in 0..4 {
            browser.authorize(&[("state", &state)]).await;
            world.clock.advance(Duration::SECOND);
        }
        let total: usize = browser.cookies.values().map(String::len).sum();
        assert!(total <= 6 * 1024, "{total}");
    })
    .await;
}

#[tokio::test]
async fn a_browser_that_is_stuffed_with_cookies_costs_no_more_and_goes_on() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        for number in 0..2000 {
            let name = format!("__Host-donjon-interaction-{number:022}");
            browser.cookies.insert(name, "x".repeat(40));
        }
        let answer = browser.authorize(&[]).await;
        assert!(answer.headers.get_all("set-cookie").iter().count() <= 17);
        let page = browser.consent_page(&answer.interaction_path()).await;
        browser.press(&page, "approve").await.code();
    })
    .await;
}

#[tokio::test]
async fn what_was_never_an_interaction_is_a_page_that_says_what_to_do() {
    each_world(async |world| {
        let mut browser = world.browser_of("alice");
        for id in ["x", "AAAAAAAAAAAAAAAAAAAAAA", "..%2F..%2Fetc", "%00"] {
            let answer = browser.get(&format!("/oauth/interactions/{id}")).await;
            assert_eq!(answer.page_error(), "invalid_request", "{id}");
            assert!(answer.body.contains("begin again"), "{id}");
        }
    })
    .await;
}
