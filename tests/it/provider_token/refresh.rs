//! The exchange of refresh tokens.

use time::Duration;

use super::world::{Mood, USERINFO, each_world, peek};

#[tokio::test]
async fn a_refresh_token_is_exchanged_for_its_successor_and_fresh_tokens() {
    each_world(async |world| {
        let first = world.tokens("spa", "openid email offline_access").await;
        world.wait(Duration::HOUR).await;
        assert_eq!(world.get(USERINFO, Some(&first.access)).await.status, 401);
        let answer = world.refresh("spa", first.refresh()).await;
        let second = answer.tokens();
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.json["token_type"], "Bearer");
        assert_ne!(first.refresh, second.refresh);
        assert_ne!(peek(&first.access)["jti"], peek(&second.access)["jti"]);
        assert_eq!(world.get(USERINFO, Some(&second.access)).await.status, 200);

        let (before, after) = (peek(&first.id.unwrap()), peek(&second.id.unwrap()));
        for same in ["iss", "sub", "aud", "auth_time", "sid", "acr", "azp"] {
            assert_eq!(before[same], after[same], "{same}");
        }
        assert_eq!(before["nonce"], "n-0S6_WzA2Mj");
        assert!(after.get("nonce").is_none());
        assert!(after["iat"].as_i64() > before["iat"].as_i64());
    })
    .await;
}

#[tokio::test]
async fn who_repeats_a_refresh_in_time_gets_the_same_successor() {
    each_world(async |world| {
        let first = world.tokens("spa", "openid offline_access").await;
        let second = world.refresh("spa", first.refresh()).await.tokens();
        world.wait(Duration::seconds(29)).await;
        let again = world.another_node().await.refresh("spa", first.refresh()).await.tokens();
        assert_eq!(again.refresh, second.refresh);
        assert_ne!(again.access, second.access);
        for access in [&second.access, &again.access] {
            assert_eq!(world.get(USERINFO, Some(access)).await.status, 200);
        }
        world.refresh("spa", second.refresh()).await.tokens();
    })
    .await;
}

#[tokio::test]
async fn a_reused_refresh_token_ends_its_family() {
    each_world(async |world| {
        for wait in [Duration::seconds(30), Duration::days(3)] {
            let first = world.tokens("spa", "openid offline_access").await;
            let second = world.refresh("spa", first.refresh()).await.tokens();
            world.wait(wait).await;
            let third = world.refresh("spa", second.refresh()).await.tokens();
            world.refresh("spa", first.refresh()).await.is_error(400, "invalid_grant");
            assert_eq!(world.get(USERINFO, Some(&third.access)).await.status, 401);
            for dead in [&first, &second, &third] {
                world.refresh("spa", dead.refresh()).await.is_error(400, "invalid_grant");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_grace_window_closes_when_the_successor_is_used() {
    each_world(async |world| {
        let first = world.tokens("spa", "openid offline_access").await;
        let second = world.refresh("spa", first.refresh()).await.tokens();
        let third = world.refresh("spa", second.refresh()).await.tokens();
        // The thief comes within 30 seconds, but after the owner went on.
        world.refresh("spa", first.refresh()).await.is_error(400, "invalid_grant");
        world.refresh("spa", third.refresh()).await.is_error(400, "invalid_grant");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn honest_clients_that_refresh_at_once_all_go_on() {
    each_world(async |world| {
        let first = world.tokens("spa", "openid offline_access").await;
        let mut tabs = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let (world, token) = (world.clone(), first.refresh().to_owned());
            tabs.spawn(async move { world.refresh("spa", &token).await.tokens() });
        }
        let tabs = tabs.join_all().await;
        let successor = tabs[0].refresh.clone();
        for tab in &tabs {
            assert_eq!(tab.refresh, successor);
            assert_eq!(world.get(USERINFO, Some(&tab.access)).await.status, 200);
        }
        world.refresh("spa", &successor.unwrap()).await.tokens();
    })
    .await;
}

#[tokio::test]
async fn a_refresh_may_ask_for_less_and_never_for_more() {
    each_world(async |world| {
        let first = world.tokens("spa", "openid offline_access api:read").await;
        for more in ["openid api:write", "api:read admin", "profile", " ", "   "] {
            let answer = world.refresh_with("spa", first.refresh(), &[("scope", more)]).await;
            answer.is_error(400, "invalid_scope");
        }
        let less = world.refresh_with("spa", first.refresh(), &[("scope", "api:read")]).await;
        assert_eq!(less.json["scope"], "api:read");
        let less = less.tokens();
        assert!(less.id.is_none());
        assert_eq!(peek(&less.access)["scope"], "api:read");
        assert_eq!(world.get(USERINFO, Some(&less.access)).await.status, 403);
        // The refresh token stands for all that was granted.
        let all = world.refresh("spa", less.refresh()).await;
        assert_eq!(all.json["scope"], "openid offline_access api:read");
    })
    .await;
}

#[tokio::test]
async fn another_clients_refresh_token_is_unknown_and_stays_good() {
    each_world(async |world| {
        let tokens = world.tokens("spa", "openid offline_access").await;
        for _ in 0..2 {
            world.refresh("other", tokens.refresh()).await.is_error(400, "invalid_grant");
        }
        for guess in ["x", &"A".repeat(43), &tokens.access] {
            world.refresh("spa", guess).await.is_error(400, "invalid_grant");
        }
        world.refresh("spa", "").await.is_error(400, "invalid_request");
        world.refresh("spa", tokens.refresh()).await.tokens();
    })
    .await;
}

#[tokio::test]
async fn an_unused_refresh_token_expires_and_each_rotation_begins_anew() {
    each_world(async |world| {
        let mut tokens = world.tokens("spa", "offline_access").await;
        for _ in 0..3 {
            world.wait(Duration::days(29)).await;
            tokens = world.refresh("spa", tokens.refresh()).await.tokens();
        }
        world.wait(Duration::days(30)).await;
        world.refresh("spa", tokens.refresh()).await.is_error(400, "invalid_grant");
    })
    .await;
}

#[tokio::test]
async fn a_user_who_is_gone_gets_no_more_tokens_and_a_failing_host_loses_none() {
    each_world(async |world| {
        let tokens = world.tokens("spa", "openid offline_access").await;
        world.host.feel(Mood::HasForgotten);
        world.refresh("spa", tokens.refresh()).await.is_error(400, "invalid_grant");
        for mood in [Mood::Fails, Mood::Panics, Mood::MixesUsersUp] {
            world.host.feel(mood);
            world.refresh("spa", tokens.refresh()).await.is_error(500, "server_error");
        }
        world.host.feel(Mood::Well);
        world.refresh("spa", tokens.refresh()).await.tokens();
    })
    .await;
}
