use super::{AuthMethod, ClientMetadata};
use crate::http::is_fetchable;
use crate::jose::{JwkSet, VerifyingKey};

/// The longest `jwks_uri`, in bytes.
const MAX_URI: usize = 2048;

/// RFC 7591, section 2: a client gives its keys by value or by reference, never both. Those given
/// by value are ready to use; those by reference are fetched when they are needed.
pub(super) fn check_key_source(
    metadata: &ClientMetadata,
    method: AuthMethod,
) -> Result<Vec<VerifyingKey>, (&'static str, &'static str)> {
    let keys = metadata.jwks.as_ref().map(JwkSet::verifying_keys).unwrap_or_default();
    match &metadata.jwks_uri {
        Some(_) if metadata.jwks.is_some() => {
            Err(("jwks_uri", "must be left out where there is jwks"))
        }
        Some(uri) if uri.len() > MAX_URI || !is_fetchable(uri) => {
            Err(("jwks_uri", "must be an https URL without user and fragment"))
        }
        None if method == AuthMethod::PrivateKeyJwt && keys.is_empty() => {
            Err(("jwks", "must hold a key to verify assertions with, or be at jwks_uri"))
        }
        _ => Ok(keys),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{Algorithm, SigningKey};

    fn check(jwks_uri: Option<&str>, jwks: bool) -> Result<usize, &'static str> {
        let mut metadata = ClientMetadata::new("machine");
        metadata.jwks_uri = jwks_uri.map(str::to_owned);
        if jwks {
            let key = SigningKey::generate(Algorithm::ES256).unwrap();
            metadata.jwks = Some(JwkSet::new([key.public_jwk().clone()]).unwrap());
        }
        check_key_source(&metadata, AuthMethod::PrivateKeyJwt)
            .map(|keys| keys.len())
            .map_err(|(field, _)| field)
    }

    #[test]
    fn keys_are_given_or_published_and_never_both() {
        let uri = "https://client.example/jwks.json";
        assert_eq!(check(None, true), Ok(1));
        assert_eq!(check(Some(uri), false), Ok(0));
        assert_eq!(check(Some(uri), true), Err("jwks_uri"));
        assert_eq!(check(None, false), Err("jwks"));
    }

    #[test]
    fn what_could_never_be_fetched_is_refused_at_once() {
        let long = format!("https://client.example/{}", "a".repeat(MAX_URI));
        for bad in ["", "/jwks", "http://client.example/", "file:///etc/passwd", &long] {
            assert_eq!(check(Some(bad), false), Err("jwks_uri"), "{bad}");
        }
        assert!(check(Some("https://user@client.example/"), false).is_err());
    }
}
