//! What outside test suites need and nobody else may have: only with `danger_test_hooks`.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use donjon::provider::AuthorizationServer;

use crate::page::Fault;

pub(crate) fn routes(provider: AuthorizationServer) -> Router {
    Router::new().route("/test/rotate-keys", post(rotate_keys)).with_state(provider)
}

/// New signing keys, from now on; the old ones stay published.
async fn rotate_keys(State(provider): State<AuthorizationServer>) -> Result<StatusCode, Fault> {
    provider.rotate_keys_at_once().await.map_err(Fault::new)?;
    Ok(StatusCode::NO_CONTENT)
}
