use super::Shared;
use crate::account::password::spelling::spellings;
use crate::account::password::stored::StoredHash;
use crate::crypto::Redacted;

/// What verifying a password led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not the user's, or there is no user.
    Wrong,
    /// It is the user's.
    Right {
        /// The hash it was verified against.
        verified: Redacted<String>,
        /// The hash to store instead, if the stored one was made at another cost, or elsewhere.
        rehashed: Option<Redacted<String>>,
    },
}

impl Shared {
    /// Every spelling is tried, even if the first was right: the time tells what was typed, and not
    /// whether it is the password.
    pub(super) fn verify(
        &self,
        password: &str,
        stored: Option<Redacted<String>>,
        admitted: bool,
    ) -> Verdict {
        let known = stored.and_then(|stored| self.read(&stored));
        let hash = known.as_ref().unwrap_or(&self.nobody);
        let spelt = spellings(password);
        let right = hash.verify(&spelt.normalized);
        let as_typed = spelt.as_typed.is_some_and(|password| hash.verify(password));
        match known {
            Some(hash) if right || as_typed => {
                let verified = hash.text().clone();
                let outdated = !right || self.hasher.is_outdated(&verified.0);
                let rehashed = if admitted && outdated { self.hash(password) } else { None };
                Verdict::Right { verified, rehashed }
            }
            _ => Verdict::Wrong,
        }
    }

    /// The stored hash, if it is one that may be computed.
    pub(super) fn read(&self, stored: &Redacted<String>) -> Option<StoredHash> {
        StoredHash::parse(&stored.0, &self.limits)
            .inspect_err(|error| tracing::warn!(%error, "a stored password hash is useless"))
            .ok()
    }
}
