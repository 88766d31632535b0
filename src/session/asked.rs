use http::request::Parts;
use http::uri::PathAndQuery;

/// What the outermost session layer was asked for: what a browser has to ask for again.
#[derive(Clone, Debug)]
pub(super) struct Asked(pub(super) PathAndQuery);

impl Asked {
    /// Notes it, unless it is.
    pub(super) fn note(parts: &mut Parts) {
        if parts.extensions.get::<Self>().is_none()
            && let Some(asked) = parts.uri.path_and_query()
        {
            let asked = Self(asked.clone());
            parts.extensions.insert(asked);
        }
    }
}
