use time::OffsetDateTime;

use crate::scope::{Method, UserId, storable_text};

/// How a user proved who they are, for [`Session::log_in`](super::Session::log_in).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Proof {
    /// The methods used: `amr`.
    pub methods: Vec<Method>,
    /// The context class reached: `acr`.
    pub context_class: Option<String>,
    /// Where the user logged in, if that was at an identity provider.
    pub login_path: Option<String>,
    /// Whether the session is to outlive the browser.
    pub remember: bool,
    /// When the user proved it, if that was before now, as when another party vouches for a login
    /// of this morning.
    pub proven_at: Option<OffsetDateTime>,
    /// Whether nobody knows when that was: nothing is fresh in the session, and the time of the login
    /// stands in for it.
    pub stale: bool,
    /// When the session must end at the latest, if whoever vouches for the user says so.
    pub ends_at: Option<OffsetDateTime>,
    /// The administrator who is to act as the user.
    pub impersonator: Option<UserId>,
}

impl Proof {
    /// Proof by these methods.
    pub fn by(methods: impl IntoIterator<Item = Method>) -> Self {
        Self {
            methods: methods.into_iter().collect(),
            context_class: None,
            login_path: None,
            remember: false,
            proven_at: None,
            stale: false,
            ends_at: None,
            impersonator: None,
        }
    }

    /// The same, with the context class reached; in it U+0000 becomes U+FFFD.
    #[must_use]
    pub fn with_context_class(mut self, class: impl Into<String>) -> Self {
        self.context_class = Some(storable_text(class.into()));
        self
    }

    /// The same, for a login at the identity provider that this path of the application leads to. An
    /// organization that enforces single sign-on lets no other login in: a host that writes sessions
    /// of its own gives the path that it gave with the organization's domain. In it U+0000 becomes
    /// U+FFFD.
    ///
    /// ```
    /// use donjon::scope::Method;
    /// use donjon::session::Proof;
    ///
    /// let proof = Proof::by([Method::FEDERATED]).through("/saml/acme/login");
    /// assert_eq!(proof.login_path.as_deref(), Some("/saml/acme/login"));
    /// ```
    #[must_use]
    pub fn through(mut self, login_path: impl Into<String>) -> Self {
        self.login_path = Some(storable_text(login_path.into()));
        self
    }

    /// The same, proven at this time.
    #[must_use]
    pub fn proven_at(mut self, time: OffsetDateTime) -> Self {
        self.proven_at = Some(time);
        self
    }

    /// The same, proven at a time that nobody knows, as when another party vouches for a login and does
    /// not say when it was: nothing is fresh in the session.
    #[must_use]
    pub fn stale(mut self) -> Self {
        self.stale = true;
        self
    }

    /// The same, for a session that ends at this time at the latest.
    #[must_use]
    pub fn ends_at(mut self, time: Option<OffsetDateTime>) -> Self {
        self.ends_at = time;
        self
    }

    /// The same, for a session in which this administrator acts as the user. Its lifetimes are
    /// short, it never outlives the browser, and nothing is fresh in it.
    #[must_use]
    pub fn impersonated_by(mut self, administrator: UserId) -> Self {
        self.impersonator = Some(administrator);
        self.remember = false;
        self
    }

    /// The same, with the session to outlive the browser or not.
    #[must_use]
    pub fn remembered(mut self, remember: bool) -> Self {
        self.remember = remember;
        self
    }
}
