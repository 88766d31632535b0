//! Responses every role gives.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::Body;

const BASE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; \
                           base-uri 'none'; frame-ancestors 'none'";

/// A page: not cached, not framed, no script, forms only to ourselves.
pub fn html(status: StatusCode, page: String) -> Response<Body> {
    html_with_form_action(status, page, "")
}

/// A page whose form leads on, by redirects, to an address that only the next role knows, as a
/// login does that ends at a client. Chromium holds redirects against `form-action` too, so this
/// page has none.
pub fn html_leading_on(status: StatusCode, page: String) -> Response<Body> {
    html_with_policy(status, page, BASE_POLICY)
}

/// What a page may do that most pages may not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed<'a> {
    /// Its form leads on: see [`html_leading_on`].
    pub leads_on: bool,
    /// The address of the one script it has.
    pub script: Option<&'a str>,
}

/// A page that may do these things, and else what every page may.
pub fn html_allowing(status: StatusCode, page: String, allowed: Allowed<'_>) -> Response<Body> {
    let mut policy = BASE_POLICY.to_owned();
    if !allowed.leads_on {
        policy.push_str("; form-action 'self'");
    }
    if let Some(script) = allowed.script {
        policy.push_str("; script-src ");
        policy.push_str(script);
    }
    html_with_policy(status, page, &policy)
}

/// A page whose forms may also lead to `origins` (space-separated), as a consent form does whose
/// answer redirects to the client.
pub fn html_with_form_action(status: StatusCode, page: String, origins: &str) -> Response<Body> {
    let policy = format!("{BASE_POLICY}; form-action 'self' {origins}");
    html_with_policy(status, page, policy.trim_end())
}

fn html_with_policy(status: StatusCode, page: String, policy: &str) -> Response<Body> {
    let mut response = plain(status, "text/html; charset=utf-8", page);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // Under `no-referrer` a browser posts even our own forms with `Origin: null` (Fetch,
    // section 3.2), and one without `Sec-Fetch-Site` would then be refused as cross-origin.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    let policy = HeaderValue::try_from(policy)
        .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'; form-action 'none'"));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    response
}

/// A JSON body, not cached.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(bytes) => {
            let mut response = plain(status, "application/json", bytes);
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => {
            tracing::error!(%error, "a response could not be written as JSON");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "application/json", "{}")
        }
    }
}

/// Any body with its content type.
pub fn plain(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<bytes::Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// 303 See Other: the browser goes on with a GET. Not cached, and the next page does not learn
/// this one's address.
pub fn see_other(location: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let Ok(location) = HeaderValue::try_from(location) else {
        tracing::error!("a redirect target was not a header value");
        return status(StatusCode::INTERNAL_SERVER_ERROR);
    };
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Whole seconds from `now` until `then`, rounded up, as `Retry-After` tells them (RFC 9110, section
/// 10.2.3).
#[cfg(any(feature = "accounts", feature = "provider", feature = "saml"))]
pub(crate) fn seconds_until(then: time::OffsetDateTime, now: time::OffsetDateTime) -> u32 {
    let left = then - now;
    let seconds = left.whole_seconds() + i64::from(left.subsec_nanoseconds() > 0);
    u32::try_from(seconds.max(0)).unwrap_or(u32::MAX)
}

/// A status and nothing else.
pub fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
