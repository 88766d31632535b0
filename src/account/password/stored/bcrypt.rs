//! bcrypt, by itself and as Django wraps it.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::text::number;
use super::{ImportLimits, StoredCost};
use crate::crypto::{constant_time_eq, sha256};

/// What bcrypt reads of a password, in bytes; the NUL that ends it included.
const KEY: usize = 72;
/// The characters of the salt.
const SALT: usize = 22;
/// How many bytes of the digest are written.
pub(super) const DIGEST: usize = 23;

/// Some that made salts of random characters left bits in the last that nobody reads.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// What follows the cost in the text of a hash.
pub(super) fn text(salt: [u8; 16], digest: &[u8]) -> String {
    BASE64.encode(salt) + &BASE64.encode(digest)
}

#[derive(Clone)]
pub(super) struct BcryptHash {
    cost: u32,
    salt: [u8; 16],
    digest: [u8; DIGEST],
    /// Whether not the password was hashed, but its SHA-256 in hexadecimal.
    of_sha256: bool,
}

impl BcryptHash {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let sha256 = text.strip_prefix("bcrypt_sha256$");
        let text = sha256.or_else(|| text.strip_prefix("bcrypt$")).unwrap_or(text);
        let rest = ["$2a$", "$2b$", "$2y$"].iter().find_map(|v| text.strip_prefix(*v))?;
        let (cost, rest) = rest.split_once('$')?;
        let cost = (cost.len() == 2).then(|| number(cost)).flatten()?;
        let (salt, digest) = rest.split_at_checked(SALT)?;
        Some(Self {
            cost: (4..=31).contains(&cost).then_some(cost)?,
            salt: BASE64.decode(salt).ok()?.try_into().ok()?,
            digest: BASE64.decode(digest).ok()?.try_into().ok()?,
            of_sha256: sha256.is_some(),
        })
    }

    pub(super) fn is_within(&self, limits: &ImportLimits) -> bool {
        self.cost <= limits.bcrypt
    }

    pub(super) fn cost(&self) -> StoredCost {
        StoredCost::Bcrypt { cost: self.cost }
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        if self.of_sha256 {
            let hex: String = sha256(password).iter().map(|byte| format!("{byte:02x}")).collect();
            return self.is_of(hex.as_bytes());
        }
        // With a NUL in it, another password could be the same one: bcrypt repeats its key, and
        // the NUL between two repetitions is part of it.
        self.is_of(password) & !password.contains(&0)
    }

    fn is_of(&self, password: &[u8]) -> bool {
        let key: Vec<u8> = password.iter().copied().chain([0]).take(KEY).collect();
        let digest = bcrypt::bcrypt(self.cost, self.salt, &key);
        // The last byte of the 24 is written by nobody.
        digest.split_last().is_some_and(|(_, digest)| constant_time_eq(digest, &self.digest))
    }
}
