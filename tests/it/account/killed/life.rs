//! An application with users who cause mails, which notes what it answers and what it sends.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use donjon::account::organization::OrganizationPolicy;
use donjon::account::password::{HashCost, PasswordRules};
use donjon::account::token::ApiTokens;
use donjon::account::{AccountLayer, Policy};
use donjon::crypto::{Clock as _, Keyring, SystemClock};
use donjon::delivery::{MailError, Mailer, Message};
use donjon::page::{Letter, Mail, Pages, Theme};
use donjon::scope::UserId;
use donjon::session::SessionLayer;
use donjon::store::SqlStore;
use donjon::testing::ManualClock;
use tower::{Layer as _, service_fn};

use super::{KEYRING, Task, note};
use crate::account::world::{PASSWORD, hello, log_in};
use crate::support::browser::Browser;

/// Passkeys belong to a name.
pub const ORIGIN: &str = "http://localhost:3000";
/// The scope of the API.
pub const SCOPE: &str = "api:read";

/// Mails whose subject is their kind.
#[derive(Debug)]
struct Named(Theme);

impl Pages for Named {
    fn theme(&self) -> &Theme {
        &self.0
    }

    fn mail(&self, letter: &Letter<'_>) -> Mail {
        Mail { subject: letter.kind().to_owned(), ..self.0.mail(letter) }
    }
}

/// Notes what it sends, and keeps it for who follows links.
#[derive(Clone, Debug)]
pub struct Noting {
    file: PathBuf,
    texts: Arc<Mutex<HashMap<String, String>>>,
}

impl Noting {
    pub fn into(file: PathBuf) -> Self {
        Self { file, texts: Arc::default() }
    }
}

#[async_trait]
impl Mailer for Noting {
    async fn send(&self, message: &Message) -> Result<(), MailError> {
        let what = format!("{} {}", message.subject, message.to);
        note(&self.file, &format!("{} {what}", message.id));
        self.texts.lock().unwrap().insert(what, message.text.clone());
        Ok(())
    }
}

pub struct Life {
    pub accounts: AccountLayer,
    pub clock: Arc<ManualClock>,
    #[cfg(feature = "social")]
    pub provider: donjon::testing::FakeOpenIdProvider,
    mailer: Noting,
    acknowledged: PathBuf,
    browser: Browser,
    number: u32,
    users: u32,
}

impl Life {
    pub async fn begin(store: SqlStore, mailer: Noting, task: &Task) -> Self {
        // Long ago: what flows let pass never reaches the present, when mails are sent.
        let start = SystemClock.now() - time::Duration::days(3000);
        let clock = Arc::new(ManualClock::new(start));
        let keyring: Keyring = KEYRING.parse().unwrap();
        let policy = Policy { even_answers: time::Duration::ZERO, ..Policy::default() };
        let organizations =
            OrganizationPolicy { single_sign_on: true, ..OrganizationPolicy::default() };
        let tokens = ApiTokens::new(&store, "demo".parse().unwrap()).clock(clock.clone());
        let builder = AccountLayer::builder(&store, &keyring, ORIGIN)
            .danger_ignore_unknown_peers(true)
            .pages(Named(Theme::new("Acme")))
            .hash_cost(HashCost { memory: 64, passes: 1, lanes: 1 })
            .password_rules(PasswordRules::default().min_score(None))
            .policy(policy)
            .organizations(organizations)
            .api_tokens(&tokens.scopes([SCOPE]).unwrap())
            .clock(clock.clone());
        #[cfg(feature = "passkeys")]
        let builder = builder.passkeys(
            donjon::account::passkey::Passkeys::default()
                .sign_count(donjon::account::passkey::SignCountPolicy::Revoke),
        );
        #[cfg(feature = "social")]
        let provider =
            donjon::testing::FakeOpenIdProvider::start_with(clock.clone()).await.unwrap();
        #[cfg(feature = "social")]
        let builder = builder.social(
            donjon::account::social::Social::new([provider.client()]).egress(provider.egress()),
        );
        let accounts = builder.build().unwrap();
        let sessions = SessionLayer::new(store, &keyring).base_url(ORIGIN).unwrap();
        let sessions = sessions.clock(clock.clone());
        let browser = Browser::new(sessions.layer(accounts.layer(service_fn(hello))), ORIGIN);
        Self {
            accounts,
            clock,
            #[cfg(feature = "social")]
            provider,
            mailer,
            acknowledged: task.file("acknowledged"),
            browser,
            number: task.life,
            users: 0,
        }
    }

    /// A browser that was never here.
    pub fn browser(&self) -> Browser {
        self.browser.another()
    }

    /// What nobody else in any life is called.
    pub fn unique(&mut self) -> String {
        self.users += 1;
        format!("{}-{}", self.number, self.users)
    }

    /// An address that nobody has.
    pub fn address(&mut self) -> String {
        format!("user-{}@example.test", self.unique())
    }

    /// Numbers that are this life's and this moment's own, below 256.
    pub fn own_numbers(&mut self) -> [u8; 2] {
        self.users += 1;
        [self.number, self.users].map(|number| u8::try_from(number % 256).unwrap())
    }

    /// A user with a confirmed address, who has a password.
    pub async fn user(&mut self) -> String {
        let email = self.address();
        self.user_at(&email).await;
        email
    }

    pub async fn user_at(&self, email: &str) -> UserId {
        let accounts = self.accounts.accounts();
        let made = accounts.create(email, Some(PASSWORD), Default::default(), true).await.unwrap();
        made.id().clone()
    }

    /// A user who is logged in.
    pub async fn logged_in(&mut self) -> (String, Browser) {
        let email = self.user().await;
        let browser = self.enter(&email).await;
        (email, browser)
    }

    /// A browser in which this user is logged in.
    pub async fn enter(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        let page = log_in(&mut browser, email, PASSWORD).await;
        assert_eq!(page.body, format!("hello {email} at /"));
        browser
    }

    /// What was answered is acknowledged: this mail, to this address, once.
    pub fn told(&self, kind: &str, to: &str) {
        note(&self.acknowledged, &format!("{kind} {to}"));
    }

    /// The link in a mail, once that was sent.
    pub async fn link(&self, kind: &str, to: &str) -> String {
        let what = format!("{kind} {to}");
        loop {
            let text = self.mailer.texts.lock().unwrap().get(&what).cloned();
            if let Some(text) = text {
                let link = text.lines().find(|line| line.starts_with("http")).unwrap();
                return link.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
