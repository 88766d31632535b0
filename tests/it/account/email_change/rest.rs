//! What else knows a user by the address: browsers, lockouts, links, invitations, other nodes, hosts.

use donjon::account::ChangeEmailError;
use donjon::scope::MemberRole;

use super::*;
use crate::account::second_factor::{App, VERIFY};

#[tokio::test]
async fn links_to_the_old_address_are_over() {
    each_world(async |world| {
        world.user(ALICE).await;
        let reset = world.reset_link(ALICE).await;
        world.browser().post("/login/link", &[("email", ALICE)]).await;
        let login = world.link_to(ALICE).await;
        let mut browser = world.logged_in(ALICE).await;
        let page = opened(&world, &mut browser, NEW).await;
        press(&mut browser, &page).await;
        for link in [reset, login] {
            let page = world.browser().get(&link).await;
            assert_eq!(page.status, StatusCode::GONE, "{link}");
        }
        // And nothing opens the account that is mailed there from now on.
        world.mails_to(ALICE).await;
        world.browser().post("/forgot-password", &[("email", ALICE)]).await;
        assert!(world.mails_to(ALICE).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_change_locks_nobody_out_and_trusts_nobody() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        let mut home = world.browser();
        log_in(&mut home, ALICE, PASSWORD).await;
        let page = home.post(VERIFY, &[("code", &app.code(&world)), ("trust", "1")]).await;
        home.follow(page).await;
        let mut waiting = world.browser();
        assert_eq!(log_in(&mut waiting, ALICE, PASSWORD).await.url.path(), VERIFY);

        // A stranger has locked the new address before it was anybody's.
        let mut stranger = world.browser();
        for _ in 0..6 {
            log_in(&mut stranger, NEW, "wrong password").await;
        }
        let page = opened(&world, &mut home, NEW).await;
        assert_eq!(press(&mut home, &page).await.status, StatusCode::SEE_OTHER);
        assert_eq!(log_in(&mut world.browser(), NEW, PASSWORD).await.url.path(), VERIFY);
        // The browser in which it was done is known by the new address; the trust is over.
        for _ in 0..6 {
            log_in(&mut stranger, NEW, "wrong password").await;
        }
        assert_eq!(log_in(&mut world.browser(), NEW, PASSWORD).await.status, REFUSED, "locked");
        home.cookies.remove("session");
        assert_eq!(log_in(&mut home, NEW, PASSWORD).await.url.path(), VERIFY);
        // A login that was under way with the old address ends nowhere.
        let page = waiting.post(VERIFY, &[("code", &app.next_code(&world))]).await;
        let page = waiting.follow(page).await;
        assert_eq!(page.url.path(), "/login");
        assert_eq!(logged_in_as(&mut waiting).await, "hello stranger at /");
    })
    .await;
}

#[tokio::test]
async fn an_invitation_is_for_the_address_and_not_for_who_had_it() {
    each_world(async |world| {
        world.user(BOB).await;
        world.user(ALICE).await;
        let organizations = world.accounts.organizations();
        let owner = id_of(&world, BOB).await.unwrap();
        let name = "Initech".parse().unwrap();
        let acme = organizations.create(&name, Some("acme"), &owner).await.unwrap().id;
        let mut links = Vec::new();
        for email in [ALICE, NEW] {
            organizations.invite(acme, email, &MemberRole::MEMBER).await.unwrap();
            links.push(link_to(&world, email).await);
        }
        let mut browser = world.logged_in(ALICE).await;
        let page = opened(&world, &mut browser, NEW).await;
        press(&mut browser, &page).await;
        assert!(browser.get(&links[0]).await.has("invitation-other"));
        let page = browser.get(&links[1]).await;
        assert!(page.has("accept"), "{}", page.body);
        browser.submit(&page, &[]).await;
        let alice = id_of(&world, NEW).await.unwrap();
        assert_eq!(organizations.memberships_of(&alice).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_host_changes_an_address_on_its_own_word() {
    each_world(async |world| {
        world.user(ALICE).await;
        world.user(BOB).await;
        let accounts = world.accounts.accounts();
        let alice = id_of(&world, ALICE).await.unwrap();
        let mut browser = world.logged_in(ALICE).await;
        let asked = opened(&world, &mut browser, "asked@example.test").await;
        let changed = accounts.change_email(&alice, " Alice@New.example.test").await;
        changed.unwrap();
        assert_eq!(id_of(&world, NEW).await, Some(alice.clone()));
        assert_eq!(logged_in_as(&mut browser).await, "hello stranger at /");
        let mut browser = world.logged_in(NEW).await;
        assert_eq!(press(&mut browser, &asked).await.status, StatusCode::GONE);
        assert_eq!(told_of(&world, "account.email_change").await, [Some(alice.clone())]);

        let nobody = UserId::new("nobody").unwrap();
        let taken = accounts.change_email(&alice, BOB).await.unwrap_err();
        assert!(matches!(taken, ChangeEmailError::EmailTaken), "{taken}");
        let none = accounts.change_email(&nobody, "x@example.test").await.unwrap_err();
        assert!(matches!(none, ChangeEmailError::NoAccount), "{none}");
        let invalid = accounts.change_email(&alice, "no address").await.unwrap_err();
        assert!(matches!(invalid, ChangeEmailError::Email(_)), "{invalid}");
        assert_eq!(logged_in_as(&mut browser).await, format!("hello {NEW} at /"));
    })
    .await;
}

#[tokio::test]
async fn an_account_without_an_address_gets_one() {
    each_world(async |world| {
        // Who never confirmed the address that they signed up with, and lost it.
        let fields = [("email", ALICE), ("password", PASSWORD)];
        world.browser().post("/register", &fields).await;
        let id = id_of(&world, ALICE).await.unwrap();
        world.user(BOB).await;
        let bob = id_of(&world, BOB).await.unwrap();
        world.accounts.accounts().change_email(&bob, ALICE).await.unwrap();
        let accounts = world.accounts.accounts();
        assert_eq!(accounts.find(&id).await.unwrap().unwrap().email(), None);
        accounts.change_email(&id, NEW).await.unwrap();
        let page = log_in(&mut world.browser(), NEW, PASSWORD).await;
        assert_eq!(page.body, format!("hello {NEW} at /"));
    })
    .await;
}
