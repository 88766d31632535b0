use crate::http::Form;
use crate::provider::check::{AuthenticatedClient, check_narrowed_resource};
use crate::provider::policy::is_about_users;
use crate::provider::server::Provider;
use crate::provider::token::{AccessTokenRequest, TokenResponse, issue_access_token};
use crate::provider::{Client, ProviderError};

/// Gives a client an access token of its own (RFC 6749, section 4.4). Registration has seen to it
/// that no public client gets here.
pub(in crate::provider) async fn grant_client_credentials(
    provider: &Provider,
    form: &Form,
    client: AuthenticatedClient,
) -> Result<TokenResponse, ProviderError> {
    let scopes = check_own_scope(form, client.client())?;
    let resources = check_narrowed_resource(form, &[])?;
    let request = AccessTokenRequest {
        client_id: client.client().id(),
        grant: None,
        scopes: &scopes,
        resources: &resources,
        now: provider.now(),
    };
    let access_token = issue_access_token(provider, &request)?;
    client.spend_assertion(provider).await?;
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: provider.lifetimes.access_token.whole_seconds(),
        scope: scopes.join(" "),
        refresh_token: None,
        id_token: None,
    })
}

/// The scopes asked for, or all that the client is registered for (RFC 6749, section 3.3), but for
/// those that are about a user: there is none.
fn check_own_scope(form: &Form, client: &Client) -> Result<Vec<String>, ProviderError> {
    let Some(asked) = form.get("scope")? else {
        let own = client.scopes().iter().filter(|scope| !is_about_users(scope));
        return Ok(own.cloned().collect());
    };
    let mut scopes: Vec<String> = Vec::new();
    for scope in asked.split(' ').filter(|scope| !scope.is_empty()) {
        if !client.allows_scope(scope) || is_about_users(scope) {
            return Err(ProviderError::ScopeNotAllowed);
        }
        if !scopes.iter().any(|seen| seen == scope) {
            scopes.push(scope.to_owned());
        }
    }
    // Of spaces alone (section 3.3).
    if scopes.is_empty() { Err(ProviderError::MalformedScope) } else { Ok(scopes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Redacted;
    use crate::provider::{ClientMetadata, GrantType};

    #[test]
    fn a_client_gets_its_own_scopes_and_none_of_a_users() {
        let mut metadata = ClientMetadata::new("machine");
        metadata.client_secret = Some(Redacted("secret".into()));
        metadata.grant_types = Some(vec![GrantType::ClientCredentials]);
        metadata.scope = Some("openid email offline_access read write".into());
        let client = Client::new(metadata).unwrap();
        let check = |scope: &str| {
            let form =
                Form::parse(serde_urlencoded::to_string([("scope", scope)]).unwrap().as_bytes());
            check_own_scope(&form.unwrap(), &client)
        };
        assert_eq!(check("").unwrap(), ["read", "write"]);
        assert_eq!(check("write  write").unwrap(), ["write"]);
        assert_eq!(check("  "), Err(ProviderError::MalformedScope));
        for refused in ["openid", "read offline_access", "email", "admin"] {
            assert_eq!(check(refused), Err(ProviderError::ScopeNotAllowed), "{refused}");
        }
    }
}
