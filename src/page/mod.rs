//! HTML pages and mail bodies, their theme, and how a host replaces them.

#[cfg(feature = "provider")]
mod oauth;

#[cfg(feature = "provider")]
pub(crate) use oauth::{Consent, FormPost, OauthError};

/// A page as text. Rendering into a string fails only if a page's own code does.
#[cfg(feature = "provider")]
pub(crate) fn render(page: &impl askama::Template) -> String {
    page.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be rendered");
        String::new()
    })
}
