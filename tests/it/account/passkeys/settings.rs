//! The page where a user sees to their passkeys.

use super::*;

const RENAME: &str = "/settings/passkeys/rename";
const DELETE: &str = "/settings/passkeys/delete";
const MALLORY: &str = "mallory@example.test";

/// The ids that the page's forms carry, in order.
fn ids_on(page: &Page) -> Vec<String> {
    let forms = page.body.split("action=\"/settings/passkeys/delete\"").skip(1);
    let id = |form: &str| form.split("value=\"").nth(1).unwrap().split('"').next().unwrap().into();
    forms.map(id).collect()
}

fn names_on(page: &Page) -> Vec<String> {
    let names = page.body.split("class=\"passkey-name\">").skip(1);
    names.map(|name| name.split('<').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_passkey_is_added_renamed_and_removed_and_its_owner_is_told() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let page = browser.get(SETTINGS).await;
        assert!(names_on(&page).is_empty() && !page.has("only-one"));
        let csp = page.headers["content-security-policy"].to_str().unwrap();
        let script = "; script-src http://localhost:3000/login/passkey.js";
        assert!(csp.ends_with(script) && csp.contains("form-action 'self'"), "{csp}");

        let mut passkey = SoftPasskey::at(ORIGIN).synced();
        let page = add(&mut browser, &mut passkey, "  My \u{7} <phone> ").await;
        assert_eq!(page.location().unwrap().path(), SETTINGS);
        assert_eq!(world.mails_to(ALICE).await[0].subject, "A passkey was added to your account");
        let page = browser.get(SETTINGS).await;
        assert_eq!(names_on(&page), ["My  &#60;phone&#62;"]);
        assert!(page.has("only-one") && page.body.contains("not used yet"));
        assert!(page.body.contains("On several devices"));
        world.clock.advance(Duration::SECOND);
        // The same authenticator is not asked again, and another gets a name of its own.
        assert!(passkey.create(&options_on(&page)).is_err());
        add(&mut browser, &mut SoftPasskey::at(ORIGIN), "").await;
        let page = browser.get(SETTINGS).await;
        let ids = ids_on(&page);
        assert_eq!(names_on(&page).last().unwrap(), "Passkey");
        assert!(!page.has("only-one"));

        browser.post(RENAME, &[("id", &ids[0]), ("name", "Telephone")]).await;
        browser.post(RENAME, &[("id", &ids[1]), ("name", "   ")]).await;
        browser.post(RENAME, &[("id", "no id"), ("name", "x")]).await;
        assert_eq!(names_on(&browser.get(SETTINGS).await), ["Telephone", "Passkey"]);
        world.mails_to(ALICE).await;

        browser.post(DELETE, &[("id", &ids[0])]).await;
        let mails = world.mails_to(ALICE).await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert_eq!(mails[0].subject, "A passkey was removed from your account");
        browser.post(DELETE, &[("id", &ids[1])]).await;
        let subjects: Vec<_> =
            world.mails_to(ALICE).await.into_iter().map(|mail| mail.subject).collect();
        assert!(subjects.contains(&"Two-step login was turned off".to_owned()), "{subjects:?}");
        assert!(names_on(&browser.get(SETTINGS).await).is_empty());
        assert_eq!(log_in(&mut world.browser(), ALICE, PASSWORD).await.body, hello(ALICE));
        let mut gone = world.browser();
        assert_eq!(come_in(&mut gone, &mut passkey).await.status, REFUSED);
    })
    .await;
}

#[tokio::test]
async fn nobody_gets_more_than_ten_passkeys() {
    each_world(async |world| {
        world.user(ALICE).await;
        let (mut browser, mut own) = (world.browser(), SoftPasskey::at(ORIGIN));
        give(&world, ALICE, &mut own).await;
        come_in(&mut browser, &mut own).await;
        for _ in 0..8 {
            give(&world, ALICE, &mut SoftPasskey::at(ORIGIN)).await;
        }
        let page = browser.get(SETTINGS).await;
        let options = options_on(&page);
        let (mut first, mut second) = (SoftPasskey::at(ORIGIN), SoftPasskey::at(ORIGIN));
        let late = first.create(&options).unwrap();
        give(&world, ALICE, &mut second).await;
        let page = browser.post(SETTINGS, &[("credential", &late)]).await;
        assert_eq!(page.status, REFUSED);
        assert!(page.body.contains("as many passkeys as there can be"));
        assert_eq!(ids_on(&page).len(), 10);
        assert!(!page.has("passkey"), "another is asked for");
    })
    .await;
}

#[tokio::test]
async fn a_passkey_is_made_by_its_own_user_in_its_own_session_once() {
    each_world(async |world| {
        world.user(ALICE).await;
        world.user(MALLORY).await;
        let mut mallory = world.logged_in(MALLORY).await;
        let page = mallory.get(SETTINGS).await;
        let planted = mallory.cookies["passkey-register"].clone();
        let mut key = SoftPasskey::at(ORIGIN);
        let answer = key.create(&options_on(&page)).unwrap();
        let fields = [("credential", answer.as_str())];
        // Into the account of another, by a cookie and an answer of one's own.
        let mut alice = world.logged_in(ALICE).await;
        alice.cookies.insert("passkey-register".into(), planted.clone());
        assert_eq!(alice.post(SETTINGS, &fields).await.status, REFUSED);
        // From another session of the same user.
        let mut elsewhere = world.logged_in(MALLORY).await;
        elsewhere.cookies.insert("passkey-register".into(), planted.clone());
        assert_eq!(elsewhere.post(SETTINGS, &fields).await.status, REFUSED);
        // Without what was asked, and with something else.
        let mut without = mallory.clone();
        without.cookies.remove("passkey-register");
        assert_eq!(without.post(SETTINGS, &fields).await.status, REFUSED);
        for bad in ["", "{}", "null", &answer[..answer.len() - 1]] {
            let page = mallory.clone().post(SETTINGS, &[("credential", bad)]).await;
            assert_eq!(page.status, REFUSED, "{bad}");
        }
        // Once, in its own session; then never again, though the cookie is kept.
        let page = mallory.post(SETTINGS, &fields).await;
        assert_eq!(page.location().unwrap().path(), SETTINGS);
        assert!(!mallory.cookies.contains_key("passkey-register"));
        let id = ids_on(&mallory.get(SETTINGS).await)[0].clone();
        mallory.post(DELETE, &[("id", &id)]).await;
        mallory.cookies.insert("passkey-register".into(), planted);
        assert_eq!(mallory.post(SETTINGS, &fields).await.status, REFUSED, "a replay");
    })
    .await;
}

#[tokio::test]
async fn what_is_asked_for_a_passkey_is_over_after_half_an_hour() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.browser();
        let first = options_on(&browser.get("/login").await);
        world.clock.advance(Duration::minutes(14));
        assert_eq!(options_on(&browser.get("/login").await), first, "two windows");
        world.clock.advance(Duration::minutes(1));
        let cookie = browser.cookies["passkey-login"].clone();
        let second = options_on(&browser.get("/login").await);
        assert_ne!(second, first);
        let mut key = SoftPasskey::at(ORIGIN);
        give(&world, ALICE, &mut key).await;
        browser.cookies.insert("passkey-login".into(), cookie);
        world.clock.advance(Duration::minutes(15));
        let late = key.get(&first).unwrap();
        assert_eq!(browser.post("/login", &[("credential", &late)]).await.status, REFUSED);
    })
    .await;
}

#[tokio::test]
async fn a_passkey_is_nobodys_but_its_owners() {
    each_world(async |world| {
        user_with_passkey(&world, ALICE).await;
        let mut passkey = SoftPasskey::at(ORIGIN);
        world.user(MALLORY).await;
        let mut alice = world.browser();
        let mut of_alice = SoftPasskey::at(ORIGIN);
        give(&world, ALICE, &mut of_alice).await;
        come_in(&mut alice, &mut of_alice).await;
        let ids = ids_on(&alice.get(SETTINGS).await);
        let mut mallory = world.logged_in(MALLORY).await;
        add(&mut mallory, &mut passkey, "mine").await;
        for id in &ids {
            mallory.post(RENAME, &[("id", id), ("name", "stolen")]).await;
            mallory.post(DELETE, &[("id", id)]).await;
        }
        let page = alice.get(SETTINGS).await;
        assert_eq!((ids_on(&page), names_on(&page)), (ids, vec!["a key".into(), "given".into()]));
    })
    .await;
}

#[tokio::test]
async fn everything_about_passkeys_takes_a_fresh_login() {
    each_world(async |world| {
        let mut passkey = user_with_passkey(&world, ALICE).await;
        let mut browser = world.browser();
        come_in(&mut browser, &mut passkey).await;
        let page = browser.get(SETTINGS).await;
        let id = ids_on(&page)[0].clone();
        let answer = SoftPasskey::at(ORIGIN).create(&options_on(&page)).unwrap();
        world.clock.advance(Duration::hours(2));
        for mut visitor in [browser, world.browser()] {
            let fields = [("id", id.as_str()), ("name", "x"), ("credential", &answer)];
            for path in [SETTINGS, RENAME, DELETE] {
                let shown = visitor.get(path).await;
                let shown = visitor.follow(shown).await;
                assert_eq!(shown.url.path(), "/login", "{path}");
                let sent = visitor.post(path, &fields).await;
                assert_eq!(sent.location().unwrap().path(), "/login", "{path}");
            }
        }
        pending(&mut world.browser(), ALICE).await;
    })
    .await;
}

#[tokio::test]
async fn who_has_no_password_keeps_a_passkey() {
    each_world(async |world| {
        let accounts = world.accounts.accounts();
        accounts.create(ALICE, None, Default::default(), true).await.unwrap();
        let (mut one, mut two) = (SoftPasskey::at(ORIGIN), SoftPasskey::at(ORIGIN));
        give(&world, ALICE, &mut one).await;
        give(&world, ALICE, &mut two).await;
        let mut browser = world.browser();
        assert_eq!(come_in(&mut browser, &mut one).await.body, hello(ALICE));
        let ids = ids_on(&browser.get(SETTINGS).await);
        assert_eq!(browser.post(DELETE, &[("id", &ids[1])]).await.status, StatusCode::SEE_OTHER);
        let page = browser.post(DELETE, &[("id", &ids[0])]).await;
        assert_eq!(page.status, REFUSED);
        assert!(page.body.contains("your only way to log in"));
        assert_eq!(ids_on(&page), ids[..1]);
        assert_eq!(come_in(&mut world.browser(), &mut one).await.body, hello(ALICE));
    })
    .await;
}

/// A passkey of a domain that the application has left, and a provider that it has dropped.
#[tokio::test]
async fn what_opens_nothing_here_is_no_way_in_to_fall_back_on() {
    each_world(async |world| {
        let accounts = world.accounts.accounts();
        let alice = accounts.create(ALICE, None, Default::default(), true).await.unwrap();
        let mut passkey = SoftPasskey::at(ORIGIN);
        give(&world, ALICE, &mut passkey).await;
        let now = world.clock.now();
        let dead = Passkey {
            id: SystemRandom.uuid_v7(now),
            credential: donjon::store::CredentialId::from(SystemRandom.bytes::<32>()),
            rp_id: "old.example".into(),
            ..world.store.passkeys_of(alice.id()).await.unwrap()[0].clone()
        };
        let hash = Challenge::generate(&SystemRandom).hash();
        let answered = AnsweredChallenge { hash, expires_at: now };
        let none = Effects::none();
        world.store.add_passkey(&dead, answered, None, &none).await.unwrap();
        let identity = donjon::store::NewIdentity {
            provider: "of-old".into(),
            subject: "alice".into(),
            email: None,
            name: None,
            tokens: None,
            at: now,
        };
        world.store.link_identity(alice.id(), &identity, None, &none).await.unwrap();

        let mut browser = world.browser();
        assert_eq!(come_in(&mut browser, &mut passkey).await.body, hello(ALICE));
        // A key without a PIN is a second factor, and logs nobody in.
        let mut key = SoftPasskey::at(ORIGIN).without_user_verification();
        world.clock.advance(Duration::SECOND);
        give(&world, ALICE, &mut key).await;
        let ids = ids_on(&browser.get(SETTINGS).await);
        assert_eq!(ids.len(), 3);
        let page = browser.post(DELETE, &[("id", &ids[0])]).await;
        assert_eq!(page.status, REFUSED, "the only one that opens anything");
        assert!(page.body.contains("your only way to log in"));
        for dead in &ids[1..] {
            assert_eq!(browser.post(DELETE, &[("id", dead)]).await.status, StatusCode::SEE_OTHER);
        }
        assert_eq!(ids_on(&browser.get(SETTINGS).await), ids[..1]);
    })
    .await;
}

#[tokio::test]
async fn without_passkeys_there_is_no_trace_of_them() {
    each_world_at(
        ORIGIN,
        |builder| builder,
        async |world| {
            world.user(ALICE).await;
            let mut browser = world.logged_in(ALICE).await;
            for path in [SETTINGS, RENAME, DELETE, "/login/passkey.js"] {
                let page = browser.get(path).await;
                assert_eq!(page.body, format!("hello {ALICE} at {path}"), "not ours");
            }
            assert!(!browser.get("/settings").await.body.contains("passkeys"));
            let page = world.browser().get("/login").await;
            assert!(!page.has("passkey") && !page.body.contains("<script"));
            assert!(page.set_cookie("passkey-login").is_none());
            assert!(!page.headers["content-security-policy"].to_str().unwrap().contains("script"));
        },
    )
    .await;
}
