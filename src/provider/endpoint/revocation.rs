use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Request, Response, StatusCode};
use time::Duration;
use time::OffsetDateTime;

use super::fault::refuse;
use crate::crypto::OpaqueToken;
use crate::http::{Body, Form, respond};
use crate::provider::check::{check_access_token, check_client};
use crate::provider::server::Provider;
use crate::provider::{Client, ProviderError};
use crate::store::RevocationTarget;

/// The revocation endpoint: RFC 7009.
pub(super) async fn answer(provider: &Provider, request: Request<Bytes>) -> Response<Body> {
    match revoke(provider, &request).await {
        Ok(()) => {
            let mut response = respond::status(StatusCode::OK);
            let headers = response.headers_mut();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => refuse(&provider.issuer, error),
    }
}

/// A token that is unknown, over, or somebody else's is no error (section 2.2): the client wants
/// it not to work for it, and it does not. `token_type_hint` adds nothing to what the token shows
/// of itself.
async fn revoke(provider: &Provider, request: &Request<Bytes>) -> Result<(), ProviderError> {
    let form = Form::of_body(request.headers(), request.body())?;
    let client = check_client(provider, request, &form).await?;
    let client = client.spend_assertion(provider).await?;
    let token = form.require("token")?;
    match OpaqueToken::parse(token) {
        Some(token) => revoke_family(provider, client.client(), &token).await,
        None => revoke_access_token(provider, client.client(), token).await,
    }
}

/// A refresh token takes its whole family with it, access tokens included (section 2.1).
async fn revoke_family(
    provider: &Provider,
    client: &Client,
    token: &OpaqueToken,
) -> Result<(), ProviderError> {
    let stored = provider.store.load_refresh(provider.issuer.id(), &token.hash()).await?;
    let own = stored.filter(|stored| stored.grant.client_id == client.id());
    if let Some(stored) = own {
        provider.revoke_grant(stored.grant.id).await?;
    }
    Ok(())
}

/// An access token goes alone: the grant it came from goes on.
async fn revoke_access_token(
    provider: &Provider,
    client: &Client,
    token: &str,
) -> Result<(), ProviderError> {
    let token = match check_access_token(provider, &[], token) {
        Ok(token) if token.client_id == client.id() => token,
        Ok(_) | Err(ProviderError::InvalidToken) => return Ok(()),
        Err(error) => return Err(error),
    };
    let exp = OffsetDateTime::from_unix_timestamp(token.exp.seconds());
    let until = exp.unwrap_or_else(|_| provider.now()) + Duration::MINUTE;
    provider.store.revoke_access_token(provider.issuer.id(), &token.jti, until).await?;
    provider.revoked.learn(RevocationTarget::Token(token.jti), until);
    Ok(())
}
