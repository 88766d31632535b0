//! Every way past the identity provider, and that none leads in. Passkeys and other providers have
//! theirs beside their own tests.

use donjon::account::{Policy, SignUps};
use futures_util::future::join_all;

use super::*;
use crate::account::second_factor::{VERIFY, pending};

const STRANGER: &str = "hello stranger at /";

/// The link in the newest mail to an address.
async fn newest_link(world: &World, email: &str) -> String {
    let mails = world.mails_to(email).await;
    let mail = mails.last().unwrap();
    mail.text.lines().find(|line| line.starts_with("http")).unwrap().to_owned()
}

#[tokio::test]
async fn a_mailed_link_leads_to_the_provider_and_not_in() {
    each_world(async |world| {
        let id = acme(&world).await;
        for early in [true, false] {
            set(&world, id, if early { SsoMode::Off } else { SsoMode::Enforced }).await;
            let mut browser = world.browser();
            let page = browser.get("/login/link").await;
            browser.submit(&page, &[("email", BOB)]).await;
            let link = newest_link(&world, BOB).await;
            set(&world, id, SsoMode::Enforced).await;
            let page = browser.get(&link).await;
            let page = browser.submit(&page, &[]).await;
            assert!(sends_to_login(&page), "{:?}", page.location());
            let page = browser.follow(page).await;
            assert_eq!(page.value_of("email"), BOB);
            assert!(page.body.contains("logs in with single sign-on"), "{}", page.body);
            assert_eq!(who(&mut browser).await, STRANGER, "{early}");
        }
        assert!(told(&world, "session.log_in").await.is_empty(), "no login");
    })
    .await;
}

#[tokio::test]
async fn a_reset_password_is_worth_as_little_as_the_old_one() {
    each_world(async |world| {
        enforced(&world).await;
        let link = world.reset_link(BOB).await;
        let mut browser = world.browser();
        let page = browser.get(&link).await;
        let fields = [("password", "another good password")];
        let page = browser.submit(&page, &fields).await;
        browser.follow(page).await;
        let page = browser.get("/login").await;
        let fields = [("email", BOB), ("password", "another good password")];
        let page = browser.submit(&page, &fields).await;
        assert_eq!(page.location().unwrap().path(), VOUCHED_AT);
        assert_eq!(who(&mut browser).await, STRANGER);
    })
    .await;
}

#[tokio::test]
async fn nobody_signs_up_with_an_address_of_the_domain() {
    each_world(async |world| {
        let id = acme(&world).await;
        // Before: an account that nobody confirmed yet.
        let new = "new@acme.example";
        let mut early = world.browser();
        let page = early.get("/register").await;
        early.submit(&page, &[("email", new), ("password", PASSWORD)]).await;
        let link = newest_link(&world, new).await;
        set(&world, id, SsoMode::Enforced).await;
        for email in [BOB, "other@acme.example", new] {
            let mut browser = world.browser();
            let page = browser.get("/register?return_to=%2Fa").await;
            let page = browser.submit(&page, &[("email", email), ("password", PASSWORD)]).await;
            assert!(sends_to_login(&page), "{email}: {}", page.body);
            assert!(page.location().unwrap().query().unwrap().ends_with("return_to=%2Fa"));
            assert!(world.mails_to(email).await.is_empty(), "{email}");
        }
        let accounts = world.accounts.accounts();
        assert!(accounts.find_by_email("other@acme.example").await.unwrap().is_none());
        // To confirm the address lets nobody in.
        let page = early.get(&link).await;
        let page = early.submit(&page, &[]).await;
        assert_eq!(page.location().unwrap().path(), "/login");
        assert_eq!(who(&mut early).await, STRANGER);
        let page = log_in(&mut early, new, PASSWORD).await;
        assert_eq!(page.url.path(), VOUCHED_AT);
        assert_eq!(who(&mut early).await, STRANGER);
    })
    .await;
}

#[tokio::test]
async fn an_invited_guest_of_the_domain_logs_in_with_the_provider_and_then_accepts() {
    each_world(async |world| {
        let id = enforced(&world).await;
        let guest = "guest@acme.example";
        world.accounts.organizations().invite(id, guest, &MemberRole::MEMBER).await.unwrap();
        let link = newest_link(&world, guest).await;
        let mut browser = world.browser();
        let page = browser.get(&link).await;
        let page = browser.submit(&page, &[("password", PASSWORD)]).await;
        assert!(sends_to_login(&page), "{}", page.body);
        let back = page.location().unwrap().to_string();
        assert!(back.contains("return_to=%2Finvitation%3Ftoken%3D"), "{back}");
        let accounts = world.accounts.accounts();
        assert!(accounts.find_by_email(guest).await.unwrap().is_none(), "no account");
        accounts.create(guest, None, Default::default(), true).await.unwrap();
        let mut guests = vouched(&world, guest).await;
        let page = guests.get(&link).await;
        let page = guests.submit(&page, &[]).await;
        assert_eq!(page.location().unwrap().path(), "/");
        assert!(guests.get(ACME).await.body.contains(guest));
    })
    .await;
}

/// The provider lets them in, though nobody signs up here.
#[tokio::test]
async fn who_is_invited_where_sign_ups_are_closed_is_led_to_the_provider_all_the_same() {
    let closed = |builder| {
        let even_answers = Duration::ZERO;
        let policy = Policy { sign_ups: SignUps::Closed, even_answers, ..Policy::default() };
        with_sso(builder).policy(policy)
    };
    each_world_with(closed, async |world| {
        let id = enforced(&world).await;
        let guest = "guest@acme.example";
        world.accounts.organizations().invite(id, guest, &MemberRole::MEMBER).await.unwrap();
        let link = newest_link(&world, guest).await;
        let token = link.split_once("token=").unwrap().1;
        for password in [PASSWORD, ""] {
            let fields = [("token", token), ("password", password)];
            let page = world.browser().post("/invitation", &fields).await;
            assert!(sends_to_login(&page), "{}", page.body);
        }
        assert!(world.accounts.accounts().find_by_email(guest).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn what_began_before_the_enforcement_does_not_end_in_a_session() {
    each_world(async |world| {
        let id = acme(&world).await;
        // One waits for a code, one for another password, one for whether the account is kept.
        let mut app = world.logged_in(BOB).await;
        let app = App::set_up(&world, &mut app).await;
        let mut codes = world.browser();
        pending(&mut codes, BOB).await;
        let accounts = world.accounts.accounts();
        let (pat, kim) = ("pat@acme.example", "kim@acme.example");
        for email in [pat, kim] {
            world.user(email).await;
        }
        accounts
            .require_password_change(&id_of(&world, pat).await, &donjon::account::By::system())
            .await
            .unwrap();
        let mut forced = world.browser();
        let page = log_in(&mut forced, pat, PASSWORD).await;
        assert_eq!(page.url.path(), "/login/password");
        let mut leaving = world.logged_in(kim).await;
        let fields = [("password", PASSWORD), ("confirm", "1")];
        leaving.post("/settings/delete", &fields).await;
        let mut keeper = world.browser();
        let kept = log_in(&mut keeper, kim, PASSWORD).await;
        assert_eq!(kept.url.path(), "/keep-account", "{}", kept.body);

        set(&world, id, SsoMode::Enforced).await;
        let answer = codes.post(VERIFY, &[("code", &app.next_code(&world))]).await;
        assert!(sends_to_login(&answer), "{}", answer.body);
        let fields = [("password", "another good password")];
        let page = forced.get("/login/password").await;
        let answer = forced.submit(&page, &fields).await;
        assert!(sends_to_login(&answer), "{}", answer.body);
        let answer = keeper.submit(&kept, &[]).await;
        assert!(sends_to_login(&answer), "{}", answer.body);
        for browser in [&mut codes, &mut forced, &mut keeper] {
            assert_eq!(who(browser).await, STRANGER);
        }
    })
    .await;
}

#[tokio::test]
async fn sessions_that_came_another_way_end_when_it_is_enforced() {
    each_world(async |world| {
        let id = acme(&world).await;
        let mut by_password = world.logged_in(BOB).await;
        let mut by_provider = vouched(&world, BOB).await;
        let mut by_another = world.browser();
        by_another.get(&format!("/vouched-by-others?{BOB}")).await;
        set(&world, id, SsoMode::Offered).await;
        for browser in [&mut by_password, &mut by_provider, &mut by_another] {
            assert_eq!(who(browser).await, format!("hello {BOB} at /"));
        }
        set(&world, id, SsoMode::Enforced).await;
        assert_eq!(who(&mut by_password).await, STRANGER);
        assert_eq!(who(&mut by_another).await, STRANGER);
        assert_eq!(who(&mut by_provider).await, format!("hello {BOB} at /"));
        assert_eq!(who(&mut by_provider).await, format!("hello {BOB} at /"));
        set(&world, id, SsoMode::Off).await;
        assert_eq!(who(&mut by_password).await, STRANGER, "it does not come back");
    })
    .await;
}

#[tokio::test]
async fn nobody_changes_an_address_out_of_the_domain_or_into_it() {
    each_world(async |world| {
        let id = acme(&world).await;
        world.user(CONNIE).await;
        // One is asked for before.
        let mut early = vouched(&world, BOB).await;
        early.post("/settings/email", &[("email", "bob@away.example")]).await;
        let link = newest_link(&world, "bob@away.example").await;
        set(&world, id, SsoMode::Enforced).await;
        let token = link.split_once("token=").unwrap().1;
        let page = early.post("/settings/email/confirm", &[("token", token)]).await;
        assert_eq!(page.status, StatusCode::GONE, "{}", page.body);
        let mut connie = world.logged_in(CONNIE).await;
        for (browser, to) in
            [(&mut early, "bob@elsewhere.example"), (&mut connie, "connie@acme.example")]
        {
            let page = browser.post("/settings/email", &[("email", to)]).await;
            assert_eq!(page.status, REFUSED, "{to}");
            assert!(page.body.contains("Your organization sees to this address"), "{}", page.body);
            assert!(world.mails_to(to).await.is_empty(), "{to}");
        }
        let page = connie.post("/settings/email", &[("email", "connie@third.example")]).await;
        assert!(page.location().is_some(), "{}", page.body);
        let accounts = world.accounts.accounts();
        assert!(accounts.find_by_email(BOB).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_login_outlives_the_enforcement_however_fast_it_is() {
    each_world(async |world| {
        let id = acme(&world).await;
        for round in 0..3 {
            set(&world, id, SsoMode::Off).await;
            let mut browsers: Vec<_> = (0..31).map(|_| world.browser()).collect();
            for browser in &mut browsers {
                browser.peer = Some([10, 0, round, browser.cookies.len() as u8].into());
            }
            let logins = browsers.iter_mut().map(|browser| async {
                let fields = [("email", BOB), ("password", PASSWORD)];
                browser.post("/login", &fields).await;
            });
            let enforcing = async {
                tokio::time::sleep(std::time::Duration::from_millis(3 * u64::from(round))).await;
                set(&world, id, SsoMode::Enforced).await;
            };
            tokio::join!(join_all(logins), enforcing);
            for browser in &mut browsers {
                assert_eq!(who(browser).await, STRANGER);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn who_is_there_is_proven_again_at_the_provider_and_not_by_a_password_of_old() {
    const SENSITIVE: &str = "/settings/two-factor";
    each_world(async |world| {
        let id = acme(&world).await;
        let mut bob = vouched(&world, BOB).await;
        set(&world, id, SsoMode::Enforced).await;
        assert_eq!(bob.get(SENSITIVE).await.status, StatusCode::OK);
        world.clock.advance(Duration::minutes(6));
        let page = bob.get(SENSITIVE).await;
        let page = bob.follow(page).await;
        assert!(page.has("elsewhere") && !page.has("password"), "{}", page.body);
        let fields = [("password", PASSWORD), ("code", "000000"), ("credential", "{}")];
        let refused = bob.post("/login/again?return_to=%2F", &fields).await;
        assert_eq!(refused.status, REFUSED);
        assert!(refused.has("elsewhere"), "{}", refused.body);
        assert_eq!(bob.get(SENSITIVE).await.location().unwrap().path(), "/login/again");
        let door = page.link("Log in with acme.example");
        let to = page.url.join(&door).unwrap();
        assert_eq!(to.path(), VOUCHED_AT);
        assert!(to.query().unwrap().contains("return_to=%2Fsettings%2Ftwo-factor"), "{to}");
        bob.get(&format!("/vouched?{BOB}")).await;
        assert_eq!(bob.get(SENSITIVE).await.status, StatusCode::OK);

        // Where it is only offered, the password does as before.
        set(&world, id, SsoMode::Offered).await;
        world.clock.advance(Duration::minutes(6));
        let page = bob.get("/login/again").await;
        let page = bob.submit(&page, &[("password", PASSWORD)]).await;
        assert!(page.location().is_some(), "{}", page.body);
        assert_eq!(bob.get(SENSITIVE).await.status, StatusCode::OK);
    })
    .await;
}
