use crate::scope::Method;

/// How a user proved who they are, for [`Session::log_in`](super::Session::log_in).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Proof {
    /// The methods used: `amr`.
    pub methods: Vec<Method>,
    /// The context class reached: `acr`.
    pub context_class: Option<String>,
    /// Whether the session is to outlive the browser.
    pub remember: bool,
}

impl Proof {
    /// Proof by these methods.
    pub fn by(methods: impl IntoIterator<Item = Method>) -> Self {
        Self { methods: methods.into_iter().collect(), context_class: None, remember: false }
    }

    /// The same, with the context class reached.
    #[must_use]
    pub fn with_context_class(mut self, class: impl Into<String>) -> Self {
        self.context_class = Some(class.into());
        self
    }

    /// The same, with the session to outlive the browser or not.
    #[must_use]
    pub fn remembered(mut self, remember: bool) -> Self {
        self.remember = remember;
        self
    }
}
