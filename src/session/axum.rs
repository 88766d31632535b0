//! The extractor for axum.

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::Session;
use crate::scope::MissingLayer;

/// The handle of the request's session. (The host's own data is extracted as
/// `tower_sessions::Session`, by that crate's own extractor.)
impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingLayer> {
        parts.extensions.get().cloned().ok_or(MissingLayer("SessionLayer"))
    }
}
