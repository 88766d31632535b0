use http::header::CACHE_CONTROL;
use http::{HeaderValue, Response, StatusCode};

use crate::http::{Body, respond};
use crate::provider::registry::metadata;
use crate::provider::server::Provider;

/// The server's metadata: OpenID Connect Discovery, section 4.2; RFC 8414, section 3.2.
pub(super) fn answer(provider: &Provider) -> Response<Body> {
    let algorithms = provider.keys.current().algorithms();
    let metadata = metadata(&provider.issuer, &provider.registry, &provider.scopes, &algorithms);
    let mut response = respond::json(StatusCode::OK, &metadata);
    let cached = HeaderValue::from_static("public, max-age=300");
    response.headers_mut().insert(CACHE_CONTROL, cached);
    response
}
