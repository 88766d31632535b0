use super::limits;
use crate::http::Form;
use crate::provider::{Client, GrantType, ProviderError};

/// RFC 6749, section 3.3, and OpenID Connect Core, section 3.1.2.1: what is asked for and may be
/// granted, each scope once.
///
/// * A scope that nobody here knows is ignored, as OpenID Connect asks.
/// * A scope that the server knows and the client may not have is `invalid_scope`: silently less
///   than a client counts on is harder to find than an error.
/// * `offline_access` is dropped for a client that may not refresh (OpenID Connect Core,
///   section 11).
/// * Nothing asked for, or nothing left, is `invalid_scope`.
pub(in crate::provider) fn check_scope(
    form: &Form,
    client: &Client,
    known: &[String],
) -> Result<Vec<String>, ProviderError> {
    let asked = form.get("scope")?.ok_or(ProviderError::MissingScope)?;
    if asked.len() > limits::SCOPE {
        return Err(ProviderError::ParameterTooLong("scope"));
    }
    let mut scopes: Vec<String> = Vec::new();
    for scope in asked.split(' ').filter(|scope| !scope.is_empty()) {
        if !scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)) {
            return Err(ProviderError::MalformedScope);
        }
        if client.allows_scope(scope) {
            if !scopes.iter().any(|seen| seen == scope) {
                scopes.push(scope.to_owned());
            }
        } else if known.iter().any(|known| known == scope) {
            return Err(ProviderError::ScopeNotAllowed);
        }
    }
    if !client.allows_grant(GrantType::RefreshToken) {
        scopes.retain(|scope| scope != "offline_access");
    }
    if scopes.is_empty() { Err(ProviderError::MissingScope) } else { Ok(scopes) }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{form, public};
    use super::*;

    fn check(client: &Client, scope: &str) -> Result<String, ProviderError> {
        let known = ["openid", "email", "profile", "offline_access"].map(str::to_owned);
        check_scope(&form(&[("scope", scope)]), client, &known).map(|scopes| scopes.join(" "))
    }

    #[test]
    fn what_the_client_may_have_is_kept_once_and_in_order() {
        let client = public(|_| {});
        assert_eq!(check(&client, "email openid  email").unwrap(), "email openid");
        assert_eq!(check(&client, "openid unheard-of api:read").unwrap(), "openid api:read");
    }

    #[test]
    fn what_it_may_not_have_is_an_error() {
        let client = public(|_| {});
        assert_eq!(check(&client, "openid profile"), Err(ProviderError::ScopeNotAllowed));
        assert_eq!(check(&client, "unheard-of"), Err(ProviderError::MissingScope));
        assert_eq!(check(&client, " "), Err(ProviderError::MissingScope));
        for malformed in ["openid\temail", "open\"id", "openid\\", "ópenid", "openid\u{0}"] {
            assert_eq!(check(&client, malformed), Err(ProviderError::MalformedScope));
        }
        let long = "a".repeat(limits::SCOPE + 1);
        assert_eq!(check(&client, &long), Err(ProviderError::ParameterTooLong("scope")));
        assert_eq!(check_scope(&form(&[]), &client, &[]), Err(ProviderError::MissingScope));
    }

    #[test]
    fn offline_access_is_for_clients_that_may_refresh() {
        let client = public(|client| {
            client.grant_types = Some(vec![GrantType::AuthorizationCode]);
        });
        assert_eq!(check(&client, "openid offline_access").unwrap(), "openid");
        assert_eq!(
            check(&public(|_| {}), "openid offline_access").unwrap(),
            "openid offline_access"
        );
    }
}
