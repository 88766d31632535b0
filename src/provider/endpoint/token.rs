use bytes::Bytes;
use http::{Request, Response};

use super::fault::refuse;
use crate::http::{Body, Form};
use crate::provider::check::{check_client, check_grant_type};
use crate::provider::grant::{exchange_code, grant_client_credentials, refresh};
use crate::provider::server::Provider;
use crate::provider::token::TokenResponse;
use crate::provider::{GrantType, ProviderError};

/// The token endpoint: RFC 6749, section 3.2.
pub(super) async fn answer(provider: &Provider, request: Request<Bytes>) -> Response<Body> {
    match exchange(provider, &request).await {
        Ok(tokens) => tokens.into_response(),
        Err(error) => refuse(&provider.issuer, error),
    }
}

async fn exchange(
    provider: &Provider,
    request: &Request<Bytes>,
) -> Result<TokenResponse, ProviderError> {
    let form = Form::of_body(request.headers(), request.body())?;
    let client = check_client(provider, request, &form).await?;
    match check_grant_type(&form, client.client())? {
        GrantType::AuthorizationCode => exchange_code(provider, &form, client).await,
        GrantType::RefreshToken => refresh(provider, &form, client).await,
        GrantType::ClientCredentials => grant_client_credentials(provider, &form, client).await,
    }
}
