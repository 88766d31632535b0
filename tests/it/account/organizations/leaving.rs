//! Nobody freezes somebody else's deletion, and no organization is left without an owner by one.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use donjon::account::{DeletionHook, DeletionHookError};
use donjon::scope::Account;
use time::Duration;

use super::*;
use crate::support::heard::Ears;

const GRACE: Duration = Duration::days(14);

/// Remembers whose data the host has erased.
#[derive(Clone, Debug, Default)]
struct Erased(Arc<Mutex<Vec<UserId>>>);

#[async_trait]
impl DeletionHook for Erased {
    async fn before(&self, account: &Account) -> Result<(), DeletionHookError> {
        self.0.lock().unwrap().push(account.id().clone());
        Ok(())
    }
}

async fn delete_account(browser: &mut Browser) -> Page {
    browser.post("/settings/delete", &[("confirm", "yes"), ("password", PASSWORD)]).await
}

async fn is_leaving(world: &World, user: &UserId) -> bool {
    let standing = world.store.standing(user).await.unwrap();
    standing.is_some_and(|standing| standing.deletion_at.is_some())
}

#[tokio::test]
async fn a_co_owner_who_leaves_does_not_freeze_the_deletion_of_another() {
    let erased = Erased::default();
    each_world_with(
        |builder| builder.deletion_hook(erased.clone()),
        async |world| {
            erased.0.lock().unwrap().clear();
            let id = acme(&world, ALICE).await;
            let organizations = world.accounts.organizations();
            for (email, role) in [(BOB, MemberRole::OWNER), (CAROL, MemberRole::MEMBER)] {
                world.user(email).await;
                organizations.add_member(id, &id_of(&world, email).await, &role).await.unwrap();
            }
            let (alice_id, bob_id) = (id_of(&world, ALICE).await, id_of(&world, BOB).await);
            let carol_id = id_of(&world, CAROL).await;
            delete_account(&mut world.logged_in(ALICE).await).await;
            assert!(is_leaving(&world, &alice_id).await);

            // Bob is the only one who stays: he can neither leave nor step down nor be deleted.
            let mut bob = world.logged_in(BOB).await;
            let page = bob.post(&format!("{ACME}/leave"), &[]).await;
            assert!(page.status == REFUSED && page.body.contains("Nobody else owns"));
            let page = give(&mut bob, &bob_id, "admin").await;
            assert!(page.status == REFUSED && page.body.contains("Nobody else owns"));
            assert_eq!(delete_account(&mut bob).await.status, StatusCode::CONFLICT);
            assert!(!is_leaving(&world, &bob_id).await);

            world.clock.advance(GRACE);
            assert_eq!(world.accounts.execute_due_deletions().await.unwrap(), 1);
            let accounts = world.accounts.accounts();
            assert!(accounts.find(&alice_id).await.unwrap().is_none());
            assert_eq!(*erased.0.lock().unwrap(), [alice_id]);
            let left = organizations.members(id, None, 10).await.unwrap();
            assert_eq!(left.len(), 2);
            // With another owner he goes.
            let mut bob = world.logged_in(BOB).await;
            assert!(give(&mut bob, &carol_id, "owner").await.location().is_some());
            assert!(bob.post(&format!("{ACME}/leave"), &[]).await.location().is_some());
        },
    )
    .await;
}

#[tokio::test]
async fn a_guest_who_comes_late_finds_an_organization_that_ends_with_its_owner() {
    let erased = Erased::default();
    each_world_with(
        |builder| builder.deletion_hook(erased.clone()),
        async |world| {
            erased.0.lock().unwrap().clear();
            let id = acme(&world, ALICE).await;
            let alice_id = id_of(&world, ALICE).await;
            let mut alice = world.logged_in(ALICE).await;
            let hers = invite(&world, &mut alice, BOB, "member").await;
            let organizations = world.accounts.organizations();
            organizations.invite(id, CAROL, &MemberRole::MEMBER).await.unwrap();
            let hosts = world.link_to(CAROL).await.strip_prefix(ORIGIN).unwrap().to_owned();
            delete_account(&mut alice).await;
            assert!(is_leaving(&world, &alice_id).await);
            for link in [&hers, &hosts] {
                assert_eq!(sign_up_by(&world, link).await.status, StatusCode::GONE);
            }
            world.clock.advance(GRACE);
            assert_eq!(world.accounts.execute_due_deletions().await.unwrap(), 1);
            assert!(world.accounts.accounts().find(&alice_id).await.unwrap().is_none());
            assert_eq!(*erased.0.lock().unwrap(), [alice_id]);
            assert!(organizations.find(id).await.unwrap().is_none());
        },
    )
    .await;
}

#[tokio::test]
async fn what_ends_along_with_an_organization_or_an_account_is_announced() {
    each_world(async |world| {
        let ears = Ears::open();
        acme(&world, ALICE).await;
        world.user(BOB).await;
        let (alice_id, bob_id) = (id_of(&world, ALICE).await, id_of(&world, BOB).await);
        let organizations = world.accounts.organizations();
        let name = "Globex".parse().unwrap();
        let globex = organizations.create(&name, Some("globex"), &alice_id).await.unwrap().id;
        let hooli = organizations.create(&name, Some("hooli"), &alice_id).await.unwrap().id;
        for id in [globex, hooli] {
            organizations.add_member(id, &bob_id, &MemberRole::OWNER).await.unwrap();
        }
        organizations.delete(globex).await.unwrap();
        assert_eq!(ears.count("organization.membership_end"), 2);
        // Hooli goes on without her, and her own goes with her.
        delete_account(&mut world.logged_in(ALICE).await).await;
        world.clock.advance(GRACE);
        assert_eq!(world.accounts.execute_due_deletions().await.unwrap(), 1);
        assert_eq!(ears.count("organization.membership_end"), 4);
        assert_eq!(ears.count("organization.delete"), 2);
        ears.have_heard_all(&world.store).await;
    })
    .await;
}
