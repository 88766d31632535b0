use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::access_token::methods;
use crate::jose::{AccessTokenJwt, IdTokenJwt, NumericDate, left_half_hash};
use crate::provider::ProviderError;
use crate::provider::client::Client;
use crate::provider::policy::keep_granted_claims;
use crate::provider::server::Provider;
use crate::scope::Claims;
use crate::store::Grant;

/// What an ID token is to say.
pub(crate) struct IdTokenRequest<'a> {
    pub(crate) client: &'a Client,
    pub(crate) grant: &'a Grant,
    pub(crate) scopes: &'a [String],
    /// What the host says of the user.
    pub(crate) claims: Claims,
    /// The access token it comes with.
    pub(crate) access_token: &'a AccessTokenJwt,
    /// The `nonce` of the request; on a refresh there is none (OpenID Connect Core,
    /// section 12.2).
    pub(crate) nonce: Option<&'a str>,
    pub(crate) now: OffsetDateTime,
}

/// Makes an ID token (OpenID Connect Core, section 2), signed with the client's algorithm. The
/// host's claims come first, so that they can be no claim of the protocol's.
pub(crate) fn issue_id_token(
    provider: &Provider,
    request: IdTokenRequest<'_>,
) -> Result<IdTokenJwt, ProviderError> {
    let algorithm = request.client.id_token_algorithm();
    let authentication = &request.grant.authentication;
    let mut claims = keep_granted_claims(request.claims.id_token, request.scopes);
    // Also those that this token does not carry: the host cannot make one up.
    for protocols_own in PROTOCOL_CLAIMS {
        claims.remove(*protocols_own);
    }
    let mut say = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    say("iss", provider.issuer.as_str().into());
    say("sub", request.grant.subject.as_str().into());
    say("aud", request.client.id().into());
    say("exp", seconds(request.now + provider.lifetimes.id_token));
    say("iat", seconds(request.now));
    say("auth_time", seconds(authentication.at));
    say("sid", authentication.session_id.to_string().into());
    say("amr", methods(authentication).into());
    say("at_hash", left_half_hash(algorithm, request.access_token.as_str()).into());
    if let Some(acr) = &authentication.context_class {
        say("acr", acr.as_str().into());
    }
    if let Some(nonce) = request.nonce {
        say("nonce", nonce.into());
    }
    sign(provider, algorithm, &claims, request.now)
}

/// Claims that only the protocol makes.
const PROTOCOL_CLAIMS: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    "azp",
    "auth_time",
    "acr",
    "amr",
    "sid",
    "events",
    "client_id",
    "cnf",
    "scope",
    "grant_id",
];

fn seconds(time: OffsetDateTime) -> Value {
    NumericDate::from(time).seconds().into()
}

fn sign(
    provider: &Provider,
    algorithm: crate::jose::Algorithm,
    claims: &Map<String, Value>,
    now: OffsetDateTime,
) -> Result<IdTokenJwt, ProviderError> {
    let keys = provider.keys.current();
    let key = keys.signer(algorithm, now).ok_or(ProviderError::SigningFailed)?;
    IdTokenJwt::sign(key, claims).map_err(ProviderError::from)
}
