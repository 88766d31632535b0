use http::HeaderMap;

use crate::http::{Form, bearer};
use crate::jose::{AccessTokenClaims, AccessTokenError, verify_access_token};
use crate::provider::ProviderError;
use crate::provider::server::Provider;

/// The access token of a request: in the `Authorization` header (RFC 6750, section 2.1), or in
/// the form of a POST (section 2.2), not in both; and never in the URL (RFC 9700, section 4.3.2).
pub(in crate::provider) fn read_access_token<'r>(
    headers: &'r HeaderMap,
    form: Option<&'r Form>,
) -> Result<&'r str, ProviderError> {
    let header = match bearer::token(headers) {
        Ok(token) => token,
        Err(_) => return Err(ProviderError::RepeatedParameter("Authorization")),
    };
    let posted = form.map(|form| form.get("access_token")).transpose()?.flatten();
    match (header, posted) {
        (Some(token), None) | (None, Some(token)) => Ok(token),
        (Some(_), Some(_)) => Err(ProviderError::RepeatedParameter("access_token")),
        (None, None) => Err(ProviderError::MissingToken),
    }
}

/// Verifies an access token of ours, for one of these audiences, or for any if there are none.
pub(in crate::provider) fn check_access_token(
    provider: &Provider,
    audiences: &[String],
    token: &str,
) -> Result<AccessTokenClaims, ProviderError> {
    verify_access_token(provider, audiences, token).map_err(|error| {
        tracing::debug!(%error, "an access token was refused");
        match error {
            AccessTokenError::RevocationsUnknown => ProviderError::RevocationsUnknown,
            _ => ProviderError::InvalidToken,
        }
    })
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;

    use super::super::fixture::form;
    use super::*;

    #[test]
    fn a_token_is_brought_in_one_place() {
        let bearer = |value: &str| HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
        let none = HeaderMap::new();
        let posted = form(&[("access_token", "t")]);
        assert_eq!(read_access_token(&bearer("Bearer t"), None), Ok("t"));
        assert_eq!(read_access_token(&none, Some(&posted)), Ok("t"));
        let twice = Err(ProviderError::RepeatedParameter("access_token"));
        assert_eq!(read_access_token(&bearer("Bearer t"), Some(&posted)), twice);
        let missing = Err(ProviderError::MissingToken);
        assert_eq!(read_access_token(&none, None), missing);
        let mut two = bearer("Bearer t");
        two.append(AUTHORIZATION, "Bearer u".parse().unwrap());
        assert!(read_access_token(&two, None).is_err());
    }
}
