use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize, de};

use crate::crypto::{TokenHash, constant_time_eq};

/// The shortest secret that is stored as it is given, in bytes: one that a person made up is
/// shorter, and would not be safe under the fast hash that it is stored by.
pub(super) const MIN_SECRET: usize = 32;

/// SHA-256 of a client's secret.
///
/// A fast hash, because no secret chosen by people ever gets into the store: those that are stored
/// are 256 random bits of ours, and those in a host's configuration stay in memory.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretHash(TokenHash);

impl SecretHash {
    pub(crate) fn of(secret: &str) -> Self {
        Self(TokenHash::of(secret.as_bytes()))
    }

    /// Whether this is the hash of `secret`; in constant time.
    pub(crate) fn matches(&self, secret: &str) -> bool {
        constant_time_eq(self.0.as_bytes(), TokenHash::of(secret.as_bytes()).as_bytes())
    }
}

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Serialize for SecretHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0.as_bytes()))
    }
}

impl<'de> Deserialize<'de> for SecretHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = URL_SAFE_NO_PAD.decode(String::deserialize(deserializer)?);
        let bytes = bytes.ok().and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(|bytes| Self(TokenHash::from_bytes(bytes)))
            .ok_or_else(|| de::Error::custom("not the hash of a secret"))
    }
}
