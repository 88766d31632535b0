use super::preset::apple::AppleSecret;
use super::preset::facebook::Facebook;
use super::preset::github::GitHub;
use super::protocol::authorization::RESERVED;
use super::protocol::id_token::EmailTrust;
use super::protocol::issuer::{IssuerRule, Tenant};
use crate::crypto::Redacted;
use crate::http::is_fetchable;

const GOOGLE: &str = "https://accounts.google.com";
const APPLE: &str = "https://appleid.apple.com";

/// A provider that users log in with, and what the host registered there.
///
/// At each provider the redirect URI to be registered is
/// `{base URL}/login/with/{id}/callback` (see [`Paths::social`](crate::account::Paths::social)).
///
/// ```
/// use donjon::account::social::{Provider, Tenant};
///
/// let google = Provider::google("1234.apps.googleusercontent.com", "a secret");
/// let microsoft = Provider::microsoft(Tenant::Organizations, "an application id", "a secret");
/// let acme = Provider::openid("acme", "Acme", "https://id.acme.example", "client id")
///     .secret("a secret")
///     .trust_email();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Provider {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) client_id: String,
    pub(super) secret: ClientSecret,
    pub(super) protocol: Protocol,
    pub(super) scopes: Vec<String>,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) trust: EmailTrust,
    pub(super) keeps_tokens: bool,
    pub(super) sufficient: Vec<String>,
    pub(super) form_post: bool,
    pub(super) freshness: Freshness,
    pub(super) on_loopback: bool,
}

/// Whether a login at the provider is a fresh proof here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// It asks anew when it is told to, and says when it did.
    Dated,
    /// It cannot be told to, or does not say: only for users who have nothing else to prove it by. Of
    /// anybody else, whoever finds a browser in which its owner is logged in there would come by the
    /// password, the app or the passkey that they lack.
    NothingElse,
    /// The host takes each login for one.
    Assumed,
}

/// How the host proves at the provider that it is the one registered there.
#[derive(Clone, Debug)]
pub(super) enum ClientSecret {
    /// Not at all: PKCE alone ties the code to us.
    Public,
    /// By a secret.
    Text(Redacted<String>),
    /// By a token that is signed on demand.
    Apple(AppleSecret),
}

/// What a provider speaks.
#[derive(Clone, Debug)]
pub(super) enum Protocol {
    /// OpenID Connect, found out by discovery at this issuer.
    OpenId { discovery: String, issuer: IssuerRule },
    /// OAuth 2.0 with an API of GitHub's own.
    GitHub(GitHub),
    /// OAuth 2.0 with an API of Facebook's own.
    Facebook(Facebook),
}

impl Provider {
    /// Any OpenID Provider, by discovery at its `issuer`. Its `id` is in addresses and in what is
    /// stored of users: never give it to another provider, who could then log in as them. `name` is
    /// shown to users. Scopes are `openid email profile`.
    ///
    /// An address that it tells is confirmed by mail before it counts; see
    /// [`Provider::trust_email`]. Who must prove anew who they are is asked to by `max_age=0`, and
    /// the provider must say that they did (`auth_time`).
    pub fn openid(
        id: impl Into<String>,
        name: impl Into<String>,
        issuer: impl Into<String>,
        client_id: impl Into<String>,
    ) -> Self {
        let issuer = issuer.into();
        let discovery = discovery(&issuer);
        let protocol = Protocol::OpenId { discovery, issuer: IssuerRule::Exact(issuer) };
        Self::new([id.into(), name.into(), client_id.into()], ClientSecret::Public, protocol)
    }

    /// Google, as `google`. An address counts as the user's if Google hands it out: one of Gmail's,
    /// or of an organization that is with Google. Of any other it knew the owner only once.
    ///
    /// A [domain](crate::account::organization::Organizations::grant_domain) that is enforced here is
    /// spoken for only by an account of its organization: one whose token has the domain as its `hd`,
    /// or another of the same organization's that leads here. A consumer's account can have a verified
    /// address of any domain, and gets nowhere there.
    ///
    /// For tokens that can be refreshed, add the parameters `access_type=offline` and
    /// `prompt=consent`.
    pub fn google(client_id: impl Into<String>, secret: impl Into<String>) -> Self {
        let issuer = GOOGLE.to_owned();
        let discovery = discovery(&issuer);
        let protocol = Protocol::OpenId { discovery, issuer: IssuerRule::Google(issuer) };
        let names = ["google".to_owned(), "Google".to_owned(), client_id.into()];
        let provider = Self::new(names, ClientSecret::text(secret), protocol);
        Self { trust: EmailTrust::Google, freshness: Freshness::NothingElse, ..provider }
    }

    /// Microsoft Entra ID and personal accounts, as `microsoft`.
    ///
    /// A user is known by tenant and subject. An address never counts as the user's, unless the
    /// token says that the owner of its domain vouches for it (the optional claim `xms_edov`, to be
    /// switched on in the registration): any tenant's administrator can write any address into a
    /// user's profile, and would otherwise get into the accounts of others.
    ///
    /// A [domain](crate::account::organization::Organizations::grant_domain) that is enforced here is
    /// spoken for only with [`Tenant::Only`], by that claim, and of the tenant's own users: the claim
    /// is also given to personal accounts and guests whose address was mailed to. For several
    /// organizations there are several providers ([`Provider::called`]).
    pub fn microsoft(
        tenant: Tenant,
        client_id: impl Into<String>,
        secret: impl Into<String>,
    ) -> Self {
        Self::microsoft_at("https://login.microsoftonline.com", tenant, client_id, secret)
    }

    /// The same, in a sovereign cloud, such as `https://login.microsoftonline.us`.
    pub fn microsoft_at(
        authority: impl Into<String>,
        tenant: Tenant,
        client_id: impl Into<String>,
        secret: impl Into<String>,
    ) -> Self {
        let authority = authority.into().trim_end_matches('/').to_owned();
        let discovery = discovery(&format!("{authority}/{}/v2.0", tenant.path()));
        let trust = EmailTrust::Microsoft { one_tenant: tenant.is_one_organization() };
        let issuer = IssuerRule::Microsoft(authority, tenant);
        let protocol = Protocol::OpenId { discovery, issuer };
        let names = ["microsoft".to_owned(), "Microsoft".to_owned(), client_id.into()];
        let provider = Self::new(names, ClientSecret::text(secret), protocol);
        Self { trust, freshness: Freshness::NothingElse, ..provider }
    }

    /// Apple, as `apple`: `client_id` is the services ID. The name comes with the very first login
    /// only, and no later one tells it again. An address counts if it is verified; for whole domains
    /// Apple speaks never.
    pub fn apple(client_id: impl Into<String>, secret: AppleSecret) -> Self {
        let issuer = APPLE.to_owned();
        let discovery = discovery(&issuer);
        let protocol = Protocol::OpenId { discovery, issuer: IssuerRule::Exact(issuer) };
        let names = ["apple".to_owned(), "Apple".to_owned(), client_id.into()];
        let provider = Self::new(names, ClientSecret::Apple(secret), protocol);
        Self {
            scopes: ["openid", "name", "email"].map(str::to_owned).into(),
            trust: EmailTrust::Mailed,
            form_post: true,
            freshness: Freshness::NothingElse,
            ..provider
        }
    }

    /// GitHub, as `github`: OAuth without OpenID. A user is known by the number of the account, never
    /// by its name, which can become another's; an address counts if it is the primary one and
    /// verified. For whole domains GitHub speaks never.
    pub fn github(client_id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self::oauth(Protocol::GitHub(GitHub::public()), client_id.into(), secret)
    }

    /// GitHub Enterprise Server at this origin, as `github`.
    pub fn github_at(
        origin: &str,
        client_id: impl Into<String>,
        secret: impl Into<String>,
    ) -> Self {
        Self::oauth(Protocol::GitHub(GitHub::at(origin)), client_id.into(), secret)
    }

    /// Facebook, as `facebook`: OAuth without OpenID, and every call with a proof of the secret. An
    /// address never counts as the user's, and no domain is spoken for: Facebook does not say whether
    /// an address is anybody's.
    pub fn facebook(client_id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self::oauth(Protocol::Facebook(Facebook::public()), client_id.into(), secret)
    }

    /// Facebook with dialog and graph at these origins, such as a proxy of the host's.
    pub fn facebook_at(
        [dialog, graph]: [&str; 2],
        client_id: impl Into<String>,
        secret: impl Into<String>,
    ) -> Self {
        let facebook = Facebook::at(dialog, graph);
        Self::oauth(Protocol::Facebook(facebook), client_id.into(), secret)
    }

    fn oauth(protocol: Protocol, client_id: String, secret: impl Into<String>) -> Self {
        let (id, name, scopes) = match &protocol {
            Protocol::Facebook(_) => ("facebook", "Facebook", ["public_profile", "email"]),
            _ => ("github", "GitHub", ["read:user", "user:email"]),
        };
        let names = [id.to_owned(), name.to_owned(), client_id];
        let provider = Self::new(names, ClientSecret::text(secret), protocol);
        Self {
            scopes: scopes.map(str::to_owned).into(),
            freshness: Freshness::NothingElse,
            ..provider
        }
    }

    fn new([id, name, client_id]: [String; 3], secret: ClientSecret, protocol: Protocol) -> Self {
        Self {
            id,
            name,
            client_id,
            secret,
            protocol,
            scopes: ["openid", "email", "profile"].map(str::to_owned).into(),
            parameters: Vec::new(),
            trust: EmailTrust::Never,
            keeps_tokens: false,
            sufficient: Vec::new(),
            form_post: false,
            freshness: Freshness::Dated,
            on_loopback: false,
        }
    }

    /// The secret that the provider gave the host.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = ClientSecret::text(secret);
        self
    }

    /// Another id and name, as for two providers of one kind. See [`Provider::openid`].
    pub fn called(mut self, id: impl Into<String>, name: impl Into<String>) -> Self {
        (self.id, self.name) = (id.into(), name.into());
        self
    }

    /// What is asked for, instead of the default.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// A parameter more of each request, such as `hd` or `access_type`. None that is ours to set.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// Believes this OpenID Provider that an address is the user's, if it says so
    /// (`email_verified`). Whoever runs the provider can then sign up with any address, and is
    /// asked for no mail; into an account that exists nobody gets by it, unless the host has made the
    /// provider the one that a domain logs in with. Then it speaks for every address of the domain:
    /// do that only with a provider that the organization runs, and where nobody has an account with
    /// an address that was merely mailed to.
    ///
    /// Those of Google and Apple are told by their issuer, and have the rules of [`Provider::google`]
    /// and [`Provider::apple`] all the same.
    pub fn trust_email(mut self) -> Self {
        if let (EmailTrust::Never, Protocol::OpenId { issuer, .. }) = (self.trust, &self.protocol) {
            self.trust = match issuer {
                IssuerRule::Exact(issuer) if is_at(issuer, GOOGLE) => EmailTrust::Google,
                IssuerRule::Exact(issuer) if is_at(issuer, APPLE) => EmailTrust::Mailed,
                _ => EmailTrust::Verified,
            };
        }
        self
    }

    /// Whether any of its accounts may speak for the domain of its address.
    pub(super) fn may_back_domains(&self) -> bool {
        match self.trust {
            EmailTrust::Verified | EmailTrust::Google => true,
            EmailTrust::Microsoft { one_tenant } => one_tenant,
            EmailTrust::Never | EmailTrust::Mailed => false,
        }
    }

    /// Keeps the provider's tokens, sealed, for
    /// [`ProviderTokens`](super::ProviderTokens). Without it none is kept.
    pub fn keep_tokens(mut self) -> Self {
        self.keeps_tokens = true;
        self
    }

    /// Asks for no second factor of ours after a login whose `amr` has one of these, such as `mfa`.
    pub fn sufficient_methods<S: Into<String>>(
        mut self,
        methods: impl IntoIterator<Item = S>,
    ) -> Self {
        self.sufficient = methods.into_iter().map(Into::into).collect();
        self
    }

    /// Asks for answers by form (`response_mode=form_post`), so that no code is in an address.
    pub fn form_post(mut self) -> Self {
        self.form_post = true;
        self
    }

    /// Takes a login at this OpenID Provider for a fresh proof, although the provider cannot be made
    /// to ask anew, or does not say that it did. Who finds a browser in which its owner is logged in
    /// there can then do what takes a fresh login here. Without it, a login at Google, Microsoft,
    /// Apple, GitHub or Facebook that is not dated (`auth_time`) is fresh only for users who have
    /// neither password nor passkey nor authenticator app: those have no other way.
    pub fn danger_fresh_without_proof(mut self) -> Self {
        self.freshness = Freshness::Assumed;
        self
    }

    /// Lets this OpenID Provider send browsers to a page of their own machine over plain HTTP, as a
    /// provider does that is started for a demo or for development. Where anybody else uses the
    /// application, whatever listens there on their machine gets what is meant for the provider.
    /// What servers tell each other is over TLS all the same.
    pub fn danger_authorize_on_loopback(mut self) -> Self {
        self.on_loopback = true;
        self
    }

    /// The same rules for a provider of tests, which is at another issuer.
    #[cfg(feature = "testing")]
    pub(crate) fn stood_in_for_at(mut self, address: String) -> Self {
        if let Protocol::OpenId { discovery: found_at, issuer } = &mut self.protocol {
            *found_at = discovery(&address);
            match issuer {
                IssuerRule::Exact(own) | IssuerRule::Google(own) => *own = address,
                IssuerRule::Microsoft(authority, _) => *authority = address,
            }
        }
        self
    }

    /// What it is called in addresses.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether a login there is a fresh proof of whoever it is.
    pub(in crate::account) fn dates_logins(&self) -> bool {
        self.freshness != Freshness::NothingElse
    }

    /// Whether it ever speaks for the owner of a domain.
    pub(in crate::account) fn speaks_for_domains(&self) -> bool {
        match self.trust {
            EmailTrust::Verified | EmailTrust::Google => true,
            EmailTrust::Microsoft { one_tenant } => one_tenant,
            EmailTrust::Never | EmailTrust::Mailed => false,
        }
    }

    /// What is wrong with it, if anything.
    pub(in crate::account) fn fault(&self) -> Option<&'static str> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        let reserved = |(name, _): &(String, String)| RESERVED.contains(&name.as_str());
        let is_openid = matches!(self.protocol, Protocol::OpenId { .. });
        let has_openid = self.scopes.iter().any(|scope| scope == "openid");
        if self.id.is_empty() || self.id.len() > 32 || !self.id.bytes().all(plain) {
            Some("its id is not of 1 to 32 of a-z, 0-9, - and _")
        } else if self.client_id.is_empty() {
            Some("it has no client id")
        } else if self.parameters.iter().any(reserved) {
            Some("one of its parameters is ours to set")
        } else if is_openid != has_openid {
            Some("the scope openid belongs to OpenID Providers, and to them alone")
        } else if self.protocol.addresses().any(|address| !is_fetchable(&address)) {
            Some("it is not at an https URL")
        } else {
            None
        }
    }
}

impl ClientSecret {
    fn text(secret: impl Into<String>) -> Self {
        Self::Text(Redacted(secret.into()))
    }
}

impl Protocol {
    fn addresses(&self) -> impl Iterator<Item = String> {
        let addresses = match self {
            Self::OpenId { discovery, .. } => vec![discovery.clone()],
            Self::GitHub(github) => vec![github.authorize(), github.token(), github.user()],
            Self::Facebook(facebook) => {
                vec![facebook.authorize(), facebook.token(), facebook.me()]
            }
        };
        addresses.into_iter()
    }
}

/// Whether an issuer is this one, however the host has written it.
fn is_at(issuer: &str, known: &str) -> bool {
    issuer.trim_end_matches('/').eq_ignore_ascii_case(known)
}

/// OpenID Connect Discovery 1.0, section 4.1.
fn discovery(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acme() -> Provider {
        Provider::openid("acme", "Acme", "https://id.acme.example/", "me")
    }

    #[test]
    fn a_provider_that_cannot_work_is_found_out() {
        assert_eq!(acme().fault(), None);
        for preset in [
            Provider::google("me", "s"),
            Provider::microsoft(Tenant::Any, "me", "s"),
            Provider::github("me", "s"),
            Provider::facebook("me", "s"),
            acme().parameter("hd", "acme.example").trust_email().keep_tokens(),
        ] {
            assert_eq!(preset.fault(), None, "{preset:?}");
        }
        for bad in [
            acme().called("", "Acme"),
            acme().called("a/b", "Acme"),
            acme().called("Acme", "Acme"),
            acme().called("a".repeat(33), "Acme"),
            acme().scopes(["email"]),
            Provider::github("me", "s").scopes(["openid"]),
            Provider::openid("acme", "Acme", "https://id.acme.example", ""),
            Provider::openid("acme", "Acme", "http://id.acme.example", "me"),
            Provider::openid("acme", "Acme", "id.acme.example", "me"),
            Provider::github_at("http://github.example", "me", "s"),
        ] {
            assert!(bad.fault().is_some(), "{bad:?}");
        }
        for name in RESERVED {
            assert!(acme().parameter(*name, "evil").fault().is_some(), "{name}");
        }
    }

    #[test]
    fn only_who_vouches_for_addresses_is_believed() {
        assert_eq!(acme().trust, EmailTrust::Never);
        assert_eq!(acme().trust_email().trust, EmailTrust::Verified);
        for preset in [
            Provider::facebook("me", "s"),
            Provider::github("me", "s"),
            Provider::microsoft(Tenant::Any, "me", "s"),
        ] {
            assert_ne!(preset.trust_email().trust, EmailTrust::Verified);
        }
        for (issuer, trust) in [
            (GOOGLE, EmailTrust::Google),
            ("https://accounts.google.com/", EmailTrust::Google),
            (APPLE, EmailTrust::Mailed),
        ] {
            let generic = Provider::openid("generic", "Generic", issuer, "me").trust_email();
            assert_eq!(generic.trust, trust, "{issuer}");
        }
        let cloud =
            Provider::microsoft_at("https://login.microsoftonline.us/", Tenant::Any, "me", "s");
        let at = "https://login.microsoftonline.us/common/v2.0/.well-known/openid-configuration";
        assert!(cloud.protocol.addresses().eq([at.to_owned()]));
        let secret = format!("{:?}", Provider::google("me", "hush"));
        assert!(!secret.contains("hush"), "{secret}");
    }
}
