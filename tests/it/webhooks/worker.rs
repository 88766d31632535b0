use donjon::crypto::Clock as _;
use donjon::store::WebhookState::{self, Dead, Delivered, Waiting};
use serde_json::Value;
use time::Duration;

use super::*;

impl Story {
    async fn count(&self, state: WebhookState) -> usize {
        self.endpoints.deliveries(self.id, state, None).await.unwrap().len()
    }

    /// The status or the fault of each attempt at the one event there is.
    async fn ledger(&self) -> Vec<String> {
        let mut all = Vec::new();
        for state in WebhookState::ALL {
            all.extend(self.endpoints.deliveries(self.id, state, None).await.unwrap());
        }
        assert_eq!(all.len(), 1, "{all:?}");
        let attempts = self.endpoints.attempts(self.id, all[0].event.id).await.unwrap();
        let told = attempts.into_iter().map(|attempt| match (attempt.status, attempt.fault) {
            (Some(status), None) => status.to_string(),
            (None, Some(fault)) => fault,
            other => panic!("{other:?}"),
        });
        told.collect()
    }
}

#[tokio::test]
async fn an_event_arrives_signed_with_the_change_it_tells_of() {
    each_story(async |story| {
        let user = story.user("a@example.test").await;
        assert_eq!(story.worker().run_once().await, 1);
        let received = story.receiver.received();
        assert_eq!((received.len(), received[0].path.as_str()), (1, "/hook"));
        let verifier = WebhookVerifier::new([story.secret.clone()]);
        let message =
            verifier.verify(&received[0].headers, &received[0].body, story.clock.now()).unwrap();
        assert!(message.id.starts_with("msg_"));
        let body: Value = serde_json::from_slice(&received[0].body).unwrap();
        assert_eq!(body["type"], "user.created");
        assert_eq!(body["data"]["user_id"], user.as_str());
        assert!(!body.to_string().contains("a@example.test"), "no more than who it is");
        assert_eq!((story.count(Delivered).await, story.ledger().await), (1, vec!["200".into()]));
        assert_eq!(story.worker().run_once().await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_with_the_same_id_until_it_is_given_up() {
    each_story(async |story| {
        story.user("a@example.test").await;
        let worker = story.worker();
        let mut seen = Vec::new();
        for (status, pause) in
            [(500, 1), (404, 5), (302, 15), (503, 60), (429, 180), (400, 600), (501, 1440)]
        {
            story.receiver.answer(status, "");
            assert_eq!(worker.run_once().await, 1, "{status}");
            seen.extend(story.receiver.received());
            story.clock.advance(Duration::minutes(pause) - Duration::SECOND);
            assert_eq!(worker.run_once().await, 0, "{pause} minutes after {status}");
            story.clock.advance(Duration::SECOND);
        }
        assert_eq!(worker.run_once().await, 1);
        story.clock.advance(Duration::days(30));
        assert_eq!(worker.run_once().await, 0, "it is a dead letter");
        assert_eq!((story.count(Dead).await, story.count(Waiting).await), (1, 0));
        let (first, last) = (&seen[0].headers, &seen[6].headers);
        assert_eq!(first["webhook-id"], last["webhook-id"]);
        assert_ne!(first["webhook-timestamp"], last["webhook-timestamp"]);
        assert!(seen.iter().all(|message| message.body == seen[0].body));
        assert_eq!(story.ledger().await.len(), 8);

        let event = story.endpoints.deliveries(story.id, Dead, None).await.unwrap()[0].event.id;
        story.receiver.received();
        story.receiver.answer(204, "");
        assert!(story.endpoints.replay(story.id, event).await.unwrap());
        assert!(!story.endpoints.replay(story.id, event).await.unwrap(), "it is on its way");
        assert_eq!(worker.run_once().await, 1);
        let again = story.receiver.received();
        assert_eq!(again[0].headers["webhook-id"], first["webhook-id"]);
        assert_eq!(again[0].body, seen[0].body);
        assert_eq!((story.count(Delivered).await, story.ledger().await.len()), (1, 9));
    })
    .await;
}

#[tokio::test]
async fn a_receiver_may_ask_for_more_time_and_gets_no_more_attempts() {
    each_story(async |story| {
        story.user("a@example.test").await;
        let worker = story.worker();
        story.receiver.answer(429, "Retry-After: 7200\r\n");
        worker.run_once().await;
        story.clock.advance(Duration::seconds(7199));
        assert_eq!(worker.run_once().await, 0);
        story.clock.advance(Duration::SECOND);
        assert_eq!(worker.run_once().await, 1);
        story.clock.advance(Duration::days(1));
        for _ in 0..10 {
            worker.run_once().await;
            story.clock.advance(Duration::days(1));
        }
        assert_eq!((story.ledger().await.len(), story.count(Dead).await), (8, 1));
    })
    .await;
}

#[tokio::test]
async fn an_event_arrives_however_much_is_said_to_it() {
    each_story(async |story| {
        story.user("a@example.test").await;
        story.receiver.answer_at_length(200, 2 * 1024 * 1024);
        story.worker().run_once().await;
        story.clock.advance(Duration::days(1));
        assert_eq!(story.worker().run_once().await, 0, "nothing is left");
        assert_eq!(story.receiver.received().len(), 1);
        assert_eq!(story.ledger().await.len(), 1);
        // Nor does it help a refusal.
        story.user("b@example.test").await;
        story.receiver.answer_at_length(500, 2 * 1024 * 1024);
        story.worker().run_once().await;
        assert_eq!(story.count(Waiting).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_hangs_is_a_timeout_and_holds_up_nobody() {
    each_story(async |story| {
        let events = [EventType::UserCreated];
        let other = Receiver::start().await;
        for n in 0..6 {
            story.user(&format!("{n}@example.test")).await;
        }
        story.receiver.hang();
        let patience = std::time::Duration::from_millis(200);
        let worker = story.worker().patience(patience);
        let stuck = tokio::spawn(async move { worker.concurrency(4).run_once().await });
        story.receiver.came().await;
        story.endpoints.create(&other.url("/"), &events, None).await.unwrap();
        story.user("late@example.test").await;
        assert!(story.worker_by(&other.egress()).concurrency(4).run_once().await >= 1);
        assert_eq!(other.received().len(), 1);
        stuck.await.unwrap();
        assert!(story.count(Waiting).await >= 6);
        let waiting = story.endpoints.deliveries(story.id, Waiting, None).await.unwrap();
        let mut faults = Vec::new();
        for record in waiting {
            let attempts = story.endpoints.attempts(story.id, record.event.id).await.unwrap();
            faults.extend(attempts.into_iter().filter_map(|attempt| attempt.fault));
        }
        assert!(faults.iter().any(|fault| fault == "timeout"), "{faults:?}");
    })
    .await;
}

#[tokio::test]
async fn nothing_is_sent_to_a_private_address_nor_follows_there() {
    each_story(async |story| {
        story.user("a@example.test").await;
        assert_eq!(story.worker_by(&story.receiver.guarded()).run_once().await, 1);
        assert!(story.receiver.received().is_empty());
        assert_eq!(story.ledger().await, ["forbidden_address"]);
        assert_eq!(story.count(Dead).await, 1, "it will not be better later");
        let event = story.endpoints.deliveries(story.id, Dead, None).await.unwrap()[0].event.id;
        story.endpoints.replay(story.id, event).await.unwrap();
        let inside = Receiver::start().await;
        story.receiver.answer(307, &format!("Location: {}\r\n", inside.url("/latest/meta-data")));
        assert_eq!(story.worker().run_once().await, 1);
        assert_eq!(story.receiver.received().len(), 1);
        assert!(inside.received().is_empty(), "redirects are not followed");
        assert_eq!(story.ledger().await, ["forbidden_address", "307"]);
        for bad in
            ["http://a.example/", "https://u:p@a.example/", "https://a.example/#x", "ftp://a", ""]
        {
            let made = story.endpoints.create(bad, &[EventType::UserCreated], None).await;
            assert!(made.is_err(), "{bad:?}");
        }
        story.endpoints.create("https://a.example/", &[], None).await.unwrap_err();
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_says_it_is_gone_is_told_of_nothing_more() {
    each_story(async |story| {
        story.user("a@example.test").await;
        story.receiver.answer(410, "");
        assert_eq!(story.worker().run_once().await, 1);
        assert!(!story.endpoints.find(story.id).await.unwrap().unwrap().enabled);
        story.user("b@example.test").await;
        story.clock.advance(Duration::days(2));
        assert_eq!(story.worker().run_once().await, 0);
        assert_eq!((story.count(Dead).await, story.count(Waiting).await), (1, 0));
        let action = Some("webhook.endpoint_disable".to_owned());
        let filter = donjon::store::AuditFilter { action, ..Default::default() };
        assert_eq!(story.store.audit_entries(&filter, 9).await.unwrap().len(), 1);
        assert!(story.endpoints.enable(story.id).await.unwrap());
        story.receiver.answer(200, "");
        story.user("c@example.test").await;
        assert_eq!(story.worker().run_once().await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_webhook_worker_that_is_killed_loses_nothing() {
    each_story(async |story| {
        story.user("a@example.test").await;
        story.receiver.hang();
        let worker = story.worker().start();
        story.receiver.came().await;
        worker.kill();
        let first = story.receiver.received();
        story.receiver.answer(200, "");
        assert_eq!(story.worker().run_once().await, 0, "it still belongs to the dead worker");
        story.clock.advance(Duration::seconds(60));
        assert_eq!(story.worker().run_once().await, 1);
        let second = story.receiver.received();
        assert_eq!(first[0].headers["webhook-id"], second[0].headers["webhook-id"]);
        assert_eq!(story.count(Delivered).await, 1);
    })
    .await;
}

#[tokio::test]
async fn what_happens_to_service_accounts_is_told_and_forgotten() {
    each_story(async |story| {
        let events = [EventType::ServiceAccountCreated, EventType::ServiceAccountRevoked];
        let url = story.receiver.url("/robots");
        let (robots, _) = story.endpoints.create(&url, &events, None).await.unwrap();
        let tokens = donjon::account::token::ApiTokens::new(&story.store, "acme".parse().unwrap());
        let accounts = tokens.clock(story.clock.clone()).service_accounts();
        let robot = accounts.create("robot", None).await.unwrap();
        accounts.disable(&robot.id).await.unwrap();
        let told = story.endpoints.deliveries(robots.id, Waiting, None).await.unwrap();
        let mut types: Vec<_> = told.iter().map(|it| it.event.event_type.as_str()).collect();
        types.sort();
        assert_eq!(types, ["service_account.created", "service_account.revoked"]);
        let about = ("service_account".to_owned(), robot.id.to_string());
        assert!(told.iter().all(|it| it.event.subject.as_ref() == Some(&about)), "{told:?}");
        story.endpoints.delete(robots.id).await.unwrap();
        accounts.enable(&robot.id).await.unwrap();
        accounts.disable(&robot.id).await.unwrap();
        assert_eq!(story.endpoints.forget(story.clock.now() + Duration::DAY).await.unwrap(), 2);
    })
    .await;
}
