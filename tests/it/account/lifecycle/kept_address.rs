//! An account that is deleted and keeps its address is nobody to everything that is mailed.

use donjon::account::{DeletionPolicy, DeletionStrategy, Policy};
use time::Duration;

use super::*;
use crate::account::world::World;
use crate::support::database::shared_databases;
use crate::support::statements::counted;

const GRACE: Duration = Duration::days(14);
const NOBODY: &str = "nobody@example.test";

/// Alice, whose account is deleted and keeps its address.
async fn each_deleted(story: impl AsyncFn(&World)) {
    let strategy = DeletionStrategy::Soft { keeps_address: true };
    let deletion = DeletionPolicy { strategy, ..DeletionPolicy::default() };
    let policy = Policy { deletion, even_answers: Duration::ZERO, ..Policy::default() };
    for database in shared_databases().await {
        println!("on {}", database.name);
        let world = World::over(database, &|builder| builder.policy(policy)).await;
        world.user(ALICE).await;
        assert!(ask(&mut world.logged_in(ALICE).await).await.has("leaving"));
        world.clock.advance(GRACE);
        world.accounts.execute_due_deletions().await.unwrap();
        let accounts = world.accounts.accounts();
        assert!(accounts.find_by_email(ALICE).await.unwrap().is_some());
        world.mails_to(ALICE).await;
        story(&world).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_that_keeps_its_address_is_mailed_nothing_and_costs_the_same() {
    each_deleted(async |world| {
        for path in ["/forgot-password", "/login/link", "/confirm/resend"] {
            let mut told = Vec::new();
            for email in [ALICE, NOBODY] {
                let mut browser = world.browser();
                let (page, sent) = counted(browser.post(path, &[("email", email)])).await;
                let body = page.body.replace(email.split('@').next().unwrap(), "");
                told.push((page.status, body, sent.reads(), sent.transitions()));
            }
            assert_eq!(told[0], told[1], "{path}");
        }
        assert_eq!(world.all_mails().await.len(), 0);
    })
    .await;
}

#[tokio::test]
async fn no_link_gets_into_an_account_that_was_deleted_meanwhile() {
    each_deleted(async |world| {
        let deleted = |at: &str| format!("UPDATE donjon_users SET deleted_at = {at}");
        assert_eq!(world.database.tamper(&deleted("NULL")).await, 1);
        let reset = world.reset_link(ALICE).await;
        let mut browser = world.browser();
        browser.post("/login/link", &[("email", ALICE)]).await;
        let login = world.link_to(ALICE).await;
        let pages = [browser.get(&reset).await, browser.get(&login).await];
        assert!(pages.iter().all(|page| page.status == StatusCode::OK));
        assert_eq!(world.database.tamper(&deleted("1")).await, 1);
        for (link, page) in [reset, login].iter().zip(pages) {
            assert_eq!(browser.get(link).await.status, StatusCode::GONE, "{link}");
            let done = browser.submit(&page, &[("password", "another good password")]).await;
            assert_eq!(done.status, StatusCode::GONE, "{link}");
        }
        let untouched = "UPDATE donjon_users SET password = NULL WHERE password IS NULL";
        assert_eq!(world.database.tamper(untouched).await, 1, "no password was written");
    })
    .await;
}
