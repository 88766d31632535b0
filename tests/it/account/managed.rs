//! What the host's own code does to accounts: the same as administrators do on their pages.

use donjon::account::{
    By, Confirming, Deletion, Disabling, Enabling, Keeping, ResetMail, SecondFactorRemoval,
    SetPasswordError, Unlocking,
};
use donjon::audit::{AuditEntry, AuditLog};
use donjon::page::PasswordProblem;
use donjon::scope::{MemberRole, UserId};
use donjon::store::{DeletionRequest, PasswordRemoval};
use donjon::testing::contract;
use futures_util::future::join_all;
use time::Duration;

use super::second_factor::App;
use super::world::{ALICE, PASSWORD, World, each_world, each_world_with, log_in};
use crate::support::database::databases;

const OTHER: &str = "another one, and a good one";

async fn alice(world: &World) -> UserId {
    world.user(ALICE).await;
    world.account(ALICE).await.id().clone()
}

async fn entries(world: &World, action: &str) -> Vec<AuditEntry> {
    AuditLog::new(&world.store).query().action(action).newest(100).await.unwrap().entries
}

#[tokio::test]
async fn the_host_disables_and_enables_an_account_and_says_why() {
    each_world(async |world| {
        let (accounts, id) = (world.accounts.accounts(), alice(&world).await);
        let mut browser = world.logged_in(ALICE).await;
        let root = UserId::new("root").unwrap();
        let by = By::administrator(&root, "ticket 4711");
        assert_eq!(accounts.enable(&id, &by).await.unwrap(), Enabling::NotDisabled);
        assert_eq!(accounts.disable(&id, &by).await.unwrap(), Disabling::Disabled);
        assert_eq!(accounts.disable(&id, &by).await.unwrap(), Disabling::AlreadyDisabled);
        assert_eq!(browser.get("/").await.body, "hello stranger at /", "at once");
        let told = entries(&world, "account.disable").await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].actor.as_ref(), told[0].user.as_ref()), (Some(&root), Some(&id)));
        assert_eq!(told[0].metadata["reason"], "ticket 4711");
        assert_eq!(accounts.enable(&id, &By::system()).await.unwrap(), Enabling::Enabled);
        let told = entries(&world, "account.enable").await;
        assert_eq!((told[0].actor_kind.as_str(), told[0].metadata.len()), ("system", 0));
        world.logged_in(ALICE).await;

        let nobody = UserId::new("nobody").unwrap();
        assert_eq!(accounts.disable(&nobody, &by).await.unwrap(), Disabling::NoAccount);
        assert_eq!(accounts.enable(&nobody, &by).await.unwrap(), Enabling::NoAccount);
    })
    .await;
}

#[tokio::test]
async fn the_host_deletes_an_account_at_once_or_later_and_keeps_it() {
    each_world(async |world| {
        let (accounts, id, by) = (world.accounts.accounts(), alice(&world).await, By::system());
        assert_eq!(accounts.keep(&id, &by).await.unwrap(), Keeping::NotLeaving);
        let asked = accounts.request_deletion(&id, &by).await.unwrap();
        assert_eq!(asked, DeletionRequest::Scheduled);
        assert_eq!(world.mails_to(ALICE).await[0].subject, "Your account will be deleted");
        assert_eq!(accounts.delete_now(&id, &by).await.unwrap(), Deletion::AlreadyScheduled);
        assert_eq!(accounts.keep(&id, &by).await.unwrap(), Keeping::Kept);
        let told = accounts.delete_now(&id, &by).await.unwrap();
        assert!(matches!(told, Deletion::CoolingDown { .. }), "{told:?}");
        world.clock.advance(Duration::days(1));

        world.user("bob@example.test").await;
        let bob = world.account("bob@example.test").await;
        let organizations = world.accounts.organizations();
        let acme = organizations.create(&"Acme".parse().unwrap(), None, &id).await.unwrap();
        organizations.add_member(acme.id, bob.id(), &MemberRole::MEMBER).await.unwrap();
        let sole = Deletion::SoleOwner(vec!["Acme".to_owned()]);
        assert_eq!(accounts.delete_now(&id, &by).await.unwrap(), sole);
        organizations.change_role(acme.id, bob.id(), &MemberRole::OWNER).await.unwrap();

        assert_eq!(accounts.delete_now(&id, &by).await.unwrap(), Deletion::Deleted);
        assert!(accounts.find(&id).await.unwrap().is_none());
        assert_eq!(world.mails_to(ALICE).await[0].subject, "Your account is deleted");
        assert_eq!(accounts.delete_now(&id, &by).await.unwrap(), Deletion::NoAccount);
        assert_eq!(accounts.keep(&id, &by).await.unwrap(), Keeping::NoAccount);
    })
    .await;
}

#[tokio::test]
async fn the_host_ends_all_sessions_of_a_user() {
    each_world(async |world| {
        let (accounts, id) = (world.accounts.accounts(), alice(&world).await);
        let mut browsers = [world.logged_in(ALICE).await, world.logged_in(ALICE).await];
        assert_eq!(accounts.end_sessions(&id, &By::system()).await.unwrap(), 2);
        for browser in &mut browsers {
            assert_eq!(browser.get("/").await.body, "hello stranger at /");
        }
        assert_eq!(entries(&world, "admin.sessions_revoke").await[0].user.as_ref(), Some(&id));
    })
    .await;
}

#[tokio::test]
async fn the_host_gives_a_user_another_password() {
    each_world(async |world| {
        let (accounts, id, by) = (world.accounts.accounts(), alice(&world).await, By::system());
        let mut before = world.logged_in(ALICE).await;
        let refused = accounts.set_password(&id, "short", &by).await.unwrap_err();
        let SetPasswordError::Password(problem) = refused else { panic!("{refused:?}") };
        assert!(matches!(problem, PasswordProblem::TooShort), "{problem:?}");
        accounts.set_password(&id, OTHER, &by).await.unwrap();
        assert_eq!(before.get("/").await.body, "hello stranger at /");
        let mails = world.mails_to(ALICE).await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        let page = log_in(&mut world.browser(), ALICE, OTHER).await;
        assert_eq!(page.body, format!("hello {ALICE} at /"));
        let page = log_in(&mut world.browser(), ALICE, PASSWORD).await;
        assert_ne!(page.body, format!("hello {ALICE} at /"));
        assert_eq!(entries(&world, "account.password_change").await[0].actor_kind, "system");

        // Whoever had none gets one; and nobody who leaves does.
        accounts.create("bob@example.test", None, Default::default(), true).await.unwrap();
        let bob = world.account("bob@example.test").await;
        accounts.set_password(bob.id(), OTHER, &by).await.unwrap();
        assert_eq!(entries(&world, "account.password_set").await.len(), 1);
        accounts.request_deletion(bob.id(), &by).await.unwrap();
        let told = accounts.set_password(bob.id(), PASSWORD, &by).await;
        assert!(matches!(told, Err(SetPasswordError::NoAccount)), "{told:?}");
    })
    .await;
}

#[tokio::test]
async fn the_host_mails_a_reset_and_takes_a_lost_second_factor_away() {
    each_world(async |world| {
        let (accounts, id, by) = (world.accounts.accounts(), alice(&world).await, By::system());
        for _ in 0..3 {
            assert_eq!(accounts.send_reset(&id, &by).await.unwrap(), ResetMail::Sent);
        }
        assert_eq!(accounts.send_reset(&id, &by).await.unwrap(), ResetMail::TooOften);
        let nobody = UserId::new("nobody").unwrap();
        assert_eq!(accounts.send_reset(&nobody, &by).await.unwrap(), ResetMail::NoAccount);
        world.mails_to(ALICE).await;

        let told = accounts.remove_second_factor(&id, &by).await.unwrap();
        assert_eq!(told, SecondFactorRemoval::None);
        let mut browser = world.logged_in(ALICE).await;
        App::set_up(&world, &mut browser).await;
        world.mails_to(ALICE).await;
        let told = accounts.remove_second_factor(&id, &by).await.unwrap();
        assert_eq!(told, SecondFactorRemoval::Removed);
        assert_eq!(world.mails_to(ALICE).await[0].subject, "Two-step login was turned off");
        world.logged_in(ALICE).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_host_does_in_the_place_of_users_keeps_the_contract_on_each_database() {
    for database in databases().await {
        let store = database.store().await;
        let (users, sessions, audit) = ((&store).into(), (&store).into(), (&store).into());
        let kept = contract::support((&store).into(), users, sessions, audit).await;
        kept.unwrap_or_else(|violation| panic!("{}: {violation}", database.name));
    }
}

#[tokio::test]
async fn the_host_confirms_an_address() {
    each_world(async |world| {
        let (accounts, by) = (world.accounts.accounts(), By::system());
        accounts.create(ALICE, Some(PASSWORD), Default::default(), false).await.unwrap();
        let id = world.account(ALICE).await.id().clone();
        assert_eq!(accounts.confirm_email(&id, &by).await.unwrap(), Confirming::Confirmed);
        assert_eq!(accounts.confirm_email(&id, &by).await.unwrap(), Confirming::AlreadyConfirmed);
        world.logged_in(ALICE).await;
        assert_eq!(entries(&world, "account.email_confirm").await.len(), 1);
        let nobody = UserId::new("nobody").unwrap();
        assert_eq!(accounts.confirm_email(&nobody, &by).await.unwrap(), Confirming::NoAccount);
    })
    .await;
}

#[tokio::test]
async fn the_host_unlocks_an_account() {
    each_world(async |world| {
        let (accounts, id, by) = (world.accounts.accounts(), alice(&world).await, By::system());
        assert_eq!(accounts.unlock(&id, &by).await.unwrap(), Unlocking::NotLocked);
        // In a browser that is known to be hers, and in one that is not.
        let mut known = world.logged_in(ALICE).await;
        known.cookies.remove("session");
        for browser in [&mut known, &mut world.browser()] {
            for _ in 0..5 {
                log_in(browser, ALICE, "a wrong password").await;
            }
            let locked = log_in(browser, ALICE, PASSWORD).await;
            assert_ne!(locked.body, format!("hello {ALICE} at /"), "locked");
        }
        assert_eq!(accounts.unlock(&id, &by).await.unwrap(), Unlocking::Unlocked);
        for browser in [&mut known, &mut world.browser()] {
            let page = log_in(browser, ALICE, PASSWORD).await;
            assert_eq!(page.body, format!("hello {ALICE} at /"));
        }
        assert_eq!(entries(&world, "account.unlock").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_host_takes_a_password_away() {
    each_world(async |world| {
        let (accounts, id, by) = (world.accounts.accounts(), alice(&world).await, By::system());
        let mut browser = world.logged_in(ALICE).await;
        let told = accounts.remove_password(&id, &by).await.unwrap();
        assert_eq!(told, PasswordRemoval::Removed);
        assert_eq!(browser.get("/").await.body, "hello stranger at /");
        let page = log_in(&mut world.browser(), ALICE, PASSWORD).await;
        assert_ne!(page.body, format!("hello {ALICE} at /"));
        assert_eq!(accounts.remove_password(&id, &by).await.unwrap(), PasswordRemoval::None);
        assert_eq!(entries(&world, "account.password_remove").await.len(), 1);
        assert_eq!(accounts.send_reset(&id, &by).await.unwrap(), ResetMail::Sent);
        assert_eq!(world.mails_to(ALICE).await.len(), 1, "there is a way back");
    })
    .await;
}

#[tokio::test]
async fn the_password_of_the_last_owner_who_comes_in_all_the_same_stays() {
    use super::single_sign_on::{OLGA, acme, set, with_sso};
    use donjon::store::SsoMode;

    each_world_with(with_sso, async |world| {
        App::of(&world, OLGA).await;
        let id = acme(&world).await;
        let olga = world.account(OLGA).await.id().clone();
        world.accounts.organizations().name_break_glass(id, &olga, true).await.unwrap();
        set(&world, id, SsoMode::Enforced).await;
        let accounts = world.accounts.accounts();
        let told = accounts.remove_password(&olga, &By::system()).await.unwrap();
        assert_eq!(told, PasswordRemoval::LastToComeIn);
        let told = accounts.remove_second_factor(&olga, &By::system()).await.unwrap();
        assert_eq!(told, SecondFactorRemoval::LastToComeIn);
        set(&world, id, SsoMode::Offered).await;
        let told = accounts.remove_password(&olga, &By::system()).await.unwrap();
        assert_eq!(told, PasswordRemoval::Removed);
    })
    .await;
}

#[tokio::test]
async fn the_host_lists_accounts_page_by_page() {
    each_world(async |world| {
        let accounts = world.accounts.accounts();
        for number in 0..7 {
            world.user(&format!("many-{number}@example.test")).await;
            world.clock.advance(Duration::seconds(1));
        }
        world.user(ALICE).await;
        let (mut query, mut seen) = (accounts.query().email(" MANY-"), Vec::new());
        loop {
            let page = query.newest(3).await.unwrap();
            assert!(page.accounts.len() <= 3);
            seen.extend(page.accounts.iter().filter_map(|a| a.account.email().map(str::to_owned)));
            let Some(next) = page.next else { break };
            query = query.before(&next);
        }
        let expected: Vec<_> =
            (0..7).rev().map(|number| format!("many-{number}@example.test")).collect();
        assert_eq!(seen, expected);
        assert_eq!(accounts.query().newest(0).await.unwrap().accounts.len(), 1, "at least one");
        assert_eq!(accounts.query().newest(8).await.unwrap().next, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_callers_who_manage_an_account_at_once_one_is_told_that_it_was_done() {
    each_world(async |world| {
        let (accounts, id, by) = (world.accounts.accounts(), alice(&world).await, By::system());
        let name = world.database.name;
        let told = join_all((0..32).map(|_| accounts.disable(&id, &by))).await;
        let told: Vec<_> = told.into_iter().map(Result::unwrap).collect();
        let done = told.iter().filter(|told| **told == Disabling::Disabled).count();
        assert_eq!((done, told.len()), (1, 32), "{name}: {told:?}");
        let told = join_all((0..32).map(|_| accounts.enable(&id, &by))).await;
        let done = told.into_iter().filter(|told| matches!(told, Ok(Enabling::Enabled))).count();
        assert_eq!(done, 1, "{name}");

        accounts.request_deletion(&id, &by).await.unwrap();
        let keep_or_ask = |caller: usize| {
            let (id, by) = (&id, &by);
            async move {
                match caller % 2 {
                    0 => accounts.keep(id, by).await.unwrap() == Keeping::Kept,
                    _ => {
                        let asked = accounts.request_deletion(id, by).await.unwrap();
                        assert_ne!(asked, DeletionRequest::Scheduled, "it cools down");
                        false
                    }
                }
            }
        };
        let kept = join_all((0..32).map(keep_or_ask)).await;
        assert_eq!(kept.into_iter().filter(|kept| *kept).count(), 1, "{name}");
        let standing = world.store.standing(&id).await.unwrap().unwrap();
        assert!(standing.is_open(), "{name}: {standing:?}");

        let set = |caller: usize| {
            let (id, by) = (&id, &by);
            async move { accounts.set_password(id, &format!("password number {caller}"), by).await }
        };
        let set = join_all((0..32).map(set)).await;
        let done = set.iter().filter(|set| set.is_ok()).count();
        assert!(done > 0, "{name}");
        assert_eq!(entries(&world, "account.password_change").await.len(), done, "{name}");

        world.clock.advance(Duration::days(1));
        let told = join_all((0..32).map(|_| accounts.delete_now(&id, &by))).await;
        let gone = |told: &Result<Deletion, _>| {
            use Deletion::{Deleted, NoAccount, Underway};
            matches!(told, Ok(Deleted | NoAccount | Underway))
        };
        assert!(told.iter().all(gone), "{name}: {told:?}");
        assert_eq!(entries(&world, "account.deletion_request").await.len(), 2, "{name}");
        assert_eq!(entries(&world, "account.delete").await.len(), 1, "{name}");
        assert!(accounts.find(&id).await.unwrap().is_none(), "{name}");
    })
    .await;
}
