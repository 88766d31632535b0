//! How often somebody may come by a provider.

use http::StatusCode;

use super::*;
use crate::account::limits::{from, is_too_many, limited};

const HERE: &str = "198.51.100.1";
const THERE: &str = "203.0.113.7";

/// Or anybody could make us ask a provider without end, until it has had enough of us.
#[tokio::test]
async fn logins_by_a_provider_are_limited_by_network_before_it_is_asked() {
    let fake = Fake::start().await;
    each_world_with(
        |builder| limited(99, [3, 99, 99])(fake.known(builder)),
        async |world| {
            let mut browser = from(&world, HERE);
            fake.provider.log_in(alice());
            let begun = browser.get(BEGIN).await;
            assert!(!begun.headers.contains_key("ratelimit"), "asking is not counted");
            let callback = fake.callback(&begun);
            let junk = callback.replace("code=", "code=junk");
            // One answer, brought over and over by a browser that forgets that it was taken.
            let mut again = browser.clone();
            for _ in 0..3 {
                let page = again.clone().get(&junk).await;
                assert_eq!(page.location().unwrap().path(), "/login");
                assert!(page.headers.contains_key("ratelimit"));
            }
            is_too_many(&again.get(&junk).await);
            assert_eq!(refusals(&world).await.len(), 3, "what is refused is not written");
            is_too_many(&browser.get(&callback).await);
            assert_eq!(who(&mut browser).await, "hello stranger at /");

            let page = fake.arrive(&mut from(&world, THERE), alice()).await;
            assert_eq!(page.body, greeting(ALICE));
            fake.advance(&world, Duration::minutes(10));
            let page = browser.get(&callback).await;
            assert_eq!(browser.follow(page).await.body, greeting(ALICE), "it was not used up");
        },
    )
    .await;
}

#[tokio::test]
async fn the_form_for_an_address_is_counted_with_the_other_mails() {
    let fake = Fake::start().await;
    each_world_with(
        |builder| limited(99, [2, 99, 99])(fake.known(builder)),
        async |world| {
            let mut browser = from(&world, HERE);
            let page = fake.arrive(&mut browser, FakeUser::new("quiet")).await;
            for index in 0..2 {
                let email = format!("stranger-{index}@example.test");
                let page = browser.submit(&page, &[("email", &email)]).await;
                assert_eq!(page.status, StatusCode::OK);
            }
            let fields = [("email", "stranger-2@example.test")];
            is_too_many(&browser.submit(&page, &fields).await);
            is_too_many(&browser.post("/forgot-password", &fields).await);
            assert!(world.mails_to("stranger-2@example.test").await.is_empty());
        },
    )
    .await;
}
