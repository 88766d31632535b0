//! A secret that rotates while messages are on their way.

use donjon::crypto::Clock as _;
use donjon::delivery::webhook::{EndpointError, WebhookVerifier};
use time::Duration;

use super::*;

#[tokio::test]
async fn while_a_secret_rotates_a_receiver_may_know_either() {
    each_story(async |story| {
        let old = story.secret.clone();
        let new = story.endpoints.rotate_secret(story.id, Duration::DAY).await.unwrap();
        for (passed, old_is_good) in [(Duration::ZERO, true), (Duration::DAY, false)] {
            story.clock.advance(passed);
            story.user(&format!("{}@example.test", passed.whole_days())).await;
            story.worker().run_once().await;
            let received = story.receiver.received();
            let good = |secret: &WebhookSecret| {
                let verifier = WebhookVerifier::new([secret.clone()]);
                let (headers, body) = (&received[0].headers, &received[0].body);
                verifier.verify(headers, body, story.clock.now()).is_ok()
            };
            assert_eq!((good(&new), good(&old)), (true, old_is_good), "{passed}");
        }
    })
    .await;
}

#[tokio::test]
async fn only_so_many_secrets_sign_at_once_and_none_of_another_endpoint() {
    each_story(async |story| {
        for _ in 0..3 {
            story.endpoints.rotate_secret(story.id, Duration::DAY).await.map_or_else(
                |error| assert!(matches!(error, EndpointError::TooManySecrets), "{error}"),
                drop,
            );
        }
        let refused = story.endpoints.rotate_secret(story.id, Duration::DAY).await.unwrap_err();
        assert!(matches!(refused, EndpointError::TooManySecrets), "{refused}");
        // Whoever lost a secret to a thief rotates without an overlap.
        let last = story.endpoints.rotate_secret(story.id, Duration::ZERO).await.unwrap();
        story.user("a@example.test").await;
        story.worker().run_once().await;
        let received = story.receiver.received();
        let header = received[0].headers["webhook-signature"].to_str().unwrap();
        assert!(!header.contains(' '), "one signature: {header}");
        let verifier = WebhookVerifier::new([last]);
        verifier.verify(&received[0].headers, &received[0].body, story.clock.now()).unwrap();

        // What is sealed for one endpoint opens for no other.
        let (url, events) = (story.receiver.url("/"), [EventType::UserCreated]);
        let (other, _) = story.endpoints.create(&url, &events, None).await.unwrap();
        let mine = story.endpoints.find(story.id).await.unwrap().unwrap().secrets;
        let none = donjon::store::Effects::none();
        story.store.replace_webhook_secrets(other.id, &other.secrets, &mine, &none).await.unwrap();
        story.user("b@example.test").await;
        story.worker().run_once().await;
        assert_eq!(story.receiver.received().len(), 1);
    })
    .await;
}
