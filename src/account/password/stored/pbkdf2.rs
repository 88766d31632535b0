//! PBKDF2 (RFC 8018, section 5.2) as Django, passlib and PHC strings write it.

use std::num::NonZeroU32;

use aws_lc_rs::{digest, pbkdf2};

use super::text::{KEY, number, numbers, padded_key, parts, unpadded, unpadded_key};
use super::{ImportLimits, Pbkdf2Hmac as Prf, StoredCost};

#[derive(Clone)]
pub(super) struct Pbkdf2Hash {
    prf: Prf,
    rounds: NonZeroU32,
    salt: Vec<u8>,
    key: Vec<u8>,
}

impl Pbkdf2Hash {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::parse_django(text).or_else(|| Self::parse_phc(text))
    }

    /// `pbkdf2_sha256$ROUNDS$SALT$HASH`, where the salt is text.
    fn parse_django(text: &str) -> Option<Self> {
        let [name, rounds, salt, key] = parts(text)?;
        let prf = match name {
            "pbkdf2_sha1" => Prf::Sha1,
            "pbkdf2_sha256" => Prf::Sha256,
            _ => return None,
        };
        let rounds = NonZeroU32::new(number(rounds)?)?;
        Some(Self { prf, rounds, salt: salt.as_bytes().to_vec(), key: padded_key(key)? })
    }

    /// `$pbkdf2-sha256$i=ROUNDS,l=LENGTH$SALT$HASH`; passlib has the rounds alone.
    fn parse_phc(text: &str) -> Option<Self> {
        let ["", name, cost, salt, key] = parts(text)? else { return None };
        let prf = match name {
            "pbkdf2" | "pbkdf2-sha1" => Prf::Sha1,
            "pbkdf2-sha256" => Prf::Sha256,
            "pbkdf2-sha512" => Prf::Sha512,
            _ => return None,
        };
        let key = unpadded_key(key)?;
        let rounds = match numbers(cost, ["i", "l"]) {
            Some([rounds, length]) => {
                (usize::try_from(length).ok()? == key.len()).then_some(rounds)?
            }
            None => numbers(cost, ["i"]).map(|[rounds]| rounds).or_else(|| number(cost))?,
        };
        Some(Self { prf, rounds: NonZeroU32::new(rounds)?, salt: unpadded(salt)?, key })
    }

    pub(super) fn is_within(&self, limits: &ImportLimits) -> bool {
        u64::from(self.blocks()).saturating_mul(self.rounds.get().into()) <= limits.pbkdf2
    }

    pub(super) fn cost(&self) -> StoredCost {
        let (rounds, blocks) = (self.rounds.get(), self.blocks());
        StoredCost::Pbkdf2 { hmac: self.prf, rounds, blocks }
    }

    /// Each as long as the output of the hash function, and each costs all rounds.
    fn blocks(&self) -> u32 {
        u32::try_from(self.key.len().div_ceil(output(self.prf))).unwrap_or(u32::MAX)
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let algorithm = match self.prf {
            Prf::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Prf::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Prf::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        };
        pbkdf2::verify(algorithm, self.rounds, &self.salt, password, &self.key).is_ok()
    }
}

/// Bytes of one output.
fn output(prf: Prf) -> usize {
    match prf {
        Prf::Sha1 => digest::SHA1_OUTPUT_LEN,
        Prf::Sha256 => digest::SHA256_OUTPUT_LEN,
        Prf::Sha512 => digest::SHA512_OUTPUT_LEN,
    }
}

/// How long a key of so many blocks is, at most.
pub(super) fn key_length(prf: Prf, blocks: u32) -> usize {
    let blocks = usize::try_from(blocks).unwrap_or(usize::MAX);
    output(prf).saturating_mul(blocks).min(*KEY.end())
}
