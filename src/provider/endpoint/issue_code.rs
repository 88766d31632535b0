use http::Response;
use http::request::Parts;

use super::interaction::context;
use super::refusal::Refusal;
use super::reply::Reply;
use crate::crypto::{OpaqueToken, RandomExt as _};
use crate::http::Body;
use crate::provider::ProviderError;
use crate::provider::interaction::{ConsentGiven, Interaction, forget_soon};
use crate::provider::resolver::ask;
use crate::provider::server::Provider;
use crate::scope::Interaction as Question;
use crate::store::{CodeIssue, Grant, NewCode};

/// Writes the code with its grant and sends it (RFC 6749, section 4.1.2). A repetition, such as
/// the second half of a double click, gets the same code while nobody redeemed it.
pub(super) async fn issue_code(
    provider: &Provider,
    parts: &Parts,
    interaction: &Interaction,
    consent: ConsentGiven,
    reply: &Reply,
) -> Result<Response<Body>, Refusal> {
    let refuse = |error: ProviderError| reply.refuse(error);
    check_subject(provider, interaction, &consent).await.map_err(refuse)?;
    let code = interaction.code_for(&consent);
    let written = assign_code(provider, interaction, &consent, &code);
    let issue = provider.store.issue_code(provider.issuer.id(), &written).await;
    match issue.map_err(|error| refuse(error.into()))? {
        CodeIssue::Issued => {}
        CodeIssue::AlreadyIssued { redeemed: false } if still_good(provider, &code).await? => {}
        CodeIssue::AlreadyIssued { .. } => return Err(ProviderError::InteractionCompleted.into()),
    }
    let mut response = reply.code(provider, &code);
    forget_soon(provider, interaction, &parts.headers, response.headers_mut());
    Ok(response)
}

/// What the code stands for. The authentication is frozen here: nothing later can say that the
/// user logged in at another time or in another way.
fn assign_code(
    provider: &Provider,
    interaction: &Interaction,
    consent: &ConsentGiven,
    code: &OpaqueToken,
) -> NewCode {
    let (request, now) = (&interaction.request, provider.now());
    NewCode {
        code: code.hash(),
        interaction_id: interaction.id.as_str().to_owned(),
        grant: Grant {
            id: provider.random.uuid_v7(now),
            client_id: request.client_id.clone(),
            subject: consent.user().account().id().clone(),
            scopes: request.scopes.clone(),
            resources: request.resources.clone(),
            authentication: consent.user().authentication().clone(),
            offline: request.has_scope("offline_access"),
            nonce: request.nonce.clone(),
            auth_time_requested: request.max_age.is_some(),
        },
        redirect_uri: request.redirect_uri.clone(),
        code_challenge: request.code_challenge.clone(),
        created_at: now,
        expires_at: now + provider.lifetimes.code,
        interaction_expires_at: interaction.expires_at(),
        consent: consent.to_remember().cloned(),
    }
}

/// Whether the code that the interaction yielded is this one, and not another user's, and has not
/// run out.
async fn still_good(provider: &Provider, code: &OpaqueToken) -> Result<bool, ProviderError> {
    let stored = provider.store.load_code(provider.issuer.id(), &code.hash()).await?;
    Ok(stored.is_some_and(|stored| provider.now() < stored.expires_at))
}

/// There is one source of `sub`. Found out here, a host that mixes users up costs an error; found
/// out later, it would cost the code too.
async fn check_subject(
    provider: &Provider,
    interaction: &Interaction,
    consent: &ConsentGiven,
) -> Result<(), ProviderError> {
    let account = consent.user().account();
    let context = context(provider, interaction, Question::Authorize);
    let claims = async { provider.resolver.build_claims(account, &context).await };
    let claims = ask("build_claims", claims).await?;
    if claims.subject == *account.id() { Ok(()) } else { Err(ProviderError::SubjectMismatch) }
}
