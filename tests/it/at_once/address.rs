//! An address that somebody confirms while it is given to somebody else.

use donjon::crypto::{RandomExt as _, SystemRandom};
use donjon::scope::{Account, UserId};
use donjon::store::*;
use time::OffsetDateTime;

use super::{connection, is_waited_for, postgres, run};

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const WANTED: &str = "wanted@example.test";

async fn write_user(store: &SqlStore, email: &str, confirmed: bool) -> UserId {
    let id = UserId::from(SystemRandom.uuid_v7(NOW));
    let account = Account::new(id.clone()).with_email(email, confirmed);
    let user = NewUser { account, password: None, created_at: NOW };
    let written = store.create_user(&user, &Effects::none()).await.unwrap();
    assert_eq!(written, Registration::Registered);
    id
}

/// Somebody signs up with the address after the change has looked who has it, and confirms it while
/// the change looks again.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_address_takes_none_that_is_confirmed_meanwhile() {
    let Some((database, store)) = postgres().await else { return };
    let mut first = connection(&database).await;
    let mut second = connection(&database).await;
    let wants = write_user(&store, "old@example.test", true).await;

    run(&mut first, &format!("BEGIN; SELECT 1 FROM donjon_users WHERE id = '{wants}' FOR UPDATE"))
        .await;
    let changed = tokio::spawn({
        let store = store.clone();
        let proof = EmailProof::Host(WANTED.to_owned());
        let change = EmailChange { user: wants.clone(), proof, keep: None, at: NOW };
        async move { store.change_email(&change, &Effects::none(), &Effects::none()).await }
    });
    is_waited_for(&mut first).await;
    let holder = write_user(&store, WANTED, false).await;
    let confirm = format!("UPDATE donjon_users SET email_verified = TRUE WHERE id = '{holder}'");
    run(&mut second, &format!("BEGIN; {confirm}")).await;
    run(&mut first, "COMMIT").await;
    is_waited_for(&mut second).await;
    run(&mut second, "COMMIT").await;

    assert_eq!(changed.await.unwrap().unwrap(), EmailChanged::Taken);
    for (user, email) in [(&holder, WANTED), (&wants, "old@example.test")] {
        let account = store.find_account(user).await.unwrap().unwrap();
        assert_eq!((account.email(), account.email_verified()), (Some(email), true));
    }
}
