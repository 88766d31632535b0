/// The result of a transition.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The store did not do what was asked, and nothing changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database cannot be reached, is overloaded or refused the statement: the request should
    /// be answered 503.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A row holds what no version of this crate writes.
    #[error("the store holds a value that cannot be read: {0}")]
    Corrupt(&'static str),
}
