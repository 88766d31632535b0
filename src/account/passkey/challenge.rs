use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::crypto::{Random, RandomExt as _, TokenHash, constant_time_eq};

/// What an authenticator has to sign: 256 random bits, good for one answer (WebAuthn Level 3,
/// section 13.4.3). That it is answered once only, the store sees to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Challenge([u8; 32]);

impl Challenge {
    /// A fresh challenge.
    pub fn generate(random: &dyn Random) -> Self {
        Self(random.bytes())
    }

    #[cfg(any(test, fuzzing))]
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The text that goes to the browser, and comes back in its client data.
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What the store knows it by.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }

    /// Whether this is what the client data say.
    pub(super) fn is(&self, text: &str) -> bool {
        constant_time_eq(self.expose().as_bytes(), text.as_bytes())
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge([redacted])")
    }
}
