use std::sync::Arc;

use tower_layer::Layer;

use super::service::ErrorPages;
use crate::page::Pages;

/// Says in words what an error says by its status alone. See the [module](super).
#[derive(Clone, Debug)]
#[must_use]
pub struct ErrorPagesLayer {
    pub(super) pages: Arc<dyn Pages>,
    pub(super) home: Option<Arc<str>>,
}

impl ErrorPagesLayer {
    /// In the words and the look of these pages.
    pub fn new(pages: impl Pages) -> Self {
        Self { pages: Arc::new(pages), home: None }
    }

    /// With a link to this path on each page; without one by default.
    pub fn home(self, path: &str) -> Self {
        Self { home: Some(path.into()), ..self }
    }
}

impl<S> Layer<S> for ErrorPagesLayer {
    type Service = ErrorPages<S>;

    fn layer(&self, inner: S) -> ErrorPages<S> {
        ErrorPages::new(inner, self.clone())
    }
}
