//! argon2 (RFC 9106) in PHC strings.

use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, MIN_SALT_LEN, Params, Version};

use super::super::hash::HashCost;
use super::{Argon2Kind, ImportLimits, StoredCost};

#[derive(Clone)]
pub(super) struct Argon2Hash {
    hash: PasswordHash,
    algorithm: Algorithm,
    version: Version,
    params: Params,
}

impl Argon2Hash {
    /// What argon2 would refuse at once is no hash: it would be wrong too soon.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let phc = if text.starts_with("argon2$") { text.strip_prefix("argon2")? } else { text };
        let hash = PasswordHash::new(phc).ok()?;
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
        let version = hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
        let params = Params::try_from(&hash).ok()?;
        let salted = hash.salt.as_ref().is_some_and(|salt| salt.len() >= MIN_SALT_LEN);
        (salted && hash.hash.is_some()).then_some(Self { hash, algorithm, version, params })
    }

    pub(super) fn is_within(&self, limits: &ImportLimits) -> bool {
        limits.allow(self.params.m_cost().into(), self.params.t_cost().into())
    }

    pub(super) fn cost(&self) -> StoredCost {
        let kind = match self.algorithm {
            Algorithm::Argon2d => Argon2Kind::D,
            Algorithm::Argon2i => Argon2Kind::I,
            Algorithm::Argon2id => Argon2Kind::Id,
        };
        let params = &self.params;
        let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
        let cost = HashCost { memory, passes, lanes };
        StoredCost::Argon2 { kind, version: self.version.into(), cost }
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        // The parameters are those of the hash.
        Argon2::default().verify_password(password, &self.hash).is_ok()
    }
}
