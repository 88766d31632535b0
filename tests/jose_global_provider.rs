//! The process-wide provider of `jsonwebtoken` belongs to the host application.
//!
//! A host may install one of its own, or pull in a second backend, which makes the default panic at
//! its first use. So this process installs the worst of all, and everything still has to work. It is
//! a binary of its own because the choice is made once per process.
#![cfg(any(feature = "provider", feature = "resource"))]

use donjon::jose::{AccessTokenJwt, Algorithm, ClaimRules, Jwk, JwkSet, JwtVerifier, SigningKey};
use jsonwebtoken::crypto::{CryptoProvider, KeyUtils};
use serde_json::{Value, json};
use time::macros::datetime;

#[expect(clippy::panic, reason = "its use is what the test must notice")]
static TRAP: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| panic!("the process-wide provider was asked to sign"),
    verifier_factory: |_, _| panic!("the process-wide provider was asked to verify"),
    key_utils: KeyUtils::new_unimplemented(),
};

#[test]
fn the_process_wide_provider_is_never_used() {
    assert!(TRAP.install_default().is_ok(), "something had used the provider already");
    let peer = std::panic::catch_unwind(|| {
        let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
        jsonwebtoken::encode(&header, &json!({}), &jsonwebtoken::EncodingKey::from_secret(b"k"))
    });
    assert!(peer.is_err(), "the trap does not work");

    for algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm).unwrap();
        let key = SigningKey::from_pkcs8(algorithm, key.to_pkcs8().unwrap().as_bytes()).unwrap();
        let jwk = serde_json::to_vec(key.public_jwk()).unwrap();
        let set = JwkSet::new([Jwk::from_json(&jwk).unwrap()]).unwrap();
        let token = AccessTokenJwt::sign(&key, &json!({ "exp": 1_800_000_000 })).unwrap();
        let verifier = JwtVerifier::access_token(&[algorithm], ClaimRules::new());
        let now = datetime!(2026-11-01 12:00 UTC);
        let verified = verifier.verify::<Value>(token.as_str(), &set.verifying_keys(), now);
        assert!(verified.is_ok(), "{algorithm}");
    }
}
