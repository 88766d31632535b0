use http::header::CACHE_CONTROL;
use http::{HeaderValue, Response, StatusCode};

use crate::http::{Body, respond};
use crate::provider::key::JWKS_MAX_AGE;
use crate::provider::server::Provider;

/// The public keys: RFC 7517, section 5; OpenID Connect Discovery, section 3 (`jwks_uri`).
pub(super) fn answer(provider: &Provider) -> Response<Body> {
    let jwks = provider.keys.current().jwks();
    let mut response = respond::plain(StatusCode::OK, "application/jwk-set+json", jwks);
    let cached = format!("public, max-age={}", JWKS_MAX_AGE.whole_seconds());
    if let Ok(cached) = HeaderValue::try_from(cached) {
        response.headers_mut().insert(CACHE_CONTROL, cached);
    }
    response
}
