use std::fmt::Debug;

use async_trait::async_trait;

/// Knows which passwords have leaked somewhere, and so are tried first everywhere.
#[async_trait]
pub trait BreachedPasswords: Debug + Send + Sync + 'static {
    /// In how many leaked accounts the password was found; zero if it is not known. It comes
    /// normalized, as it is hashed. Whoever implements this must not let it out: not to a log,
    /// not to a service.
    ///
    /// # Errors
    /// [`BreachError`] when nobody could tell.
    async fn count(&self, password: &str) -> Result<u64, BreachError>;
}

/// Nobody could tell whether a password has leaked.
#[derive(Debug, thiserror::Error)]
#[error("nobody could tell whether a password has leaked: {0}")]
pub struct BreachError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What becomes of a password when nobody can tell whether it has leaked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenUnknown {
    /// It may be chosen, and a warning is logged: nobody is kept from signing up because somebody
    /// else's service is down.
    Allow,
    /// It may not be chosen now.
    Refuse,
}
