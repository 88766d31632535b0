//! Requests that are too long for a cookie, and are kept in the store: not by anybody, without end.

use donjon::provider::{AuthorizationServerBuilder, LongRequests};
use donjon::store::RateLimit;
use http::StatusCode;
use time::Duration;

use super::world::{Answer, Browser, World, clients, each_world_with, encode, request};

const WINDOW: Duration = Duration::minutes(10);

fn limited(builder: AuthorizationServerBuilder) -> AuthorizationServerBuilder {
    let limit = |times| RateLimit { times, window: WINDOW };
    builder.long_requests(LongRequests { per_network: limit(3), in_all: limit(5) })
}

fn from(world: &World, address: &str) -> Browser {
    let mut browser = world.browser();
    browser.peer = Some(address.parse().unwrap());
    browser
}

fn long() -> [String; 2] {
    [format!("https://api.example/{}", "r".repeat(490)), "s".repeat(2_000)]
}

async fn begin(browser: &mut Browser) -> Answer {
    let [resource, state] = long();
    browser.authorize(&[("state", &state), ("resource", &resource), ("nonce", &state[..500])]).await
}

/// Whether a long request gets through; a refusal says so properly.
async fn gets_through(browser: &mut Browser) -> bool {
    let answer = begin(browser).await;
    if answer.status == StatusCode::SEE_OTHER {
        answer.return_to();
        return true;
    }
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.page_error(), "temporarily_unavailable");
    assert!(!answer.headers.contains_key("set-cookie"));
    let seconds: i64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=WINDOW.whole_seconds() + 1).contains(&seconds), "{seconds}");
    false
}

#[tokio::test]
async fn long_requests_are_limited_by_network_and_in_all() {
    each_world_with(limited, async |world| {
        let mut one = from(&world, "198.51.100.1");
        for expected in [true, true, true, false, false, false, false] {
            assert_eq!(gets_through(&mut one).await, expected);
        }
        // Another cookie jar is the same network; another process counts on.
        let node = World::new(world.store.clone(), clients(), limited).await;
        assert!(!gets_through(&mut from(&node, "198.51.100.1")).await);
        // A short request is none of this.
        one.authorize(&[]).await.return_to();
        // What one network was refused is not missing for others.
        assert!(gets_through(&mut from(&world, "2001:db8::1")).await);
        assert!(gets_through(&mut from(&world, "2001:db8:0:ff::2")).await);
        for full in ["2001:db8:0:100::1", "203.0.113.7"] {
            assert!(!gets_through(&mut from(&world, full)).await, "{full}");
        }
        world.clock.advance(WINDOW);
        assert!(gets_through(&mut one).await);
    })
    .await;
}

#[tokio::test]
async fn a_long_request_counts_once_however_often_it_is_resumed() {
    each_world_with(limited, async |world| {
        let mut browser = from(&world, "198.51.100.1");
        let return_to = begin(&mut browser).await.return_to();
        for _ in 0..5 {
            assert_eq!(browser.get(&return_to).await.return_to(), return_to);
        }
        world.log_in(&mut browser, "alice");
        browser.consent_page(&return_to).await;
        for expected in [true, true, false] {
            assert_eq!(gets_through(&mut from(&world, "198.51.100.1")).await, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn who_posts_or_has_no_address_is_counted_too() {
    each_world_with(limited, async |world| {
        let [resource, state] = long();
        let fields = [("state", &*state), ("resource", &*resource), ("nonce", &state[..500])];
        for expected in [303, 303, 303, 429] {
            let mut browser = world.browser();
            let form = encode(&request(&fields));
            let answer = browser.post("/oauth/authorize", &form, "https://client.example").await;
            assert_eq!(answer.status.as_u16(), expected);
        }
        assert!(!gets_through(&mut world.browser()).await);
        assert!(gets_through(&mut from(&world, "198.51.100.1")).await);
    })
    .await;
}
