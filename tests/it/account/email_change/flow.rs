//! From the form to the new address.

use time::Duration;

use super::*;

#[tokio::test]
async fn an_address_is_changed_by_a_link_to_the_new_one_and_the_old_one_is_told() {
    each_world(async |world| {
        world.user(ALICE).await;
        let alice = id_of(&world, ALICE).await;
        let (mut here, mut there) = (world.logged_in(ALICE).await, world.logged_in(ALICE).await);
        let page = here.get(PATH).await;
        assert_eq!(page.text_of("current-email"), ALICE);
        assert!(!page.has("pending-email"));
        let page = ask(&mut here, " Alice@NEW.example.test ").await;
        assert!(page.body.contains(&format!("A message to {NEW} is on its way")), "{}", page.body);
        assert!(page.text_of("pending-email").starts_with(NEW) && page.has("cancel"));
        assert_eq!(
            subjects(&world.mails_to(ALICE).await),
            ["Your email address is about to change"]
        );
        // Nothing has changed yet.
        assert_eq!(logged_in_as(&mut here).await, format!("hello {ALICE} at /"));
        assert_eq!(log_in(&mut world.browser(), NEW, PASSWORD).await.status, REFUSED);

        // The mails were sent together; the one to the new address is asked for again.
        let page = opened(&world, &mut here, NEW).await;
        assert!(page.body.contains(NEW), "{}", page.body);
        assert_eq!(
            logged_in_as(&mut here).await,
            format!("hello {ALICE} at /"),
            "opening is not enough"
        );
        let before = here.cookies["session"].clone();
        let page = press(&mut here, &page).await;
        let page = here.follow(page).await;
        assert!(page.body.contains("This is your address now."), "{}", page.body);

        assert_ne!(here.cookies["session"], before, "the token is another");
        assert_eq!(logged_in_as(&mut here).await, format!("hello {NEW} at /"));
        assert_eq!(logged_in_as(&mut there).await, "hello stranger at /");
        assert_eq!(id_of(&world, NEW).await, alice);
        assert_eq!(id_of(&world, ALICE).await, None);
        let account = world.account(NEW).await;
        assert!(account.email_verified());
        let mails = world.mails_to(ALICE).await;
        assert_eq!(subjects(&mails), ["Your email address was changed"]);
        assert!(mails[0].text.contains(NEW) && mails[0].html.contains(NEW));
        assert_eq!(log_in(&mut there, ALICE, PASSWORD).await.status, REFUSED);
        assert_eq!(log_in(&mut there, NEW, PASSWORD).await.body, format!("hello {NEW} at /"));

        for (action, times) in [("account.email_change", 1), ("account.email_change_request", 2)] {
            assert_eq!(told_of(&world, action).await, vec![alice.clone(); times], "{action}");
        }
        assert!(!here.get(PATH).await.has("pending-email"));
    })
    .await;
}

#[tokio::test]
async fn an_address_takes_a_fresh_login_and_the_user_in_person() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let page = opened(&world, &mut browser, NEW).await;
        world.clock.advance(Duration::minutes(6));
        for page in [browser.get(PATH).await, browser.post(PATH, &[("email", BOB)]).await] {
            assert_eq!(page.location().unwrap().path(), "/login/again");
        }
        let mut stranger = world.browser();
        let mut acting = world.browser();
        acting.get(&format!("/act?{ALICE}")).await;
        for path in [PATH, CONFIRM, CANCEL] {
            let fields = [("email", BOB)];
            let page = stranger.post(path, &fields).await;
            assert_eq!(page.location().unwrap().path(), "/login", "{path}");
            let page = acting.post(path, &fields).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        }
        // What was asked for freshly is confirmed without.
        assert_eq!(press(&mut browser, &page).await.status, StatusCode::SEE_OTHER);
        assert_eq!(logged_in_as(&mut browser).await, format!("hello {NEW} at /"));
    })
    .await;
}

#[tokio::test]
async fn what_is_no_address_or_no_other_is_said() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        for (typed, said) in [
            ("", "This doesn’t look like an email address."),
            ("no address", "This doesn’t look like an email address."),
            (" ALICE@example.test", "That is your address already."),
        ] {
            let page = ask(&mut browser, typed).await;
            assert_eq!(page.status, REFUSED, "{typed}");
            assert!(page.text_of("email-hint").starts_with(said), "{}", page.body);
            assert_eq!(page.value_of("email"), typed);
        }
        assert!(world.mails_to(ALICE).await.is_empty());
        assert!(told_of(&world, "account.email_change_request").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_link_is_opened_by_the_user_who_asked_and_by_nobody_else() {
    each_world(async |world| {
        world.user(ALICE).await;
        world.user(BOB).await;
        ask(&mut world.logged_in(ALICE).await, NEW).await;
        let link = link_to(&world, NEW).await;
        // Whoever gets the mail by mistake, or by an attacker's intent, can do nothing with it.
        let mut bob = world.logged_in(BOB).await;
        assert_eq!(bob.get(&link).await.status, StatusCode::GONE);
        let token = link.split_once("token=").unwrap().1;
        let page = bob.post(CONFIRM, &[("token", token)]).await;
        assert_eq!(page.status, StatusCode::GONE);
        assert_eq!(logged_in_as(&mut bob).await, format!("hello {BOB} at /"));
        // Who is not logged in logs in first, and comes back.
        let mut elsewhere = world.browser();
        let page = elsewhere.get(&link).await;
        let page = elsewhere.follow(page).await;
        assert_eq!(page.url.path(), "/login");
        let page = elsewhere.submit(&page, &[("email", ALICE), ("password", PASSWORD)]).await;
        let page = elsewhere.follow(page).await;
        assert_eq!(page.url.path(), CONFIRM);
        press(&mut elsewhere, &page).await;
        assert_eq!(logged_in_as(&mut elsewhere).await, format!("hello {NEW} at /"));
        let again = press(&mut elsewhere, &page).await;
        assert_eq!(again.status, StatusCode::GONE, "once");
        for token in ["x", &"A".repeat(43), &"A".repeat(5000), "%00"] {
            let page = elsewhere.get(&format!("{CONFIRM}?token={token}")).await;
            assert_eq!(page.status, StatusCode::GONE, "{token}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_digits_in_the_mail_do_what_the_link_does_for_five_tries() {
    each_world(async |world| {
        for (user, right) in [(ALICE, true), (BOB, false)] {
            let new = format!("new.{user}");
            world.user(user).await;
            let mut browser = world.logged_in(user).await;
            assert!(!browser.get(PATH).await.has("code"));
            assert!(ask(&mut browser, &new).await.has("code"));
            let mails = world.mails_to(&new).await;
            let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
            let code = mails[0].text.split_whitespace().find(is_code).unwrap().to_owned();
            assert!(mails[0].html.contains(&code));
            let wrong = if code == "000000" { "000001" } else { "000000" };
            for _ in 0..if right { 4 } else { 5 } {
                let page = browser.post(CONFIRM, &[("code", wrong)]).await;
                assert_eq!(page.status, REFUSED);
                assert!(page.body.contains("after five tries only the link"), "{}", page.body);
            }
            let spelt = format!("{}-{}", &code[..3], &code[3..]);
            let page = browser.post(CONFIRM, &[("code", &spelt)]).await;
            assert_eq!(page.status == StatusCode::SEE_OTHER, right, "{}", page.body);
            let address = if right { new.as_str() } else { user };
            assert_eq!(logged_in_as(&mut browser).await, format!("hello {address} at /"));
            if !right {
                let link = mails[0].text.lines().find(|line| line.starts_with("http")).unwrap();
                let page = browser.get(link).await;
                press(&mut browser, &page).await;
                assert_eq!(logged_in_as(&mut browser).await, format!("hello {new} at /"));
            }
        }
    })
    .await;
}

/// Else whoever asks for many addresses has five guesses at each, and one of them is right some day.
#[tokio::test]
async fn asking_for_many_addresses_gives_no_more_tries() {
    each_world(async |world| {
        world.user(ALICE).await;
        let asked = async |new: &str| {
            world.clock.advance(Duration::minutes(15));
            let mut browser = world.logged_in(ALICE).await;
            assert!(ask(&mut browser, new).await.has("code"));
            let mails = world.mails_to(new).await;
            let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
            (browser, mails[0].text.split_whitespace().find(is_code).unwrap().to_owned())
        };
        for round in 0..4 {
            let (mut browser, code) = asked(&format!("new{round}@example.test")).await;
            let wrong = if code == "000000" { "000001" } else { "000000" };
            for _ in 0..5 {
                assert_eq!(browser.post(CONFIRM, &[("code", wrong)]).await.status, REFUSED);
            }
        }
        // Twenty wrong guesses in a day: the next code is not looked at, though nobody has tried it.
        let (mut browser, code) = asked("last@example.test").await;
        assert_eq!(browser.post(CONFIRM, &[("code", &code)]).await.status, REFUSED);
        world.clock.advance(Duration::DAY);
        let (mut browser, code) = asked("late@example.test").await;
        let page = browser.post(CONFIRM, &[("code", &code)]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "a day later: {}", page.body);
    })
    .await;
}

#[tokio::test]
async fn digits_are_good_for_one_user_and_one_address() {
    each_world(async |world| {
        let mut codes = Vec::new();
        for user in [ALICE, BOB] {
            world.user(user).await;
            ask(&mut world.logged_in(user).await, NEW).await;
            let mails = world.mails_to(NEW).await;
            let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
            codes.push(mails[0].text.split_whitespace().find(is_code).unwrap().to_owned());
        }
        // Those of a mail that somebody else asked for, to the same address, open nothing.
        let mut alice = world.logged_in(ALICE).await;
        if codes[0] != codes[1] {
            assert_eq!(alice.post(CONFIRM, &[("code", &codes[1])]).await.status, REFUSED);
        }
        // Nor do those of an address that is not wanted any more.
        ask(&mut alice, "newer@example.test").await;
        assert_eq!(alice.post(CONFIRM, &[("code", &codes[0])]).await.status, REFUSED);
        assert_eq!(logged_in_as(&mut alice).await, format!("hello {ALICE} at /"));
    })
    .await;
}

/// By which a thief could take what the owner has just saved.
#[tokio::test]
async fn a_change_that_waits_ends_with_whatever_takes_the_account_back() {
    each_world(async |world| {
        for (index, end) in
            ["reset", "password", "cancel", "newer", "late", "delete"].into_iter().enumerate()
        {
            let (old, new) = (format!("u{index}@example.test"), format!("n{index}@example.test"));
            world.user(&old).await;
            let mut browser = world.logged_in(&old).await;
            let page = opened(&world, &mut browser, &new).await;
            match end {
                "reset" => {
                    let link = world.reset_link(&old).await;
                    let mut owner = world.browser();
                    let page = owner.get(&link).await;
                    owner.submit(&page, &[("password", "another fine phrase")]).await;
                    log_in(&mut browser, &old, "another fine phrase").await;
                }
                "password" => {
                    let fields = [("current", PASSWORD), ("password", "another fine phrase")];
                    let page = browser.post("/settings/password", &fields).await;
                    assert_eq!(page.status, StatusCode::SEE_OTHER);
                }
                "cancel" => {
                    let page = browser.post(CANCEL, &[]).await;
                    let page = browser.follow(page).await;
                    assert!(page.body.contains("Your address stays as it is."), "{}", page.body);
                }
                "newer" => drop(ask(&mut browser, "newer@example.test").await),
                "late" => {
                    world.clock.advance(Duration::DAY - Duration::minutes(1));
                    log_in(&mut browser, &old, PASSWORD).await;
                    assert!(browser.get(PATH).await.has("pending-email"));
                    world.clock.advance(Duration::minutes(1));
                }
                _ => {
                    let fields = [("password", PASSWORD), ("confirm", "1")];
                    browser.post("/settings/delete", &fields).await;
                    let page = log_in(&mut browser, &old, PASSWORD).await;
                    let page = browser.submit(&page, &[]).await;
                    browser.follow(page).await;
                }
            }
            assert_eq!(logged_in_as(&mut browser).await, format!("hello {old} at /"), "{end}");
            assert_eq!(press(&mut browser, &page).await.status, StatusCode::GONE, "{end}");
            assert_eq!(id_of(&world, &new).await, None, "{end}");
            if end != "newer" {
                assert!(!browser.get(PATH).await.has("pending-email"), "{end}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn who_asks_too_often_is_told_to_wait_and_nobody_is_flooded() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        for _ in 0..3 {
            assert_eq!(ask(&mut browser, NEW).await.status, StatusCode::OK);
        }
        for email in [NEW, BOB] {
            assert_eq!(ask(&mut browser, email).await.status, StatusCode::TOO_MANY_REQUESTS);
        }
        let page = browser.get(PATH).await;
        assert!(page.text_of("pending-email").starts_with(NEW), "what waits goes on waiting");
        // Others do not reach the address, either; and are not told.
        world.user(BOB).await;
        let mut bob = world.logged_in(BOB).await;
        assert_eq!(ask(&mut bob, NEW).await.status, StatusCode::OK);
        let mut mails = world.all_mails().await;
        mails.retain(|mail| mail.to == NEW || mail.subject.contains("about to change"));
        let to = |email: &str| mails.iter().filter(|mail| mail.to == email).count();
        assert_eq!((to(NEW), to(ALICE), to(BOB)), (3, 3, 1));
    })
    .await;
}
