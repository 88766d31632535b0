use crate::store::StoreError;

/// Why a session did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Nobody is logged in with this session.
    #[error("nobody is logged in")]
    NotLoggedIn,
    /// The session ended, or its token was rotated, while this request was on its way.
    #[error("the session ended while the request was on its way")]
    Gone,
    /// The store failed; nothing changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
