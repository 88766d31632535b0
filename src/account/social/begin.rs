//! To the provider.

use http::header::SET_COOKIE;

use super::Here;
use super::answer::refuse;
use super::pending::{Aim, Attempt};
use super::protocol::authorization::AuthorizationRequest;
use super::protocol::state;
use super::provider::Freshness;
use crate::account::limits;
use crate::account::site::{Answer, Visit};
use crate::crypto::RandomExt as _;
use crate::http::respond;
use crate::scope::UserId;

/// Who is logged in already is asked to prove it anew, and so is everybody whom the host sends with
/// `prompt=login`.
pub(super) async fn log_in(here: Here<'_>, visit: &Visit) -> Answer {
    let somebody = visit.session.scope().account().is_some();
    begin(here, visit, Aim::LogIn, somebody || visit.trip.prompts_login()).await
}

/// Who wants to link an identity to this account.
pub(in crate::account) async fn link(here: Here<'_>, visit: &Visit, user: UserId) -> Answer {
    begin(here, visit, Aim::Link(user, visit.session.id()), false).await
}

/// Sends the browser to the provider, with a cookie that remembers why.
async fn begin(here: Here<'_>, visit: &Visit, aim: Aim, anew: bool) -> Answer {
    let Here { site, providers, provider } = here;
    let (now, random) = (site.now(), &*site.random);
    let state = state::mint(&providers.keyring, random, &provider.id, now);
    let secrets = [random.token().expose(), random.token().expose()];
    let attempt = Attempt::new((&provider.id, state), secrets, (aim, anew), &visit.trip, now);
    let endpoints = match providers.client.endpoints(provider).await {
        Ok(endpoints) => endpoints,
        Err(fault) => {
            // What is written is counted.
            limits::count_login(site, visit).await?;
            return refuse(here, visit, &attempt.aim, fault).await;
        }
    };
    let is_openid = provider.scopes.iter().any(|scope| scope == "openid");
    let request = AuthorizationRequest {
        endpoint: &endpoints.authorize,
        client_id: &provider.client_id,
        redirect_uri: &here.redirect_uri(),
        scopes: &provider.scopes,
        state: &attempt.state,
        nonce: is_openid.then_some(attempt.nonce.as_str()),
        verifier: &attempt.verifier,
        form_post: provider.form_post,
        anew: anew && provider.freshness == Freshness::Dated,
        parameters: &provider.parameters,
    };
    // The provider's URL was looked at when it was read.
    let mut response = respond::see_other(&request.url().unwrap_or_default());
    let cookie = providers.attempts.begin(random, &visit.headers, attempt, now);
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}
