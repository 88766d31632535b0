use crate::scope::UserSourceError;
use crate::store::StoreError;

/// Why a session did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Nobody is logged in with this session.
    #[error("nobody is logged in")]
    NotLoggedIn,
    /// An administrator acts as the user, who alone can prove who they are.
    #[error("an administrator acts as the user in this session")]
    Impersonated,
    /// The session ended, or its token was rotated, while this request was on its way.
    #[error("the session ended while the request was on its way")]
    Gone,
    /// The user is no member of the organization, or it is gone.
    #[error("the user is no member of this organization")]
    NotAMember,
    /// The host's [`UserSource`](super::UserSource) says that who was to be logged in is gone, or
    /// may not come in any more.
    #[error("the user is gone, or may not come in any more")]
    UserGone,
    /// The host's [`UserSource`](super::UserSource) failed; nothing changed.
    #[error("the host's users cannot be looked up: {0}")]
    UserSource(#[source] UserSourceError),
    /// The store failed; nothing changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
