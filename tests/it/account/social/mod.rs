//! Logins by other providers: the store's contract, the flows, and providers that lie.

mod connections;
mod disowned;
mod enter;
mod hostile;
mod limits;
mod link;
mod mail;
mod microsoft;
mod others;
mod revoke;
mod single_sign_on;
mod store;
mod tokens;
mod without_domains;

use std::sync::{Arc, Mutex};

use donjon::account::AccountLayerBuilder;
use donjon::account::social::{Provider, Social};
use donjon::store::AuditFilter;
use donjon::testing::{FakeOpenIdProvider, FakeUser, ManualClock};
use time::Duration;

use super::world::{ALICE, World, each_world_with};
use crate::support::browser::{Browser, Page};

/// What logs in where the provider is known.
fn open_ways() -> donjon::store::OpenWays {
    donjon::store::OpenWays { rp_id: None, providers: vec!["fake".into()] }
}

const BEGIN: &str = "/login/with/fake";

/// The provider, with a clock in the hand.
pub(super) struct Fake {
    provider: FakeOpenIdProvider,
    clock: Arc<ManualClock>,
    advanced: Mutex<Duration>,
}

impl Fake {
    pub(super) async fn start() -> Self {
        let clock = Arc::new(ManualClock::default());
        let provider = FakeOpenIdProvider::start_with(clock.clone()).await.unwrap();
        Self { provider, clock, advanced: Mutex::new(Duration::ZERO) }
    }

    /// Accounts that know the provider.
    pub(super) fn known(&self, builder: AccountLayerBuilder) -> AccountLayerBuilder {
        self.known_as(builder, |client| client)
    }

    /// Accounts that know the provider in another way.
    fn known_as(
        &self,
        builder: AccountLayerBuilder,
        change: impl Fn(Provider) -> Provider,
    ) -> AccountLayerBuilder {
        // A new world begins at the beginning.
        self.clock.advance(-std::mem::take(&mut *self.advanced.lock().unwrap()));
        let client = change(self.provider.client());
        builder.social(Social::new([client]).egress(self.provider.egress()))
    }

    /// Tells the story on each database, with accounts that know the provider.
    async fn each_world(&self, story: impl AsyncFn(World)) {
        each_world_with(|builder| self.known(builder), story).await;
    }

    /// Tells it with accounts that know the provider in another way.
    async fn each_world_as(
        &self,
        change: impl Fn(Provider) -> Provider,
        story: impl AsyncFn(World),
    ) {
        each_world_with(|builder| self.known_as(builder, &change), story).await;
    }

    fn advance(&self, world: &World, by: Duration) {
        self.clock.advance(by);
        *self.advanced.lock().unwrap() += by;
        world.clock.advance(by);
    }

    /// A browser goes to the provider, where this user agrees, and comes back.
    pub(super) async fn arrive(&self, browser: &mut Browser, user: FakeUser) -> Page {
        self.provider.log_in(user);
        let page = browser.get(BEGIN).await;
        let page = self.come_back(browser, &page).await;
        browser.follow(page).await
    }

    /// The answer to the browser that comes back from where this page sent it.
    async fn come_back(&self, browser: &mut Browser, page: &Page) -> Page {
        browser.get(&self.callback(page)).await
    }

    /// Where the provider sends the browser back to that this page sent there.
    fn callback(&self, page: &Page) -> String {
        self.provider.approve(page.location().unwrap().as_str()).unwrap()
    }
}

/// Alice at the provider, which vouches for her address.
pub(super) fn alice() -> FakeUser {
    FakeUser::new("alice-1").with_email(ALICE, true).with_name("Alice")
}

fn greeting(email: &str) -> String {
    format!("hello {email} at /")
}

/// Who is logged in.
pub(super) async fn who(browser: &mut Browser) -> String {
    browser.get("/").await.body
}

/// The reasons of the refusals that the audit log tells of, in the order of the alphabet.
async fn refusals(world: &World) -> Vec<String> {
    let outcome = Some(donjon::audit::Outcome::Failure);
    let filter = AuditFilter { outcome, ..AuditFilter::default() };
    let entries = world.store.audit_entries(&filter, 100).await.unwrap();
    let reason = |entry: &donjon::audit::AuditEntry| entry.metadata.get("reason").cloned();
    let reasons = entries.iter().filter_map(reason);
    let mut reasons: Vec<_> = reasons.map(|reason| reason.as_str().unwrap().to_owned()).collect();
    reasons.sort();
    reasons
}
