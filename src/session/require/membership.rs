use std::sync::Arc;

use tower_layer::Layer;

use super::refusal::Refusal;
use super::service::{Required, Requirement};
use crate::scope::{CurrentScope, MemberRole, Membership};

/// Lets a request pass only if the user acts in an organization, in one of these roles, and with the
/// second factor that the organization asks for. See the [module](super) for the answers.
///
/// ```
/// use donjon::scope::MemberRole;
/// use donjon::session::RequireMembershipLayer;
///
/// let members = RequireMembershipLayer::new();
/// let billing = RequireMembershipLayer::new().roles([MemberRole::OWNER, MemberRole::ADMIN]);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RequireMembershipLayer {
    login: Arc<str>,
    demand: Demand,
}

/// What is asked of a member.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    choose: Arc<str>,
    enroll: Arc<str>,
    /// Where to show the second factor that was not used.
    prove: Arc<str>,
    /// `None` for any.
    roles: Option<Arc<[MemberRole]>>,
    /// The context classes that stand for more than one factor; `None` if nobody is believed.
    vouched: Option<Arc<[String]>>,
}

impl RequireMembershipLayer {
    /// Members in whatever role. Browsers are sent to `/login` to log in, or (with `factor=second`) to
    /// show the second factor that was not used in this session, to `/settings/organizations` to choose an
    /// organization, and to `/settings/two-factor/setup` to set up a second factor; `return_to` is
    /// added to each.
    pub fn new() -> Self {
        let demand = Demand {
            choose: "/settings/organizations".into(),
            enroll: "/settings/two-factor/setup".into(),
            prove: proving_at("/login"),
            roles: None,
            vouched: None,
        };
        Self { login: "/login".into(), demand }
    }

    /// Members in one of these roles only.
    pub fn roles(mut self, roles: impl IntoIterator<Item = MemberRole>) -> Self {
        self.demand.roles = Some(roles.into_iter().collect());
        self
    }

    /// Sends browsers to this path to log in.
    pub fn login_at(mut self, path: &str) -> Self {
        self.login = path.into();
        self.demand.prove = proving_at(path);
        self
    }

    /// Sends browsers to this path to choose an organization.
    pub fn choose_at(mut self, path: &str) -> Self {
        self.demand.choose = path.into();
        self
    }

    /// Sends browsers to this path to set up a second factor.
    pub fn enroll_at(mut self, path: &str) -> Self {
        self.demand.enroll = path.into();
        self
    }

    /// Asks for no second factor of ours where another party vouched for the login, such as a SAML
    /// identity provider, and says that it took more than one: by the method `mfa`, or by one of
    /// these context classes. Without this nobody else is believed.
    pub fn trust_vouched_factors<T: Into<String>>(
        mut self,
        context_classes: impl IntoIterator<Item = T>,
    ) -> Self {
        self.demand.vouched = Some(context_classes.into_iter().map(Into::into).collect());
        self
    }

    /// As what a user would pass, for a handler that looks for itself.
    pub fn admits<'a>(&self, scope: &'a CurrentScope) -> Option<&'a Membership> {
        scope.membership().filter(|_| self.demand.refusal(scope).is_none())
    }
}

impl Default for RequireMembershipLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for RequireMembershipLayer {
    type Service = Required<S>;

    fn layer(&self, inner: S) -> Required<S> {
        let membership = Some(self.demand.clone());
        let login = Arc::clone(&self.login);
        Required::new(inner, Requirement { login, freshness: None, membership })
    }
}

impl Demand {
    /// Why somebody who is logged in does not pass.
    pub(super) fn refusal(&self, scope: &CurrentScope) -> Option<Refusal<'_>> {
        let Some(membership) = scope.membership() else {
            return Some(Refusal::OrganizationRequired(&self.choose));
        };
        if self.roles.as_ref().is_some_and(|roles| !roles.contains(&membership.role)) {
            return Some(Refusal::RoleRequired);
        }
        let authentication = scope.authentication();
        let vouched = self.vouched.as_deref();
        if !membership.requires_second_factor
            || authentication.is_some_and(|a| a.is_vouched(vouched))
        {
            return None;
        }
        if membership.lacks_second_factor {
            return Some(Refusal::SecondFactorRequired(&self.enroll));
        }
        // That there is one says nothing of whoever opened this session.
        let used = authentication.is_some_and(|a| a.has_second_factor(vouched));
        (!used).then_some(Refusal::SecondFactorRequired(&self.prove))
    }
}

/// Where a second factor is asked for although there is a login, since it took one factor only.
fn proving_at(login: &str) -> Arc<str> {
    let separator = if login.contains('?') { '&' } else { '?' };
    format!("{login}{separator}factor=second").into()
}
