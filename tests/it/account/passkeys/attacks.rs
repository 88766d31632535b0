//! What somebody does with answers that are not theirs, or were given before.

use http::HeaderMap;

use super::*;
use crate::account::second_factor::{App, methods};
use crate::support::statements::counted;

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_logs_in_once_however_often_it_is_sent() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let before = methods(&world, ALICE).await.len();
        let mut browser = world.browser();
        let page = browser.get("/login").await;
        let answer = passkey.get(&options_on(&page)).unwrap();
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..32 {
            let (mut twin, answer) = (browser.clone(), answer.clone());
            callers.spawn(async move {
                let page = twin.post("/login", &[("credential", &answer)]).await;
                (page.status, twin.get("/").await.body)
            });
        }
        let outcomes = callers.join_all().await;
        let inside = outcomes.iter().filter(|(_, body)| *body == hello(ALICE)).count();
        assert_eq!(inside, 1, "{outcomes:?}");
        assert_eq!(outcomes.iter().filter(|(status, _)| *status == REFUSED).count(), 31);
        assert_eq!(methods(&world, ALICE).await.len(), before + 1);
        // And later, with everything the browser had.
        let late = browser.post("/login", &[("credential", &answer)]).await;
        assert_eq!(late.status, REFUSED);
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_was_overheard_is_worth_nothing_in_another_browser() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut owner = world.browser();
        let page = owner.get("/login").await;
        let answer = passkey.get(&options_on(&page)).unwrap();
        let fields = [("credential", answer.as_str())];
        let mut thief = world.browser();
        assert_eq!(thief.post("/login", &fields).await.status, REFUSED);
        thief.get("/login").await;
        assert_eq!(thief.post("/login", &fields).await.status, REFUSED);
        for made_up in ["x", "e30", ""] {
            thief.cookies.insert("passkey-login".into(), made_up.into());
            assert_eq!(thief.post("/login", &fields).await.status, REFUSED);
        }
        // Nor can it be pressed upon the browser of a victim.
        let page = owner.post_from("https://evil.example", "/login", &fields).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert_eq!(owner.post("/login", &fields).await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn a_passkey_of_another_origin_or_domain_is_refused() {
    each_world(async |world| {
        world.user(ALICE).await;
        // Whoever controls another port of the host has an origin of its own.
        let mut phished = SoftPasskey::at("http://localhost:4000");
        let mut browser = world.logged_in(ALICE).await;
        let page = browser.get(SETTINGS).await;
        let answer = phished.create(&options_on(&page)).unwrap();
        let page = browser.post(SETTINGS, &[("credential", &answer)]).await;
        assert_eq!(page.status, REFUSED);
        assert!(page.body.contains("can’t be added"));
    })
    .await;
}

/// What a stranger sees of an answer, with what is sealed or drawn blotted out.
fn seen(page: &Page) -> (StatusCode, HeaderMap, String) {
    let mut headers = page.headers.clone();
    headers.remove("set-cookie");
    let options = options_on(page);
    let options: serde_json::Value = serde_json::from_str(&options).unwrap();
    let challenge = options["challenge"].as_str().unwrap();
    (page.status, headers, page.body.replace(challenge, "CHALLENGE"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_that_fails_looks_and_costs_the_same_for_every_reason() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let locked = "locked@example.test";
        let mut of_locked = user_with_passkey(&world, locked).await;
        let mut nobodys = SoftPasskey::at(ORIGIN);
        give(&world, ALICE, &mut nobodys).await;
        let account = world.account(ALICE).await;
        let of_alice = world.store.passkeys_of(account.id()).await.unwrap();
        let (id, none) = (of_alice[1].id, Effects::none());
        world.store.remove_passkey(account.id(), id, &open_ways(), &none, &none).await.unwrap();
        let policy = Policy::default().second_factor_lockout;
        let locked = world.account(locked).await;
        for _ in 0..7 {
            let now = world.clock.now();
            let attempt = world.store.begin_second_factor(locked.id(), policy, &none, &[], now);
            attempt.await.unwrap();
        }
        let mut answers = Vec::new();
        for reason in ["unknown", "signature", "locked"] {
            let mut browser = world.browser();
            let options = options_on(&browser.get("/login").await);
            let answer = match reason {
                "unknown" => nobodys.get(&options).unwrap(),
                "locked" => of_locked.get(&options).unwrap(),
                _ => {
                    let mut answer: serde_json::Value =
                        serde_json::from_str(&passkey.get(&options).unwrap()).unwrap();
                    let other = nobodys.get(&options).unwrap();
                    let other: serde_json::Value = serde_json::from_str(&other).unwrap();
                    answer["response"]["signature"] = other["response"]["signature"].clone();
                    answer.to_string()
                }
            };
            let fields = [("credential", answer.as_str())];
            let (page, cost) = counted(browser.post("/login", &fields)).await;
            answers.push((reason, seen(&page), cost));
        }
        let (_, first_seen, first_cost) = &answers[0];
        assert_eq!(first_seen.0, REFUSED);
        assert_eq!((first_cost.reads(), first_cost.transitions()), (0, 2), "{first_cost:?}");
        for (reason, seen, cost) in &answers {
            assert_eq!((seen, cost), (first_seen, first_cost), "{reason}");
        }
    })
    .await;
}

/// A browser shows credentials to whoever has the password once: they are no secret.
#[tokio::test]
async fn who_knows_a_credential_locks_nobody_out() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut owner = world.browser();
        come_in(&mut owner, &mut passkey).await;
        let app = App::set_up(&world, &mut owner).await;
        let mut stranger = world.browser();
        let page = stranger.get("/login").await;
        let mut forged: serde_json::Value =
            serde_json::from_str(&passkey.get(&options_on(&page)).unwrap()).unwrap();
        forged["response"]["signature"] = "AAAA".into();
        for _ in 0..10 {
            let answer = forged.to_string();
            let page = stranger.post("/login", &[("credential", &answer)]).await;
            assert_eq!(page.status, REFUSED);
        }
        let page = come_in(&mut world.browser(), &mut passkey).await;
        assert_eq!(page.body, hello(ALICE));
        let mut browser = world.browser();
        pending(&mut browser, ALICE).await;
        let page = browser.post(VERIFY, &[("code", &app.code(&world))]).await;
        assert_eq!(browser.follow(page).await.body, hello(ALICE));
        assert!(world.mails_to(ALICE).await.iter().all(|mail| !mail.subject.contains("Somebody")));
    })
    .await;
}

/// Whoever has the password and tries codes where there is no app locks the passkeys; the owner must
/// learn of it.
#[tokio::test]
async fn codes_that_the_user_cannot_have_are_counted_and_the_owner_is_told() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        world.mails_to(ALICE).await;
        let mut thief = world.browser();
        for _ in 0..6 {
            pending(&mut thief, ALICE).await;
            thief.post(VERIFY, &[("code", "000000")]).await;
        }
        let page = thief.get("/").await;
        assert_eq!(page.body, "hello stranger at /");
        assert_eq!(come_in(&mut world.browser(), &mut passkey).await.status, REFUSED);
        let mails = world.mails_to(ALICE).await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert_eq!(mails[0].subject, "Somebody has your password");
        world.clock.advance(Duration::minutes(15));
        let page = come_in(&mut world.browser(), &mut passkey).await;
        assert_eq!(page.body, hello(ALICE));
    })
    .await;
}
