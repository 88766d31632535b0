//! Events of the host's own, and how long any is kept.

use donjon::crypto::Clock as _;
use donjon::delivery::webhook::HostEvent;
use donjon::store::WebhookState::{Delivered, Waiting};
use serde_json::{Value, json};
use time::Duration;

use super::*;

const PAID: &str = "invoice.paid";

impl Story {
    /// Has the receiver told of paid invoices, too.
    async fn ask_for_invoices(&self) {
        let events = [EventType::UserCreated, EventType::host(PAID).unwrap()];
        self.endpoints.change(self.id, &self.receiver.url("/hook"), &events).await.unwrap();
    }
}

#[tokio::test]
async fn an_event_of_the_hosts_own_arrives_signed_and_once_whoever_emits_it() {
    each_story(async |story| {
        let event = HostEvent::new(PAID, &json!({ "invoice": 17, "note": "a\0b" })).unwrap();
        assert!(!story.endpoints.emit(event.clone()).await.unwrap(), "nobody asked for it");
        story.ask_for_invoices().await;
        let id = "0191d5a0-0000-7000-8000-000000000000".parse().unwrap();
        let user = story.user("a@example.test").await.try_into().unwrap();
        let event = event.about(&user).with_id(id);
        assert!(story.endpoints.emit(event.clone()).await.unwrap());
        assert!(!story.endpoints.emit(event.clone()).await.unwrap(), "it is told already");
        assert_eq!(story.worker().run_once().await, 2);

        let received = story.receiver.received();
        let bodies = received.iter().map(|message| serde_json::from_slice(&message.body).unwrap());
        let bodies: Vec<Value> = bodies.collect();
        let paid = bodies.iter().position(|body| body["type"] == "host.invoice.paid").unwrap();
        let verifier = WebhookVerifier::new([story.secret.clone()]);
        let (headers, body) = (&received[paid].headers, &received[paid].body);
        verifier.verify(headers, body, story.clock.now()).unwrap();
        let expected = json!({
            "user_id": user,
            "actor": { "type": "system", "id": null },
            "reason": "host.invoice.paid",
            "payload": { "invoice": 17, "note": "a\u{fffd}b" },
        });
        assert_eq!(bodies[paid]["data"], expected);
    })
    .await;
}

#[tokio::test]
async fn what_arrived_is_forgotten_after_a_month_and_what_is_on_its_way_is_not() {
    each_story(async |story| {
        story.user("a@example.test").await;
        let worker = story.worker();
        assert_eq!(worker.run_once().await, 1);
        story.clock.advance(Duration::days(30));
        story.user("b@example.test").await;
        assert_eq!(worker.forget().await.unwrap(), 0, "a month is not over");
        story.clock.advance(Duration::SECOND);
        assert_eq!(worker.forget().await.unwrap(), 1);
        let left = async |state| story.endpoints.deliveries(story.id, state, None).await.unwrap();
        assert_eq!((left(Delivered).await.len(), left(Waiting).await.len()), (0, 1));
        story.clock.advance(Duration::days(60));
        assert_eq!(worker.forget().await.unwrap(), 0, "somebody waits for it");

        // Until the endpoint is off, and nobody does.
        assert!(story.endpoints.disable(story.id).await.unwrap());
        assert_eq!(worker.clone().keep_for(Duration::days(61)).forget().await.unwrap(), 0);
        assert_eq!(worker.forget().await.unwrap(), 1);
        assert_eq!(left(Waiting).await.len(), 0);
    })
    .await;
}
