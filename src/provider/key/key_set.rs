use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use time::OffsetDateTime;

use crate::jose::{Algorithm, SigningKey, VerifyingKey};

/// A signing key, and from when on it signs.
#[derive(Clone, Debug)]
pub(super) struct ScheduledKey {
    pub(super) key: SigningKey,
    pub(super) signs_from: OffsetDateTime,
}

/// Signing keys, ready for use.
#[derive(Debug)]
pub(crate) struct KeySet {
    /// Oldest first.
    keys: Vec<ScheduledKey>,
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
    pub(super) fn new(keys: Vec<ScheduledKey>) -> Self {
        let public: Vec<_> = keys.iter().map(|scheduled| scheduled.key.public_jwk()).collect();
        let jwks = json!({ "keys": public }).to_string().into();
        let verifying =
            keys.iter().map(|scheduled| scheduled.key.verifying_key().clone()).collect();
        Self { keys, verifying, jwks }
    }

    /// The key that signs with an algorithm at this moment: the one whose time came last. If no
    /// key's has, because the node that made the first is ahead of this one's clock, the first.
    pub(crate) fn signer(&self, algorithm: Algorithm, now: OffsetDateTime) -> Option<&SigningKey> {
        let fit = || self.keys.iter().filter(|scheduled| scheduled.key.algorithm() == algorithm);
        let current = fit().filter(|scheduled| scheduled.signs_from <= now);
        let signer = current.max_by_key(|scheduled| scheduled.signs_from);
        let signer = signer.or_else(|| fit().min_by_key(|scheduled| scheduled.signs_from));
        signer.map(|scheduled| &scheduled.key)
    }

    /// The key with this id.
    pub(super) fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.keys.iter().map(|scheduled| &scheduled.key).find(|key| key.kid() == kid)
    }

    /// The algorithms that there is a key for, in the order of [`Algorithm::ALL`].
    pub(crate) fn algorithms(&self) -> Vec<Algorithm> {
        Algorithm::ALL.into_iter().filter(|algorithm| self.has(*algorithm)).collect()
    }

    /// Whether there is a key for an algorithm.
    pub(super) fn has(&self, algorithm: Algorithm) -> bool {
        self.keys.iter().any(|scheduled| scheduled.key.algorithm() == algorithm)
    }

    /// The public parts, to verify with.
    pub(crate) fn verifying_keys(&self) -> Arc<[VerifyingKey]> {
        Arc::clone(&self.verifying)
    }

    /// The JWK set (RFC 7517, section 5), as it is published: keys that are yet to sign too.
    pub(crate) fn jwks(&self) -> Bytes {
        self.jwks.clone()
    }

    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.jwks == other.jwks
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    #[test]
    fn the_key_whose_time_came_last_signs() {
        let scheduled = |seconds| ScheduledKey {
            key: SigningKey::generate(Algorithm::ES256).unwrap(),
            signs_from: NOW + Duration::seconds(seconds),
        };
        let keys = vec![scheduled(0), scheduled(60), scheduled(30)];
        let kids: Vec<String> = keys.iter().map(|key| key.key.kid().to_owned()).collect();
        let keys = KeySet::new(keys);
        let signer = |seconds| {
            let key = keys.signer(Algorithm::ES256, NOW + Duration::seconds(seconds)).unwrap();
            kids.iter().position(|kid| kid == key.kid()).unwrap()
        };
        for (seconds, expected) in [(-1, 0), (0, 0), (29, 0), (30, 2), (59, 2), (60, 1), (999, 1)] {
            assert_eq!(signer(seconds), expected, "{seconds}");
        }
        assert!(keys.signer(Algorithm::RS256, NOW).is_none() && !keys.has(Algorithm::RS256));
        for kid in &kids {
            assert!(String::from_utf8_lossy(&keys.jwks()).contains(kid.as_str()));
        }
    }
}
