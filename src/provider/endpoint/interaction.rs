//! The interaction endpoint: where the browser comes back to after logging in, sees the consent
//! page, and answers it. Ours alone; no specification knows it.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response};

use super::issue_code::issue_code;
use super::refusal::Refusal;
use super::reply::Reply;
use super::{consent, login};
use crate::http::{Body, Reader, respond};
use crate::provider::check::prove_redirect_uri;
use crate::provider::interaction::{Interaction, Next, UserPresent, decide, keep, load};
use crate::provider::registry::Endpoint;
use crate::provider::resolver::ask;
use crate::provider::server::Provider;
use crate::provider::{Client, ProviderError};
use crate::scope::{Context, CurrentAccount, Interaction as Question, Prompt};

/// How the browser came to where an interaction goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// With the authorization request, by POST, so perhaps without our cookies.
    Posted,
    /// With the authorization request.
    Arrived,
    /// At the interaction's own path.
    Resumed,
}

/// Answers a request at an interaction's own path.
pub(super) async fn answer(provider: &Provider, request: Request<Bytes>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let reader = Reader::of_page(&parts.headers);
    resume(provider, &parts, &body)
        .await
        .unwrap_or_else(|refusal| refusal.into_response(provider, reader))
}

async fn resume(
    provider: &Provider,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<Body>, Refusal> {
    let id = provider.registry.child_of(Endpoint::Interaction, parts.uri.path());
    let interaction = load(provider, id, &parts.headers).await?;
    let client = load_client(provider, &interaction).await?;
    let reply = renew_reply(&interaction, &client)?;
    if parts.method == Method::POST {
        return consent::answer(provider, parts, body, interaction, &reply).await;
    }
    proceed(provider, parts, Stage::Resumed, interaction, &client, &reply).await
}

/// Takes an interaction as far as it goes without the user: to the code, or to the page that the
/// user must see next.
pub(super) async fn proceed(
    provider: &Provider,
    parts: &Parts,
    stage: Stage,
    interaction: Interaction,
    client: &Client,
    reply: &Reply,
) -> Result<Response<Body>, Refusal> {
    let refuse = |error| reply.refuse(error);
    if stage == Stage::Posted {
        return go_to(provider, parts, &interaction).await.map_err(refuse);
    }
    let current = who_is_there(provider, parts, &interaction).await.map_err(refuse)?;
    let user = match decide(&interaction, current, provider.now()).map_err(refuse)? {
        Next::LogIn => return login::answer(provider, parts, interaction).await.map_err(refuse),
        Next::Consent(user) => user,
    };
    let given = consent::without_asking(provider, &interaction, client, &user, reply).await;
    if let Some(consent) = given.map_err(refuse)? {
        return issue_code(provider, parts, &interaction, consent, reply).await;
    }
    if interaction.request.prompts(Prompt::None) {
        return Err(refuse(ProviderError::ConsentRequired));
    }
    if stage == Stage::Resumed {
        return Ok(consent::page(provider, &interaction, client, &user, reply));
    }
    go_to(provider, parts, &interaction).await.map_err(refuse)
}

/// Keeps the interaction and sends the browser to its path.
async fn go_to(
    provider: &Provider,
    parts: &Parts,
    interaction: &Interaction,
) -> Result<Response<Body>, ProviderError> {
    let mut response = respond::see_other(&path(provider, interaction));
    keep(provider, interaction, parts, response.headers_mut()).await?;
    Ok(response)
}

/// The path of an interaction.
pub(super) fn path(provider: &Provider, interaction: &Interaction) -> String {
    format!("{}/{}", provider.registry.path(Endpoint::Interaction), interaction.id.as_str())
}

/// What the host is told of an interaction when it is asked something.
pub(super) fn context(
    provider: &Provider,
    interaction: &Interaction,
    question: Question,
) -> Context {
    let mut context = interaction.request.context(question);
    context.interaction_id = Some(interaction.id.as_str().to_owned());
    context.return_to = Some(path(provider, interaction));
    context
}

/// Who is logged in, as the host says at this very moment.
pub(super) async fn who_is_there(
    provider: &Provider,
    parts: &Parts,
    interaction: &Interaction,
) -> Result<Option<CurrentAccount>, ProviderError> {
    let context = context(provider, interaction, Question::Authorize);
    let answer = async { provider.resolver.resolve_current_account(parts, &context).await };
    ask("resolve_current_account", answer).await
}

/// The user, if they are there and that is fresh enough.
pub(super) async fn user_present(
    provider: &Provider,
    parts: &Parts,
    interaction: &Interaction,
) -> Result<Result<UserPresent, ProviderError>, ProviderError> {
    let current = who_is_there(provider, parts, interaction).await?;
    Ok(UserPresent::prove(interaction, current, provider.now()))
}

/// The client may be gone since the interaction began.
async fn load_client(
    provider: &Provider,
    interaction: &Interaction,
) -> Result<Arc<Client>, ProviderError> {
    let client = provider.client(&interaction.request.client_id).await?;
    client.ok_or(ProviderError::UnknownClientId)
}

/// Where the answer goes, proven anew: the client may have lost the URI meanwhile.
fn renew_reply(interaction: &Interaction, client: &Client) -> Result<Reply, ProviderError> {
    let request = &interaction.request;
    let redirect_uri = prove_redirect_uri(&request.redirect_uri, client)?;
    Ok(Reply::new(redirect_uri, request.response_mode, request.state.clone()))
}
