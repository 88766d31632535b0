//! The authorization server as a router of axum's.

use axum::Router;

use super::AuthorizationServer;

impl AuthorizationServer {
    /// A router that answers the provider's paths, and 404 for every other: to be merged into the
    /// host's. The paths are absolute: nest it nowhere.
    pub fn into_router(self) -> Router {
        Router::new().fallback_service(self)
    }
}
