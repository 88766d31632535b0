//! An organization that asks for a second factor is managed by whoever used theirs.

use super::*;
use crate::account::second_factor::App;
use crate::account::world::log_in;

const SETUP: &str = "/settings/two-factor/setup";

/// Initech, which asks for a second factor, of Alice and Bob; neither has one.
async fn demanding(world: &World) -> OrganizationId {
    let id = acme(world, ALICE).await;
    world.user(BOB).await;
    let organizations = world.accounts.organizations();
    let bob = id_of(world, BOB).await;
    organizations.add_member(id, &bob, &MemberRole::ADMIN).await.unwrap();
    organizations.require_second_factor(id, true).await.unwrap();
    id
}

async fn invites(browser: &mut Browser) -> Page {
    browser.post(&format!("{ACME}/invite"), &[("email", MALLORY), ("role", "member")]).await
}

#[tokio::test]
async fn nobody_manages_an_organization_without_the_second_factor_it_asks_for() {
    each_world(async |world| {
        let id = demanding(&world).await;
        let alice_id = id_of(&world, ALICE).await;
        for email in [ALICE, BOB] {
            let mut thief = world.logged_in(email).await;
            let fields =
                [("email", MALLORY), ("role", "admin"), ("name", "Mine"), ("slug", "acme")];
            let fields = [fields.as_slice(), &[("user", alice_id.as_str()), ("required", "no")]];
            for action in ACTIONS.into_iter().filter(|name| !["switch", "leave"].contains(name)) {
                let page = thief.post(&format!("{ACME}/{action}"), &fields.concat()).await;
                let location = page.location().unwrap();
                assert_eq!(location.path(), SETUP, "{email} {action}");
            }
            assert_eq!(thief.get(ACME).await.location().unwrap().path(), SETUP);
        }
        assert!(world.mails_to(MALLORY).await.is_empty());
        let found = world.accounts.organizations().find(id).await.unwrap().unwrap();
        assert!(found.requires_second_factor && found.name == "Initech");

        // Who sets one up goes on in the same session.
        let mut alice = world.logged_in(ALICE).await;
        App::set_up(&world, &mut alice).await;
        assert_eq!(alice.get(ACME).await.status, StatusCode::OK);
        assert_eq!(invites(&mut alice).await.location().unwrap().path(), ACME);
        // Leaving takes no more than it did.
        let mut bob = world.logged_in(BOB).await;
        assert_eq!(bob.post(&format!("{ACME}/leave"), &[]).await.location().unwrap().path(), LIST);
    })
    .await;
}

#[tokio::test]
async fn a_session_opened_without_the_second_factor_is_asked_for_it_though_there_is_one() {
    each_world(async |world| {
        demanding(&world).await;
        let mut browser = world.logged_in(ALICE).await;
        let app = App::set_up(&world, &mut browser).await;
        // By a door of the host's, which asked for no code.
        let mut other = world.browser();
        other.get(&format!("/other-door?{ALICE}")).await;
        assert_eq!(other.get("/").await.body, format!("hello {ALICE} at /"));
        let page = invites(&mut other).await;
        let location = page.location().unwrap();
        assert_eq!(location.path(), "/login/again");
        assert!(location.query().unwrap().contains("factor=second"), "{location}");
        let page = other.get(ACME).await;
        let there = page.location().unwrap();
        let page = other.get(there.as_str()).await;
        assert_eq!(page.status, StatusCode::OK, "no way around, however fresh the login");
        let page = other.submit(&page, &[("code", &app.next_code(&world))]).await;
        assert_eq!(page.location().unwrap().path(), ACME);
        assert_eq!(invites(&mut other).await.location().unwrap().path(), ACME);

        // A browser that is trusted since a login stands for it.
        let mut other = world.browser();
        let page = log_in(&mut other, ALICE, PASSWORD).await;
        other.submit(&page, &[("code", &app.next_code(&world)), ("trust", "1")]).await;
        other.cookies.retain(|name, _| name == "device");
        log_in(&mut other, ALICE, PASSWORD).await;
        assert_eq!(other.get(ACME).await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn nobody_invites_in_the_name_of_an_address_that_is_not_theirs_or_with_a_link_for_a_name() {
    each_world(async |world| {
        let accounts = world.accounts.accounts();
        accounts.create(MALLORY, Some(PASSWORD), Default::default(), false).await.unwrap();
        let id = acme(&world, MALLORY).await;
        let mut mallory = world.browser();
        mallory.get(&format!("/other-door?{MALLORY}")).await;
        let page = mallory.post(LIST, &[("name", "Globex")]).await;
        assert!(page.status == REFUSED && page.body.contains("confirm your own"), "{}", page.body);
        let fields = [("email", BOB), ("role", "member")];
        let page = mallory.post(&format!("{ACME}/invite"), &fields).await;
        assert!(page.status == REFUSED && page.body.contains("confirm your own"), "{}", page.body);
        assert!(world.mails_to(BOB).await.is_empty());
        assert!(world.accounts.organizations().invitations(id).await.unwrap().is_empty());

        world.user(ALICE).await;
        let mut alice = world.logged_in(ALICE).await;
        let links = ["Win at https://evil.example", "www.evil.example", "Prize: win-now.com"];
        for name in links {
            let page = alice.post(LIST, &[("name", name)]).await;
            assert_eq!(page.status, REFUSED, "{name}");
            assert!(page.body.contains("must not look like a web address"), "{name}");
        }
        assert_eq!(alice.post(LIST, &[("name", "A.B. Corp")]).await.status, StatusCode::SEE_OTHER);
    })
    .await;
}
