//! How a back-channel endpoint says no.

use http::header::{CACHE_CONTROL, PRAGMA, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::http::{Body, respond};
use crate::provider::issuer::Issuer;
use crate::provider::{ErrorCode, ProviderError};

/// RFC 6749, section 5.2: JSON, and with 401 the way to authenticate.
pub(super) fn refuse(issuer: &Issuer, error: ProviderError) -> Response<Body> {
    let mut response = describe(error);
    if error.status() == StatusCode::UNAUTHORIZED {
        challenge(&mut response, format!("Basic realm=\"{}\"", issuer.as_str()));
    }
    response
}

/// RFC 6750, section 3: the challenge says what is wrong with the token; with no token at all, it
/// says nothing but how to bring one.
pub(super) fn refuse_bearer(issuer: &Issuer, error: ProviderError) -> Response<Body> {
    let realm = issuer.as_str();
    if error == ProviderError::MissingToken {
        let mut response = respond::status(StatusCode::UNAUTHORIZED);
        challenge(&mut response, format!("Bearer realm=\"{realm}\""));
        return response;
    }
    let mut response = describe(error);
    let status = error.status();
    if status.is_client_error() {
        let mut text = format!(
            "Bearer realm=\"{realm}\", error=\"{}\", error_description=\"{error}\"",
            error.code().as_str()
        );
        if let ProviderError::InsufficientScope(scope) = error {
            text.push_str(&format!(", scope=\"{scope}\""));
        }
        challenge(&mut response, text);
    }
    response
}

fn describe(error: ProviderError) -> Response<Body> {
    tracing::info!(reason = error.reason(), fault = ?error.fault(), "a request was refused");
    let code: ErrorCode = error.code();
    let body = json!({ "error": code.as_str(), "error_description": error.to_string() });
    let mut response = respond::json(error.status(), &body);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

fn challenge(response: &mut Response<Body>, text: String) {
    match HeaderValue::try_from(text) {
        Ok(value) => {
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        Err(error) => tracing::error!(%error, "a challenge is no header value"),
    }
}
