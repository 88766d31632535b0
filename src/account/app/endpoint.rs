//! What apps call: JSON objects of which every field is known, and answers by RFC 6749, section 5.

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::profile::Profile;
use super::session::{Begun, Exchange, Secrets};
use super::{AppSessions, count};
use crate::account::AccountError;
use crate::account::site::{Answer, Site, Visit};
use crate::account::token::ApiToken;
use crate::audit::Action;
use crate::crypto::OpaqueToken;
use crate::http::{Body, respond};
use crate::store::StoreError;

/// The longest request, in bytes.
const MAX: usize = 8 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExchangeRequest {
    pub(super) app: String,
    pub(super) code: String,
    pub(super) code_verifier: String,
    pub(super) redirect_uri: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshRequest {
    pub(super) app: String,
    pub(super) refresh_token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokeRequest {
    pub(super) token: String,
}

#[derive(Serialize)]
struct Tokens<'a> {
    access_token: &'a str,
    token_type: &'a str,
    expires_in: i64,
    refresh_token: &'a str,
    refresh_expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<serde_json::Value>,
}

/// Why an app is refused.
enum Fault {
    /// It is not as it must be.
    Request(&'static str),
    /// There is no such app.
    App,
    /// What it shows opens nothing. Nobody is told why.
    Grant,
    /// That was too often, or the store is down.
    Account(AccountError),
}

impl From<AccountError> for Fault {
    fn from(error: AccountError) -> Self {
        Self::Account(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Account(error.into())
    }
}

/// Exchanges a code for a session.
pub(in crate::account) async fn exchange(site: &Site, visit: &Visit) -> Answer {
    let exchange = async {
        let apps = apps(site)?;
        let request: ExchangeRequest = read(visit)?;
        let app = app(apps, &request.app)?;
        count::call(site, visit, apps, None).await?;
        if !is_verifier(&request.code_verifier) {
            return Err(Fault::Request("code_verifier is 43 to 128 unreserved characters"));
        }
        let Some(code) = OpaqueToken::parse(&request.code) else {
            return refuse(site, visit, apps).await;
        };
        let (verifier, redirect_uri) = (&*request.code_verifier, &*request.redirect_uri);
        let (exchange, device) =
            (Exchange { code, verifier, redirect_uri }, visit.session.device());
        match apps.redeem(app, &exchange, device, |action| visit.entry(action)).await? {
            Some(begun) => Ok(begun_response(&begun)),
            None => refuse(site, visit, apps).await,
        }
    };
    answer(exchange.await)
}

/// Replaces a refresh token.
pub(in crate::account) async fn refresh(site: &Site, visit: &Visit) -> Answer {
    let refresh = async {
        let apps = apps(site)?;
        let request: RefreshRequest = read(visit)?;
        let app = app(apps, &request.app)?;
        let presented = apps.read_refresh(&request.refresh_token);
        let family = presented.as_ref().map(ApiToken::family);
        count::call(site, visit, apps, family.as_ref()).await?;
        let Some(presented) = presented else { return refuse(site, visit, apps).await };
        match apps.rotate(app, &presented, |action| visit.entry(action)).await? {
            Some(secrets) => Ok(respond::json(StatusCode::OK, &Tokens::of(&secrets))),
            None => refuse(site, visit, apps).await,
        }
    };
    answer(refresh.await)
}

/// Ends a session. What opens nothing is none already (RFC 7009, section 2.2).
pub(in crate::account) async fn revoke(site: &Site, visit: &Visit) -> Answer {
    let revoke = async {
        let apps = apps(site)?;
        let request: RevokeRequest = read(visit)?;
        count::call(site, visit, apps, None).await?;
        if !apps.end(&request.token, visit.entry(Action::END_APP_SESSION)).await? {
            count::refusal(site, visit, apps).await?;
        }
        Ok(respond::json(StatusCode::OK, &json!({})))
    };
    answer(revoke.await)
}

/// Counts what opens nothing, and says no more than that.
async fn refuse(site: &Site, visit: &Visit, apps: &AppSessions) -> Result<Response<Body>, Fault> {
    count::refusal(site, visit, apps).await?;
    Err(Fault::Grant)
}

fn apps(site: &Site) -> Result<&AppSessions, Fault> {
    site.apps.as_ref().ok_or(Fault::Account(AccountError::Method))
}

fn app<'a>(apps: &'a AppSessions, id: &str) -> Result<&'a Profile, Fault> {
    apps.find(id).ok_or(Fault::App)
}

fn read<T: DeserializeOwned>(visit: &Visit) -> Result<T, Fault> {
    let kind = visit.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|value| value.split(';').next()).map(str::trim);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        return Err(Fault::Request("the body must be application/json"));
    }
    object(visit.body())
        .ok_or(Fault::Request("the body must be an object with these fields and no others"))
}

/// Reads an object that has all of its fields, and no others.
pub(super) fn object<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    // Serde would take an array of the fields, too.
    let is_object = body.len() <= MAX && body.trim_ascii_start().starts_with(b"{");
    is_object.then(|| serde_json::from_slice(body).ok()).flatten()
}

/// RFC 7636, section 4.1.
pub(super) fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

fn begun_response(begun: &Begun) -> Response<Body> {
    let account = &begun.account;
    let user = json!({
        "id": account.id().as_str(),
        "email": account.email(),
        "email_verified": account.email_verified(),
    });
    let tokens = Tokens {
        scope: Some(begun.scopes.join(" ")),
        session: Some(begun.session.0.to_string()),
        user: Some(user),
        ..Tokens::of(&begun.secrets)
    };
    respond::json(StatusCode::OK, &tokens)
}

impl<'a> Tokens<'a> {
    fn of(secrets: &'a Secrets) -> Self {
        Self {
            access_token: secrets.access.expose(),
            token_type: "Bearer",
            expires_in: secrets.access_for.whole_seconds(),
            refresh_token: secrets.refresh.expose(),
            refresh_expires_in: secrets.refresh_for.whole_seconds(),
            scope: None,
            session: None,
            user: None,
        }
    }
}

/// A refusal is JSON, too, whatever the program says it accepts.
fn answer(answer: Result<Response<Body>, Fault>) -> Answer {
    let (status, code, description) = match answer {
        Ok(response) => return Ok(response),
        Err(Fault::Request(fault)) => (StatusCode::BAD_REQUEST, "invalid_request", fault),
        Err(Fault::App) => (StatusCode::BAD_REQUEST, "invalid_client", "there is no such app"),
        Err(Fault::Grant) => {
            (StatusCode::BAD_REQUEST, "invalid_grant", "the code or token opens nothing")
        }
        Err(Fault::Account(AccountError::Limited(seconds))) => {
            let told = (StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "try again later");
            return Ok(retry(refusal(told), seconds));
        }
        Err(Fault::Account(AccountError::Store(error))) => {
            tracing::error!(%error, "an app could not be answered");
            let told = (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "try again");
            return Ok(retry(refusal(told), 2));
        }
        Err(Fault::Account(error)) => return Err(error),
    };
    Ok(refusal((status, code, description)))
}

fn refusal((status, code, description): (StatusCode, &str, &str)) -> Response<Body> {
    respond::json(status, &json!({ "error": code, "error_description": description }))
}

fn retry(mut response: Response<Body>, seconds: u32) -> Response<Body> {
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
}
