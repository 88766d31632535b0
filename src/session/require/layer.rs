use std::sync::Arc;

use tower_layer::Layer;

use super::service::{Freshness, Required, Requirement};
use crate::crypto::{Clock, SystemClock};

/// Lets a request pass only if somebody is logged in. See the [module](super) for the answers.
#[derive(Clone, Debug)]
#[must_use]
pub struct RequireUserLayer {
    login: Arc<str>,
}

impl RequireUserLayer {
    /// Sends browsers to this path to log in; `return_to` is added to its query.
    pub fn new(login_path: &str) -> Self {
        Self { login: login_path.into() }
    }
}

impl Default for RequireUserLayer {
    /// Sends browsers to `/login`.
    fn default() -> Self {
        Self::new("/login")
    }
}

impl<S> Layer<S> for RequireUserLayer {
    type Service = Required<S>;

    fn layer(&self, inner: S) -> Required<S> {
        Required::new(inner, Requirement::user(&self.login))
    }
}

/// Lets a request pass only if the user has just proven who they are
/// ([`Authentication::fresh_until`](crate::scope::Authentication::fresh_until)): for what a
/// borrowed computer must not be enough for. See the [module](super) for the answers.
#[derive(Clone, Debug)]
#[must_use]
pub struct RequireSudoLayer {
    login: Arc<str>,
    freshness: Freshness,
}

impl RequireSudoLayer {
    /// Sends browsers to this path, to log in or to log in again; `return_to` is added to its
    /// query.
    pub fn new(login_path: &str) -> Self {
        let login: Arc<str> = login_path.into();
        let freshness = Freshness { prove_at: Arc::clone(&login), clock: Arc::new(SystemClock) };
        Self { login, freshness }
    }

    /// Sends browsers that are logged in to this path instead, which must lead to
    /// [`Session::mark_fresh`](crate::session::Session::mark_fresh) or to a new login.
    pub fn reauthenticate_at(mut self, path: &str) -> Self {
        self.freshness.prove_at = path.into();
        self
    }

    /// Takes the time from this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.freshness.clock = clock;
        self
    }
}

impl Default for RequireSudoLayer {
    /// Sends browsers to `/login`.
    fn default() -> Self {
        Self::new("/login")
    }
}

impl<S> Layer<S> for RequireSudoLayer {
    type Service = Required<S>;

    fn layer(&self, inner: S) -> Required<S> {
        let freshness = Some(self.freshness.clone());
        Required::new(inner, Requirement { freshness, ..Requirement::user(&self.login) })
    }
}
