use tower::BoxError;

/// Why a hook of the host's refuses. Any error is one, by `?`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// For this reason, in words for the one who is refused.
    Because(String),
    /// The hook could not tell. The host's log has the whole of it; the visitor is told to try again.
    Failed(BoxError),
}

impl Refusal {
    /// For this reason, in words for the one who is refused; shown as text, whatever is in it.
    ///
    /// ```
    /// use donjon::account::Refusal;
    ///
    /// let closed = Refusal::because("We open in March.");
    /// # drop(closed);
    /// ```
    pub fn because(reason: impl Into<String>) -> Self {
        Self::Because(reason.into())
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
