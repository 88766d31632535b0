//! The host's own facts about a user.

use std::sync::Arc;

use donjon::account::AttributesError;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;
use crate::account::world::each_world;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Profile {
    plan: String,
    credits: u64,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_counts_and_the_next_request_sees_it() {
    each_world(async |world| {
        world.user(ALICE).await;
        let browser = world.logged_in(ALICE).await;
        let accounts = world.accounts.accounts().clone();
        let id = accounts.find_by_email(ALICE).await.unwrap().unwrap().id().clone();
        accounts.claim_attribute(&id, "payroll", &"A-17".into()).await.unwrap();
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..32 {
            let (accounts, id) = (accounts.clone(), id.clone());
            callers.spawn(async move {
                let change = |profile: &mut Profile| profile.credits += 1;
                accounts.change_attributes(&id, change).await.unwrap().unwrap()
            });
        }
        let mut seen: Vec<u64> =
            callers.join_all().await.iter().map(|profile| profile.credits).collect();
        seen.sort_unstable();
        assert_eq!(seen, (1..=32).collect::<Vec<_>>());
        let account = accounts.find(&id).await.unwrap().unwrap();
        assert_eq!(
            json!(account.attributes()),
            json!({"plan": "", "credits": 32, "payroll": "A-17"})
        );
        // What a session shows is the present state.
        let sessions = world.store.sessions_of(&id, donjon::crypto::Clock::now(&*world.clock));
        let login = sessions.await.unwrap()[0].login.clone().unwrap();
        assert_eq!(login.account.attributes_as::<Profile>().unwrap().credits, 32);
        drop(browser);
    })
    .await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_nothing_changes() {
    each_world(async |world| {
        world.user(ALICE).await;
        let accounts = world.accounts.accounts();
        let id = accounts.find_by_email(ALICE).await.unwrap().unwrap().id().clone();
        let long = Arc::new("x".repeat(17 * 1024));
        let too_much = |profile: &mut Profile| profile.plan = (*long).clone();
        let refused = accounts.change_attributes(&id, too_much).await;
        assert!(matches!(refused, Err(AttributesError::TooLarge)), "{refused:?}");
        let refused = accounts.change_attributes(&id, |list: &mut Vec<u8>| list.push(1)).await;
        assert!(matches!(refused, Err(AttributesError::Type(_))), "{refused:?}");
        assert!(accounts.find(&id).await.unwrap().unwrap().attributes().is_empty());
        let nobody = donjon::scope::UserId::new("nobody").unwrap();
        let none = accounts.change_attributes(&nobody, |_: &mut Profile| ()).await.unwrap();
        assert_eq!(none, None);
    })
    .await;
}
