//! The pages of members: make, switch, leave, rename, roles, delete.

use time::Duration;

use super::*;
use crate::account::second_factor::secret_on;

#[tokio::test]
async fn whoever_makes_an_organization_owns_it_and_acts_in_it() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut alice = world.logged_in(ALICE).await;
        let page = alice.get(LIST).await;
        assert!(page.has("no-organizations"), "{}", page.body);
        for (name, slug) in
            [("", ""), ("a\u{202e}b", ""), ("Acme", "x"), ("Acme", "Admin!"), ("Acme", "admin")]
        {
            let page = alice.post(LIST, &[("name", name), ("slug", slug)]).await;
            assert_eq!(page.status, REFUSED, "{name:?} {slug:?}");
        }
        let page = alice.post(LIST, &[("name", " Müller  & Söhne ")]).await;
        assert_eq!(page.location().unwrap().path(), "/settings/organizations/muller-sohne");
        let page = alice.follow(page).await;
        assert!(page.body.contains("Müller &#38; Söhne") && page.has("delete"), "{}", page.body);
        assert!(alice.get(LIST).await.body.contains("Acting here"));
        // The same name gets another slug, and a slug that is taken is told.
        let page = alice.post(LIST, &[("name", "Müller & Söhne")]).await;
        assert_eq!(page.location().unwrap().path(), "/settings/organizations/muller-sohne-2");
        let page = alice.post(LIST, &[("name", "Other"), ("slug", "muller-sohne")]).await;
        assert_eq!(page.status, REFUSED);
        let page = alice.post(LIST, &[("name", "例え")]).await;
        assert!(page.location().unwrap().path().starts_with("/settings/organizations/org-"));
        assert_eq!(told(&world, "organization.create").await, 3);
        // Nobody makes them without end.
        for _ in 0..20 {
            alice.post(LIST, &[("name", "More")]).await;
        }
        assert_eq!(alice.post(LIST, &[("name", "More")]).await.status, REFUSED);
        world.clock.advance(Duration::DAY);
        let mut alice = world.logged_in(ALICE).await;
        assert!(alice.post(LIST, &[("name", "Even more")]).await.location().is_some());
    })
    .await;
}

#[tokio::test]
async fn a_host_may_keep_it_to_itself_who_makes_organizations() {
    let policy = OrganizationPolicy { creations: None, ..OrganizationPolicy::default() };
    each_world_with(
        |builder| builder.organizations(policy.clone()),
        async |world| {
            world.user(ALICE).await;
            let mut alice = world.logged_in(ALICE).await;
            assert!(!alice.get(LIST).await.has("submit"));
            let page = alice.post(LIST, &[("name", "Acme")]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN);
            let acme = acme(&world, ALICE).await;
            assert!(alice.get(LIST).await.body.contains("Initech"));
            assert_eq!(
                world.accounts.organizations().find(acme).await.unwrap().unwrap().slug,
                "acme"
            );
        },
    )
    .await;
}

#[tokio::test]
async fn an_organization_is_nothing_to_those_who_are_not_in_it() {
    each_world(async |world| {
        acme(&world, ALICE).await;
        world.user(MALLORY).await;
        let mut mallory = world.logged_in(MALLORY).await;
        for slug in ["acme", "nowhere"] {
            let page = mallory.get(&format!("{LIST}/{slug}")).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{slug}");
            assert!(!page.body.contains("Initech"));
            for action in ACTIONS {
                let fields =
                    [("slug", slug), ("name", "Mine"), ("email", MALLORY), ("role", "owner")];
                let page = mallory.post(&format!("{LIST}/{slug}/{action}"), &fields).await;
                assert_eq!(page.status, StatusCode::NOT_FOUND, "{slug} {action}");
            }
        }
        let mut stranger = world.browser();
        for path in [LIST, ACME] {
            assert_eq!(stranger.get(path).await.location().unwrap().path(), "/login");
            assert_eq!(stranger.post(path, &[]).await.location().is_some(), path == LIST);
        }
    })
    .await;
}

#[tokio::test]
async fn each_role_does_what_it_may_and_no_more() {
    each_world(async |world| {
        let id = acme(&world, ALICE).await;
        let organizations = world.accounts.organizations();
        for (email, role) in [(BOB, MemberRole::ADMIN), (MALLORY, MemberRole::MEMBER)] {
            world.user(email).await;
            organizations.add_member(id, &id_of(&world, email).await, &role).await.unwrap();
        }
        let [alice, bob, mallory] =
            [id_of(&world, ALICE).await, id_of(&world, BOB).await, id_of(&world, MALLORY).await];
        let forbidden = StatusCode::FORBIDDEN;
        let mut member = world.logged_in(MALLORY).await;
        for action in ACTIONS.into_iter().filter(|action| !["switch", "leave"].contains(action)) {
            let fields = [("user", bob.as_str()), ("role", "member"), ("email", "x@y.test")];
            let page = member.post(&format!("{ACME}/{action}"), &fields).await;
            assert_eq!(page.status, forbidden, "{action}");
        }
        let page = member.get(ACME).await;
        assert!(page.body.contains(ALICE) && !page.has("invite") && !page.has("delete"));

        let mut admin = world.logged_in(BOB).await;
        for (action, user, role) in [
            ("role", &alice, "member"),
            ("remove", &alice, ""),
            ("role", &mallory, "owner"),
            ("role", &bob, "owner"),
            ("role", &mallory, "emperor"),
            ("delete", &bob, ""),
            ("second-factor", &bob, ""),
        ] {
            let fields = [("user", user.as_str()), ("role", role), ("slug", "acme")];
            let page = admin.post(&format!("{ACME}/{action}"), &fields).await;
            assert_eq!(page.status, forbidden, "{action} {role}");
        }
        let page = admin
            .post(&format!("{ACME}/invite"), &[("email", "z@y.test"), ("role", "owner")])
            .await;
        assert_eq!(page.status, forbidden);
        let page = admin.post(&format!("{ACME}/rename"), &[("name", "Acme II")]).await;
        assert!(page.location().is_some());
        let fields = [("user", mallory.as_str()), ("role", "admin")];
        assert!(admin.post(&format!("{ACME}/role"), &fields).await.location().is_some());
        let fields = [("user", mallory.as_str())];
        assert!(admin.post(&format!("{ACME}/remove"), &fields).await.location().is_some());
        assert_eq!(member.get(ACME).await.status, StatusCode::NOT_FOUND, "at once");
        assert_eq!(told(&world, "organization.role_change").await, 1);
        assert_eq!(told(&world, "organization.member_remove").await, 1);
    })
    .await;
}

#[tokio::test]
async fn the_last_owner_neither_leaves_nor_steps_down_and_the_log_says_so() {
    each_world(async |world| {
        let id = acme(&world, ALICE).await;
        let organizations = world.accounts.organizations();
        world.user(BOB).await;
        let (alice, bob) = (id_of(&world, ALICE).await, id_of(&world, BOB).await);
        organizations.add_member(id, &bob, &MemberRole::ADMIN).await.unwrap();
        let mut browser = world.logged_in(ALICE).await;
        let page = browser.post(&format!("{ACME}/leave"), &[]).await;
        assert!(page.status == REFUSED && page.body.contains("Nobody else owns"), "{}", page.body);
        let fields = [("user", alice.as_str()), ("role", "member")];
        let page = browser.post(&format!("{ACME}/role"), &fields).await;
        assert!(page.status == REFUSED && page.body.contains("Nobody else owns"));
        assert_eq!(told(&world, "organization.leave").await, 1);

        let fields = [("user", bob.as_str()), ("role", "owner")];
        assert!(browser.post(&format!("{ACME}/role"), &fields).await.location().is_some());
        assert!(browser.post(&format!("{ACME}/leave"), &[]).await.location().is_some());
        assert_eq!(browser.get(ACME).await.status, StatusCode::NOT_FOUND);
        let left = organizations.members(id, None, 10).await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!((left[0].account.id(), &left[0].role), (&bob, &MemberRole::OWNER));
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_undone_takes_a_fresh_login_and_a_name() {
    each_world(async |world| {
        let id = acme(&world, ALICE).await;
        let mut alice = world.logged_in(ALICE).await;
        let slug = [("slug", "acme")];
        world.clock.advance(Duration::minutes(6));
        for action in ["delete", "second-factor", "leave", "role", "remove"] {
            let page = alice.post(&format!("{ACME}/{action}"), &slug).await;
            assert_eq!(page.location().unwrap().path(), "/login/again", "{action}");
        }
        let mut alice = world.logged_in(ALICE).await;
        let page = alice.post(&format!("{ACME}/delete"), &[("slug", "acm")]).await;
        assert_eq!(page.status, REFUSED);
        let page = alice.post(&format!("{ACME}/delete"), &slug).await;
        assert_eq!(page.location().unwrap().path(), LIST);
        assert!(alice.get(LIST).await.has("no-organizations"));
        assert!(world.accounts.organizations().find(id).await.unwrap().is_none());
        assert_eq!(told(&world, "organization.delete").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_member_chooses_where_to_act_and_goes_on_with_the_trip() {
    each_world(async |world| {
        acme(&world, ALICE).await;
        let globex = "Globex".parse().unwrap();
        let alice = id_of(&world, ALICE).await;
        world.accounts.organizations().create(&globex, None, &alice).await.unwrap();
        let mut browser = world.logged_in(ALICE).await;
        let page = browser.get(&format!("{LIST}?return_to=%2Fteam%3Fa")).await;
        let switch = format!("{LIST}/globex/switch?return_to=%2Fteam%3Fa");
        assert!(page.body.contains(&switch.replace('&', "&#38;")), "{}", page.body);
        let before = browser.cookies["session"].clone();
        let page = browser.post(&switch, &[]).await;
        assert_eq!(page.location().unwrap().as_str(), format!("{ORIGIN}/team?a"));
        assert_ne!(browser.cookies["session"], before, "the token is rotated");
        let evil = browser.post(&format!("{LIST}/acme/switch?return_to=//evil.example"), &[]).await;
        assert_eq!(evil.location().unwrap().path(), LIST);
        assert_eq!(told(&world, "organization.switch").await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_member_without_a_second_factor_sets_one_up_and_comes_back() {
    each_world(async |world| {
        acme(&world, ALICE).await;
        let mut alice = world.logged_in(ALICE).await;
        let lacks = async |world: &World| {
            let id = id_of(world, ALICE).await;
            let all = world.accounts.organizations().memberships_of(&id).await.unwrap();
            all[0].lacks_second_factor
        };
        assert!(!lacks(&world).await);
        let path = format!("{ACME}/second-factor");
        assert!(alice.post(&path, &[("required", "yes")]).await.location().is_some());
        assert!(lacks(&world).await);
        let setup = "/settings/two-factor/setup?return_to=%2Fteam%3Fa";
        let page = alice.get(setup).await;
        let secret = secret_on(&page);
        let code = donjon::crypto::Clock::now(&*world.clock);
        let page = alice.post(setup, &[("code", &secret.code_at(code))]).await;
        assert_eq!(page.link("I have kept them"), "/team?a");
        assert!(!lacks(&world).await);
    })
    .await;
}
