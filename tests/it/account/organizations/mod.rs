//! Organizations: the store's contract, the pages, invitations.

mod invitations;
mod pages;
pub mod store;

use donjon::account::organization::{OrganizationError, OrganizationPolicy};
use donjon::scope::{MemberRole, OrganizationId, UserId};
use donjon::store::AuditFilter;
use http::StatusCode;

use super::world::{ALICE, ORIGIN, PASSWORD, World, each_world, each_world_with};
use crate::support::browser::Browser;

const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
const LIST: &str = "/settings/organizations";
const ACME: &str = "/settings/organizations/acme";
const BOB: &str = "bob@example.test";
const MALLORY: &str = "mallory@example.test";
/// Everything that can be posted to an organization.
const ACTIONS: [&str; 9] =
    ["switch", "leave", "rename", "role", "remove", "invite", "revoke", "second-factor", "delete"];

/// An organization called Initech, at [`ACME`], whose owner is a new user with this address.
async fn acme(world: &World, owner: &str) -> OrganizationId {
    if world.accounts.accounts().find_by_email(owner).await.unwrap().is_none() {
        world.user(owner).await;
    }
    let owner = id_of(world, owner).await;
    let name = "Initech".parse().unwrap();
    world.accounts.organizations().create(&name, Some("acme"), &owner).await.unwrap().id
}

async fn id_of(world: &World, email: &str) -> UserId {
    let account = world.accounts.accounts().find_by_email(email).await.unwrap();
    account.unwrap().id().clone()
}

/// How often the audit log tells of this action.
async fn told(world: &World, action: &str) -> usize {
    let filter = AuditFilter { action: Some(action.into()), ..AuditFilter::default() };
    world.store.audit_entries(&filter, 100).await.unwrap().len()
}
