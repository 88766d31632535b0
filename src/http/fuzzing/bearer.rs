use http::header::{AUTHORIZATION, HeaderValue};

use super::headers;
use crate::fuzzing::{Input, Outcome};
use crate::http::bearer::{RepeatedAuthorization, token};

/// A token is what follows the scheme `Bearer` in the one `Authorization` header there is.
///
/// Each line is an `Authorization` header.
pub fn bearer(data: &[u8]) -> Outcome {
    let headers = headers(&AUTHORIZATION, Input::new(data));
    let values: Vec<&[u8]> =
        headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes).collect();
    let found = token(&headers);
    assert_eq!(found == Err(RepeatedAuthorization), values.len() > 1);
    let Ok(Some(token)) = found else { return Outcome::Refused };

    assert!(!token.is_empty());
    assert_eq!(token.trim_ascii(), token);
    let (scheme, rest) = values[0].split_at(7);
    assert_eq!(scheme.to_ascii_lowercase(), b"bearer ");
    assert_eq!(rest.trim_ascii(), token.as_bytes());
    Outcome::Accepted
}
