//! argon2 (RFC 9106) in PHC strings.

use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params};

use super::ImportLimits;

#[derive(Clone)]
pub(super) struct Argon2Hash {
    hash: PasswordHash,
    params: Params,
}

impl Argon2Hash {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let phc = if text.starts_with("argon2$") { text.strip_prefix("argon2")? } else { text };
        let hash = PasswordHash::new(phc).ok()?;
        Algorithm::try_from(hash.algorithm.as_str()).ok()?;
        let params = Params::try_from(&hash).ok()?;
        (hash.salt.is_some() && hash.hash.is_some()).then_some(Self { hash, params })
    }

    pub(super) fn is_within(&self, limits: &ImportLimits) -> bool {
        limits.allow(self.params.m_cost().into(), self.params.t_cost().into())
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        // The parameters are those of the hash.
        Argon2::default().verify_password(password, &self.hash).is_ok()
    }
}
