//! The fuzz target of authorization requests.

#![expect(clippy::panic, reason = "a target panics where something does not hold")]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use url::Url;

use super::authorize::{Server, check_request};
use super::reply::Reply;
use crate::fuzzing::{Input, Outcome};
use crate::http::Form;
use crate::jose::VerifyingKey;
use crate::jose::fuzzing::{ISSUER, NOW, keys};
use crate::page::Theme;
use crate::provider::check::{check_redirect_uri, check_response_mode, read_state};
use crate::provider::fuzzing::{CONFIDENTIAL, PUBLIC};
use crate::provider::interaction::AuthorizationRequest;
use crate::provider::issuer::Issuer;
use crate::provider::{Client, GrantType, ProviderError};
use crate::scope::Prompt;

/// Issuer, look, scopes and keys of the server.
static SERVED: LazyLock<(Issuer, Theme, [String; 5], Vec<VerifyingKey>)> = LazyLock::new(|| {
    let Ok(issuer) = Issuer::parse(ISSUER) else { panic!("{ISSUER} is no issuer") };
    let scopes = ["openid", "email", "profile", "offline_access", "api:read"].map(String::from);
    (issuer, Theme::new("Donjon"), scopes, keys())
});

/// A request that passes asks for no more than its client may have, within every bound, and is the
/// same once it was kept; an answer goes to the redirect URI and nowhere else, with `state` and
/// `iss`, whether it is a refusal or not.
///
/// The first byte chooses the client; the rest is the query.
pub fn authorize(data: &[u8]) -> Outcome {
    let mut input = Input::new(data);
    let client = if input.byte().is_multiple_of(2) { &*PUBLIC } else { &*CONFIDENTIAL };
    let Ok(form) = Form::parse(input.rest()) else { return Outcome::Refused };
    let Ok(redirect_uri) = check_redirect_uri(&form, client) else { return Outcome::Refused };
    let mode = check_response_mode(&form).unwrap_or_default();
    let reply = Reply::new(redirect_uri.clone(), mode, read_state(&form));
    answers_at_home(&reply, redirect_uri.as_str(), read_state(&form).as_deref());

    let (_, _, scopes, keys) = &*SERVED;
    let server = Server { scopes, issuer: ISSUER, keys, now: NOW };
    let Ok(request) = check_request(&form, client, &redirect_uri, &server) else {
        return Outcome::Refused;
    };
    keeps_the_bounds(&request, client);
    let kept = serde_json::to_vec(&request).unwrap_or_default();
    assert_eq!(serde_json::from_slice::<AuthorizationRequest>(&kept).ok(), Some(request));
    Outcome::Accepted
}

fn keeps_the_bounds(request: &AuthorizationRequest, client: &Client) {
    assert_eq!(request.client_id, client.id());
    let scopes: BTreeSet<&String> = request.scopes.iter().collect();
    assert!(!scopes.is_empty() && scopes.len() == request.scopes.len());
    assert!(scopes.iter().all(|scope| client.allows_scope(scope)));
    let offline = scopes.iter().any(|scope| *scope == "offline_access");
    assert!(!offline || client.allows_grant(GrantType::RefreshToken));
    assert!(request.resources.is_sorted() && request.resources.len() <= 8);
    assert!(request.resources.iter().all(|r| Url::parse(r).is_ok() && !r.contains('#')));
    let plain = |text: &Option<String>, most| {
        text.as_ref().is_none_or(|text| text.len() <= most && !text.contains(char::is_control))
    };
    assert!(plain(&request.state, 2048) && plain(&request.nonce, 512));
    assert!(plain(&request.login_hint, 512));
    let excused = !client.requires_pkce() && request.nonce.is_some();
    assert!(request.code_challenge.is_some() || excused);
    assert!(!request.prompts(Prompt::None) || request.prompt.len() == 1);
    assert!(request.subject_hint.as_ref().is_none_or(|subject| subject.as_str() == "alice"));
}

fn answers_at_home(reply: &Reply, redirect_uri: &str, state: Option<&str>) {
    let response = reply.error(&SERVED.0, &SERVED.1, ProviderError::MissingScope);
    let Some(location) = response.headers().get("location") else {
        assert!(response.status().is_success());
        return;
    };
    let location = location.to_str().unwrap_or_default();
    assert!(location.starts_with(redirect_uri), "{location}");
    let (Ok(there), Ok(home)) = (Url::parse(location), Url::parse(redirect_uri)) else {
        panic!("{location:?} is no URL");
    };
    assert_eq!(
        (there.scheme(), there.host(), there.port()),
        (home.scheme(), home.host(), home.port())
    );
    assert_eq!((there.path(), there.fragment()), (home.path(), None));
    let own: Vec<(String, String)> = home.query_pairs().into_owned().collect();
    let all: Vec<(String, String)> = there.query_pairs().into_owned().collect();
    let (kept, added) = all.split_at(own.len());
    assert_eq!(kept, own);
    let names: Vec<&str> = added.iter().map(|(name, _)| name.as_str()).collect();
    let expected: &[&str] = match state {
        Some(_) => &["error", "error_description", "state", "iss"],
        None => &["error", "error_description", "iss"],
    };
    assert_eq!(names, expected);
    let value = |name| added.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!((value("state"), value("iss")), (state, Some(ISSUER)));
}
