//! PBKDF2 (RFC 8018, section 5.2) as Django, passlib and PHC strings write it.

use std::num::NonZeroU32;

use aws_lc_rs::{digest, pbkdf2};

use super::ImportLimits;
use super::text::{number, numbers, padded_key, parts, unpadded, unpadded_key};

#[derive(Clone)]
pub(super) struct Pbkdf2Hash {
    prf: Prf,
    rounds: NonZeroU32,
    salt: Vec<u8>,
    key: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Prf {
    Sha1,
    Sha256,
    Sha512,
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
        // Each piece as long as the hash function's output costs all rounds.
        let pieces = self.key.len().div_ceil(self.prf.output());
        let pieces = u64::try_from(pieces).unwrap_or(u64::MAX);
        pieces.saturating_mul(self.rounds.get().into()) <= limits.pbkdf2
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

impl Prf {
    /// Bytes of one output.
    fn output(self) -> usize {
        match self {
            Self::Sha1 => digest::SHA1_OUTPUT_LEN,
            Self::Sha256 => digest::SHA256_OUTPUT_LEN,
            Self::Sha512 => digest::SHA512_OUTPUT_LEN,
        }
    }
}
