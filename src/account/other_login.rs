/// Another door than the password: a link on the login page, to a path that another part of the
/// application answers. The link carries `return_to`, so that the trip goes on after the login,
/// whichever door it takes; that path must take it as a local path only, and write the
/// [`Session`](crate::session::Session).
///
/// ```
/// use donjon::account::OtherLogin;
///
/// let employees = OtherLogin::new("Acme", "/saml/acme/login");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherLogin {
    pub(super) name: String,
    pub(super) path: String,
    /// Whether one may sign up behind it, too.
    pub(super) signs_up: bool,
}

impl OtherLogin {
    /// The door called `name` (shown to users), behind an absolute local `path` without a query.
    pub fn new(name: impl Into<String>, path: impl Into<String>) -> Self {
        Self { name: name.into(), path: path.into(), signs_up: false }
    }
}
