use time::OffsetDateTime;

use super::limits;
use crate::http::Form;
use crate::jose::{Algorithm, ClaimRules, JwtVerifier, RegisteredClaims, VerifyingKey};
use crate::provider::{Client, ProviderError};
use crate::scope::UserId;

/// OpenID Connect Core, section 3.1.2.1: an ID token of ours, made for this client, that says
/// whom the client means. It may be over: it tells who, not whether.
pub(in crate::provider) fn check_id_token_hint(
    form: &Form,
    client: &Client,
    issuer: &str,
    keys: &[VerifyingKey],
    now: OffsetDateTime,
) -> Result<Option<UserId>, ProviderError> {
    let Some(token) = form.get("id_token_hint")? else { return Ok(None) };
    if token.len() > limits::ID_TOKEN_HINT {
        return Err(ProviderError::ParameterTooLong("id_token_hint"));
    }
    let rules = ClaimRules::new().issuer(issuer).audience(client.id()).danger_ignore_expiry();
    let verified = JwtVerifier::id_token(&Algorithm::ALL, rules)
        .verify::<RegisteredClaims>(token, keys, now)
        .map_err(|_| ProviderError::InvalidIdTokenHint)?;
    let subject = verified.into_claims().sub.ok_or(ProviderError::InvalidIdTokenHint)?;
    UserId::new(subject).map(Some).map_err(|_| ProviderError::InvalidIdTokenHint)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::super::fixture::{form, public};
    use super::*;
    use crate::jose::{AccessTokenJwt, IdTokenJwt, SigningKey};

    const NOW: OffsetDateTime = datetime!(2026-11-01 12:00 UTC);

    fn check(token: &str, key: &SigningKey) -> Result<Option<UserId>, ProviderError> {
        let form = form(&[("id_token_hint", token)]);
        let keys = [key.verifying_key().clone()];
        check_id_token_hint(&form, &public(|_| {}), "https://op.example", &keys, NOW)
    }

    #[test]
    fn our_own_token_names_the_user_even_when_it_is_over() {
        let key = SigningKey::generate(Algorithm::ES256).unwrap();
        let claims = json!({ "iss": "https://op.example", "aud": "spa", "sub": "alice", "exp": 1, "iat": 1 });
        let token = IdTokenJwt::sign(&key, &claims).unwrap().into_string();
        assert_eq!(check(&token, &key).unwrap().unwrap().as_str(), "alice");
    }

    #[test]
    fn a_strangers_token_another_clients_or_another_kind_names_nobody() {
        let key = SigningKey::generate(Algorithm::ES256).unwrap();
        let stranger = SigningKey::generate(Algorithm::ES256).unwrap();
        let claims = |iss: &str, aud: &str| json!({ "iss": iss, "aud": aud, "sub": "alice", "exp": 1, "iat": 1 });
        let good = claims("https://op.example", "spa");
        let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.";
        for attack in [
            IdTokenJwt::sign(&stranger, &good).unwrap().into_string(),
            IdTokenJwt::sign(&key, &claims("https://evil.example", "spa")).unwrap().into_string(),
            IdTokenJwt::sign(&key, &claims("https://op.example", "other")).unwrap().into_string(),
            AccessTokenJwt::sign(&key, &good).unwrap().into_string(),
            unsigned.to_owned(),
            "nonsense".to_owned(),
        ] {
            assert_eq!(check(&attack, &key), Err(ProviderError::InvalidIdTokenHint), "{attack}");
        }
    }
}
