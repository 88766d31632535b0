use time::OffsetDateTime;

use crate::crypto::RandomExt as _;
use crate::jose::{AccessTokenClaims, AccessTokenJwt, Algorithm, Audience};
use crate::provider::ProviderError;
use crate::provider::server::Provider;
use crate::store::Grant;

/// The algorithm of access tokens.
const ALGORITHM: Algorithm = Algorithm::ES256;

/// What an access token is to say.
pub(crate) struct AccessTokenRequest<'a> {
    /// The client it is issued to.
    pub(crate) client_id: &'a str,
    /// The grant it belongs to; without one the client acts for itself.
    pub(crate) grant: Option<&'a Grant>,
    pub(crate) scopes: &'a [String],
    pub(crate) resources: &'a [String],
    pub(crate) now: OffsetDateTime,
}

/// Makes an access token (RFC 9068). It is not stored: it can be verified, and revoked by its id
/// or its grant.
pub(crate) fn issue_access_token(
    provider: &Provider,
    request: &AccessTokenRequest<'_>,
) -> Result<AccessTokenJwt, ProviderError> {
    let authentication = request.grant.map(|grant| &grant.authentication);
    let subject = request.grant.map_or(request.client_id, |grant| grant.subject.as_str());
    let claims = AccessTokenClaims {
        iss: provider.issuer.as_str().to_owned(),
        sub: subject.to_owned(),
        aud: audience(provider.issuer.as_str(), request),
        exp: (request.now + provider.lifetimes.access_token).into(),
        iat: request.now.into(),
        jti: provider.random.token().expose(),
        client_id: request.client_id.to_owned(),
        scope: request.scopes.join(" "),
        auth_time: authentication.map(|authentication| authentication.at.into()),
        acr: authentication.and_then(|authentication| authentication.context_class.clone()),
        amr: authentication.map(methods).unwrap_or_default(),
        grant_id: request.grant.map(|grant| grant.id),
    };
    let keys = provider.keys.current();
    let key = keys.signer(ALGORITHM, request.now).ok_or(ProviderError::SigningFailed)?;
    AccessTokenJwt::sign(key, &claims).map_err(ProviderError::from)
}

/// Where the token may be used (RFC 8707, section 2.2): at the resources that were granted, and
/// nowhere else; or, if none were named, at the host's own API and the userinfo endpoint, which the
/// issuer stands for. A client that wants a token for both names the issuer among the resources.
fn audience(issuer: &str, request: &AccessTokenRequest<'_>) -> Audience {
    match request.resources {
        [] => Audience::One(issuer.to_owned()),
        [one] => Audience::One(one.clone()),
        many => Audience::Many(many.to_vec()),
    }
}

pub(super) fn methods(authentication: &crate::scope::Authentication) -> Vec<String> {
    authentication.methods.iter().map(|method| method.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audience_is_what_was_granted_and_the_issuer_where_nothing_was_named() {
        let audience = |resources: &[&str]| {
            let resources: Vec<String> =
                resources.iter().map(|resource| (*resource).to_owned()).collect();
            let request = AccessTokenRequest {
                client_id: "c",
                grant: None,
                scopes: &["openid".to_owned()],
                resources: &resources,
                now: OffsetDateTime::UNIX_EPOCH,
            };
            serde_json::to_string(&super::audience("i", &request)).unwrap()
        };
        assert_eq!(audience(&[]), r#""i""#);
        assert_eq!(audience(&["a"]), r#""a""#);
        assert_eq!(audience(&["a", "b"]), r#"["a","b"]"#);
        assert_eq!(audience(&["a", "i"]), r#"["a","i"]"#);
    }
}
