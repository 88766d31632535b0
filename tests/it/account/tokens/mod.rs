//! API tokens and service accounts: the store's contract, the page, and the API behind the layer.

#[cfg(feature = "resource")]
mod layer;
mod page;
#[cfg(feature = "resource")]
mod service_account;
#[cfg(feature = "resource")]
mod single_sign_on;
mod store;

use std::sync::Arc;

use donjon::account::token::{ApiToken, ApiTokens, TokenRequest};
use donjon::audit::AuditEntry;
use donjon::scope::UserId;
use donjon::store::{AuditFilter, SqlStore, StoredApiToken};
use donjon::testing::ManualClock;
use time::Duration;

use super::world::{World, each_world_over};

const TOKENS: &str = "/settings/tokens";
const REVOKE: &str = "/settings/tokens/revoke";

/// The tokens of the application in these stories: at most three each, for at most a year.
fn tokens_over(store: &SqlStore, clock: Arc<ManualClock>) -> ApiTokens {
    ApiTokens::new(store, "acme".parse().unwrap())
        .scopes(["api:read", "api:write"])
        .unwrap()
        .longest(Duration::days(365))
        .at_most(3)
        .clock(clock)
}

async fn each_token_world(story: impl AsyncFn(World, ApiTokens)) {
    each_world_over(
        |store, clock, builder| builder.api_tokens(&tokens_over(store, clock)),
        async |world| {
            let tokens = tokens_over(&world.store, world.clock.clone());
            story(world, tokens).await;
        },
    )
    .await;
}

fn request(scopes: &[&str], days: i64) -> TokenRequest {
    TokenRequest {
        name: "script".into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        lifetime: Some(Duration::days(days)),
    }
}

/// A token of this user, made by the host.
async fn token_of(world: &World, tokens: &ApiTokens, email: &str) -> (ApiToken, StoredApiToken) {
    let user = id_of(world, email).await;
    tokens.create(&user, &request(&["api:read"], 30)).await.unwrap()
}

async fn id_of(world: &World, email: &str) -> UserId {
    let account = world.accounts.accounts().find_by_email(email).await.unwrap();
    account.unwrap().id().clone()
}

/// What the audit log tells of this action, newest first.
async fn told(world: &World, action: &str) -> Vec<AuditEntry> {
    let filter = AuditFilter { action: Some(action.into()), ..AuditFilter::default() };
    world.store.audit_entries(&filter, 100).await.unwrap()
}
