//! An application with sessions, accounts and a mailbox, on each database, with a clock in the
//! hand.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use donjon::account::password::{HashCost, PoolSize};
use donjon::account::{AccountLayer, AccountLayerBuilder, Accounts, Policy};
use donjon::crypto::{Keyring, SystemRandom};
use donjon::delivery::{Mailbox, Message, Worker};
use donjon::page::Theme;
use donjon::scope::{Account, CurrentScope, Method, UserId};
use donjon::session::{Proof, Session, SessionLayer};
use donjon::store::SqlStore;
use donjon::testing::ManualClock;
use http::{Request, Response};
use http_body_util::Full;
use time::{Duration, OffsetDateTime};
use tower::{Layer as _, service_fn};

use crate::support::browser::{Browser, Page};
use crate::support::database::{Database, databases};

pub const ORIGIN: &str = "http://127.0.0.1:3000";
pub const ALICE: &str = "alice@example.test";
pub const PASSWORD: &str = "correct horse battery staple";

/// Where the users of identity provider Acme log in.
pub const VOUCHED_AT: &str = "/saml/acme/login";

/// What mails about logins with unknown browsers are called.
const UNKNOWN_LOGINS: [&str; 2] = ["A login with a new device", "Was this you?"];

pub struct World {
    pub store: SqlStore,
    pub clock: Arc<ManualClock>,
    pub accounts: AccountLayer,
    pub mailbox: Mailbox,
    pub keyring: Keyring,
    worker: Worker,
    browser: Browser,
    pub database: Database,
}

/// Tells the story on each database.
pub async fn each_world(story: impl AsyncFn(World)) {
    each_world_with(|builder| builder, story).await;
}

/// Tells the story on each database, with accounts of its own kind.
pub async fn each_world_with(
    change: impl Fn(AccountLayerBuilder) -> AccountLayerBuilder,
    story: impl AsyncFn(World),
) {
    each_world_over(|_, _, builder| change(builder), story).await;
}

/// Tells the story on each database, with accounts that work with more of the store and the clock.
pub async fn each_world_over(
    change: impl Fn(&SqlStore, Arc<ManualClock>, AccountLayerBuilder) -> AccountLayerBuilder,
    story: impl AsyncFn(World),
) {
    each_world_there(ORIGIN, change, story).await;
}

/// Tells the story on each database, at another origin.
pub async fn each_world_at(
    origin: &str,
    change: impl Fn(AccountLayerBuilder) -> AccountLayerBuilder,
    story: impl AsyncFn(World),
) {
    each_world_there(origin, |_, _, builder| change(builder), story).await;
}

async fn each_world_there(
    origin: &str,
    change: impl Fn(&SqlStore, Arc<ManualClock>, AccountLayerBuilder) -> AccountLayerBuilder,
    story: impl AsyncFn(World),
) {
    for database in databases().await {
        println!("on {}", database.name);
        story(World::new(database, origin, &change).await).await;
    }
}

impl World {
    /// One over this database, at this origin, with accounts of its own kind.
    pub async fn new(
        database: Database,
        origin: &str,
        change: &impl Fn(&SqlStore, Arc<ManualClock>, AccountLayerBuilder) -> AccountLayerBuilder,
    ) -> Self {
        let store = database.store().await;
        let keyring = Keyring::ephemeral(&SystemRandom);
        let clock = Arc::new(ManualClock::default());
        let builder = AccountLayer::builder(&store, &keyring, origin)
            .danger_ignore_unknown_peers(true)
            .pages(Theme::new("Acme"))
            .hash_cost(HashCost { memory: 64, passes: 1, lanes: 1 })
            .pool_size(PoolSize { workers: 2, queue: 64 })
            .policy(Policy { even_answers: Duration::ZERO, ..Policy::default() })
            .clock(clock.clone());
        let accounts = change(&store, clock.clone(), builder).build().unwrap();
        let sessions = SessionLayer::new(store.clone(), &keyring)
            .base_url(origin)
            .unwrap()
            .clock(clock.clone());
        let users = accounts.accounts().clone();
        let host = service_fn(move |request| at_the_host(users.clone(), request));
        let app = sessions.layer(accounts.layer(host));
        let mailbox = Mailbox::default();
        let worker = Worker::new(&store, &keyring, mailbox.clone()).clock(clock.clone());
        let browser = Browser::new(app, origin);
        Self { store, clock, accounts, mailbox, keyring, worker, browser, database }
    }

    /// One over this database, with accounts of its own kind.
    pub async fn over(
        database: Database,
        change: &impl Fn(AccountLayerBuilder) -> AccountLayerBuilder,
    ) -> Self {
        Self::new(database, ORIGIN, &|_, _, builder| change(builder)).await
    }

    /// A browser that was never here.
    pub fn browser(&self) -> Browser {
        self.browser.another()
    }

    /// A user whose address is confirmed.
    pub async fn user(&self, email: &str) {
        let accounts = self.accounts.accounts();
        accounts.create(email, Some(PASSWORD), Default::default(), true).await.unwrap();
    }

    /// The account with this address.
    pub async fn account(&self, email: &str) -> Account {
        self.accounts.accounts().find_by_email(email).await.unwrap().unwrap()
    }

    /// A browser in which the user is logged in.
    pub async fn logged_in(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        let page = log_in(&mut browser, email, PASSWORD).await;
        assert_eq!(page.body, format!("hello {email} at /"));
        browser
    }

    /// Sends what is due, and gives the mails that this address got since it was last asked, but for
    /// those about logins with browsers that its owner is not known by.
    pub async fn mails_to(&self, email: &str) -> Vec<Message> {
        let mut mails = self.all_mails_to(email).await;
        mails.retain(|mail| !UNKNOWN_LOGINS.contains(&mail.subject.as_str()));
        mails
    }

    /// The same, with those.
    pub async fn all_mails_to(&self, email: &str) -> Vec<Message> {
        let mut mails = self.all_mails().await;
        mails.retain(|mail| mail.to == email);
        mails
    }

    /// Those to anybody.
    pub async fn all_mails(&self) -> Vec<Message> {
        self.worker.run_once().await;
        let mails = self.mailbox.messages();
        self.mailbox.clear();
        mails
    }

    /// The link in the one mail that this address got.
    pub async fn link_to(&self, email: &str) -> String {
        let mails = self.mails_to(email).await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        let link = mails[0].text.lines().find(|line| line.starts_with("http")).unwrap();
        assert!(link.starts_with(&format!("{ORIGIN}/")), "{link}");
        link.to_owned()
    }

    /// The link to set a new password that this address asked for.
    pub async fn reset_link(&self, email: &str) -> String {
        let mut browser = self.browser();
        let page = browser.get("/forgot-password").await;
        browser.submit(&page, &[("email", email)]).await;
        self.link_to(email).await
    }
}

/// Logs in by the form, and goes where it leads.
pub async fn log_in(browser: &mut Browser, email: &str, password: &str) -> Page {
    let page = browser.get("/login").await;
    let page = browser.submit(&page, &[("email", email), ("password", password)]).await;
    browser.follow(page).await
}

/// The host's own pages, and doors of its own: `/other-door?alice@example.test` lets her in, and
/// `/act?alice@example.test` an administrator who acts as her; `/vouched` is where identity provider
/// Acme sends her back to, `/vouched-for-an-hour` the same with a session that ends at one o'clock, and
/// `/vouched-by-others` where another does.
async fn at_the_host(
    users: Accounts,
    request: Request<Full<Bytes>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let proof = match request.uri().path() {
        "/other-door" => Proof::by([Method::FEDERATED]),
        "/vouched" => Proof::by([Method::FEDERATED]).through(VOUCHED_AT),
        "/vouched-by-others" => Proof::by([Method::FEDERATED]).through("/saml/other/login"),
        // Of 2026, as the clock is.
        "/vouched-for-an-hour" => {
            let end = OffsetDateTime::from_unix_timestamp(1_767_225_600 + 3600).unwrap();
            Proof::by([Method::FEDERATED]).through(VOUCHED_AT).ends_at(Some(end))
        }
        "/act" => Proof::by([]).impersonated_by(UserId::new("administrator").unwrap()),
        _ => return hello(request).await,
    };
    let session = request.extensions().get::<Session>().cloned().unwrap();
    let account = users.find_by_email(request.uri().query().unwrap()).await.unwrap().unwrap();
    session.log_in(account, proof).await.unwrap();
    Ok(Response::default())
}

/// The host's own pages say who is logged in.
pub async fn hello(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let scope = request.extensions().get::<CurrentScope>().cloned().unwrap_or_default();
    let name = scope.account().and_then(|account| account.email()).unwrap_or("stranger");
    let path = request.uri().path_and_query().unwrap();
    Ok(Response::new(Full::from(format!("hello {name} at {path}"))))
}
