//! How a back-channel endpoint says no.

use http::header::{CACHE_CONTROL, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::http::bearer::{self, Challenge};
use crate::http::{Body, respond};
use crate::provider::issuer::Issuer;
use crate::provider::{ErrorCode, ProviderError};

/// RFC 6749, section 5.2: JSON, and with 401 the way to authenticate.
pub(super) fn refuse(issuer: &Issuer, error: ProviderError) -> Response<Body> {
    let mut response = describe(error);
    if error.status() == StatusCode::UNAUTHORIZED {
        let basic = HeaderValue::try_from(format!("Basic realm=\"{}\"", issuer.as_str()));
        let basic = basic.unwrap_or_else(|_| HeaderValue::from_static("Basic"));
        response.headers_mut().insert(WWW_AUTHENTICATE, basic);
    }
    response
}

/// RFC 6750, section 3: the challenge says what is wrong with the token; with no token at all, it
/// says nothing but how to bring one.
pub(super) fn refuse_bearer(issuer: &Issuer, error: ProviderError) -> Response<Body> {
    let realm = issuer.as_str();
    if error == ProviderError::MissingToken {
        let mut response = respond::status(StatusCode::UNAUTHORIZED);
        bearer::challenge(response.headers_mut(), realm, None);
        return response;
    }
    let mut response = describe(error);
    if error.status().is_client_error() {
        let scope = match error {
            ProviderError::InsufficientScope(scope) => Some(scope),
            _ => None,
        };
        let (code, description) = (error.code().as_str(), error.to_string());
        let challenge = Challenge { error: code, description: &description, scope };
        bearer::challenge(response.headers_mut(), realm, Some(challenge));
    }
    response
}

/// RFC 9110, section 10.2.3: when to try again.
pub(super) fn tell_when(headers: &mut HeaderMap, error: ProviderError) {
    if let Some(seconds) = error.retry_after() {
        headers.insert(RETRY_AFTER, seconds.into());
    }
}

fn describe(error: ProviderError) -> Response<Body> {
    tracing::info!(reason = error.reason(), fault = ?error.fault(), "a request was refused");
    let code: ErrorCode = error.code();
    let body = json!({ "error": code.as_str(), "error_description": error.to_string() });
    let mut response = respond::json(error.status(), &body);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    tell_when(headers, error);
    response
}
