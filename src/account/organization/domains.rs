//! The domains of organizations, and single sign-on, for the host's own code.

use super::invite::by_host;
use super::organizations::announced;
use super::{EmailDomain, OrganizationError, Organizations};
use crate::account::config::is_plain;
use crate::account::site::Site;
use crate::audit::{Action, Entry};
use crate::scope::{OrganizationId, UserId};
use crate::store::{
    BreakGlassChange, DomainGrant, NewSsoMode, SsoChange, SsoDomain, SsoMode, StoreError,
};

impl Organizations {
    /// Gives an organization a domain that the host has found to be its own, by whatever way it
    /// trusts (a record in the DNS, a contract), and says where its users log in: the path of the
    /// host that leads to their identity provider, such as `/saml/acme/login`. It is visited with
    /// `return_to`, `login_hint` and perhaps `prompt`, must take `return_to` as a local path only, and
    /// must write the [`Session`](crate::session::Session) by a proof that says
    /// [`through`](crate::session::Proof::through) the same path, as those of the SAML service provider
    /// and of other providers (`/login/with/{id}`) do. What comes back from there
    /// must be bound to the domain by whoever reads it, such as the host's `UserMapper`.
    ///
    /// Single sign-on is off at first; the owners offer or enforce it in their settings, or the host
    /// by [`Organizations::set_single_sign_on`]. A domain that the organization has already gets the
    /// new path: while it is enforced, what came by the old one ends as when it is enforced anew.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use donjon::account::{AccountLayer, organization::OrganizationPolicy};
    /// # use donjon::crypto::{Keyring, SystemRandom};
    /// # use donjon::store::{SqlStore, SsoChange, SsoMode};
    /// # let store = SqlStore::connect("sqlite::memory:").await?;
    /// # let keyring = Keyring::ephemeral(&SystemRandom);
    /// let policy = OrganizationPolicy { single_sign_on: true, ..Default::default() };
    /// let layer = AccountLayer::builder(&store, &keyring, "https://app.example")
    ///     .organizations(policy)
    ///     .build()?;
    /// # let alice = layer.accounts().create("alice@acme.example", None, Default::default(), true).await?;
    /// let organizations = layer.organizations();
    /// let acme = organizations.create(&"Acme".parse()?, None, alice.id()).await?;
    /// organizations.grant_domain(acme.id, "acme.example", "/saml/acme/login").await?;
    /// let mode = organizations.set_single_sign_on(acme.id, "acme.example", SsoMode::Offered).await?;
    /// assert_eq!(mode, SsoChange::Done);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`OrganizationError::NoSingleSignOn`], [`OrganizationError::Domain`],
    /// [`OrganizationError::LoginPath`], [`OrganizationError::LoginWithoutDomains`],
    /// [`OrganizationError::DomainTaken`], [`OrganizationError::NotFound`],
    /// [`OrganizationError::Store`].
    pub async fn grant_domain(
        &self,
        id: OrganizationId,
        domain: &str,
        login_path: &str,
    ) -> Result<(), OrganizationError> {
        grant(&self.0, id, (domain, login_path), by_host(Action::GRANT_DOMAIN)).await
    }

    /// Takes a domain from an organization: its users log in as everybody does. `false` if it was
    /// not the organization's.
    ///
    /// # Errors
    /// [`OrganizationError::Domain`], [`OrganizationError::Store`].
    pub async fn withdraw_domain(
        &self,
        id: OrganizationId,
        domain: &str,
    ) -> Result<bool, OrganizationError> {
        withdraw(&self.0, id, domain, by_host(Action::WITHDRAW_DOMAIN)).await
    }

    /// The domains of an organization, by name; at most 100.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn domains(&self, id: OrganizationId) -> Result<Vec<SsoDomain>, StoreError> {
        self.0.store.sso_domains(id).await
    }

    /// Says what single sign-on is to the users of a domain. To enforce it takes an owner who comes
    /// in all the same ([`Organizations::name_break_glass`]).
    ///
    /// With it ends, for the users of the domain, what did not come by its login, and it does not come
    /// back when it is enforced no more:
    ///
    /// * their sessions, those of apps ([`AppSessions`](crate::account::app::AppSessions)) too;
    /// * their API tokens ([`ApiTokens`](crate::account::token::ApiTokens)) that were made in such
    ///   sessions, or by the host. A token that is made in a session of the provider's works, and so
    ///   does one that the host makes from then on;
    /// * the grants of an authorization server over this store, those with `offline_access` too, by
    ///   [`login_path`](crate::scope::Authentication::login_path) of the session they were given in,
    ///   even while it is enforced. Of a session that is none of this store's, the `AccountResolver` of
    ///   the host says it, or they come to nothing.
    ///
    /// The same ends of a member who is not let in all the same any more, or is none.
    ///
    /// # Errors
    /// [`OrganizationError::Domain`], [`OrganizationError::LoginWithoutDomains`] where it was to be
    /// enforced, [`OrganizationError::Store`].
    pub async fn set_single_sign_on(
        &self,
        id: OrganizationId,
        domain: &str,
        mode: SsoMode,
    ) -> Result<SsoChange, OrganizationError> {
        let domain: EmailDomain = domain.parse()?;
        if mode == SsoMode::Enforced
            && let Some(provider) = without_domains(&self.0, id, domain.as_str()).await?
        {
            return Err(OrganizationError::LoginWithoutDomains(provider));
        }
        let entry = by_host(Action::CHANGE_SSO).with("domain", domain.as_str());
        let along = self.along(id, entry.with("mode", mode.as_str()));
        let new = NewSsoMode {
            organization: id,
            domain: domain.as_str().to_owned(),
            mode,
            came_by: None,
            at: self.0.now(),
        };
        let told = self.0.store.change_sso(&new, None, &along).await?;
        Ok(announced(told, told == SsoChange::Done, &along))
    }

    /// Says whether a member comes in although single sign-on is enforced, at
    /// [`Paths::break_glass`](crate::account::Paths::break_glass): by a password and a second factor,
    /// which the member must have. Each time the owners are told.
    ///
    /// While single sign-on is enforced, the only owner who is named stays so
    /// ([`BreakGlassChange::LastToComeIn`]), keeps a second factor, and stays an owner: name another
    /// one first. An account that is disabled or deleted goes all the same.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn name_break_glass(
        &self,
        id: OrganizationId,
        user: &UserId,
        named: bool,
    ) -> Result<BreakGlassChange, StoreError> {
        let entry = by_host(Action::NAME_BREAK_GLASS).about(user).with("named", named);
        let along = self.along(id, entry);
        let told =
            self.0.store.name_break_glass((id, user), named, None, &along, self.0.now()).await?;
        Ok(announced(told, told == BreakGlassChange::Done, &along))
    }
}

/// Gives an organization a domain, as `entry` tells.
pub(in crate::account) async fn grant(
    site: &Site,
    id: OrganizationId,
    (domain, login_path): (&str, &str),
    entry: Entry,
) -> Result<(), OrganizationError> {
    if !site.organizations.single_sign_on {
        return Err(OrganizationError::NoSingleSignOn);
    }
    let domain: EmailDomain = domain.parse()?;
    if !is_plain(login_path) {
        return Err(OrganizationError::LoginPath(login_path.to_owned()));
    }
    if let Some(provider) = site.without_domains(login_path) {
        return Err(OrganizationError::LoginWithoutDomains(provider.to_owned()));
    }
    let new = SsoDomain {
        domain: domain.as_str().to_owned(),
        organization: id,
        login_path: login_path.to_owned(),
        mode: SsoMode::Off,
        created_at: site.now(),
    };
    let entry = entry.in_organization(id).with("domain", domain.as_str());
    let along = site.effects(entry.with("login_path", login_path));
    match site.store.grant_domain(&new, &along).await? {
        DomainGrant::Granted => {
            along.announce();
            Ok(())
        }
        DomainGrant::Taken => Err(OrganizationError::DomainTaken),
        DomainGrant::NoOrganization => Err(OrganizationError::NotFound),
    }
}

/// What the provider is called at which the users of a domain log in, if it speaks for nobody's: the
/// domain was given before that was looked at, or the provider was another then.
pub(in crate::account) async fn without_domains(
    site: &Site,
    id: OrganizationId,
    domain: &str,
) -> Result<Option<String>, StoreError> {
    let found = site.store.sso_of(domain).await?.filter(|found| found.organization == id);
    let provider = found.as_ref().and_then(|found| site.without_domains(&found.login_path));
    Ok(provider.map(str::to_owned))
}

/// Takes a domain from an organization, as `entry` tells.
pub(in crate::account) async fn withdraw(
    site: &Site,
    id: OrganizationId,
    domain: &str,
    entry: Entry,
) -> Result<bool, OrganizationError> {
    let domain: EmailDomain = domain.parse()?;
    let along = site.effects(entry.in_organization(id).with("domain", domain.as_str()));
    let gone = site.store.withdraw_domain(id, domain.as_str(), &along).await?;
    Ok(announced(gone, gone, &along))
}
