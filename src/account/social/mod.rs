//! Logins by other providers: any OpenID Provider, Google, Microsoft, Apple, GitHub, Facebook.
//!
//! A user is known by provider and subject, never by an address. What becomes of somebody whom a
//! provider vouches for is one of five things:
//!
//! | the identity is | the address at the provider | outcome |
//! |---|---|---|
//! | somebody's | theirs, unknown, or not vouched for | they come in |
//! | somebody's | another account's | refused ([`EmailMismatch`]) |
//! | new | an account's | they show to be its owner as always, then press a button to link the two |
//! | new | new | they get an account with it |
//! | new | not vouched for | they are asked for one, and confirm it by mail ([`WithoutEmail`]) |
//!
//! Where an organization has the users of a domain log in with one provider and nowhere else, that
//! provider speaks for the addresses of the domain: an account with such an address is theirs whom it
//! vouches for, without a button; its owner is told by mail. No other provider, and no address that
//! was confirmed by mail, gets anywhere there. Nor does an address that is merely verified: it takes
//! the provider's word that the owner of the domain is behind it, which is
//!
//! | at | an account of the domain's |
//! |---|---|
//! | Google | has the domain, or another of the same organization's that leads there, as its `hd` |
//! | Microsoft | is the tenant's own, no guest, with `xms_edov`; and only with [`Tenant::Only`] |
//! | Apple, GitHub, Facebook | cannot be told from any other: never |
//! | any OpenID Provider | has a verified address, with [`Provider::trust_email`]: the host's decision |
//!
//! Only an address that the provider is believed about counts ([`Provider::trust_email`]); whether any
//! other has an account is not even looked at, so nobody learns it.
//!
//! Each login has a `state`, a `nonce` and a PKCE verifier of its own, in a sealed cookie of the
//! browser that began it; what comes back is believed after every check of OpenID Connect Core,
//! section 3.1.3.7, and of RFC 9207. All requests to providers go through the guarded client
//! ([`Egress`]).
//!
//! Users see to their identities at `/settings/connections`; the last way in cannot be unlinked.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use donjon::account::AccountLayer;
//! use donjon::account::social::{Provider, Social};
//! # use donjon::crypto::{Keyring, SystemRandom};
//! # use donjon::store::SqlStore;
//! # let store = SqlStore::connect("sqlite::memory:").await?;
//! # let keyring = Keyring::ephemeral(&SystemRandom);
//!
//! let social = Social::new([
//!     Provider::google("1234.apps.googleusercontent.com", "a secret"),
//!     Provider::openid("acme", "Acme", "https://id.acme.example", "client id").trust_email(),
//! ]);
//! let accounts =
//!     AccountLayer::builder(&store, &keyring, "https://app.example").social(social).build()?;
//! # drop(accounts);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod answer;
mod begin;
mod client;
mod decide;
mod domain;
mod enter;
mod fault;
mod link;
mod mail;
mod park;
mod pending;
mod policy;
mod preset;
pub(in crate::account) mod protocol;
mod provider;
mod revoke;
mod tokens;

use std::sync::Arc;

use http::Method;

use self::client::Client;
use self::park::Parking;
use self::pending::Attempts;
use super::site::{Answer, Site, Visit};
use super::{AccountError, OtherLogin};
use crate::crypto::{Clock, Keyring, Purpose, Random, Sealed};
use crate::http::{CookiePolicy, Egress};
use crate::scope::Account;
use crate::store::NewIdentity;

pub(super) use self::answer::refuse_link;
pub(super) use self::begin::link as begin_link;
pub(super) use self::domain::disowns;
pub(super) use self::enter::about;
pub(super) use self::fault::{Fault, notice_named};
pub use self::policy::{EmailMismatch, SocialPolicy, WithoutEmail};
pub use self::preset::apple::AppleSecret;
pub use self::protocol::issuer::Tenant;
pub(super) use self::protocol::profile::Profile;
pub(super) use self::protocol::token::Tokens;
pub use self::provider::Provider;
pub(super) use self::revoke::{revocations, revoke_due};
pub use self::tokens::{ProviderToken, ProviderTokenError, ProviderTokens};

const TOKENS: Purpose = Purpose::new("account/provider-tokens");

/// The providers that users log in with, and the rules of it; for
/// [`AccountLayerBuilder::social`](super::AccountLayerBuilder::social).
#[derive(Clone, Debug)]
#[must_use]
pub struct Social {
    providers: Vec<Provider>,
    egress: Egress,
    policy: SocialPolicy,
}

impl Social {
    /// Logins by these providers, in this order.
    pub fn new(providers: impl IntoIterator<Item = Provider>) -> Self {
        let policy = SocialPolicy::default();
        Self { providers: providers.into_iter().collect(), egress: Egress::new(), policy }
    }

    /// Another client for the requests to providers.
    pub fn egress(mut self, egress: Egress) -> Self {
        self.egress = egress;
        self
    }

    /// Other rules.
    pub fn policy(mut self, policy: SocialPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The provider that cannot work, and why.
    pub(super) fn fault(&self) -> Option<(String, &'static str)> {
        let ids: Vec<_> = self.providers.iter().map(|provider| &provider.id).collect();
        self.providers.iter().find_map(|provider| {
            let twice = ids.iter().filter(|id| **id == &provider.id).count() > 1;
            let fault = provider.fault().or(twice.then_some("another one has its id"));
            fault.map(|fault| (provider.id.clone(), fault))
        })
    }

    /// The links that lead to the providers, below this path.
    pub(super) fn doors(&self, path: &str) -> impl Iterator<Item = OtherLogin> {
        self.providers.iter().map(move |provider| OtherLogin {
            name: provider.name.clone(),
            path: format!("{path}/{}", provider.id),
            signs_up: true,
        })
    }
}

/// What the flows work with.
#[derive(Debug)]
pub(super) struct Providers {
    providers: Vec<Provider>,
    policy: SocialPolicy,
    client: Client,
    attempts: Attempts,
    parking: Parking,
    keyring: Keyring,
}

/// Which of a provider's pages a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// To the provider.
    Begin,
    /// Back from it.
    Callback,
    /// Whether to link an identity to an account.
    Link,
    /// Which address somebody has.
    Email,
}

impl Providers {
    pub(super) fn new(
        social: Social,
        cookies: CookiePolicy,
        keyring: &Keyring,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            providers: social.providers,
            policy: social.policy,
            client: Client::new(social.egress, clock),
            attempts: Attempts::new(cookies, keyring),
            parking: Parking::new(cookies, keyring),
            keyring: keyring.clone(),
        }
    }

    /// The provider and the page at this path below that of them all.
    pub(super) fn at(&self, rest: &str) -> Option<(usize, Flow)> {
        let rest = rest.strip_prefix('/')?;
        let (id, page) = rest.split_once('/').unwrap_or((rest, ""));
        let flow = match page {
            "" if !rest.ends_with('/') => Flow::Begin,
            "callback" => Flow::Callback,
            "link" => Flow::Link,
            "email" => Flow::Email,
            _ => return None,
        };
        let at = self.providers.iter().position(|provider| provider.id == id)?;
        Some((at, flow))
    }

    /// What providers are called, by their ids.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.providers.iter().map(|provider| (provider.id.as_str(), provider.name.as_str()))
    }

    /// What the provider is called to whom this path below that of them all leads, if it speaks for
    /// nobody's domain.
    pub(super) fn without_domains(&self, rest: &str) -> Option<&str> {
        let (at, Flow::Begin) = self.at(rest)? else { return None };
        let provider = self.providers.get(at)?;
        (!provider.may_back_domains()).then_some(provider.name.as_str())
    }

    fn find(&self, id: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.id == id)
    }

    /// What a provider is called; its id, if it is not among them any more.
    pub(super) fn name_of<'a>(&'a self, id: &'a str) -> &'a str {
        self.find(id).map_or(id, |provider| &provider.name)
    }

    fn seal_tokens(
        &self,
        random: &dyn Random,
        (provider, subject): (&str, &str),
        tokens: &Tokens,
    ) -> Sealed {
        let context = format!("{provider}\0{subject}");
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(tokens).unwrap_or_default());
        self.keyring.seal(random, TOKENS, context.as_bytes(), &plain)
    }
}

/// The provider where logins at this path lead, if it is one of these.
pub(super) fn at_path<'a>(site: &'a Site, login_path: &str) -> Option<&'a Provider> {
    let id = login_path.strip_prefix(site.paths.social.as_str())?.strip_prefix('/')?;
    site.social.as_ref()?.find(id)
}

pub(super) async fn go(
    site: &Site,
    (at, flow): (usize, Flow),
    method: &Method,
    visit: &Visit,
) -> Answer {
    let Some((providers, provider)) =
        site.social.as_ref().and_then(|all| Some((all, all.providers.get(at)?)))
    else {
        return Err(AccountError::Method);
    };
    let here = Here { site, providers, provider };
    let shows = method == Method::GET || method == Method::HEAD;
    let submits = method == Method::POST;
    match flow {
        Flow::Begin if shows => begin::log_in(here, visit).await,
        Flow::Callback if shows => answer::receive(here, visit).await,
        Flow::Callback if submits && provider.form_post => answer::forward(here, visit),
        Flow::Link if shows => link::show(here, visit).await,
        Flow::Link if submits => link::submit(here, visit).await,
        Flow::Email if shows => mail::show(here, visit).await,
        Flow::Email if submits => mail::submit(here, visit).await,
        _ => Err(AccountError::Method),
    }
}

/// What every step of a login works with.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) site: &'a Site,
    providers: &'a Providers,
    provider: &'a Provider,
}

impl<'a> Here<'a> {
    /// At the provider with this id.
    pub(super) fn of(site: &'a Site, id: &str) -> Option<Self> {
        let providers = site.social.as_ref()?;
        Some(Self { site, providers, provider: providers.find(id)? })
    }

    /// Who is logged in, and may link an identity: it takes no more than a fresh login, unless the word
    /// of the provider stands for a second factor from then on.
    pub(super) async fn linker(&self, visit: &Visit) -> Result<Account, AccountError> {
        match self.provider.sufficient.is_empty() {
            true => visit.fresh_account(self.site),
            false => visit.factor_account(self.site).await,
        }
    }

    /// What the provider is called.
    pub(super) fn name(&self) -> &'a str {
        &self.provider.name
    }

    /// What is written of an identity.
    pub(super) fn identity(&self, profile: &Profile, tokens: Option<&Tokens>) -> NewIdentity {
        let (random, provider) = (&*self.site.random, self.provider);
        NewIdentity {
            provider: provider.id.clone(),
            subject: profile.subject.clone(),
            email: profile.email.clone(),
            name: profile.name.clone(),
            tokens: tokens.map(|tokens| {
                self.providers.seal_tokens(random, (&provider.id, &profile.subject), tokens)
            }),
            at: self.site.now(),
        }
    }

    /// The path of a page of the provider's.
    fn path(&self, page: &str) -> String {
        format!("{}/{}{page}", self.site.paths.social, self.provider.id)
    }

    /// Where the provider sends browsers back to.
    fn redirect_uri(&self) -> String {
        format!("{}{}", self.site.origin, self.path("/callback"))
    }
}
