//! Whoever loses a role keeps nothing of it, and nobody makes more of themselves.

use donjon::crypto::Clock as _;
use donjon::store::Effects;

use super::*;

/// Alice and Bob own Initech.
async fn two_owners(world: &World) -> (OrganizationId, UserId) {
    let id = acme(world, ALICE).await;
    world.user(BOB).await;
    let bob = id_of(world, BOB).await;
    let organizations = world.accounts.organizations();
    organizations.add_member(id, &bob, &MemberRole::OWNER).await.unwrap();
    (id, bob)
}

#[tokio::test]
async fn a_demoted_owner_does_not_come_back_by_an_invitation_sent_before() {
    each_world(async |world| {
        let (id, bob_id) = two_owners(&world).await;
        let (mut alice, mut bob) = (world.logged_in(ALICE).await, world.logged_in(BOB).await);
        let owner = invite(&world, &mut bob, MALLORY, "owner").await;
        let lesser = invite(&world, &mut bob, CAROL, "member").await;
        let page = give(&mut alice, &bob_id, "admin").await;
        assert!(page.location().is_some(), "{}", page.body);
        assert!(world.browser().get(&owner).await.has("invitation-over"));
        assert_eq!(sign_up_by(&world, &owner).await.status, StatusCode::GONE);
        let accounts = world.accounts.accounts();
        assert!(accounts.find_by_email(MALLORY).await.unwrap().is_none());

        // What an admin may give as well is good still, until its sender is less than that.
        assert!(world.browser().get(&lesser).await.body.contains("Join Initech"));
        assert!(sign_up_by(&world, &lesser).await.location().is_some());
        assert_eq!(role_of(&world, CAROL).await.as_deref(), Some("member"));
        let members = world.accounts.organizations().members(id, None, 10).await.unwrap();
        let owners = members.iter().filter(|member| member.role == MemberRole::OWNER).count();
        assert_eq!((members.len(), owners), (3, 1));
    })
    .await;
}

#[tokio::test]
async fn an_inviter_who_is_disabled_or_about_to_be_deleted_lets_nobody_in() {
    for deletes in [false, true] {
        each_world(async |world| {
            let (_, bob_id) = two_owners(&world).await;
            let mut bob = world.logged_in(BOB).await;
            let link = invite(&world, &mut bob, MALLORY, "admin").await;
            if deletes {
                let fields = [("confirm", "yes"), ("password", PASSWORD)];
                let page = bob.post("/settings/delete", &fields).await;
                assert!(page.status.is_success() || page.location().is_some(), "{}", page.body);
                let standing = world.store.standing(&bob_id).await.unwrap().unwrap();
                assert!(standing.deletion_at.is_some());
            } else {
                let now = world.clock.now();
                world.store.disable_account(&bob_id, &Effects::none(), now).await.unwrap();
            }
            assert!(world.browser().get(&link).await.has("invitation-over"));
            assert_eq!(sign_up_by(&world, &link).await.status, StatusCode::GONE);
        })
        .await;
    }
}

#[tokio::test]
async fn a_lesser_manager_neither_raises_itself_nor_reaches_those_above() {
    let role = |name: &str| MemberRole::new(name).unwrap();
    let moderator = role("moderator");
    let policy = OrganizationPolicy {
        roles: vec![MemberRole::OWNER, MemberRole::ADMIN, moderator.clone(), MemberRole::MEMBER],
        managers: vec![MemberRole::ADMIN, moderator.clone()],
        ..OrganizationPolicy::default()
    };
    each_world_with(
        |builder| builder.organizations(policy.clone()),
        async |world| {
            let id = acme(&world, ALICE).await;
            let organizations = world.accounts.organizations();
            for (email, role) in [
                (BOB, MemberRole::ADMIN),
                (MALLORY, moderator.clone()),
                (CAROL, MemberRole::MEMBER),
            ] {
                world.user(email).await;
                organizations.add_member(id, &id_of(&world, email).await, &role).await.unwrap();
            }
            let [bob, mallory, carol] = [
                id_of(&world, BOB).await,
                id_of(&world, MALLORY).await,
                id_of(&world, CAROL).await,
            ];
            let mut browser = world.logged_in(MALLORY).await;
            for (user, role) in
                [(&mallory, "admin"), (&carol, "admin"), (&bob, "member"), (&bob, "moderator")]
            {
                let page = give(&mut browser, user, role).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{user} {role}");
            }
            let page = browser.post(&format!("{ACME}/remove"), &[("user", bob.as_str())]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN);
            let fields = [("email", "x@y.test"), ("role", "admin")];
            let page = browser.post(&format!("{ACME}/invite"), &fields).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN);
            assert!(give(&mut browser, &carol, "moderator").await.location().is_some());
            assert_eq!(role_of(&world, CAROL).await.as_deref(), Some("moderator"));
            assert_eq!(role_of(&world, BOB).await.as_deref(), Some("admin"));
        },
    )
    .await;
}
