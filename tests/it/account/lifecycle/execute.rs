//! The end itself, and what the host does about it.

use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use donjon::account::{DeletionHook, DeletionHookError, DeletionPolicy, DeletionStrategy, Policy};
use donjon::scope::{Account, UserId};
use time::Duration;
use tokio::sync::Notify;

use super::*;
use crate::account::world::{each_world, each_world_with, log_in};

const GRACE: Duration = Duration::days(14);

#[tokio::test]
async fn when_the_grace_is_over_the_account_is_gone_and_the_address_free() {
    each_world(async |world| {
        leaving(&world).await;
        let id = world.account(ALICE).await;
        let id = id.id().clone();
        world.mails_to(ALICE).await;
        world.clock.advance(GRACE - Duration::SECOND);
        assert_eq!(world.accounts.execute_due_deletions().await.unwrap(), 0);
        assert!(has_account(&world, ALICE).await);
        world.clock.advance(Duration::SECOND);
        assert_eq!(world.accounts.execute_due_deletions().await.unwrap(), 1);
        assert_eq!(world.accounts.execute_due_deletions().await.unwrap(), 0);
        assert!(!has_account(&world, ALICE).await);
        assert_eq!(world.mails_to(ALICE).await[0].subject, "Your account is deleted");
        let told = actions(&world, &id).await;
        assert!(told.contains(&"account.deletion_request".to_owned()), "{told:?}");
        assert_eq!(told.last().map(String::as_str), Some("account.delete"));
        let page = log_in(&mut world.browser(), ALICE, PASSWORD).await;
        assert_eq!(page.status, REFUSED);
        world.user(ALICE).await;
        let account = world.account(ALICE).await;
        assert_ne!(*account.id(), id);
        world.logged_in(ALICE).await;
    })
    .await;
}

#[tokio::test]
async fn two_sweepers_delete_an_account_once() {
    each_world(async |world| {
        leaving(&world).await;
        world.mails_to(ALICE).await;
        world.clock.advance(GRACE);
        let sweeps = (0..8).map(|_| world.accounts.execute_due_deletions());
        let taken: u64 = futures_util::future::join_all(sweeps)
            .await
            .into_iter()
            .map(|taken| taken.unwrap())
            .sum();
        assert_eq!(taken, 1);
        assert_eq!(world.mails_to(ALICE).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_stays_of_an_account_is_what_the_policy_says() {
    for (strategy, stays) in [
        (DeletionStrategy::Hard, None),
        (DeletionStrategy::Anonymize, Some(None)),
        (DeletionStrategy::Soft { keeps_address: false }, Some(None)),
        (DeletionStrategy::Soft { keeps_address: true }, Some(Some(ALICE))),
    ] {
        let deletion = DeletionPolicy { strategy, ..DeletionPolicy::default() };
        let policy = Policy { deletion, ..Policy::default() };
        each_world_with(
            |builder| builder.policy(policy),
            async |world| {
                let app = crate::account::second_factor::App::of(&world, ALICE).await;
                let accounts = world.accounts.accounts();
                let id = accounts.find_by_email(ALICE).await.unwrap().unwrap().id().clone();
                accounts.claim_attribute(&id, "plan", &"pro".into()).await.unwrap();
                let mut browser = world.browser();
                log_in(&mut browser, ALICE, PASSWORD).await;
                browser.post("/login/verify", &[("code", &app.code(&world))]).await;
                assert!(ask(&mut browser).await.has("leaving"));
                world.clock.advance(GRACE);
                world.accounts.execute_due_deletions().await.unwrap();

                let found = accounts.find(&id).await.unwrap();
                let email = found.as_ref().map(Account::email);
                assert_eq!(email, stays, "{strategy:?}");
                let bare = found.is_none_or(|account| account.attributes().is_empty());
                let soft = matches!(strategy, DeletionStrategy::Soft { .. });
                assert_eq!(bare, !soft, "{strategy:?}: the attributes");
                let factor = world.store.find_second_factor(&id).await.unwrap();
                assert!(factor.is_none(), "{strategy:?}: {factor:?}");
                let page = log_in(&mut world.browser(), ALICE, PASSWORD).await;
                assert_eq!(page.status, REFUSED, "{strategy:?}");
            },
        )
        .await;
    }
}

/// Never comes back.
#[derive(Clone, Debug, Default)]
struct Endless(Arc<Notify>);

#[async_trait]
impl DeletionHook for Endless {
    async fn before(&self, _: &Account) -> Result<(), DeletionHookError> {
        self.0.notify_one();
        std::future::pending().await
    }

    async fn after(&self, _: &UserId) -> Result<(), DeletionHookError> {
        Ok(())
    }
}

/// A minute goes by for the tasks that look after what is over.
async fn a_minute_later() {
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_host_that_takes_its_time_holds_up_nothing_else() {
    let hook = Endless::default();
    each_world_with(
        |builder| builder.deletion_hook(hook.clone()),
        async |world| {
            leaving(&world).await;
            world.clock.advance(GRACE);
            a_minute_later().await;
            hook.0.notified().await;
            // Nobody ever confirms this one.
            let late = "late@example.test";
            world.browser().post("/register", &[("email", late), ("password", PASSWORD)]).await;
            assert!(has_account(&world, late).await);
            world.clock.advance(Duration::days(30));
            // The hook has five minutes.
            for look in 0..120 {
                if look % 40 == 0 {
                    a_minute_later().await;
                }
                if !has_account(&world, late).await {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            panic!("nothing is swept any more");
        },
    )
    .await;
}

/// Fails each call once.
#[derive(Clone, Debug, Default)]
struct Shy(Arc<Mutex<Vec<String>>>);

impl Shy {
    fn call(&self, what: String) -> Result<(), DeletionHookError> {
        let times = {
            let mut calls = self.0.lock().unwrap();
            calls.push(what.clone());
            calls.iter().filter(|call| **call == what).count()
        };
        match (times, what.starts_with("after")) {
            (1, false) => Err("the network is down".into()),
            (1, true) => panic!("a fault of the host"),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl DeletionHook for Shy {
    async fn before(&self, account: &Account) -> Result<(), DeletionHookError> {
        self.call(format!("before {}", account.email().unwrap_or_default()))
    }

    async fn after(&self, user: &UserId) -> Result<(), DeletionHookError> {
        self.call(format!("after {}", user.as_str().len()))
    }
}

#[tokio::test]
async fn the_host_is_told_before_and_after_until_it_has_heard() {
    let hook = Shy::default();
    each_world_with(
        |builder| builder.deletion_hook(hook.clone()),
        async |world| {
            hook.0.lock().unwrap().clear();
            leaving(&world).await;
            world.clock.advance(GRACE);
            let (before, after) = (format!("before {ALICE}"), "after 36".to_owned());
            assert_eq!(world.accounts.execute_due_deletions().await.unwrap(), 1);
            assert!(has_account(&world, ALICE).await, "not before the host has heard");
            assert_eq!(hook.0.lock().unwrap().join(", "), before);
            let page = log_in(&mut world.browser(), ALICE, PASSWORD).await;
            assert_eq!(page.status, StatusCode::GONE, "it is too late: {}", page.body);

            world.clock.advance(Duration::minutes(1));
            assert_eq!(world.accounts.execute_due_deletions().await.unwrap(), 1);
            assert!(!has_account(&world, ALICE).await);
            let calls = [before.clone(), before, after.clone()];
            assert_eq!(*hook.0.lock().unwrap(), calls);
            world.clock.advance(Duration::minutes(2));
            assert_eq!(world.accounts.execute_due_deletions().await.unwrap(), 1);
            assert_eq!(hook.0.lock().unwrap().last(), Some(&after));
            world.clock.advance(Duration::days(30));
            assert_eq!(world.accounts.execute_due_deletions().await.unwrap(), 0);
            assert_eq!(hook.0.lock().unwrap().len(), 4);
        },
    )
    .await;
}
