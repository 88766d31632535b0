//! Single sign-on: the store's contract, where the page to log in leads, every way past it, and who
//! comes in all the same.

mod break_glass;
mod bypass;
mod last;
mod login;
mod settings;
mod step_up;
pub mod store;

use donjon::account::AccountLayerBuilder;
use donjon::account::organization::OrganizationPolicy;
use donjon::scope::{MemberRole, OrganizationId, UserId};
use donjon::store::{AuditFilter, Effects, NewSsoMode, SsoChange, SsoMode};
use http::StatusCode;
use time::Duration;

use super::second_factor::App;
use super::world::{PASSWORD, VOUCHED_AT, World, each_world_with, log_in};
use crate::support::browser::{Browser, Page};

const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
pub const DOMAIN: &str = "acme.example";
/// Owns the organization.
pub const OLGA: &str = "olga@acme.example";
/// Belongs to it.
pub const BOB: &str = "bob@acme.example";
/// Belongs to it, and has an address elsewhere.
const CONNIE: &str = "connie@elsewhere.example";
const ACME: &str = "/settings/organizations/acme";
const SSO: &str = "/settings/organizations/acme/single-sign-on";

/// Accounts whose organizations have single sign-on.
pub fn with_sso(builder: AccountLayerBuilder) -> AccountLayerBuilder {
    let policy = OrganizationPolicy { single_sign_on: true, ..OrganizationPolicy::default() };
    builder.organizations(policy)
}

async fn each_world(story: impl AsyncFn(World)) {
    each_world_with(with_sso, story).await;
}

/// An organization with its owner, a member, and the domain of both.
pub async fn acme(world: &World) -> OrganizationId {
    for email in [OLGA, BOB] {
        if world.accounts.accounts().find_by_email(email).await.unwrap().is_none() {
            world.user(email).await;
        }
    }
    let organizations = world.accounts.organizations();
    let (olga, bob) = (id_of(world, OLGA).await, id_of(world, BOB).await);
    let name = "Acme".parse().unwrap();
    let id = organizations.create(&name, Some("acme"), &olga).await.unwrap().id;
    organizations.add_member(id, &bob, &MemberRole::MEMBER).await.unwrap();
    organizations.grant_domain(id, "Acme.Example.", VOUCHED_AT).await.unwrap();
    id
}

/// Sets what single sign-on is to the users of the domain.
pub async fn set(world: &World, organization: OrganizationId, mode: SsoMode) {
    set_by(world, organization, VOUCHED_AT, mode).await;
}

/// The same, by who came by this path.
pub async fn set_by(world: &World, organization: OrganizationId, path: &str, mode: SsoMode) {
    let (domain, came_by) = (DOMAIN.to_owned(), Some(path.to_owned()));
    let at = donjon::crypto::Clock::now(&*world.clock);
    let new = NewSsoMode { organization, domain, mode, came_by, at };
    let told = world.store.change_sso(&new, None, &Effects::none()).await.unwrap();
    assert_eq!(told, SsoChange::Done);
}

/// An organization that enforces single sign-on.
pub async fn enforced(world: &World) -> OrganizationId {
    let id = acme(world).await;
    set(world, id, SsoMode::Enforced).await;
    id
}

async fn id_of(world: &World, email: &str) -> UserId {
    let account = world.accounts.accounts().find_by_email(email).await.unwrap();
    account.unwrap().id().clone()
}

/// A browser that comes back from the identity provider.
async fn vouched(world: &World, email: &str) -> Browser {
    let mut browser = world.browser();
    browser.get(&format!("/vouched?{email}")).await;
    browser
}

/// Whom the host greets.
pub async fn who(browser: &mut Browser) -> String {
    browser.get("/").await.body
}

/// Whether a page sent the browser to where it is sent to the identity provider.
pub fn sends_to_login(page: &Page) -> bool {
    let at = page.location().unwrap_or_else(|| page.url.clone());
    let pairs: Vec<_> = at.query_pairs().into_owned().collect();
    let noticed = pairs.iter().any(|(name, value)| name == "notice" && value == "single-sign-on");
    at.path() == "/login" && noticed
}

/// The audit log's entries of this action: whether each was done.
async fn told(world: &World, action: &str) -> Vec<bool> {
    let filter = AuditFilter { action: Some(action.into()), ..AuditFilter::default() };
    let entries = world.store.audit_entries(&filter, 100).await.unwrap();
    entries.iter().map(|entry| entry.outcome == donjon::audit::Outcome::Success).collect()
}
