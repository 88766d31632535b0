//! What an administrator is told who asked for something that was not done.

use donjon::account::By;
use donjon::scope::MemberRole;
use donjon::store::{DeletionRequest, Effects, NewUser};
use futures_util::future::join_all;
use time::Duration;

use super::*;
use crate::support::browser::Page;

/// Asserts that the page says why nothing was done.
fn says(page: &Page, words: &str) {
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.body);
    assert!(page.body.contains(words), "{words}: {}", page.body);
}

fn is_done(page: &Page) -> bool {
    page.status == StatusCode::SEE_OTHER
}

/// How many entries with this action the audit log has.
async fn entries(world: &World, action: &str) -> usize {
    let log = donjon::audit::AuditLog::new(&world.store);
    log.query().action(action).newest(100).await.unwrap().entries.len()
}

#[tokio::test]
async fn an_administrator_is_told_that_an_account_was_disabled_already_or_was_not() {
    each_office(async |world, mut root| {
        let at = page_of(&world, BOB).await;
        says(&root.post(&format!("{at}/enable"), &[]).await, "wasn’t disabled");
        assert!(is_done(&root.post(&format!("{at}/disable"), &[]).await));
        let page = root.post(&format!("{at}/disable"), &[]).await;
        says(&page, "disabled already");
        assert_eq!(page.text_of("state"), "Disabled");
        assert!(is_done(&root.post(&format!("{at}/enable"), &[]).await));
        let told =
            (entries(&world, "account.disable").await, entries(&world, "account.enable").await);
        assert_eq!(told, (1, 1), "what was not done is not in the log");
    })
    .await;
}

#[tokio::test]
async fn an_administrator_is_told_why_an_account_is_not_deleted_or_kept() {
    each_office(async |world, mut root| {
        let (at, bob) = (page_of(&world, BOB).await, id_of(&world, BOB).await);
        says(&root.post(&format!("{at}/keep"), &[]).await, "wasn’t going to be deleted");

        let organizations = world.accounts.organizations();
        let acme = organizations.create(&"Acme".parse().unwrap(), None, &bob).await.unwrap();
        let boss = id_of(&world, BOSS).await;
        organizations.add_member(acme.id, &boss, &MemberRole::MEMBER).await.unwrap();
        let page = root.post(&format!("{at}/delete"), &[]).await;
        says(&page, "the only owner of Acme");
        assert_eq!(page.text_of("state"), "Open");
        assert!(world.mails_to(BOB).await.is_empty());
        organizations.delete(acme.id).await.unwrap();

        assert!(is_done(&root.post(&format!("{at}/delete"), &[]).await));
        says(&root.post(&format!("{at}/delete"), &[]).await, "going to be deleted already");
        assert_eq!(world.mails_to(BOB).await.len(), 1, "the link to keep it is mailed once");
        assert!(is_done(&root.post(&format!("{at}/keep"), &[]).await));
        says(&root.post(&format!("{at}/keep"), &[]).await, "wasn’t going to be deleted");
        says(&root.post(&format!("{at}/delete"), &[]).await, "It can be from 2026-01-02");
        let told = (
            entries(&world, "account.deletion_request").await,
            entries(&world, "account.deletion_cancel").await,
        );
        assert_eq!(told, (1, 1));
    })
    .await;
}

#[tokio::test]
async fn an_administrator_is_told_that_it_is_too_late_to_keep_an_account() {
    each_office(async |world, _| {
        let (at, bob) = (page_of(&world, BOB).await, id_of(&world, BOB).await);
        let asked = world.accounts.accounts().request_deletion(&bob, &By::system()).await.unwrap();
        assert_eq!(asked, DeletionRequest::Scheduled);
        world.clock.advance(Duration::days(14));
        let mut root = world.logged_in(ROOT).await;
        says(&root.post(&format!("{at}/keep"), &[]).await, "too late");
    })
    .await;
}

#[tokio::test]
async fn an_administrator_is_told_that_nothing_was_mailed() {
    each_office(async |world, mut root| {
        let at = page_of(&world, BOB).await;
        for _ in 0..3 {
            assert!(is_done(&root.post(&format!("{at}/send-reset"), &[]).await));
        }
        says(&root.post(&format!("{at}/send-reset"), &[]).await, "Too many links");
        assert_eq!(entries(&world, "account.link_request").await, 3);

        let nobody = Account::new(UserId::new("nobody").unwrap());
        let user = NewUser {
            account: nobody,
            password: None,
            created_at: time::OffsetDateTime::UNIX_EPOCH,
        };
        world.store.create_user(&user, &Effects::none()).await.unwrap();
        says(&root.post("/admin/users/nobody/send-reset", &[]).await, "no address");
    })
    .await;
}

#[tokio::test]
async fn an_administrator_is_told_that_there_was_no_second_factor() {
    each_office(async |world, mut root| {
        let at = page_of(&world, BOB).await;
        let page = root.post(&format!("{at}/remove-second-factor"), &[]).await;
        says(&page, "no two-step login");
        assert_eq!(entries(&world, "mfa.disable").await, 0);
        assert!(world.mails_to(BOB).await.is_empty(), "nobody is told of what was not done");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_administrators_who_do_the_same_at_once_one_is_told_that_it_was_done() {
    each_office(async |world, root| {
        let at = page_of(&world, BOB).await;
        let at_once = async |acts: [&str; 2]| {
            let posts = (0..32).map(|caller| {
                let (mut root, path) = (root.clone(), format!("{at}/{}", acts[caller % 2]));
                async move { (caller % 2, root.post(&path, &[]).await.status) }
            });
            join_all(posts).await
        };
        let done = |told: &[(usize, StatusCode)], act: usize| {
            told.iter().filter(|told| **told == (act, StatusCode::SEE_OTHER)).count()
        };
        let told = at_once(["disable"; 2]).await;
        assert_eq!(done(&told, 0) + done(&told, 1), 1, "{}: {told:?}", world.database.name);
        assert_eq!(entries(&world, "account.disable").await, 1);
        world.clock.advance(Duration::minutes(10));
        let mut root = world.logged_in(ROOT).await;
        let at_once = async |acts: [&str; 2]| {
            let posts = (0..32).map(|caller| {
                let (mut root, path) = (root.clone(), format!("{at}/{}", acts[caller % 2]));
                async move { (caller % 2, root.post(&path, &[]).await.status) }
            });
            join_all(posts).await
        };
        assert!(is_done(&root.clone().post(&format!("{at}/delete"), &[]).await));
        let told = at_once(["keep", "delete"]).await;
        assert_eq!((done(&told, 0), done(&told, 1)), (1, 0), "{}: {told:?}", world.database.name);
        assert_eq!(entries(&world, "account.deletion_cancel").await, 1);
        let page = root.get(&at).await;
        assert_eq!(page.text_of("state"), "Disabled", "kept, and still disabled");
    })
    .await;
}
