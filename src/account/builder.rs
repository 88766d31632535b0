use std::sync::Arc;

use super::accounts::Accounts;
use super::admin::{AdminAuthorizer, impersonate};
use super::app::AppSessions;
use super::config::{Paths, Policy, is_plain};
use super::deletion::{DeletionHook, keep};
use super::device::Devices;
use super::export::ExportSource;
use super::hook::{self, AccountHook, SignUpField};
use super::layer::AccountLayer;
use super::letters::Letters;
use super::organization::{OrganizationHook, OrganizationPolicy};
#[cfg(feature = "passkeys")]
use super::passkey::pages::PasskeySite;
use super::password::{
    HashCost, ImportLimits, PasswordPool, PasswordRules, PoolSize, StoredCost, StoredCostError,
};
use super::pending::{PendingLogins, Step};
use super::registrant::Registrants;
use super::second_factor::Factors;
use super::site::{Parts, Site};
use super::token::ApiTokens;
use super::{OtherLogin, login_link};
use crate::crypto::{Clock, Keyring, Random, SystemClock, SystemRandom};
use crate::delivery::Worker;
use crate::delivery::webhook::WebhookEndpoints;
use crate::http::{BaseUrlError, CookiePolicy};
use crate::page::{Pages, Theme};
use crate::session::{NoPlaces, Places};
use crate::store::AccountStore;

/// Why an [`AccountLayer`] could not be built: each is the fault of the host's configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The address of the application.
    #[error("base URL: {0}")]
    BaseUrl(#[from] BaseUrlError),
    /// The address of the application has a path; the pages are at the root.
    #[error("base URL {0:?}: it must not have a path")]
    BasePath(String),
    /// A path is no path, or is that of two pages.
    #[error("path {0:?} is not an absolute path of plain characters, or two pages have it")]
    Path(String),
    /// A field of the forms to sign up has no name, the name of another, or of one of ours.
    #[error("sign-up field {0:?}: it has no name, or that of another field")]
    SignUpField(String),
    /// Passkeys need a domain.
    #[cfg(feature = "passkeys")]
    #[error("passkeys: {0}")]
    Passkeys(#[from] super::passkey::InvalidRelyingParty),
    /// A provider cannot work as it was given.
    #[cfg(feature = "social")]
    #[error("provider {id:?}: {fault}")]
    Provider {
        /// Its id.
        id: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// Nobody could tell the tokens of apps from those of the API.
    #[error(
        "prefix {0:?} of the apps' tokens: it must differ from that of API tokens, and neither may \
         go on from the other after an underscore"
    )]
    TokenPrefix(String),
    /// The cost of a hash is none that argon2 has.
    #[error("password hash cost: {0}")]
    HashCost(String),
    /// No hash can be stored at a cost that was declared.
    #[error("stored password hashes: {0}")]
    StoredAs(#[from] StoredCostError),
}

/// Builds an [`AccountLayer`].
#[derive(Debug)]
#[must_use]
pub struct AccountLayerBuilder {
    store: Arc<dyn AccountStore>,
    keyring: Keyring,
    base_url: String,
    pages: Option<Arc<dyn Pages>>,
    paths: Paths,
    other_logins: Vec<OtherLogin>,
    #[cfg(feature = "social")]
    social: Option<super::social::Social>,
    policy: Policy,
    ignores_unknown_peers: bool,
    password_rules: PasswordRules,
    organizations: OrganizationPolicy,
    #[cfg(feature = "passkeys")]
    passkeys: Option<super::passkey::Passkeys>,
    hash_cost: HashCost,
    pool_size: PoolSize,
    import_limits: ImportLimits,
    stored_as: Vec<StoredCost>,
    deletion_hook: Option<Arc<dyn DeletionHook>>,
    organization_hook: Option<Arc<dyn OrganizationHook>>,
    account_hook: Option<Arc<dyn AccountHook>>,
    sign_up_fields: Vec<SignUpField>,
    export_sources: Vec<Arc<dyn ExportSource>>,
    authorizer: Option<Arc<dyn AdminAuthorizer>>,
    webhooks: Option<WebhookEndpoints>,
    mails: Option<Worker>,
    places: Arc<dyn Places>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    tokens: Option<ApiTokens>,
    apps: Option<AppSessions>,
}

impl AccountLayerBuilder {
    pub(super) fn new(store: Arc<dyn AccountStore>, keyring: Keyring, base_url: String) -> Self {
        Self {
            store,
            keyring,
            base_url,
            pages: None,
            paths: Paths::default(),
            other_logins: Vec::new(),
            #[cfg(feature = "social")]
            social: None,
            policy: Policy::default(),
            ignores_unknown_peers: false,
            password_rules: PasswordRules::default(),
            organizations: OrganizationPolicy::default(),
            #[cfg(feature = "passkeys")]
            passkeys: None,
            hash_cost: HashCost::default(),
            pool_size: PoolSize::default(),
            import_limits: ImportLimits::default(),
            stored_as: Vec::new(),
            deletion_hook: None,
            organization_hook: None,
            account_hook: None,
            sign_up_fields: Vec::new(),
            export_sources: Vec::new(),
            authorizer: None,
            webhooks: None,
            mails: None,
            places: Arc::new(NoPlaces),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            tokens: None,
            apps: None,
        }
    }

    /// The look of the pages and mails, or the pages themselves; by default those of a [`Theme`]
    /// named after the application's host.
    pub fn pages(mut self, pages: impl Pages) -> Self {
        self.pages = Some(Arc::new(pages));
        self
    }

    /// The paths of the pages.
    pub fn paths(mut self, paths: Paths) -> Self {
        self.paths = paths;
        self
    }

    /// Other doors than the password: links on the login page, in this order.
    pub fn other_logins(mut self, others: impl IntoIterator<Item = OtherLogin>) -> Self {
        self.other_logins = others.into_iter().collect();
        self
    }

    /// Other providers to log in and sign up with: links on both pages, after
    /// [`AccountLayerBuilder::other_logins`].
    #[cfg(feature = "social")]
    pub fn social(mut self, social: super::social::Social) -> Self {
        self.social = Some(social);
        self
    }

    /// The rules.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Whether requests without the address of their peer are counted by no network; not: they are
    /// counted by one that all of them share (see [`Limits`](super::Limits)). What is dangerous about
    /// it: only logins are limited then, and only by account, so that whoever tries one password with
    /// many addresses, or signs up with many, is never told to stop. For where something in front of us
    /// limits that.
    pub fn danger_ignore_unknown_peers(mut self, ignore: bool) -> Self {
        self.ignores_unknown_peers = ignore;
        self
    }

    /// What users may choose as a password.
    pub fn password_rules(mut self, rules: PasswordRules) -> Self {
        self.password_rules = rules;
        self
    }

    /// The rules of organizations.
    pub fn organizations(mut self, policy: OrganizationPolicy) -> Self {
        self.organizations = policy;
        self
    }

    /// Passkeys, by these rules: users register them, log in with them, and have them as a second
    /// factor.
    #[cfg(feature = "passkeys")]
    pub fn passkeys(mut self, passkeys: super::passkey::Passkeys) -> Self {
        self.passkeys = Some(passkeys);
        self
    }

    /// What a hash of a password costs; [`HashCost::tune`] proposes it. Passwords hashed at another
    /// cost, or elsewhere, still work, and are hashed again when their users log in; until then their cost
    /// belongs into [`AccountLayerBuilder::stored_as`].
    pub fn hash_cost(mut self, cost: HashCost) -> Self {
        self.hash_cost = cost;
        self
    }

    /// How many passwords are hashed at a time, and how many may wait.
    pub fn pool_size(mut self, size: PoolSize) -> Self {
        self.pool_size = size;
        self
    }

    /// What verifying a password hash of another system may cost.
    pub fn import_limits(mut self, limits: ImportLimits) -> Self {
        self.import_limits = limits;
        self
    }

    /// What the stored password hashes cost that are not of the present cost: those of other systems, and
    /// those of before the present [`hash_cost`](AccountLayerBuilder::hash_cost). Everybody's password is
    /// then verified at each of these costs, so that the time of a login tells nobody whose hash is which:
    /// see [`PasswordPool::stored_as`]. [`Accounts::import`] takes hashes of these costs and of the
    /// present one, and no others.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use donjon::account::AccountLayer;
    /// # use donjon::crypto::{Keyring, SystemRandom};
    /// # use donjon::store::SqlStore;
    /// # let store = SqlStore::connect("sqlite::memory:").await?;
    /// # let keyring = Keyring::ephemeral(&SystemRandom);
    /// use donjon::account::password::{HashCost, StoredCost};
    ///
    /// let of_last_year = HashCost { memory: 12_288, passes: 3, lanes: 1 };
    /// let accounts = AccountLayer::builder(&store, &keyring, "https://app.example")
    ///     .stored_as([of_last_year.into(), StoredCost::Bcrypt { cost: 12 }])
    ///     .build()?;
    /// # drop(accounts);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn stored_as(mut self, costs: impl IntoIterator<Item = StoredCost>) -> Self {
        self.stored_as = costs.into_iter().collect();
        self
    }

    /// Lets users make tokens for the application's API, at `/settings/tokens`.
    pub fn api_tokens(mut self, tokens: &ApiTokens) -> Self {
        self.tokens = Some(tokens.clone());
        self
    }

    /// Lets users log in to apps of the host's own. See [`app`](super::app).
    pub fn apps(mut self, apps: &AppSessions) -> Self {
        self.apps = Some(apps.clone());
        self
    }

    /// What the host does when an account is deleted.
    pub fn deletion_hook(mut self, hook: impl DeletionHook) -> Self {
        self.deletion_hook = Some(Arc::new(hook));
        self
    }

    /// What the host has to say when users make organizations, invite and join.
    pub fn organization_hook(mut self, hook: impl OrganizationHook) -> Self {
        self.organization_hook = Some(Arc::new(hook));
        self
    }

    /// What the host has to say when somebody signs up or logs in.
    pub fn account_hook(mut self, hook: impl AccountHook) -> Self {
        self.account_hook = Some(Arc::new(hook));
        self
    }

    /// What else the forms to sign up ask for, for the [`AccountHook`] to read.
    pub fn sign_up_fields(mut self, fields: impl IntoIterator<Item = SignUpField>) -> Self {
        self.sign_up_fields = fields.into_iter().collect();
        self
    }

    /// Mounts the pages of administrators, and says who is one.
    pub fn administrators(mut self, authorizer: impl AdminAuthorizer) -> Self {
        self.authorizer = Some(Arc::new(authorizer));
        self
    }

    /// Lets administrators see to the webhook endpoints, where their pages are mounted: what was given
    /// up, sending it again, enabling and disabling, and other secrets.
    pub fn webhooks(mut self, endpoints: &WebhookEndpoints) -> Self {
        self.webhooks = Some(endpoints.clone());
        self
    }

    /// Lets administrators see which mails this worker gave up, where their pages are mounted, and
    /// have them tried again.
    pub fn mails(mut self, worker: &Worker) -> Self {
        self.mails = Some(worker.clone());
        self
    }

    /// What the host knows of a user, for the export of their data; one more with each call.
    pub fn export_source(mut self, source: impl ExportSource) -> Self {
        self.export_sources.push(Arc::new(source));
        self
    }

    /// Who knows where addresses are, for users to recognise their logins by; by default nobody.
    pub fn places(mut self, places: Arc<dyn Places>) -> Self {
        self.places = places;
        self
    }

    /// Another clock; for tests.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Another source of randomness; for tests.
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Checks everything and makes the layer.
    ///
    /// # Errors
    /// [`BuildError`] says what to change.
    pub fn build(self) -> Result<AccountLayer, BuildError> {
        let cookies = CookiePolicy::for_base_url(&self.base_url)?;
        let base_url = self.base_url.trim_end_matches('/').to_owned();
        let url = match url::Url::parse(&base_url) {
            Ok(url) if url.path() == "/" => url,
            _ => return Err(BuildError::BasePath(self.base_url)),
        };
        if let Some(path) = self.paths.fault() {
            return Err(BuildError::Path(path.to_owned()));
        }
        if let Some(other) = self.other_logins.iter().find(|other| !is_plain(&other.path)) {
            return Err(BuildError::Path(other.path.clone()));
        }
        if let Some(name) = hook::fault(&self.sign_up_fields) {
            return Err(BuildError::SignUpField(name.to_owned()));
        }
        if let (Some(apps), Some(tokens)) = (&self.apps, &self.tokens)
            && apps.prefix().overlaps(tokens.prefix())
        {
            return Err(BuildError::TokenPrefix(apps.prefix().to_string()));
        }
        #[cfg(feature = "social")]
        if let Some((id, fault)) = self.social.as_ref().and_then(|social| social.fault()) {
            return Err(BuildError::Provider { id, fault });
        }
        #[cfg_attr(not(feature = "social"), expect(unused_mut, reason = "nothing is added"))]
        let mut other_logins = self.other_logins;
        #[cfg(feature = "social")]
        if let Some(social) = &self.social {
            other_logins.extend(social.doors(&self.paths.social));
        }
        let passwords = PasswordPool::new(self.hash_cost, self.pool_size, Arc::clone(&self.random))
            .map_err(|error| BuildError::HashCost(error.to_string()))?
            .import_limits(self.import_limits)
            .stored_as(self.stored_as)?;
        let pages = self.pages.unwrap_or_else(|| Arc::new(Theme::of_host(&base_url)));
        let devices = Devices::new(cookies, &self.keyring, self.policy.known_for)
            .trusting(self.policy.trust_for);
        let factors = Arc::new(Factors::new(cookies, &self.keyring));
        let impersonator = impersonate::cookie(cookies, &self.keyring);
        let keeping = keep::waiting(cookies, &self.keyring);
        let pending = PendingLogins::new(Step::Password, cookies, &self.keyring);
        #[cfg(feature = "passkeys")]
        let passkeys = self
            .passkeys
            .map(|policy| {
                let party = policy.party(&base_url)?;
                Ok::<_, BuildError>(PasskeySite::new(party, policy, cookies, &self.keyring))
            })
            .transpose()?;
        #[cfg(not(feature = "passkeys"))]
        let passkeys = None;
        #[cfg(feature = "social")]
        let social = self.social.map(|social| {
            let clock = Arc::clone(&self.clock);
            super::social::Providers::new(social, cookies, &self.keyring, clock)
        });
        let registrants = Registrants::new(cookies, &self.keyring, self.policy.confirm_for);
        let askers = login_link::askers(cookies, &self.keyring, self.policy.login_link_for);
        let letters = Letters {
            pages: Arc::clone(&pages),
            keyring: self.keyring,
            random: Arc::clone(&self.random),
            forgot_password: format!("{base_url}{}", self.paths.forgot_password),
            base_url,
        };
        let password_length = self.password_rules.bounds();
        let parts = Parts {
            origin: url.origin().ascii_serialization(),
            store: Arc::clone(&self.store),
            passwords: passwords.clone(),
            password_rules: self.password_rules,
            letters,
            devices,
            factors: Arc::clone(&factors),
            pending,
            passkeys,
            registrants,
            keeping,
            deletion_hook: self.deletion_hook,
            organization_hook: self.organization_hook,
            account_hook: self.account_hook,
            sign_up_fields: self.sign_up_fields,
            export_sources: self.export_sources,
            authorizer: self.authorizer,
            webhooks: self.webhooks,
            mails: self.mails,
            impersonator,
            askers,
            places: self.places,
            paths: self.paths,
            other_logins,
            #[cfg(feature = "social")]
            social,
            policy: self.policy,
            ignores_unknown_peers: self.ignores_unknown_peers,
            organizations: self.organizations,
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
            tokens: self.tokens,
            apps: self.apps,
        };
        let site = Arc::new(Site::new(parts, pages));
        let accounts = Accounts {
            site: Arc::clone(&site),
            store: self.store,
            passwords,
            password_length,
            factors,
            clock: self.clock,
            random: self.random,
        };
        Ok(AccountLayer::new(site, accounts))
    }
}
