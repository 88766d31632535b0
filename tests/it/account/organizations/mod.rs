//! Organizations: the store's contract, the pages, invitations.

mod authority;
mod invitations;
mod leaving;
mod notices;
mod pages;
mod second_factor;
mod service_accounts;
pub mod store;

use donjon::account::organization::{OrganizationError, OrganizationPolicy};
use donjon::scope::{MemberRole, OrganizationId, UserId};
use donjon::store::AuditFilter;
use http::StatusCode;

use super::world::{ALICE, ORIGIN, PASSWORD, World, each_world, each_world_with};
use crate::support::browser::{Browser, Page};

const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
const LIST: &str = "/settings/organizations";
const ACME: &str = "/settings/organizations/acme";
const BOB: &str = "bob@example.test";
const CAROL: &str = "carol@example.test";
const MALLORY: &str = "mallory@example.test";
/// Everything that can be posted to an organization.
const ACTIONS: [&str; 9] =
    ["switch", "leave", "rename", "role", "remove", "invite", "revoke", "second-factor", "delete"];

/// An organization called Initech, at [`ACME`], whose owner is a new user with this address.
pub(super) async fn acme(world: &World, owner: &str) -> OrganizationId {
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

/// Posts a form of the organization by which somebody's role is changed.
async fn give(browser: &mut Browser, user: &UserId, role: &str) -> Page {
    browser.post(&format!("{ACME}/role"), &[("user", user.as_str()), ("role", role)]).await
}

/// Invites by the form; answers the path of the link in the mail.
pub(super) async fn invite(
    world: &World,
    inviter: &mut Browser,
    email: &str,
    role: &str,
) -> String {
    let fields = [("email", email), ("role", role)];
    let page = inviter.post(&format!("{ACME}/invite"), &fields).await;
    assert!(page.location().is_some(), "{}", page.body);
    let link = world.link_to(&email.trim().to_lowercase()).await;
    link.strip_prefix(ORIGIN).unwrap().to_owned()
}

/// Follows an invitation as somebody without an account.
pub(super) async fn sign_up_by(world: &World, link: &str) -> Page {
    let token = link.split_once("token=").unwrap().1;
    world.browser().post("/invitation", &[("token", token), ("password", PASSWORD)]).await
}

async fn role_of(world: &World, email: &str) -> Option<String> {
    let id = id_of(world, email).await;
    let all = world.accounts.organizations().memberships_of(&id).await.unwrap();
    all.first().map(|membership| membership.role.as_str().to_owned())
}

/// How often the audit log tells of this action.
async fn told(world: &World, action: &str) -> usize {
    let filter = AuditFilter { action: Some(action.into()), ..AuditFilter::default() };
    world.store.audit_entries(&filter, 100).await.unwrap().len()
}
