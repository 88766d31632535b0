//! Invitations by mail.

use time::Duration;

use super::*;

#[tokio::test]
async fn a_guest_with_an_account_accepts_by_a_click_and_a_guest_without_signs_up() {
    each_world(async |world| {
        acme(&world, ALICE).await;
        let mut alice = world.logged_in(ALICE).await;
        world.user(BOB).await;
        let link = invite(&world, &mut alice, " Bob@Example.test ", "admin").await;
        assert!(alice.get(ACME).await.body.contains(BOB));

        // Bob opens it, logs in on the way, and accepts.
        let mut bob = world.browser();
        let page = bob.get(&link).await;
        assert!(page.body.contains("Join Initech") && page.has("login"), "{}", page.body);
        let login = page.link("Log in to accept");
        let page = bob.get(&login).await;
        assert_eq!(page.value_of("email"), BOB);
        let page = bob.submit(&page, &[("password", PASSWORD)]).await;
        let page = bob.follow(page).await;
        assert!(page.has("accept"), "{}", page.body);
        assert_eq!(role_of(&world, BOB).await, None, "opening it changes nothing");
        let page = bob.submit(&page, &[]).await;
        assert_eq!(page.location().unwrap().path(), "/");
        assert_eq!(role_of(&world, BOB).await.as_deref(), Some("admin"));
        assert!(bob.get(LIST).await.body.contains("Acting here"));
        assert!(bob.get(&link).await.has("invitation-over"));
        assert_eq!(told(&world, "organization.invitation_accept").await, 1);

        // Carol has no account: the address is fixed, and confirmed by the link.
        let link = invite(&world, &mut alice, CAROL, "member").await;
        let mut carol = world.browser();
        let page = carol.get(&link).await;
        assert_eq!(page.value_of("email"), CAROL);
        let short = carol.submit(&page, &[("password", "short")]).await;
        assert_eq!(short.status, REFUSED);
        let fields = [("password", PASSWORD), ("email", MALLORY)];
        let page = carol.submit(&page, &fields).await;
        let page = carol.follow(page).await;
        assert_eq!(page.body, format!("hello {CAROL} at /"));
        let account = world.account(CAROL).await;
        assert!(account.email_verified());
        assert!(world.accounts.accounts().find_by_email(MALLORY).await.unwrap().is_none());
        assert_eq!(role_of(&world, CAROL).await.as_deref(), Some("member"));
        let page = carol.get(&link).await;
        assert_eq!((page.status, page.has("invitation-over")), (StatusCode::GONE, true));
        world.logged_in(CAROL).await;
    })
    .await;
}

#[tokio::test]
async fn an_invitation_is_worth_nothing_to_anybody_else_and_tells_them_nothing() {
    each_world(async |world| {
        acme(&world, ALICE).await;
        let mut alice = world.logged_in(ALICE).await;
        world.user(BOB).await;
        world.user(MALLORY).await;
        let link = invite(&world, &mut alice, BOB, "owner").await;
        let mut mallory = world.logged_in(MALLORY).await;
        let page = mallory.get(&link).await;
        assert!(page.has("invitation-other"), "{}", page.body);
        assert!(!page.body.contains(BOB) && !page.body.contains("Initech"), "{}", page.body);
        assert!(!page.body.contains("bob"));
        let token = link.split_once("token=").unwrap().1;
        let page = mallory.post("/invitation", &[("token", token)]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(!page.body.contains(BOB) && !page.body.contains("Initech"));
        assert_eq!(role_of(&world, MALLORY).await, None);

        // A visitor can't take an account over with it, and no part of it may be another.
        let mut visitor = world.browser();
        let fields = [("token", token), ("password", "another good password")];
        let page = visitor.post("/invitation", &fields).await;
        assert!(page.status == REFUSED && page.body.contains("has an account"), "{}", page.body);
        assert_eq!(visitor.get("/").await.body, "hello stranger at /");
        let other = invite(&world, &mut alice, CAROL, "member").await;
        let other = other.split_once("token=").unwrap().1;
        let mixed = format!("{}{}", &token[..22], &other[22..]);
        for bad in [&mixed, &token[1..], "", &"A".repeat(64), &format!("{token}A")] {
            let mut bob = world.logged_in(BOB).await;
            let page = bob.post("/invitation", &[("token", bad)]).await;
            assert_eq!(page.status, StatusCode::GONE, "{bad}");
        }
        assert_eq!(role_of(&world, BOB).await, None);
        let mut bob = world.logged_in(BOB).await;
        bob.post("/invitation", &[("token", token)]).await;
        assert_eq!(role_of(&world, BOB).await.as_deref(), Some("owner"));
    })
    .await;
}

#[tokio::test]
async fn an_invitation_ends_with_its_time_and_when_it_is_replaced_or_taken_back() {
    each_world(async |world| {
        let id = acme(&world, ALICE).await;
        let mut alice = world.logged_in(ALICE).await;
        world.user(BOB).await;
        let over = async |world: &World, link: &str| {
            world.browser().get(link).await.has("invitation-over")
        };
        let first = invite(&world, &mut alice, BOB, "member").await;
        let second = invite(&world, &mut alice, BOB, "member").await;
        assert!(over(&world, &first).await && !over(&world, &second).await);
        let sent = world.accounts.organizations().invitations(id).await.unwrap();
        assert_eq!(sent.len(), 1);
        let fields = [("invitation", sent[0].id.0.to_string())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert!(alice.post(&format!("{ACME}/revoke"), &fields).await.location().is_some());
        assert!(over(&world, &second).await);
        assert_eq!(alice.post(&format!("{ACME}/revoke"), &fields).await.status, REFUSED);

        let third = invite(&world, &mut alice, BOB, "member").await;
        world.clock.advance(Duration::WEEK - Duration::SECOND);
        assert!(!over(&world, &third).await);
        world.clock.advance(Duration::SECOND);
        assert!(over(&world, &third).await);
        for action in ["organization.invite", "organization.invitation_revoke"] {
            assert!(told(&world, action).await > 0, "{action}");
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_loses_the_right_to_invite_leaves_no_door_open() {
    each_world(async |world| {
        let id = acme(&world, ALICE).await;
        let organizations = world.accounts.organizations();
        world.user(BOB).await;
        let bob_id = id_of(&world, BOB).await;
        organizations.add_member(id, &bob_id, &MemberRole::ADMIN).await.unwrap();
        let mut bob = world.logged_in(BOB).await;
        let link = invite(&world, &mut bob, CAROL, "admin").await;
        let mut alice = world.logged_in(ALICE).await;
        let fields = [("user", bob_id.as_str())];
        assert!(alice.post(&format!("{ACME}/remove"), &fields).await.location().is_some());
        assert!(world.browser().get(&link).await.has("invitation-over"));
        let page =
            bob.post(&format!("{ACME}/invite"), &[("email", CAROL), ("role", "admin")]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn a_user_invites_twenty_a_day_and_is_told_why_not_more() {
    each_world(async |world| {
        acme(&world, ALICE).await;
        let mut alice = world.logged_in(ALICE).await;
        let path = format!("{ACME}/invite");
        for guest in 0..20 {
            let email = format!("guest{guest}@example.test");
            let page = alice.post(&path, &[("email", &email), ("role", "member")]).await;
            assert!(page.location().is_some(), "{guest}");
        }
        let page = alice.post(&path, &[("email", "one@more.test"), ("role", "member")]).await;
        assert!(page.status == REFUSED && page.body.contains("You have invited a lot"));
        assert!(world.mails_to("one@more.test").await.is_empty());
        let page = alice.post(&path, &[("email", ALICE), ("role", "member")]).await;
        assert!(page.body.contains("belong to this organization already"), "{}", page.body);
        for bad in ["", "nobody", "a@b@c"] {
            let page = alice.post(&path, &[("email", bad), ("role", "member")]).await;
            assert_eq!(page.status, REFUSED, "{bad}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_host_invites_without_a_user_and_the_mail_says_what_it_is_about() {
    each_world(async |world| {
        let id = acme(&world, ALICE).await;
        let organizations = world.accounts.organizations();
        organizations.invite(id, CAROL, &MemberRole::OWNER).await.unwrap();
        let mails = world.mails_to(CAROL).await;
        assert_eq!(mails[0].subject, "You are invited to Initech");
        assert!(
            mails[0].text.contains("join Initech at Acme") && mails[0].html.contains("Initech")
        );
        let again = organizations.invite(id, ALICE, &MemberRole::MEMBER).await;
        assert!(matches!(again, Err(OrganizationError::AlreadyMember)));
        let mut alice = world.logged_in(ALICE).await;
        let fields = [("email", CAROL), ("role", "member")];
        alice.post(&format!("{ACME}/invite"), &fields).await;
        let mails = world.mails_to(CAROL).await;
        assert!(mails[0].text.contains(&format!("{ALICE} invites you")), "{}", mails[0].text);
    })
    .await;
}
