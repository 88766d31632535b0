//! The API that other people's applications call with a token of the provider's.

use axum::routing::get;
use axum::{Extension, Json, Router};
use donjon::provider::AuthorizationServer;
use donjon::resource::{RequireScopeLayer, VerifyTokenLayer};
use donjon::scope::Credential;
use serde::Serialize;
use tower::ServiceBuilder;

/// What a token needs to read.
pub(crate) const SCOPE: &str = "api:read";

pub(crate) fn routes(provider: &AuthorizationServer) -> Router {
    let guard = ServiceBuilder::new()
        .layer(VerifyTokenLayer::new(provider))
        .layer(RequireScopeLayer::new([SCOPE]));
    Router::new().route("/api/me", get(me)).route_layer(guard)
}

#[derive(Serialize)]
struct Me {
    sub: String,
    client_id: Option<String>,
    scope: String,
}

async fn me(Extension(credential): Extension<Credential>) -> Json<Me> {
    let scope = credential.scopes.join(" ");
    Json(Me { sub: credential.subject, client_id: credential.client_id, scope })
}
