//! The authorization endpoint: RFC 6749, section 3.1; OpenID Connect Core, section 3.1.2.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response};
use time::OffsetDateTime;

use super::interaction::{self, Stage};
use super::refusal::Refusal;
use super::reply::Reply;
use crate::http::{Body, Form, Reader};
use crate::jose::VerifyingKey;
use crate::provider::check::{
    ProvenRedirectUri, check_client_may_ask, check_code_challenge, check_hints,
    check_id_token_hint, check_max_age, check_nonce, check_prompt, check_redirect_uri,
    check_repeated, check_request_object, check_resource, check_response_mode, check_response_type,
    check_scope, check_state, read_state,
};
use crate::provider::interaction::{AuthorizationRequest, Interaction};
use crate::provider::server::Provider;
use crate::provider::{Client, ProviderError};

/// The longest `client_id` worth looking up.
const MAX_CLIENT_ID: usize = 255;

/// Answers an authorization request.
pub(super) async fn answer(provider: &Provider, request: Request<Bytes>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let reader = Reader::of_page(&parts.headers);
    authorize(provider, &parts, &body)
        .await
        .unwrap_or_else(|refusal| refusal.into_response(provider, reader))
}

async fn authorize(
    provider: &Provider,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<Body>, Refusal> {
    let form = read_form(parts, body)?;
    let client = load_client(provider, &form).await?;
    let redirect_uri = check_redirect_uri(&form, &client)?;

    // From here on the client is told what is wrong.
    let mode = check_response_mode(&form).unwrap_or_default();
    let reply = Reply::new(redirect_uri.clone(), mode, read_state(&form));
    let keys = provider.keys.current().verifying_keys();
    let server = Server {
        scopes: &provider.scopes,
        issuer: provider.issuer.as_str(),
        keys: &keys,
        now: provider.now(),
    };
    let request = check_request(&form, &client, &redirect_uri, &server)
        .map_err(|error| reply.refuse(error))?;

    let lifetime = provider.lifetimes.interaction;
    let interaction = Interaction::start(request, &*provider.random, provider.now(), lifetime);
    // A POST from another site comes without our cookies; the GET it is answered with has them.
    let stage = if parts.method == Method::POST { Stage::Posted } else { Stage::Arrived };
    interaction::proceed(provider, parts, stage, interaction, &client, &reply).await
}

/// What a request is held against besides its client.
pub(super) struct Server<'s> {
    /// Every scope there is.
    pub(super) scopes: &'s [String],
    pub(super) issuer: &'s str,
    pub(super) keys: &'s [VerifyingKey],
    pub(super) now: OffsetDateTime,
}

/// Everything that can be wrong with a request whose client and redirect URI are known, in order.
pub(super) fn check_request(
    form: &Form,
    client: &Client,
    redirect_uri: &ProvenRedirectUri,
    server: &Server<'_>,
) -> Result<AuthorizationRequest, ProviderError> {
    check_repeated(form)?;
    check_state(form)?;
    check_request_object(form)?;
    check_client_may_ask(client)?;
    check_response_type(form)?;
    let response_mode = check_response_mode(form)?;
    let scopes = check_scope(form, client, server.scopes)?;
    let nonce = check_nonce(form)?;
    let code_challenge = check_code_challenge(form, client, &scopes, nonce.as_deref())?;
    let prompt = check_prompt(form)?;
    let max_age = check_max_age(form)?;
    let resources = check_resource(form)?;
    let hints = check_hints(form)?;
    let subject_hint = check_id_token_hint(form, client, server.issuer, server.keys, server.now)?;
    Ok(AuthorizationRequest {
        client_id: client.id().to_owned(),
        redirect_uri: redirect_uri.as_str().to_owned(),
        response_mode,
        state: read_state(form),
        scopes,
        resources,
        nonce,
        code_challenge,
        prompt,
        max_age,
        subject_hint,
        login_hint: hints.login_hint,
        acr_values: hints.acr_values,
        ui_locales: hints.ui_locales,
    })
}

/// OpenID Connect Core, section 3.1.2.1: by GET in the query, by POST in the body.
fn read_form(parts: &Parts, body: &[u8]) -> Result<Form, ProviderError> {
    if parts.method == Method::POST {
        Ok(Form::of_body(&parts.headers, body)?)
    } else {
        Ok(Form::of_query(&parts.uri)?)
    }
}

/// RFC 6749, section 4.1.2.1: without a client there is nobody to send the user to.
async fn load_client(provider: &Provider, form: &Form) -> Result<Arc<Client>, ProviderError> {
    let client_id = form.require("client_id")?;
    if client_id.len() > MAX_CLIENT_ID {
        return Err(ProviderError::UnknownClientId);
    }
    provider.client(client_id).await?.ok_or(ProviderError::UnknownClientId)
}
