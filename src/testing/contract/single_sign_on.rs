mod domain;
mod ended;
mod enforced;
mod granted;
mod last;
mod led;
mod link;
mod named;

use std::sync::Arc;

use time::Duration;

use super::account::new_user;
use super::mfa::new_totp;
use super::session::new_session;
use super::{CALLERS, Violation, at, epoch, race, rule};
use crate::audit::{Action, Entry};
use crate::crypto::{RandomExt as _, SystemRandom};
use crate::scope::{MemberRole, OrganizationId, SessionEvent, UserId};
use crate::store::{
    AdminStore, ApiTokenStore, AuditFilter, AuditStore, Authority, BreakGlassChange, DomainGrant,
    Effects, LifecycleStore, LockoutPolicy, MfaStore, NewOrganization, NewSession, NewSsoMode,
    NewUser, OrganizationStore, PasskeyStore, ProviderStore, SessionStore, SsoChange, SsoDomain,
    SsoMode, SsoStore, UserStore,
};

const LOCKOUT: LockoutPolicy = LockoutPolicy { attempts: 5, lock_for: Duration::minutes(15) };
/// Where the users of the kit's domains log in.
const DOOR: &str = "/saml/acme/login";

/// What the kit of [`single_sign_on`] works with: parts of one backend.
#[derive(Clone, Debug)]
pub struct SsoParts {
    /// What is proven.
    pub store: Arc<dyn SsoStore>,
    /// The organizations.
    pub organizations: Arc<dyn OrganizationStore>,
    /// The users, whose passwords are not asked for.
    pub users: Arc<dyn UserStore>,
    /// Their second factors.
    pub factors: Arc<dyn MfaStore>,
    /// How they stand.
    pub standings: Arc<dyn LifecycleStore>,
    /// The sessions that open nothing.
    pub sessions: Arc<dyn SessionStore>,
    /// What entries go to.
    pub audit: Arc<dyn AuditStore>,
    /// Their passkeys.
    pub passkeys: Arc<dyn PasskeyStore>,
    /// Their API tokens.
    pub tokens: Arc<dyn ApiTokenStore>,
    /// Whom administrators act as.
    pub administrators: Arc<dyn AdminStore>,
    /// What applications were granted.
    pub grants: Arc<dyn ProviderStore>,
}

/// Proves the contract of an [`SsoStore`], and of what the other parts of the store have to do with
/// single sign-on.
///
/// # Errors
/// The first [`Violation`].
pub async fn single_sign_on(parts: SsoParts) -> Result<(), Violation> {
    let kit = Kit(parts);
    kit.no_session_outlives_the_enforcement().await?;
    kit.a_domain_belongs_to_one_organization().await?;
    kit.a_domain_goes_with_its_organization().await?;
    kit.an_enforced_domain_lets_nobody_else_in().await?;
    kit.what_opens_nothing_any_more_ends_with_an_event().await?;
    kit.no_password_of_an_enforced_domain_is_asked_for().await?;
    kit.nobody_locks_everybody_out().await?;
    kit.who_is_named_comes_in_with_both_factors().await?;
    kit.tokens_count_as_the_sessions_they_were_made_in().await?;
    kit.grants_end_but_for_those_by_the_domains_login().await?;
    kit.what_is_granted_by_a_login_under_way_ends().await?;
    kit.no_grant_outlives_the_enforcement().await?;
    kit.what_closes_something_ends_it().await?;
    kit.nobody_acts_as_a_user_from_what_is_let_in_no_more().await?;
    kit.an_owner_who_comes_in_all_the_same_stays_one().await?;
    kit.of_such_owners_one_stays().await?;
    kit.only_who_may_changes_single_sign_on().await?;
    kit.a_domain_speaks_for_its_own_addresses().await?;
    kit.a_domain_links_one_identity_of_a_provider().await?;
    kit.what_goes_along_is_written_once().await
}

struct Kit(SsoParts);

/// An organization with a domain, and its owner, who has an address in it.
struct Made {
    id: OrganizationId,
    domain: String,
    owner: NewUser,
}

impl Kit {
    async fn what_goes_along_is_written_once(&self) -> Result<(), Violation> {
        const RULE: &str = "what goes along with single sign-on is written if it was changed";
        let made = self.made().await?;
        let store = &self.0.store;
        let owner = made.owner.account.id();
        for (mode, expected) in [(SsoMode::Enforced, 0), (SsoMode::Offered, 1)] {
            let (name, along) = note();
            store.change_sso(&mode_of(&made, mode, None), None, &along).await?;
            rule(RULE, self.wrote(&name, None).await? == expected, mode)?;
        }
        for (named, enrols, expected) in [(true, false, 0), (true, true, 1), (false, false, 1)] {
            if enrols {
                self.0.factors.enroll_totp(&new_totp(owner), None, &Effects::none()).await?;
            }
            let (name, along) = note();
            store.name_break_glass((made.id, owner), named, None, &along, at(1)).await?;
            rule(RULE, self.wrote(&name, Some(owner)).await? == expected, named)?;
        }
        let other = self.made().await?;
        for (id, expected) in [(other.id, 0), (made.id, 1)] {
            let (name, along) = note();
            store.grant_domain(&domain_of(id, &made.domain, "/other"), &along).await?;
            rule(RULE, self.wrote(&name, None).await? == expected, "a domain")?;
        }
        for (id, expected) in [(other.id, 0), (made.id, 1), (made.id, 0)] {
            let (name, along) = note();
            store.withdraw_domain(id, &made.domain, &along).await?;
            rule(RULE, self.wrote(&name, None).await? == expected, "a domain that is taken")?;
        }
        Ok(())
    }

    /// How often it was written, about this user.
    async fn wrote(&self, name: &str, user: Option<&UserId>) -> Result<usize, Violation> {
        let action = Some(name.to_owned());
        let filter = AuditFilter { action, user: user.cloned(), ..AuditFilter::default() };
        Ok(self.0.audit.audit_entries(&filter, 10).await?.len())
    }

    async fn made(&self) -> Result<Made, Violation> {
        let domain = format!("{}.example", fresh("d"));
        let owner = self.user(&domain).await?;
        let id = self.organization(owner.account.id()).await?;
        let new = domain_of(id, &domain, DOOR);
        let granted = self.0.store.grant_domain(&new, &Effects::none()).await?;
        rule("a domain is granted", granted == DomainGrant::Granted, granted)?;
        Ok(Made { id, domain, owner })
    }

    /// A user with a confirmed address in a domain.
    async fn user(&self, domain: &str) -> Result<NewUser, Violation> {
        let email = format!("{}@{domain}", fresh("u"));
        let mut user = new_user(&email);
        user.account = user.account.with_email(&email, true);
        self.0.users.create_user(&user, &Effects::none()).await?;
        Ok(user)
    }

    async fn organization(&self, owner: &UserId) -> Result<OrganizationId, Violation> {
        let slug = fresh("org");
        let id = OrganizationId(SystemRandom.uuid_v7(epoch()));
        let (name, owner, created_at) = (slug.clone(), owner.clone(), epoch());
        let new = NewOrganization { id, slug, name, owner, created_at };
        self.0.organizations.create_organization(&new, None, &Effects::none()).await?;
        Ok(id)
    }

    async fn enforce(&self, made: &Made) -> Result<(), Violation> {
        let new = mode_of(made, SsoMode::Enforced, Some(DOOR));
        let told = self.0.store.change_sso(&new, None, &Effects::none()).await?;
        rule("single sign-on is enforced", told == SsoChange::Done, told)
    }

    /// What ended of late.
    async fn ends(&self) -> Result<Vec<SessionEvent>, Violation> {
        let (mut told, mut after) = (Vec::new(), 0);
        loop {
            let page = self.0.sessions.session_events(after, 500).await?;
            let Some(last) = page.last() else { return Ok(told) };
            after = last.sequence;
            told.extend(page);
        }
    }

    /// A session of a user who logged in there.
    async fn session(&self, user: &NewUser, by: Option<&str>) -> Result<NewSession, Violation> {
        let session = session_of(user, by);
        self.0.sessions.create_session(&session).await?;
        Ok(session)
    }

    async fn opens(&self, session: &NewSession) -> Result<bool, Violation> {
        Ok(self.0.sessions.load_session(&session.token, at(1)).await?.is_some())
    }
}

fn domain_of(organization: OrganizationId, domain: &str, login_path: &str) -> SsoDomain {
    let (domain, login_path) = (domain.to_owned(), login_path.to_owned());
    SsoDomain { domain, organization, login_path, mode: SsoMode::Off, created_at: epoch() }
}

fn mode_of(made: &Made, mode: SsoMode, came_by: Option<&str>) -> NewSsoMode {
    let (organization, domain) = (made.id, made.domain.clone());
    NewSsoMode { organization, domain, mode, came_by: came_by.map(str::to_owned), at: at(1) }
}

/// A session of a user in person, who logged in there.
fn session_of(user: &NewUser, by: Option<&str>) -> NewSession {
    let mut session = new_session(Some(user.account.id().as_str()));
    if let Some(login) = &mut session.login {
        (login.organization, login.impersonator) = (None, None);
        login.authentication.login_path = by.map(Box::from);
    }
    session
}

/// An entry to be found again.
fn note() -> (String, Effects) {
    let name = format!("kit.a{}", SystemRandom.uuid_v7(epoch()).simple());
    let action = Action::host(&name).unwrap_or(Action::CREATE);
    (name, Entry::new(action).at(epoch(), &SystemRandom).into())
}

/// A name that nobody has.
fn fresh(prefix: &str) -> String {
    format!("{prefix}{}", SystemRandom.uuid_v7(epoch()).simple())
}
