use crate::http::Form;
use crate::provider::{Client, GrantType, ProviderError};

/// RFC 6749, section 5.2: a grant type that there is, and that the client is registered for.
pub(in crate::provider) fn check_grant_type(
    form: &Form,
    client: &Client,
) -> Result<GrantType, ProviderError> {
    let name = form.require("grant_type")?;
    let grant_type = GrantType::ALL.into_iter().find(|grant_type| grant_type.as_str() == name);
    let grant_type = grant_type.ok_or(ProviderError::UnsupportedGrantType)?;
    if client.allows_grant(grant_type) {
        Ok(grant_type)
    } else {
        Err(ProviderError::GrantTypeNotAllowed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{confidential, form, public};
    use super::*;

    #[test]
    fn a_client_uses_the_grants_it_is_registered_for() {
        let check =
            |client: &Client, name: &str| check_grant_type(&form(&[("grant_type", name)]), client);
        let spa = public(|_| {});
        assert_eq!(check(&spa, "authorization_code"), Ok(GrantType::AuthorizationCode));
        assert_eq!(check(&spa, "client_credentials"), Err(ProviderError::GrantTypeNotAllowed));
        for unknown in ["password", "implicit", "Authorization_code", "refresh_token "] {
            assert_eq!(check(&spa, unknown), Err(ProviderError::UnsupportedGrantType));
        }
        let missing = check_grant_type(&form(&[]), &spa);
        assert_eq!(missing, Err(ProviderError::MissingParameter("grant_type")));
        let machine = confidential(|client| {
            client.grant_types = Some(vec![GrantType::ClientCredentials]);
        });
        assert_eq!(check(&machine, "client_credentials"), Ok(GrantType::ClientCredentials));
        assert_eq!(check(&machine, "authorization_code"), Err(ProviderError::GrantTypeNotAllowed));
    }
}
