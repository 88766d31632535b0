//! The good tokens that the targets know, and the keys they were signed with.

#![expect(clippy::expect_used, reason = "keys and tokens are part of the repository")]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::jose::{Algorithm, SigningKey, VerifyingKey};

pub(crate) const ISSUER: &str = "https://op.example";
pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-01 12:00 UTC);

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Access,
    Id,
}

#[derive(Clone, Copy)]
pub(super) struct Signed {
    pub(super) token: &'static str,
    pub(super) usage: Use,
}

/// Each was signed with another of our keys.
pub(super) const SIGNED: [Signed; 4] = [
    Signed { token: include_str!("../../../fuzz/seeds/jws/access-es256"), usage: Use::Access },
    Signed { token: include_str!("../../../fuzz/seeds/jws/access-eddsa"), usage: Use::Access },
    Signed { token: include_str!("../../../fuzz/seeds/jws/id-rs256"), usage: Use::Id },
    Signed { token: include_str!("../../../fuzz/seeds/jws/id-es384"), usage: Use::Id },
];

/// Our private keys: those of the SAML fixtures, which everybody knows, and one of sevens.
pub(super) static PRIVATE: LazyLock<[SigningKey; 4]> = LazyLock::new(|| {
    let pem = |algorithm, pem: &str| {
        let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let pkcs8 = STANDARD.decode(base64).expect("the fixture is base64");
        SigningKey::from_pkcs8(algorithm, &pkcs8).expect("the fixture is a key")
    };
    [
        pem(Algorithm::ES256, include_str!("../../../tests/fixtures/saml/idp-p256.test-key.pem")),
        ed25519(7),
        pem(Algorithm::RS256, include_str!("../../../tests/fixtures/saml/idp-rsa.test-key.pem")),
        pem(Algorithm::ES384, include_str!("../../../tests/fixtures/saml/idp-p384.test-key.pem")),
    ]
});

/// The key of somebody else.
pub(super) static FOREIGN: LazyLock<SigningKey> = LazyLock::new(|| ed25519(8));

/// Signs whatever it is as an ID token; with the key that verifies it.
#[cfg(feature = "social")]
pub(crate) fn sign_payload(payload: &[u8]) -> Option<(String, VerifyingKey)> {
    let key = &PRIVATE[1];
    let header = format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{}"}}"#, key.kid());
    let token = crate::jose::sign::sign_compact(key, header.as_bytes(), payload).ok()?;
    Some((token, key.verifying_key().clone()))
}

/// RFC 8410, section 7: the key whose seed is this byte throughout.
fn ed25519(byte: u8) -> SigningKey {
    const PREFIX: [u8; 16] = [
        0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    let pkcs8 = [&PREFIX[..], &[byte; 32]].concat();
    SigningKey::from_pkcs8(Algorithm::EdDSA, &pkcs8).expect("any seed is a key")
}

/// Our public keys.
pub(crate) fn keys() -> Vec<VerifyingKey> {
    PRIVATE.iter().map(|key| key.verifying_key().clone()).collect()
}

/// The tokens anew, by the names of the files they are in.
#[cfg(test)]
pub(crate) fn sign_seeds() -> Vec<(&'static str, String)> {
    use crate::jose::{AccessTokenJwt, IdTokenJwt};

    let exp = (NOW + time::Duration::HOUR).unix_timestamp();
    let claims = serde_json::json!({
        "iss": ISSUER, "sub": "alice", "aud": "spa", "exp": exp, "iat": NOW.unix_timestamp(),
        "jti": "1", "client_id": "spa", "scope": "openid api:read",
    });
    let [es256, eddsa, rs256, es384] = &*PRIVATE;
    let access = |key| AccessTokenJwt::sign(key, &claims).expect("a token").into_string();
    let id = |key| IdTokenJwt::sign(key, &claims).expect("a token").into_string();
    vec![
        ("access-es256", access(es256)),
        ("access-eddsa", access(eddsa)),
        ("id-rs256", id(rs256)),
        ("id-es384", id(es384)),
    ]
}
