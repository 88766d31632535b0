//! Refresh tokens, as apps use them.

use donjon::crypto::Clock as _;
use time::Duration;

use super::*;
use crate::support::statements::counted;

#[tokio::test]
async fn each_use_of_a_refresh_token_brings_another_one() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let begun = on_the_phone(&world, &mut browser).await;
        world.clock.advance(Duration::minutes(15));
        assert!(!opens(&apps, &begun).await, "an access token works for 15 minutes");
        let mut token = begun.refresh();
        for _ in 0..3 {
            let next = refresh(&world, &token).await;
            assert_eq!(next.status, StatusCode::OK, "{next:?}");
            assert_eq!(next.headers["cache-control"], "no-store");
            assert!(opens(&apps, &next).await);
            assert_ne!(next.refresh(), token);
            token = next.refresh();
            world.clock.advance(Duration::days(10));
        }
    })
    .await;
}

#[tokio::test]
async fn a_session_is_over_when_it_is_idle_and_in_any_case_after_its_time() {
    each_app_world(async |world, _| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let idle = on_the_phone(&world, &mut browser).await;
        let mut used = on_the_phone(&world, &mut browser).await;
        for _ in 0..4 {
            world.clock.advance(Duration::days(20));
            used = refresh(&world, &used.refresh()).await;
            assert_eq!(used.status, StatusCode::OK, "{used:?}");
        }
        // Ten of its ninety days are left.
        assert_eq!(used.body["refresh_expires_in"], 10 * 24 * 60 * 60);
        assert!(refresh(&world, &idle.refresh()).await.is_refused("invalid_grant"));
        world.clock.advance(Duration::days(10));
        assert!(refresh(&world, &used.refresh()).await.is_refused("invalid_grant"));
    })
    .await;
}

#[tokio::test]
async fn whose_answer_got_lost_gets_the_same_successor_for_half_a_minute() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let begun = on_the_phone(&world, &mut browser).await;
        let lost = refresh(&world, &begun.refresh()).await;
        world.clock.advance(Duration::seconds(29));
        let again = refresh(&world, &begun.refresh()).await;
        assert_eq!(again.refresh(), lost.refresh());
        assert_ne!(again.access(), lost.access());
        assert!(opens(&apps, &lost).await && opens(&apps, &again).await);
        assert!(told(&world, "session.app_reuse").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_that_is_used_again_ends_the_session_and_no_other() {
    for after in ["the window", "the successor's use"] {
        each_app_world(async |world, apps| {
            world.user(ALICE).await;
            let mut browser = world.logged_in(ALICE).await;
            let begun = on_the_phone(&world, &mut browser).await;
            let other = on_the_phone(&world, &mut browser).await;
            let stolen = begun.refresh();
            let mut last = refresh(&world, &stolen).await;
            if after == "the window" {
                world.clock.advance(Duration::seconds(30));
            } else {
                last = refresh(&world, &last.refresh()).await;
            }
            assert!(opens(&apps, &last).await);
            assert!(refresh(&world, &stolen).await.is_refused("invalid_grant"), "{after}");
            assert!(!opens(&apps, &last).await, "after {after} an access token still works");
            for token in [&stolen, &last.refresh()] {
                assert!(refresh(&world, token).await.is_refused("invalid_grant"), "{after}");
            }
            let entries = told(&world, "session.app_reuse").await;
            assert_eq!(entries.len(), 1, "{entries:?}");
            assert_eq!(entries[0].user, Some(alice(&world).await));
            assert_eq!(entries[0].metadata["secret"], "refresh_token");
            assert!(opens(&apps, &other).await, "the other phone is logged out");
            assert_eq!(browser.get("/").await.body, format!("hello {ALICE} at /"));
        })
        .await;
    }
}

/// Nothing is kept of a token but what its successors say of it.
#[tokio::test]
async fn a_token_that_was_stolen_long_ago_ends_the_session() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let begun = on_the_phone(&world, &mut browser).await;
        let mut last = refresh(&world, &begun.refresh()).await;
        for _ in 0..6 {
            world.clock.advance(Duration::days(2));
            last = refresh(&world, &last.refresh()).await;
        }
        world.store.sweep_app_sessions(world.clock.now(), 500).await.unwrap();
        assert!(opens(&apps, &last).await);
        assert!(refresh(&world, &begun.refresh()).await.is_refused("invalid_grant"));
        assert!(!opens(&apps, &last).await);
        assert!(refresh(&world, &last.refresh()).await.is_refused("invalid_grant"));
        let entries = told(&world, "session.app_reuse").await;
        assert_eq!(entries.len(), 1, "{entries:?}");
        assert_eq!(entries[0].user, Some(alice(&world).await));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_costs_two_transitions_and_a_call_one_read() {
    each_app_world(async |world, apps| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let begun = on_the_phone(&world, &mut browser).await;
        let (verified, cost) = counted(apps.verify(&begun.access())).await;
        assert!(verified.is_ok());
        assert_eq!((cost.reads(), cost.transitions()), (1, 0), "{cost:?}");
        let (next, cost) = counted(refresh(&world, &begun.refresh())).await;
        assert_eq!(next.status, StatusCode::OK);
        // It is counted first, whatever comes of it.
        assert_eq!((cost.reads(), cost.transitions()), (0, 2), "{cost:?}");
        // What cannot be a token of ours costs nothing at all.
        let token = next.access();
        let damaged = format!(
            "{}{}",
            &token[..token.len() - 1],
            if token.ends_with('a') { 'b' } else { 'a' }
        );
        let (refused, cost) = counted(apps.verify(&damaged)).await;
        assert!(refused.is_err());
        assert_eq!(cost.0, Vec::<String>::new());
        let (refused, cost) = counted(apps.verify(&next.refresh())).await;
        assert!(refused.is_err(), "a refresh token opens the API");
        assert_eq!(cost.0, Vec::<String>::new());
    })
    .await;
}
