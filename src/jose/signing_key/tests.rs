use super::*;
use crate::jose::base64url;
use crate::jose::vectors::{RFC8037_JWK, RFC8037_SEED, RFC8037_TOKEN, RSA_1024_PKCS8};

#[test]
fn every_algorithm_signs_what_its_public_key_verifies() {
    for algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm).unwrap();
        let signature = key.sign(b"message").unwrap();
        assert!(key.verifying_key().verifies(algorithm, b"message", &signature), "{algorithm}");
        assert!(!key.verifying_key().verifies(algorithm, b"massage", &signature), "{algorithm}");
    }
}

#[test]
fn a_key_survives_pkcs8() {
    for algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm).unwrap();
        let pkcs8 = key.to_pkcs8().unwrap();
        let again = SigningKey::from_pkcs8(algorithm, pkcs8.as_bytes()).unwrap();
        assert_eq!(again.public_jwk(), key.public_jwk(), "{algorithm}");
        let signature = again.sign(b"message").unwrap();
        assert!(key.verifying_key().verifies(algorithm, b"message", &signature), "{algorithm}");
    }
}

#[test]
fn a_key_is_refused_for_another_algorithms_type() {
    let pkcs8 = |algorithm| SigningKey::generate(algorithm).unwrap().to_pkcs8().unwrap();
    for (made_for, read_for) in [
        (Algorithm::ES256, Algorithm::ES384),
        (Algorithm::ES256, Algorithm::RS256),
        (Algorithm::EdDSA, Algorithm::ES256),
        (Algorithm::RS256, Algorithm::EdDSA),
    ] {
        let read = SigningKey::from_pkcs8(read_for, pkcs8(made_for).as_bytes());
        assert_eq!(read.unwrap_err(), SigningError::KeyRejected, "{made_for} as {read_for}");
    }
    for bytes in [&b""[..], b"garbage", &[0x30; 64]] {
        let read = SigningKey::from_pkcs8(Algorithm::ES256, bytes);
        assert_eq!(read.unwrap_err(), SigningError::KeyRejected);
    }
}

#[test]
fn ecdsa_signatures_have_fixed_length() {
    for (algorithm, len) in [(Algorithm::ES256, 64), (Algorithm::ES384, 96)] {
        let key = SigningKey::generate(algorithm).unwrap();
        // DER would vary in length within a few signatures.
        assert!((0..32).all(|_| key.sign(b"message").unwrap().len() == len));
    }
}

#[test]
fn the_kid_is_the_thumbprint_and_the_jwk_says_what_for() {
    let key = SigningKey::generate(Algorithm::EdDSA).unwrap();
    let jwk = key.public_jwk();
    assert_eq!(key.kid(), jwk.thumbprint().to_string());
    assert_eq!(jwk.kid(), Some(key.kid()));
    assert_eq!((jwk.alg(), jwk.usage()), (Some("EdDSA"), Some("sig")));
}

#[test]
fn nothing_private_is_printed() {
    let key = SigningKey::generate(Algorithm::ES256).unwrap();
    let pkcs8 = key.to_pkcs8().unwrap();
    assert_eq!(format!("{pkcs8:?}"), "Pkcs8([redacted])");
    let printed = format!("{key:?}");
    assert!(printed.contains("[redacted]") && printed.contains(key.kid()), "{printed}");
    let members: serde_json::Value = serde_json::to_value(key.public_jwk()).unwrap();
    let names: Vec<_> = members.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
}

#[test]
fn rfc_8037_appendix_a_4_is_signed_to_the_byte() {
    const PKCS8_PREFIX: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    let pkcs8 = [PKCS8_PREFIX, &base64url::decode(RFC8037_SEED).unwrap()].concat();
    let key = SigningKey::from_pkcs8(Algorithm::EdDSA, &pkcs8).unwrap();
    let published = Jwk::from_json(RFC8037_JWK.as_bytes()).unwrap();
    assert_eq!(key.public_jwk().thumbprint(), published.thumbprint());
    let (input, signature) = RFC8037_TOKEN.rsplit_once('.').unwrap();
    assert_eq!(base64url::encode(key.sign(input.as_bytes()).unwrap()), signature);
}

#[test]
fn short_rsa_keys_are_refused() {
    let pkcs8 = base64url::decode(RSA_1024_PKCS8).unwrap();
    let error = SigningKey::from_pkcs8(Algorithm::RS256, &pkcs8).unwrap_err();
    assert_eq!(error, SigningError::KeyRejected);
}
