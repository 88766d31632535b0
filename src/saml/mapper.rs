use std::fmt::Debug;

use async_trait::async_trait;

use super::protocol::LoginFacts;
use crate::scope::Account;

/// A login that an identity provider vouched for. All of it was signed, and is used for the first
/// time.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SamlLogin<'a> {
    /// The connection it came over: what the identity provider may speak for is the host's to
    /// decide, connection by connection.
    pub connection: &'a str,
    /// What the identity provider said.
    pub facts: &'a LoginFacts,
}

impl<'a> SamlLogin<'a> {
    /// A login over `connection`; for tests of a [`UserMapper`].
    pub fn new(connection: &'a str, facts: &'a LoginFacts) -> Self {
        Self { connection, facts }
    }
}

/// Decides which of the host's users a login is: finds one, makes one, or refuses.
///
/// A name identifier says something only together with the connection it came over. An email
/// address in an assertion is the identity provider's word: link it to an existing account only if
/// that identity provider is known to own the address's domain.
#[async_trait]
pub trait UserMapper: Debug + Send + Sync + 'static {
    /// The user behind a login.
    async fn map_user(&self, login: SamlLogin<'_>) -> Result<Account, MapperError>;
}

/// Why a login leads to no user.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MapperError {
    /// The host does not let this user in; the reason is shown to them.
    #[error("{0}")]
    Refused(String),
    /// The host cannot tell now.
    #[error("the user cannot be looked up")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<crate::store::StoreError> for MapperError {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}
