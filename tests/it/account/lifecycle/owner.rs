//! Who owns an organization alone must hand it over first.

use donjon::crypto::{RandomExt as _, SystemRandom};
use donjon::scope::UserId;
use donjon::store::{DeletionRequest, Effects, NewDeletion, SqlStore};
use time::{Duration, OffsetDateTime};

use crate::support::behind::{open_databases, run};
use crate::support::database::Database;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

/// An organization with these members.
async fn organization(database: &Database, name: &str, members: &[(&str, &str)]) {
    let id = SystemRandom.uuid_v7(NOW);
    let id =
        if database.name == "sqlite" { format!("x'{}'", id.simple()) } else { format!("'{id}'") };
    let insert = format!(
        "INSERT INTO donjon_organizations (id, slug, name, created_at)
         VALUES ({id}, '{name}', '{name}', 0)"
    );
    run(&database.url, insert).await;
    for (user, role) in members {
        let insert = format!(
            "INSERT INTO donjon_memberships (organization_id, user_id, role, created_at)
             VALUES ({id}, '{user}', '{role}', 0)"
        );
        run(&database.url, insert).await;
    }
}

async fn user(store: &SqlStore, name: &str) -> UserId {
    let id = UserId::new(name).unwrap();
    let account = donjon::scope::Account::new(id.clone());
    let account = account.with_email(format!("{name}@example.test"), true);
    let user = donjon::store::NewUser { account, password: None, created_at: NOW };
    store.create_user(&user, &Effects::none()).await.unwrap();
    id
}

async fn ask(store: &SqlStore, user: &UserId) -> DeletionRequest {
    let deletion = NewDeletion { user: user.clone(), at: NOW + Duration::DAY, keep: None };
    store.request_deletion(&deletion, &Effects::none(), NOW).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_owner_of_others_work_hands_it_over_first() {
    for (database, _directory) in open_databases().await {
        let store = database.store().await;
        for name in ["ann", "ben", "cid", "dee", "eve"] {
            user(&store, name).await;
        }
        organization(&database, "alone", &[("ann", "owner")]).await;
        organization(&database, "shared", &[("ann", "owner"), ("ben", "admin")]).await;
        organization(&database, "pair", &[("cid", "owner"), ("dee", "owner"), ("eve", "member")])
            .await;
        let sole = DeletionRequest::SoleOwner(vec!["shared".to_owned()]);
        let ann = UserId::new("ann").unwrap();
        assert_eq!(ask(&store, &ann).await, sole, "{}", database.name);
        assert!(store.standing(&ann).await.unwrap().unwrap().is_open());
        run(
            &database.url,
            "UPDATE donjon_memberships SET role = 'owner'
             WHERE user_id = 'ben'"
                .to_owned(),
        )
        .await;
        assert_eq!(ask(&store, &ann).await, DeletionRequest::Scheduled, "{}", database.name);

        // Of two owners who leave at once, one stays.
        let ids = ["cid", "dee"].map(|name| UserId::new(name).unwrap());
        let mut callers = tokio::task::JoinSet::new();
        for caller in 0..32 {
            let (store, id) = (store.clone(), ids[caller % 2].clone());
            callers.spawn(async move { ask(&store, &id).await });
        }
        let outcomes = callers.join_all().await;
        let scheduled = outcomes.iter().filter(|o| **o == DeletionRequest::Scheduled).count();
        let sole = DeletionRequest::SoleOwner(vec!["pair".to_owned()]);
        let refused = outcomes.iter().filter(|o| **o == sole).count();
        assert_eq!((scheduled, refused), (1, 16), "{}: {outcomes:?}", database.name);

        // Who was alone takes the organization along.
        let due = store.claim_deletions(NOW + Duration::DAY, Duration::HOUR, 10).await.unwrap();
        let due = due.iter().find(|due| due.user == ann).unwrap();
        let hard = donjon::store::DeletionStrategy::Hard;
        store.execute_deletion(due, hard, &Effects::none(), NOW).await.unwrap();
        let data = store.user_data(&ann, 10).await.unwrap();
        assert!(data.iter().all(|section| section.rows.is_empty() || section.name == "deletion"));
    }
}
