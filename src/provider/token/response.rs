use http::header::{CACHE_CONTROL, PRAGMA};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::http::{Body, respond};
use crate::jose::{AccessTokenJwt, IdTokenJwt};

/// What the token endpoint answers: RFC 6749, section 5.1; OpenID Connect Core, section 3.1.3.3.
#[derive(Debug, Serialize)]
pub(crate) struct TokenResponse {
    pub(crate) access_token: AccessTokenJwt,
    pub(crate) token_type: &'static str,
    /// In seconds.
    pub(crate) expires_in: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id_token: Option<IdTokenJwt>,
}

impl TokenResponse {
    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = respond::json(StatusCode::OK, &self);
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        response
    }
}
