//! Making compact JWS.

use serde::Serialize;

use super::jws::MAX_TOKEN_BYTES;
use super::{SigningError, SigningKey, Typ, base64url};

/// Signs `claims` as a JWT of the given type, with `alg`, `kid` and `typ` in its header.
///
/// The claims are written as they serialise: put `exp`, `iat` and the like into them.
///
/// # Errors
/// [`SigningError::Claims`] when `claims` are not a JSON object, [`SigningError::TooLong`] when the
/// token would be over 16 KiB, [`SigningError::Crypto`] when the library fails.
pub fn sign_jwt<C: Serialize>(
    key: &SigningKey,
    typ: Typ,
    claims: &C,
) -> Result<String, SigningError> {
    let payload = serde_json::to_vec(claims).map_err(|_| SigningError::Claims)?;
    if !payload.starts_with(b"{") {
        return Err(SigningError::Claims);
    }
    // Nothing in these needs escaping: a registered name, base64url and a constant.
    let header = format!(r#"{{"alg":"{}","kid":"{}","typ":"{typ}"}}"#, key.algorithm(), key.kid());
    sign_compact(key, header.as_bytes(), &payload)
}

/// Signs `payload` under `header`, the JSON of a JOSE header that names the key's algorithm.
pub(super) fn sign_compact(
    key: &SigningKey,
    header: &[u8],
    payload: &[u8],
) -> Result<String, SigningError> {
    let input_len = base64url::encoded_len(header.len()) + base64url::encoded_len(payload.len());
    if input_len > MAX_TOKEN_BYTES {
        return Err(SigningError::TooLong);
    }
    // Room for the signature of an RSA key of 2048 bits and two dots.
    let mut token = String::with_capacity(input_len + 344);
    base64url::encode_into(header, &mut token);
    token.push('.');
    base64url::encode_into(payload, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    base64url::encode_into(signature, &mut token);
    if token.len() > MAX_TOKEN_BYTES {
        return Err(SigningError::TooLong);
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Algorithm;

    #[test]
    fn only_objects_of_a_bearable_size_are_signed() {
        let key = SigningKey::generate(Algorithm::EdDSA).unwrap();
        for claims in [serde_json::json!([1]), serde_json::json!("a"), serde_json::json!(null)] {
            assert_eq!(sign_jwt(&key, Typ::JWT, &claims), Err(SigningError::Claims));
        }
        for len in [12_140, 100_000] {
            let claims = serde_json::json!({ "a": "x".repeat(len) });
            let token = sign_jwt(&key, Typ::JWT, &claims);
            assert_eq!(token.map(|t| t.len()).unwrap_err(), SigningError::TooLong, "{len}");
        }
    }
}
