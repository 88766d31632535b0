//! The API that is called with a token: one that the provider issued to an application of other
//! people, one that a user made for a script at `/settings/tokens`, one of a service account, or one
//! of the host's own app.

use axum::routing::get;
use axum::{BoxError, Extension, Json, Router};
use donjon::account::app::{AppSessionLayer, AppSessions};
use donjon::account::token::{ApiTokenLayer, ApiTokens};
use donjon::provider::AuthorizationServer;
use donjon::resource::{RequireScopeLayer, VerifyTokenLayer};
use donjon::scope::{Credential, OrganizationId};
use donjon::store::SqlStore;
use serde::Serialize;
use tower::ServiceBuilder;

use crate::apps;

/// What a token needs to read.
pub(crate) const SCOPE: &str = "api:read";

/// What tokens for scripts and service accounts begin with, so that they can be told from others.
const TOKEN_PREFIX: &str = "demo";

/// Whose tokens are of our own making.
pub(crate) struct Callers {
    pub(crate) tokens: ApiTokens,
    pub(crate) apps: AppSessions,
}

impl Callers {
    pub(crate) fn of(store: &SqlStore) -> Result<Self, BoxError> {
        let tokens = ApiTokens::new(store, TOKEN_PREFIX.parse()?).scopes([SCOPE])?;
        Ok(Self { tokens, apps: apps::sessions(store)? })
    }
}

pub(crate) fn routes(provider: &AuthorizationServer, callers: &Callers) -> Router {
    let guard = ServiceBuilder::new()
        .layer(ApiTokenLayer::new(&callers.tokens))
        .layer(AppSessionLayer::new(&callers.apps))
        .layer(VerifyTokenLayer::new(provider).accept_api_tokens())
        .layer(RequireScopeLayer::new([SCOPE]));
    Router::new().route("/api/me", get(me)).route_layer(guard)
}

#[derive(Serialize)]
struct Me {
    sub: String,
    client_id: Option<String>,
    scope: String,
    /// Whose program calls, of a service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<OrganizationId>,
}

async fn me(Extension(credential): Extension<Credential>) -> Json<Me> {
    let scope = credential.scopes.join(" ");
    let Credential { subject: sub, client_id, organization, .. } = credential;
    Json(Me { sub, client_id, scope, organization })
}

#[cfg(test)]
mod tests;
