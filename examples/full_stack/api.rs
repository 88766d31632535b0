//! The API that is called with a token: one that the provider issued to an application of other
//! people, or one that a user made for a script at `/settings/tokens`.

use axum::routing::get;
use axum::{Extension, Json, Router};
use donjon::account::token::{ApiTokenLayer, ApiTokens};
use donjon::provider::AuthorizationServer;
use donjon::resource::{RequireScopeLayer, VerifyTokenLayer};
use donjon::scope::Credential;
use serde::Serialize;
use tower::ServiceBuilder;

/// What a token needs to read.
pub(crate) const SCOPE: &str = "api:read";

pub(crate) fn routes(provider: &AuthorizationServer, tokens: &ApiTokens) -> Router {
    let guard = ServiceBuilder::new()
        .layer(ApiTokenLayer::new(tokens))
        .layer(VerifyTokenLayer::new(provider).accept_api_tokens())
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
