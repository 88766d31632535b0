//! The pages of administrators about webhook endpoints, with a receiver that fails.

use donjon::crypto::{Clock as _, Keyring, SystemRandom};
use donjon::delivery::webhook::{
    EventType, HostEvent, WebhookEndpoints, WebhookSecret, WebhookVerifier, WebhookWorker,
};
use donjon::store::{Organization, WebhookEndpointId, WebhookState};
use time::Duration;
use uuid::Uuid;

use super::*;
use crate::account::world::each_world_over;
use crate::support::statements::counted;
use crate::webhooks::receiver::Receiver;

const LIST: &str = "/admin/webhooks";
const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
/// How often a delivery is tried.
const ATTEMPTS: usize = 8;

/// The staff may everything, but with an organization that is nobody's business, and with two of which
/// one may not be looked at and the other's endpoints may not; and a support desk looks at the
/// endpoints of the application, and no further.
#[derive(Debug)]
struct Operators;

#[async_trait]
impl AdminAuthorizer for Operators {
    async fn may(&self, who: &CurrentScope, act: AdminAct, _: Option<&Account>) -> bool {
        let Some(staff) = who.account().filter(|staff| is_staff(staff)) else { return false };
        staff.email() != Some(BOSS) || act == AdminAct::LookAtWebhooks
    }

    async fn may_in(&self, who: &CurrentScope, act: AdminAct, at: &Organization) -> bool {
        let Some(staff) = who.account().filter(|staff| is_staff(staff)) else { return false };
        let hidden = match at.slug.as_str() {
            "hidden" => true,
            "nameless" => act == AdminAct::LookAtOrganization,
            "closed" => act == AdminAct::LookAtWebhooks,
            _ => false,
        };
        staff.email() != Some(BOSS) && !hidden
    }

    async fn is_administrator(&self, account: &Account) -> bool {
        is_staff(account)
    }
}

/// What is told of, and to whom.
struct Hook {
    endpoints: WebhookEndpoints,
    worker: WebhookWorker,
    receiver: Receiver,
    id: WebhookEndpointId,
    secret: WebhookSecret,
    /// The page about it.
    at: String,
}

/// Tells the story on each database: the receiver gave up on so many events before the administrator
/// and the desk logged in.
async fn each_hook(dead: usize, story: impl AsyncFn(World, Hook, Browser, Browser)) {
    let keyring = Keyring::ephemeral(&SystemRandom);
    each_world_over(
        |store, clock, builder| {
            let endpoints = WebhookEndpoints::new(store, &keyring).clock(clock);
            builder.webhooks(&endpoints).administrators(Operators)
        },
        async |world| {
            let receiver = Receiver::start().await;
            let endpoints =
                WebhookEndpoints::new(&world.store, &keyring).clock(world.clock.clone());
            let url = receiver.url("/hook");
            let events = [EventType::host("invoice.paid").unwrap()];
            let (endpoint, secret) = endpoints.create(&url, &events, None).await.unwrap();
            let worker = WebhookWorker::new(&world.store, &keyring, &receiver.egress());
            let worker = worker.clock(world.clock.clone());
            let at = format!("{LIST}/{}", endpoint.id);
            let hook = Hook { endpoints, worker, receiver, id: endpoint.id, secret, at };
            for number in 0..dead {
                hook.emit(number).await;
            }
            if dead > 0 {
                hook.receiver.answer(500, "");
                for _ in 0..ATTEMPTS {
                    hook.deliver().await;
                    world.clock.advance(Duration::days(2));
                }
                assert_eq!(hook.count(WebhookState::Dead).await, dead);
                hook.receiver.received();
                hook.receiver.answer(200, "");
            }
            for email in [ROOT, BOSS] {
                let attributes = [("staff".to_owned(), json!(true))].into_iter().collect();
                let accounts = world.accounts.accounts();
                accounts.create(email, Some(PASSWORD), attributes, true).await.unwrap();
            }
            let (root, desk) = (world.logged_in(ROOT).await, world.logged_in(BOSS).await);
            story(world, hook, root, desk).await;
        },
    )
    .await;
}

impl Hook {
    async fn emit(&self, number: usize) {
        let event = HostEvent::new("invoice.paid", &json!({ "number": number })).unwrap();
        assert!(self.endpoints.emit(event).await.unwrap());
    }

    /// Sees off what is due.
    async fn deliver(&self) {
        while self.worker.run_once().await > 0 {}
    }

    async fn count(&self, state: WebhookState) -> usize {
        self.endpoints.deliveries(self.id, state, None).await.unwrap().len()
    }

    async fn is_enabled(&self) -> bool {
        self.endpoints.find(self.id).await.unwrap().unwrap().enabled
    }
}

/// Asserts that the newest entry of this action tells of what root did to the endpoint.
async fn told(world: &World, hook: &Hook, action: &str) {
    let told = entry(world, action).await;
    assert_eq!(told.actor, Some(id_of(world, ROOT).await), "{action}");
    assert_eq!(told.subject, Some(hook.id.to_string()), "{action}");
    assert_eq!(told.user_agent.as_deref(), Some("Office/1"), "{action}");
}

#[tokio::test]
async fn what_was_given_up_is_sent_again_one_by_one_or_all() {
    each_hook(3, async |world, hook, mut root, _| {
        root.user_agent = "Office/1";
        let list = root.get("/admin").await.link("Webhooks");
        let list = root.get(&list).await;
        assert!(list.body.contains(&hook.receiver.url("/hook")), "{}", list.body);
        let page = root.get(&hook.at).await;
        assert_eq!(page.body.matches("/replay\"").count(), 3, "{}", page.body);
        assert!(page.body.contains("invoice.paid") && !page.has("attempts"), "{}", page.body);
        assert!(!page.body.contains("whsec_") && !page.body.contains(&hook.secret.expose()));
        let dead = hook.endpoints.deliveries(hook.id, WebhookState::Dead, None).await.unwrap();
        let event = dead[0].event.id.to_string();
        let page = root.get(&format!("{}?event={event}", hook.at)).await;
        assert_eq!(page.body.matches(". 500<").count(), ATTEMPTS, "{}", page.body);

        let replay = format!("{}/replay", hook.at);
        let page = root.post(&replay, &[("event", &event)]).await;
        assert_eq!(page.location().unwrap().path(), hook.at);
        told(&world, &hook, "webhook.replay").await;
        for wrong in [event.as_str(), &Uuid::nil().to_string(), "x", ""] {
            let page = root.post(&replay, &[("event", wrong)]).await;
            assert_eq!(page.status, REFUSED, "{wrong}");
        }
        assert_eq!(hook.worker.run_once().await, 1);
        let received = hook.receiver.received();
        assert_eq!(received[0].headers["webhook-id"], format!("msg_{}", dead[0].event.id.simple()));

        let all = format!("{}/replay-all", hook.at);
        assert_eq!(root.post(&all, &[]).await.location().unwrap().path(), hook.at);
        hook.deliver().await;
        assert_eq!(hook.receiver.received().len(), 2);
        assert_eq!(hook.count(WebhookState::Delivered).await, 3);
        assert!(root.get(&hook.at).await.has("none-dead"));
        assert_eq!(root.post(&all, &[]).await.status, REFUSED, "there is nothing left");
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_is_turned_off_and_on() {
    each_hook(0, async |world, hook, mut root, _| {
        root.user_agent = "Office/1";
        for (act, enabled, state) in [("disable", false, "Off"), ("enable", true, "On")] {
            let page = root.post(&format!("{}/{act}", hook.at), &[]).await;
            let page = root.follow(page).await;
            assert_eq!(page.text_of("state"), state);
            assert_eq!(hook.is_enabled().await, enabled);
            told(&world, &hook, &format!("webhook.endpoint_{act}")).await;
            let page = root.post(&format!("{}/{act}", hook.at), &[]).await;
            assert_eq!(page.status, REFUSED, "twice");
        }
    })
    .await;
}

#[tokio::test]
async fn a_new_secret_is_shown_once_and_the_old_one_signs_for_a_while() {
    each_hook(0, async |world, hook, mut root, _| {
        root.user_agent = "Office/1";
        let rotate = format!("{}/rotate", hook.at);
        for overlap in ["", "2", "-1", "99999999999"] {
            let page = root.post(&rotate, &[("overlap", overlap)]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{overlap}");
        }
        let page = root.post(&rotate, &[("overlap", "24")]).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.headers["cache-control"], "no-store");
        let new: WebhookSecret = page.text_of("secret").parse().unwrap();
        told(&world, &hook, "webhook.secret_rotate").await;
        let written = format!("{:?}", entry(&world, "webhook.secret_rotate").await);
        assert!(!written.contains("whsec_"), "{written}");
        for path in [&hook.at, &rotate, LIST] {
            assert!(!root.get(path).await.body.contains("whsec_"), "{path}");
        }
        for (passed, old_is_good) in [(Duration::ZERO, true), (Duration::DAY, false)] {
            world.clock.advance(passed);
            hook.emit(0).await;
            hook.worker.run_once().await;
            let received = hook.receiver.received();
            let good = |secret: &WebhookSecret| {
                let verifier = WebhookVerifier::new([secret.clone()]);
                let (headers, body) = (&received[0].headers, &received[0].body);
                verifier.verify(headers, body, world.clock.now()).is_ok()
            };
            assert_eq!((good(&new), good(&hook.secret)), (true, old_is_good), "{passed}");
        }
        let mut root = world.logged_in(ROOT).await;
        let secrets = async |root: &mut Browser| root.post(&rotate, &[("overlap", "168")]).await;
        while secrets(&mut root).await.status == StatusCode::OK {}
        let page = secrets(&mut root).await;
        assert_eq!(page.status, REFUSED);
        assert!(page.body.contains("Three secrets sign already"), "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn nobody_sees_to_webhooks_whom_the_host_does_not_let() {
    each_hook(1, async |world, hook, mut root, mut desk| {
        world.user(BOB).await;
        let mut bob = world.logged_in(BOB).await;
        let mut acting = world.browser();
        acting.get(&format!("/act?{ROOT}")).await;
        for path in [LIST, &hook.at] {
            assert_eq!(bob.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
            assert_eq!(acting.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
            assert_eq!(desk.get(path).await.status, StatusCode::OK, "{path}: the desk looks");
            let stranger = world.browser().get(path).await;
            assert_eq!(stranger.location().unwrap().path(), "/login");
        }
        let dead = hook.endpoints.deliveries(hook.id, WebhookState::Dead, None).await.unwrap();
        let event = dead[0].event.id.to_string();
        for act in ["replay", "replay-all", "disable", "enable", "rotate"] {
            let (to, fields) =
                (format!("{}/{act}", hook.at), [("event", event.as_str()), ("overlap", "0")]);
            for (who, browser) in [("bob", &mut bob), ("desk", &mut desk), ("acting", &mut acting)]
            {
                let page = browser.post(&to, &fields).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{who}: {act}");
                assert!(!page.body.contains("whsec_"), "{who}: {act}");
            }
            let page = root.post_from("https://evil.example", &to, &fields).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{act}");
        }
        let denied = denied(&world, BOSS).await;
        assert_eq!(denied.len(), 5);
        for act in ["replay_webhook", "disable_webhook", "rotate_webhook_secret"] {
            assert!(denied.iter().any(|told| told.metadata["act"] == act), "{act}");
        }
        world.clock.advance(Duration::minutes(10));
        let page = root.post(&format!("{}/rotate", hook.at), &[("overlap", "0")]).await;
        assert_eq!(page.location().unwrap().path(), "/login/again", "no longer fresh");
        // Nothing happened.
        assert_eq!(hook.count(WebhookState::Dead).await, 1);
        assert!(hook.is_enabled().await);
        hook.emit(9).await;
        hook.worker.run_once().await;
        let received = hook.receiver.received();
        let verifier = WebhookVerifier::new([hook.secret.clone()]);
        let (headers, body) = (&received[0].headers, &received[0].body);
        verifier.verify(headers, body, world.clock.now()).unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_endpoints_of_an_organization_are_for_those_who_may_see_to_them_there() {
    each_hook(0, async |world, hook, mut root, mut desk| {
        world.user(BOB).await;
        let (bob, organizations) = (id_of(&world, BOB).await, world.accounts.organizations());
        let mut made = Vec::new();
        for slug in ["acme", "hidden", "nameless", "closed"] {
            let name = slug.parse().unwrap();
            let id = organizations.create(&name, Some(slug), &bob).await.unwrap().id;
            let (url, events) =
                (format!("https://{slug}.example/"), [EventType::MembershipCreated]);
            let endpoint = hook.endpoints.create(&url, &events, Some(id)).await.unwrap().0;
            made.push((format!("{LIST}?organization={}", id.0), format!("{LIST}/{}", endpoint.id)));
        }
        let unknown = root.get(&format!("{LIST}/{}", Uuid::nil())).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
        let of_none = root.get(LIST).await;
        for (index, (list, at)) in made.iter().enumerate() {
            let hidden = index > 0;
            assert!(!of_none.body.contains(at.as_str()), "{at}");
            for path in [list, at] {
                let page = root.get(path).await;
                assert_eq!(page.status == StatusCode::OK, !hidden, "{path}");
                if hidden {
                    assert_eq!(page.body, unknown.body, "{path}");
                }
                assert_eq!(desk.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
            }
            let page = root.post(&format!("{at}/disable"), &[]).await;
            assert_eq!(page.location().is_some(), !hidden, "{at}");
        }
        for odd in ["x", &Uuid::nil().to_string()] {
            let page = root.get(&format!("{LIST}?organization={odd}")).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{odd}");
        }
        let at = made[0].0.split_once('=').unwrap().1;
        let page = root.get(&format!("/admin/organizations/{at}")).await;
        assert_eq!(page.link("Webhooks"), LIST, "in the frame");
        assert!(page.has("webhooks") && page.body.contains(&made[0].0), "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn what_a_deleted_organization_left_behind_is_for_those_who_see_to_the_hosts_own() {
    each_hook(0, async |world, hook, mut root, mut desk| {
        world.user(BOB).await;
        let (bob, organizations) = (id_of(&world, BOB).await, world.accounts.organizations());
        let id =
            organizations.create(&"Acme".parse().unwrap(), Some("acme"), &bob).await.unwrap().id;
        let events = [EventType::MembershipDeleted];
        let url = hook.receiver.url("/acme");
        let endpoint = hook.endpoints.create(&url, &events, Some(id)).await.unwrap().0.id;
        let (list, at) = (format!("{LIST}?organization={}", id.0), format!("{LIST}/{endpoint}"));
        for path in [&list, &at] {
            assert_eq!(desk.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        organizations.delete(id).await.unwrap();
        hook.deliver().await;
        assert!(hook.receiver.received().is_empty(), "nothing more is told");
        for browser in [&mut root, &mut desk] {
            let page = browser.get(&list).await;
            assert!(page.body.contains(&at), "{}", page.body);
            assert_eq!(browser.get(&at).await.text_of("state"), "Off");
        }
        for (act, enabled) in [("enable", true), ("disable", false)] {
            let to = format!("{at}/{act}");
            assert_eq!(desk.post(&to, &[]).await.status, StatusCode::FORBIDDEN, "{act}");
            assert_eq!(root.post(&to, &[]).await.location().unwrap().path(), at, "{act}");
            let found = hook.endpoints.find(endpoint).await.unwrap().unwrap();
            assert_eq!(found.enabled, enabled);
        }
    })
    .await;
}

#[tokio::test]
async fn there_are_no_pages_about_webhooks_unless_the_host_hands_over_its_endpoints() {
    each_office(async |_, mut root| {
        assert!(!root.get("/admin").await.body.contains(LIST));
        for path in [LIST, &format!("{LIST}/{}", Uuid::nil())] {
            assert_eq!(root.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        let page = root.post(&format!("{LIST}/{}/rotate", Uuid::nil()), &[]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_an_endpoint_costs_the_same_however_much_was_given_up() {
    let mut costs = Vec::new();
    for dead in [1, 12] {
        let seen = std::sync::Mutex::new(Vec::new());
        each_hook(dead, async |_, hook, mut root, _| {
            let (page, cost) = counted(root.get(&hook.at)).await;
            assert_eq!(page.body.matches("/replay\"").count(), dead);
            assert_eq!(cost.transitions(), 0);
            seen.lock().unwrap().push(cost.reads());
            let record = hook.endpoints.deliveries(hook.id, WebhookState::Dead, None).await;
            let event = record.unwrap()[0].event.id.to_string();
            let fields = [("event", event.as_str())];
            let (_, cost) = counted(root.post(&format!("{}/replay", hook.at), &fields)).await;
            assert_eq!(cost.transitions(), 2, "the count of what they do, and it with its entry");
        })
        .await;
        costs.push(seen.into_inner().unwrap());
    }
    assert_eq!(costs[0], costs[1]);
}
