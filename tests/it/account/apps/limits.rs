//! How often apps call, and users let them in.

use donjon::account::{AppLimits, Limits, Policy};
use donjon::store::RateLimit;
use time::Duration;

use super::*;
use crate::support::statements::counted;

const WINDOW: Duration = Duration::minutes(10);

fn times(times: u32) -> RateLimit {
    RateLimit { times, window: WINDOW }
}

/// Tells the story on each database, with other limits.
async fn each_limited_world(
    change: impl Fn(&mut AppLimits),
    story: impl AsyncFn(World, AppSessions),
) {
    let mut limits = Limits::default();
    change(&mut limits.apps);
    let policy = Policy { limits, even_answers: Duration::ZERO, ..Policy::default() };
    each_world_over(
        |store, clock, builder| builder.policy(policy).apps(&apps_over(store, clock)),
        async |world| {
            let apps = apps_over(&world.store, world.clock.clone());
            story(world, apps).await;
        },
    )
    .await;
}

fn is_too_many(told: &Told) {
    assert_eq!(told.status, StatusCode::TOO_MANY_REQUESTS, "{told:?}");
    assert!(told.headers.contains_key("retry-after"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_opens_nothing_is_limited_by_network_wherever_it_is_shown() {
    each_limited_world(
        |limits| limits.refused = times(4),
        async |world, _| {
            world.user(ALICE).await;
            let mut browser = world.logged_in(ALICE).await;
            let code = code(&mut browser, &ask(&[])).await;
            let stale = exchange(&world, &code).await.refresh();
            let next = refresh(&world, &stale).await;
            call(&world, REVOKE, &json!({ "token": next.refresh() })).await;
            let (made_up, nothing) = ("A".repeat(43), json!({ "token": "acmeapp_x" }));
            assert!(refresh(&world, &stale).await.is_refused("invalid_grant"));
            assert!(refresh(&world, "garbage").await.is_refused("invalid_grant"));
            assert!(exchange(&world, &made_up).await.is_refused("invalid_grant"));
            assert_eq!(call(&world, REVOKE, &nothing).await.status, StatusCode::OK);
            for told in [
                call(&world, REVOKE, &nothing).await,
                refresh(&world, &stale).await,
                exchange(&world, &made_up).await,
            ] {
                is_too_many(&told);
                assert_eq!(told.headers["retry-after"], "600");
            }
            let (told, cost) = counted(exchange(&world, &made_up)).await;
            is_too_many(&told);
            // This process has heard enough, and does not ask the store.
            assert_eq!((cost.reads(), cost.transitions()), (0, 0), "{cost:?}");
            world.clock.advance(WINDOW);
            assert!(refresh(&world, &stale).await.is_refused("invalid_grant"));
        },
    )
    .await;
}

/// Phones behind the one address of their carrier.
#[tokio::test]
async fn what_opens_something_uses_nothing_up_of_what_may_fail() {
    each_limited_world(
        |limits| limits.refused = times(1),
        async |world, _| {
            world.user(ALICE).await;
            let mut browser = world.logged_in(ALICE).await;
            for _ in 0..4 {
                let begun = on_the_phone(&world, &mut browser).await;
                let next = refresh(&world, &begun.refresh()).await;
                assert_eq!(next.status, StatusCode::OK, "{next:?}");
                let told = call(&world, REVOKE, &json!({ "token": next.access() })).await;
                assert_eq!(told.status, StatusCode::OK, "{told:?}");
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_counted_before_they_do_anything() {
    each_limited_world(
        |limits| limits.per_network = times(4),
        async |world, apps| {
            world.user(ALICE).await;
            let mut browser = world.logged_in(ALICE).await;
            let begun = on_the_phone(&world, &mut browser).await;
            let other = on_the_phone(&world, &mut browser).await;
            let left = code(&mut browser, &ask(&[])).await;
            let next = refresh(&world, &begun.refresh()).await;
            let last = refresh(&world, &next.refresh()).await;
            assert!(last.headers["ratelimit"].to_str().unwrap().contains("\"apps\";r=0"));
            is_too_many(&refresh(&world, &last.refresh()).await);
            is_too_many(&exchange(&world, &left).await);
            is_too_many(&call(&world, REVOKE, &json!({ "token": other.refresh() })).await);
            // Not even a stolen token is looked at.
            is_too_many(&refresh(&world, &begun.refresh()).await);
            assert!(opens(&apps, &last).await && opens(&apps, &other).await);
            let (told, cost) = counted(refresh(&world, &last.refresh())).await;
            is_too_many(&told);
            assert_eq!((cost.reads(), cost.transitions()), (0, 0), "{cost:?}");
            world.clock.advance(WINDOW);
            assert_eq!(refresh(&world, &last.refresh()).await.status, StatusCode::OK);
        },
    )
    .await;
}

#[tokio::test]
async fn a_session_is_refreshed_so_often_wherever_it_is_and_no_other_pays_for_it() {
    each_limited_world(
        |limits| limits.per_session = times(3),
        async |world, apps| {
            world.user(ALICE).await;
            let mut browser = world.logged_in(ALICE).await;
            let mut last = on_the_phone(&world, &mut browser).await;
            for _ in 0..2 {
                last = refresh(&world, &last.refresh()).await;
            }
            // A repetition writes, too.
            let token = last.refresh();
            last = refresh(&world, &token).await;
            is_too_many(&refresh(&world, &token).await);
            is_too_many(&refresh(&world, &last.refresh()).await);
            assert!(opens(&apps, &last).await);
            let other = on_the_phone(&world, &mut browser).await;
            assert_eq!(refresh(&world, &other.refresh()).await.status, StatusCode::OK);
            world.clock.advance(WINDOW);
            assert_eq!(refresh(&world, &last.refresh()).await.status, StatusCode::OK);
        },
    )
    .await;
}

/// Without a question, a page that is opened again and again would write without end.
#[tokio::test]
async fn codes_are_limited_by_user_with_a_question_and_without() {
    each_limited_world(
        |limits| limits.codes = times(3),
        async |world, _| {
            world.user(ALICE).await;
            let mut browser = world.logged_in(ALICE).await;
            browser.peer = Some([192, 0, 2, 8].into());
            let claimed = ask(&[("redirect_uri", CLAIMED)]);
            on_the_phone(&world, &mut browser).await;
            for _ in 0..2 {
                let page = browser.get(&claimed).await;
                assert!(sent(&page, "code").is_some(), "{}", page.body);
                assert!(page.headers["ratelimit"].to_str().unwrap().contains("\"forms\";r="));
            }
            let page = browser.get(&claimed).await;
            assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{}", page.body);
            let page = browser.get(&ask(&[])).await;
            let page = browser.submit(&page, &[("decision", "approve")]).await;
            assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{}", page.body);
            // Another browser of hers is no way round it.
            let mut other = world.logged_in(ALICE).await;
            let page = other.get(&claimed).await;
            assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{}", page.body);
            world.clock.advance(WINDOW);
            assert!(sent(&browser.get(&claimed).await, "code").is_some());
        },
    )
    .await;
}
