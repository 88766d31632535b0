//! Bearer tokens in HTTP: RFC 6750.

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue};
#[cfg(any(feature = "accounts", feature = "resource"))]
use http::{Response, StatusCode, header::RETRY_AFTER};

#[cfg(any(feature = "accounts", feature = "resource"))]
use super::{Body, respond};

/// The `Authorization` header comes more than once: nobody can tell which one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Authorization header appears more than once")]
pub struct RepeatedAuthorization;

/// The token of the `Authorization` header (section 2.1), if it has the scheme `Bearer`.
///
/// # Errors
/// [`RepeatedAuthorization`].
pub fn token(headers: &HeaderMap) -> Result<Option<&str>, RepeatedAuthorization> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => Ok(read(value.as_bytes())),
        _ => Err(RepeatedAuthorization),
    }
}

fn read(value: &[u8]) -> Option<&str> {
    let (scheme, token) = value.split_at_checked(7)?;
    let token = std::str::from_utf8(token.trim_ascii()).ok().filter(|token| !token.is_empty())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

/// What is wrong with a token (section 3.1).
#[derive(Clone, Copy, Debug)]
pub struct Challenge<'a> {
    /// The error code.
    pub error: &'a str,
    /// What a developer should know.
    pub description: &'a str,
    /// The scopes that would do, separated by spaces.
    pub scope: Option<&'a str>,
}

/// Says how to bring a token, and what was wrong with the one that came (section 3).
pub fn challenge(headers: &mut HeaderMap, realm: &str, challenge: Option<Challenge<'_>>) {
    let mut text = format!("Bearer realm=\"{realm}\"");
    if let Some(Challenge { error, description, scope }) = challenge {
        text.push_str(&format!(", error=\"{error}\", error_description=\"{description}\""));
        if let Some(scope) = scope {
            text.push_str(&format!(", scope=\"{scope}\""));
        }
    }
    match HeaderValue::try_from(text) {
        Ok(value) => {
            headers.insert(WWW_AUTHENTICATE, value);
        }
        Err(error) => tracing::error!(%error, "a challenge is no header value"),
    }
}

/// Refuses a request, in a header and as JSON (section 3.1).
#[cfg(any(feature = "accounts", feature = "resource"))]
pub(crate) fn refusal(status: StatusCode, realm: &str, said: Challenge<'_>) -> Response<Body> {
    let mut response = explained(status, said.error, said.description);
    challenge(response.headers_mut(), realm, Some(said));
    response
}

/// Nobody can tell right now whether a token is good. It is not the token's fault, so there is no
/// challenge.
#[cfg(any(feature = "accounts", feature = "resource"))]
pub(crate) fn unavailable(description: &str) -> Response<Body> {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let mut response = explained(status, "temporarily_unavailable", description);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

#[cfg(any(feature = "accounts", feature = "resource"))]
fn explained(status: StatusCode, error: &str, description: &str) -> Response<Body> {
    let body = serde_json::json!({ "error": error, "error_description": description });
    respond::json(status, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, value.parse().unwrap())).collect()
    }

    #[test]
    fn the_scheme_knows_no_case() {
        for good in ["Bearer t", "bEARER  t", "bearer t "] {
            assert_eq!(token(&headers(&[good])), Ok(Some("t")), "{good}");
        }
    }

    #[test]
    fn other_schemes_and_no_token_are_none() {
        for other in ["Basic Yzpz", "Bearer", "Bearer ", "Bearert", "DPoP t", ""] {
            assert_eq!(token(&headers(&[other])), Ok(None), "{other}");
        }
        assert_eq!(token(&headers(&[])), Ok(None));
        assert_eq!(token(&headers(&["Bearer t", "Bearer t"])), Err(RepeatedAuthorization));
    }
}
