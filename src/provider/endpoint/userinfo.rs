use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Map, Value};

use super::fault::refuse_bearer;
use crate::http::{Body, Form, FormError, respond};
use crate::jose::AccessTokenClaims;
use crate::provider::ProviderError;
use crate::provider::check::{check_access_token, read_access_token};
use crate::provider::policy::keep_granted_claims;
use crate::provider::resolver::ask;
use crate::provider::server::Provider;
use crate::scope::{Context, Interaction};

/// The userinfo endpoint: OpenID Connect Core, section 5.3.
pub(super) async fn answer(provider: &Provider, request: Request<Bytes>) -> Response<Body> {
    match userinfo(provider, &request).await {
        Ok(claims) => respond::json(StatusCode::OK, &claims),
        Err(error) => refuse_bearer(&provider.issuer, error),
    }
}

async fn userinfo(
    provider: &Provider,
    request: &Request<Bytes>,
) -> Result<Map<String, Value>, ProviderError> {
    let form = read_form(request)?;
    let token = read_access_token(request.headers(), form.as_ref())?;
    let audience = provider.issuer.as_str().to_owned();
    let token = check_access_token(provider, &[audience], token)?;
    check_openid(&token)?;
    let scopes: Vec<String> = token.scopes().map(str::to_owned).collect();
    let claims = load_claims(provider, &token, &scopes).await?;
    let mut claims = keep_granted_claims(claims, &scopes);
    claims.insert("sub".to_owned(), token.sub.into());
    Ok(claims)
}

/// The form of a POST; a body that is none carries no token, and is none of our business.
fn read_form(request: &Request<Bytes>) -> Result<Option<Form>, ProviderError> {
    if request.method() != Method::POST {
        return Ok(None);
    }
    match Form::of_body(request.headers(), request.body()) {
        Ok(form) => Ok(Some(form)),
        Err(FormError::ContentType) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A token that a client got for itself is about no user, and has no such scope.
fn check_openid(token: &AccessTokenClaims) -> Result<(), ProviderError> {
    let openid = token.grant_id.is_some() && token.scopes().any(|scope| scope == "openid");
    openid.then_some(()).ok_or(ProviderError::InsufficientScope("openid"))
}

async fn load_claims(
    provider: &Provider,
    token: &AccessTokenClaims,
    scopes: &[String],
) -> Result<Map<String, Value>, ProviderError> {
    let mut context = Context::new(Interaction::Userinfo);
    context.client_id = Some(token.client_id.clone());
    context.scopes = scopes.to_vec();
    let account = async { provider.resolver.resolve_account(&token.sub, &context).await };
    let account = ask("resolve_account", account).await?.ok_or(ProviderError::InvalidToken)?;
    let claims = async { provider.resolver.build_claims(&account, &context).await };
    let claims = ask("build_claims", claims).await?;
    if claims.subject.as_str() == token.sub && account.id().as_str() == token.sub {
        Ok(claims.userinfo)
    } else {
        Err(ProviderError::SubjectMismatch)
    }
}
