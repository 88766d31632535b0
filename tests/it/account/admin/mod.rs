//! Administrators: their pages, what they do to accounts, and acting as a user.

mod impersonation;
mod mails;
mod organizations;
mod outcomes;
mod pages;
mod scope;
mod webhooks;

use async_trait::async_trait;
use donjon::account::{AccountLayerBuilder, AdminAct, AdminAuthorizer};
use donjon::scope::{Account, CurrentScope, UserId};
use donjon::testing::contract;
use http::StatusCode;
use serde_json::json;

use super::world::{PASSWORD, World, each_world_with};
use crate::support::browser::Browser;
use crate::support::database::databases;

const ROOT: &str = "root@example.test";
const BOSS: &str = "boss@example.test";
const BOB: &str = "bob@example.test";

/// Those whose attributes say so, and who may not act as each other.
#[derive(Debug)]
struct Staff;

fn is_staff(account: &Account) -> bool {
    account.attributes().get("staff") == Some(&json!(true))
}

#[async_trait]
impl AdminAuthorizer for Staff {
    async fn may(&self, who: &CurrentScope, act: AdminAct, account: Option<&Account>) -> bool {
        let hidden = account.and_then(Account::email) == Some("hidden@example.test");
        who.account().is_some_and(is_staff) && act != AdminAct::ImpersonateAdministrator && !hidden
    }

    async fn is_administrator(&self, account: &Account) -> bool {
        is_staff(account)
    }
}

fn staffed(builder: AccountLayerBuilder) -> AccountLayerBuilder {
    builder.administrators(Staff)
}

/// Tells the story on each database, with an administrator who is logged in, and bob.
async fn each_office(story: impl AsyncFn(World, Browser)) {
    each_world_with(staffed, async |world| {
        for (email, staff) in [(ROOT, true), (BOSS, true), (BOB, false)] {
            let attributes = [("staff".to_owned(), json!(staff))].into_iter().collect();
            let accounts = world.accounts.accounts();
            accounts.create(email, Some(PASSWORD), attributes, true).await.unwrap();
        }
        let root = world.logged_in(ROOT).await;
        story(world, root).await;
    })
    .await;
}

async fn id_of(world: &World, email: &str) -> UserId {
    let account = world.account(email).await;
    account.id().clone()
}

/// The path of the page about a user.
async fn page_of(world: &World, email: &str) -> String {
    format!("/admin/users/{}", id_of(world, email).await)
}

/// The newest entry of the audit log with this action.
async fn entry(world: &World, action: &str) -> donjon::audit::AuditEntry {
    let log = donjon::audit::AuditLog::new(&world.store);
    let page = log.query().action(action).newest(1).await.unwrap();
    page.entries.into_iter().next().unwrap_or_else(|| panic!("no {action}"))
}

/// What a member of the staff was denied, as the audit log tells it.
async fn denied(world: &World, email: &str) -> Vec<donjon::audit::AuditEntry> {
    let log = donjon::audit::AuditLog::new(&world.store);
    let query = log.query().action("admin.denied").actor(&id_of(world, email).await);
    query.newest(100).await.unwrap().entries
}

#[tokio::test(flavor = "multi_thread")]
async fn administration_keeps_the_contract_on_each_database() {
    for database in databases().await {
        let store = database.store().await;
        let (users, lifecycles) = ((&store).into(), (&store).into());
        let kept =
            contract::administration((&store).into(), users, lifecycles, (&store).into()).await;
        kept.unwrap_or_else(|violation| panic!("{}: {violation}", database.name));
    }
}
