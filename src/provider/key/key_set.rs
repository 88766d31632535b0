use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use crate::jose::{Algorithm, SigningKey, VerifyingKey};

/// Signing keys, ready for use.
#[derive(Debug)]
pub(crate) struct KeySet {
    /// Oldest first.
    keys: Vec<SigningKey>,
    verifying: Arc<[VerifyingKey]>,
    jwks: Bytes,
}

impl Default for KeySet {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl KeySet {
    /// Keys, oldest first.
    pub(super) fn new(keys: Vec<SigningKey>) -> Self {
        let public: Vec<_> = keys.iter().map(SigningKey::public_jwk).collect();
        let jwks = json!({ "keys": public }).to_string().into();
        let verifying = keys.iter().map(|key| key.verifying_key().clone()).collect();
        Self { keys, verifying, jwks }
    }

    /// The key that signs with an algorithm: the newest.
    pub(crate) fn signer(&self, algorithm: Algorithm) -> Option<&SigningKey> {
        self.keys.iter().rev().find(|key| key.algorithm() == algorithm)
    }

    /// The key with this id.
    pub(super) fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.kid() == kid)
    }

    /// The algorithms that there is a key for, in the order of [`Algorithm::ALL`].
    pub(crate) fn algorithms(&self) -> Vec<Algorithm> {
        Algorithm::ALL.into_iter().filter(|algorithm| self.signer(*algorithm).is_some()).collect()
    }

    /// The public parts, to verify with.
    pub(crate) fn verifying_keys(&self) -> Arc<[VerifyingKey]> {
        Arc::clone(&self.verifying)
    }

    /// The JWK set (RFC 7517, section 5), as it is published.
    pub(crate) fn jwks(&self) -> Bytes {
        self.jwks.clone()
    }

    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.jwks == other.jwks
    }
}
