use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};

use crate::crypto::{Random, RandomExt as _, Redacted};

/// What a hash of a password (argon2id, RFC 9106) costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HashCost {
    /// Memory, in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for HashCost {
    /// 19 MiB, two passes, one lane: the second of the equivalent settings that OWASP's Password
    /// Storage Cheat Sheet recommends.
    fn default() -> Self {
        Self { memory: 19_456, passes: 2, lanes: 1 }
    }
}

/// Hashes at one cost.
#[derive(Clone, Debug)]
pub(super) struct Hasher {
    params: Params,
}

impl Hasher {
    pub(super) fn new(cost: HashCost) -> Result<Self, argon2::Error> {
        let params = Params::new(cost.memory, cost.passes, cost.lanes, None)?;
        Ok(Self { params })
    }

    /// What its hashes cost.
    pub(super) fn cost(&self) -> HashCost {
        let params = &self.params;
        HashCost { memory: params.m_cost(), passes: params.t_cost(), lanes: params.p_cost() }
    }

    /// The password, all of it, as a PHC string with a salt of its own.
    pub(super) fn hash(&self, random: &dyn Random, password: &str) -> Option<Redacted<String>> {
        super::trace::computed("hash", self.cost().into());
        let salt: [u8; 16] = random.bytes();
        let hash: PasswordHash =
            self.argon2().hash_password_with_salt(password.as_bytes(), &salt).ok()?;
        Some(Redacted(hash.to_string()))
    }

    /// Whether a hash was made at another cost, or by another algorithm.
    pub(super) fn is_outdated(&self, hash: &str) -> bool {
        PasswordHash::new(hash).map_or(true, |hash| {
            hash.algorithm != Algorithm::Argon2id.ident()
                || hash.version != Some(Version::V0x13.into())
                || Params::try_from(&hash).map_or(true, |params| {
                    params.m_cost() != self.params.m_cost()
                        || params.t_cost() != self.params.t_cost()
                        || params.p_cost() != self.params.p_cost()
                })
        })
    }

    fn argon2(&self) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::stored::{ImportLimits, StoredHash};
    use super::*;
    use crate::crypto::SystemRandom;

    fn verify(password: &str, hash: &str) -> bool {
        StoredHash::parse(hash, &ImportLimits::default()).unwrap().verify(password)
    }

    const CHEAP: HashCost = HashCost { memory: 64, passes: 1, lanes: 1 };

    #[test]
    fn a_hash_says_how_it_was_made_and_whether_that_is_still_how() {
        let hasher = Hasher::new(CHEAP).unwrap();
        let hash = hasher.hash(&SystemRandom, "correct horse").unwrap().0;
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        assert!(verify("correct horse", &hash) && !verify("Correct horse", &hash));
        assert!(!hasher.is_outdated(&hash));
        for other in [
            HashCost { memory: 65, ..CHEAP },
            HashCost { memory: 63, ..CHEAP },
            HashCost { passes: 2, ..CHEAP },
            HashCost { lanes: 2, memory: 64, ..CHEAP },
        ] {
            let other = Hasher::new(other).unwrap();
            assert!(other.is_outdated(&hash));
        }
        for other in ["$2b$12$whatever", "", &format!("argon2{hash}"), &hash.replace("id", "i")] {
            assert!(hasher.is_outdated(other), "{other}");
        }
    }

    #[test]
    fn no_character_is_cut_off() {
        let hasher = Hasher::new(CHEAP).unwrap();
        let long = "x".repeat(128);
        let hash = hasher.hash(&SystemRandom, &long).unwrap().0;
        assert!(verify(&long, &hash) && !verify(&long[..127], &hash));
    }

    #[test]
    fn the_default_cost_is_the_one_that_is_documented() {
        let hasher = Hasher::new(HashCost::default()).unwrap();
        let hash = hasher.hash(&SystemRandom, "password").unwrap().0;
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    }
}
