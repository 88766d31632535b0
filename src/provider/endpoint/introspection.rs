use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::fault::refuse;
use crate::crypto::OpaqueToken;
use crate::http::{Body, Form, respond};
use crate::jose::{AccessTokenClaims, NumericDate};
use crate::provider::check::{check_access_token, check_client};
use crate::provider::resolver::ask;
use crate::provider::server::Provider;
use crate::provider::{Client, ProviderError};
use crate::scope::{Context, Interaction};

/// The introspection endpoint: RFC 7662.
pub(super) async fn answer(provider: &Provider, request: Request<Bytes>) -> Response<Body> {
    match introspect(provider, &request).await {
        Ok(state) => {
            let inactive = || json!({ "active": false });
            respond::json(StatusCode::OK, &state.unwrap_or_else(inactive))
        }
        Err(error) => refuse(&provider.issuer, error),
    }
}

/// What is said of a token that is active and the caller's to ask about; of all others nothing
/// (section 2.2).
async fn introspect(
    provider: &Provider,
    request: &Request<Bytes>,
) -> Result<Option<Value>, ProviderError> {
    let form = Form::of_body(request.headers(), request.body())?;
    let caller = check_client(provider, request, &form).await?;
    // Section 2.1: whoever can make up a client_id could try tokens out.
    if caller.client().is_public() {
        return Err(ProviderError::WrongAuthenticationMethod);
    }
    let caller = caller.spend_assertion(provider).await?;
    let token = form.require("token")?;
    match OpaqueToken::parse(token) {
        Some(token) => refresh_token(provider, caller.client(), &token).await,
        None => access_token(provider, caller.client(), token).await,
    }
}

/// A refresh token is its own client's affair.
async fn refresh_token(
    provider: &Provider,
    caller: &Client,
    token: &OpaqueToken,
) -> Result<Option<Value>, ProviderError> {
    let stored = provider.store.load_refresh(provider.issuer.id(), &token.hash()).await?;
    let active = stored.filter(|stored| {
        let live = !stored.revoked && !stored.rotated && provider.now() < stored.expires_at;
        live && stored.grant.client_id == caller.id()
    });
    let Some(stored) = active else { return Ok(None) };
    if !is_there(provider, caller, stored.grant.subject.as_str()).await? {
        return Ok(None);
    }
    Ok(Some(json!({
        "active": true,
        "iss": provider.issuer.as_str(),
        "sub": stored.grant.subject.as_str(),
        "client_id": stored.grant.client_id,
        "scope": stored.grant.scopes.join(" "),
        "iat": NumericDate::from(stored.issued_at),
        "exp": NumericDate::from(stored.expires_at),
    })))
}

/// An access token may be asked about by the client it was issued to, and by one that it is for.
async fn access_token(
    provider: &Provider,
    caller: &Client,
    token: &str,
) -> Result<Option<Value>, ProviderError> {
    let token = match check_access_token(provider, &[], token) {
        Ok(token) => token,
        Err(ProviderError::InvalidToken) => return Ok(None),
        Err(error) => return Err(error),
    };
    let concerned = token.client_id == caller.id() || token.aud.contains(caller.id());
    let users = token.grant_id.is_some();
    if !concerned || (users && !is_there(provider, caller, &token.sub).await?) {
        return Ok(None);
    }
    Ok(Some(describe(&token)))
}

fn describe(token: &AccessTokenClaims) -> Value {
    let mut state = json!({
        "active": true,
        "token_type": "Bearer",
        "iss": token.iss,
        "sub": token.sub,
        "aud": token.aud,
        "client_id": token.client_id,
        "scope": token.scope,
        "iat": token.iat,
        "exp": token.exp,
        "jti": token.jti,
    });
    if let (Value::Object(state), Some(auth_time)) = (&mut state, token.auth_time) {
        state.insert("auth_time".to_owned(), json!(auth_time));
        if let Some(acr) = &token.acr {
            state.insert("acr".to_owned(), acr.as_str().into());
        }
    }
    state
}

/// Whether the host still has the account.
async fn is_there(
    provider: &Provider,
    caller: &Client,
    subject: &str,
) -> Result<bool, ProviderError> {
    let mut context = Context::new(Interaction::Introspection);
    context.client_id = Some(caller.id().to_owned());
    let account = async { provider.resolver.resolve_account(subject, &context).await };
    Ok(ask("resolve_account", account)
        .await?
        .is_some_and(|account| account.id().as_str() == subject))
}
