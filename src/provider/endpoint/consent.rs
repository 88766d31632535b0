use http::request::Parts;
use http::{Response, StatusCode};

use super::interaction::{context, path, user_present};
use super::issue_code::issue_code;
use super::refusal::Refusal;
use super::reply::Reply;
use crate::http::{Body, Form, respond};
use crate::page::Consent;
use crate::provider::interaction::{ConsentGiven, Interaction, UserPresent, forget, shown_to};
use crate::provider::resolver::ask;
use crate::provider::server::Provider;
use crate::provider::{Client, ProviderError};
use crate::scope::Interaction as Question;

/// Consent that needs no page; `None` when the user must be asked.
pub(super) async fn without_asking(
    provider: &Provider,
    interaction: &Interaction,
    client: &Client,
    user: &UserPresent,
    reply: &Reply,
) -> Result<Option<ConsentGiven>, ProviderError> {
    let context = context(provider, interaction, Question::Consent);
    let rule = async { provider.consent_policy.rule(client, user.account(), &context).await };
    let rule = ask("consent policy", rule).await?;
    let remembered = if reply.redirect_uri().identifies_the_client() {
        load_consent(provider, interaction, user).await?
    } else {
        // What the user once agreed to was another program, for all anybody knows (RFC 8252,
        // section 8.6).
        None
    };
    Ok(ConsentGiven::without_asking(interaction, user, rule, remembered.as_ref()))
}

async fn load_consent(
    provider: &Provider,
    interaction: &Interaction,
    user: &UserPresent,
) -> Result<Option<crate::store::Consent>, ProviderError> {
    let (issuer, request) = (provider.issuer.id(), &interaction.request);
    let subject = user.account().id();
    Ok(provider.store.consent(issuer, subject, &request.client_id, &request.resources).await?)
}

/// The page that asks. Its form leads to the client in the end, so its policy must allow that.
pub(super) fn page(
    provider: &Provider,
    interaction: &Interaction,
    client: &Client,
    user: &UserPresent,
    reply: &Reply,
) -> Response<Body> {
    let page = Consent {
        action: &path(provider, interaction),
        shown_to: &shown_to(interaction, user, (&provider.keyring, &provider.issuer)),
        client_name: client.name(),
        client_uri: client.metadata().client_uri.as_deref(),
        policy_uri: client.metadata().policy_uri.as_deref(),
        tos_uri: client.metadata().tos_uri.as_deref(),
        redirect_target: &reply.form_action(),
        account: user.account().email().unwrap_or(user.account().id().as_str()),
        scopes: &interaction.request.scopes,
        resources: &interaction.request.resources,
    };
    let page = provider.pages.consent(&page);
    respond::html_with_form_action(StatusCode::OK, page, &reply.form_action())
}

/// The user's answer. It counts when the form came from our own page (the mount refuses others),
/// in the browser of the interaction (whose cookie was opened), from the user it was shown to, who
/// is still there.
pub(super) async fn answer(
    provider: &Provider,
    parts: &Parts,
    body: &[u8],
    interaction: Interaction,
    reply: &Reply,
) -> Result<Response<Body>, Refusal> {
    let form = Form::of_body(&parts.headers, body).map_err(ProviderError::from)?;
    match form.require("decision").map_err(ProviderError::from)? {
        "approve" => approve(provider, parts, &form, interaction, reply).await,
        "deny" => Ok(deny(provider, &interaction, reply)),
        _ => Err(ProviderError::MalformedParameter("decision").into()),
    }
}

async fn approve(
    provider: &Provider,
    parts: &Parts,
    form: &Form,
    interaction: Interaction,
    reply: &Reply,
) -> Result<Response<Body>, Refusal> {
    let refuse = |error| reply.refuse(error);
    let again = || Ok(respond::see_other(&path(provider, &interaction)));
    let Ok(user) = user_present(provider, parts, &interaction).await.map_err(refuse)? else {
        return again();
    };
    let mark = (&provider.keyring, &provider.issuer);
    match ConsentGiven::by_form(&interaction, user, form, mark, provider.now())? {
        Some(consent) => issue_code(provider, parts, &interaction, consent, reply).await,
        None => again(),
    }
}

fn deny(provider: &Provider, interaction: &Interaction, reply: &Reply) -> Response<Body> {
    let mut response =
        reply.error(&provider.issuer, &*provider.pages, ProviderError::ConsentDenied);
    forget(provider, interaction, response.headers_mut());
    response
}
