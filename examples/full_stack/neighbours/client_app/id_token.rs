use axum::BoxError;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};

use super::Registration;
use super::login::{Claims, LoginError};

/// Verifies an ID token as OpenID Connect Core, section 3.1.3.7, says. A client that registered no
/// algorithm gets RS256.
pub(super) fn verify(
    id_token: &str,
    keys: &[u8],
    registration: &Registration,
    nonce: &str,
) -> Result<Claims, LoginError> {
    let keys: JwkSet = serde_json::from_slice(keys).map_err(BoxError::from)?;
    let key_id = decode_header(id_token)?.kid.ok_or(LoginError::IdToken("no kid"))?;
    let key = keys.find(&key_id).ok_or(LoginError::IdToken("no such key"))?;

    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    rules.set_issuer(&[&registration.issuer]);
    rules.set_audience(&[&registration.client_id]);
    let claims = decode::<Claims>(id_token, &DecodingKey::from_jwk(key)?, &rules)?.claims;
    if claims.get("nonce").and_then(|value| value.as_str()) != Some(nonce) {
        return Err(LoginError::IdToken("the nonce is another login's"));
    }
    Ok(claims)
}
