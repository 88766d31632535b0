use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::super::hash::HashCost;
use super::{ImportLimits, StoredHash, bcrypt, pbkdf2};
use crate::crypto::{Random, RandomExt as _};

/// What verifying one stored hash takes: its algorithm and parameters, without salt and hash.
///
/// Who declares them ([`PasswordPool::stored_as`](super::super::PasswordPool::stored_as),
/// [`AccountLayerBuilder::stored_as`](crate::account::AccountLayerBuilder::stored_as)) has the time of
/// a login tell nobody whose hash is which. [`StoredHash::cost`] reads it off a hash, so that the ones
/// to declare can be collected from a table:
///
/// ```
/// use donjon::account::password::{HashCost, ImportLimits, StoredCost, StoredHash};
///
/// let from_rails = "$2a$12$K3TvkPBr4LVQAbZHcbT6VOQVdmMKSnVJp0pBUUxDkbWfo1fpJTWxy";
/// let cost = StoredHash::parse(from_rails, &ImportLimits::default())?.cost();
/// assert_eq!(cost, StoredCost::Bcrypt { cost: 12 });
/// assert_eq!(cost.to_string(), "$2b$12");
///
/// let of_last_year = StoredCost::from(HashCost { memory: 19_456, passes: 2, lanes: 1 });
/// assert_eq!(of_last_year.to_string(), "$argon2id$v=19$m=19456,t=2,p=1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoredCost {
    /// argon2 (RFC 9106). A [`HashCost`] of former days turns into one.
    Argon2 {
        /// Which of the three.
        kind: Argon2Kind,
        /// The version as PHC strings have it: 19, or 16 of before the RFC.
        version: u32,
        /// Memory, passes and lanes.
        cost: HashCost,
    },
    /// bcrypt, by itself or as Django wraps it.
    Bcrypt {
        /// The power of two that stands in the hash; 4 to 31.
        cost: u32,
    },
    /// PBKDF2 (RFC 8018, section 5.2).
    Pbkdf2 {
        /// The hash function of its HMAC.
        hmac: Pbkdf2Hmac,
        /// Rounds, for each block.
        rounds: u32,
        /// Blocks: the length of the key by that of the hash function's output, rounded up; mostly
        /// one.
        blocks: u32,
    },
    /// scrypt (RFC 7914, section 2).
    Scrypt {
        /// The power of two that `N` is.
        log_n: u8,
        /// The size of a block.
        r: u32,
        /// Parallelization.
        p: u32,
    },
}

/// The variants of argon2 (RFC 9106, section 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Argon2Kind {
    /// argon2d.
    D,
    /// argon2i.
    I,
    /// argon2id.
    Id,
}

/// The hash functions that PBKDF2 is verified with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pbkdf2Hmac {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// Why a cost cannot be declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoredCostError {
    /// No hash has it.
    #[error("no password hash has the cost {0}")]
    Impossible(StoredCost),
    /// Verifying it would take more memory or time than [`ImportLimits`] allow.
    #[error("a password hash of the cost {0} is beyond the import limits")]
    TooCostly(StoredCost),
}

impl From<HashCost> for StoredCost {
    /// argon2id, as it is hashed here.
    fn from(cost: HashCost) -> Self {
        Self::Argon2 { kind: Argon2Kind::Id, version: 19, cost }
    }
}

/// As a hash of this cost begins, in the modular crypt format or as a PHC string.
impl fmt::Display for StoredCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Argon2 { kind, version, cost: HashCost { memory, passes, lanes } } => {
                let kind = match kind {
                    Argon2Kind::D => "argon2d",
                    Argon2Kind::I => "argon2i",
                    Argon2Kind::Id => "argon2id",
                };
                write!(f, "${kind}$v={version}$m={memory},t={passes},p={lanes}")
            }
            Self::Bcrypt { cost } => write!(f, "$2b${cost:02}"),
            Self::Pbkdf2 { hmac, rounds, blocks } => {
                let name = match hmac {
                    Pbkdf2Hmac::Sha1 => "pbkdf2",
                    Pbkdf2Hmac::Sha256 => "pbkdf2-sha256",
                    Pbkdf2Hmac::Sha512 => "pbkdf2-sha512",
                };
                write!(f, "${name}$i={rounds},l={}", pbkdf2::key_length(hmac, blocks))
            }
            Self::Scrypt { log_n, r, p } => write!(f, "$scrypt$ln={log_n},r={r},p={p}"),
        }
    }
}

impl StoredCost {
    /// What it takes, in the KiB that argon2 fills meanwhile; about, by what [`ImportLimits`] hold
    /// for a second.
    pub(in crate::account::password) fn work(self) -> u64 {
        let work = match self {
            Self::Argon2 { cost, .. } => u64::from(cost.memory) * u64::from(cost.passes),
            Self::Bcrypt { cost } => {
                1_u64.checked_shl(cost).unwrap_or(u64::MAX).saturating_mul(128)
            }
            Self::Pbkdf2 { rounds, blocks, .. } => u64::from(rounds) * u64::from(blocks),
            Self::Scrypt { log_n, r, p } => {
                1_u64
                    .checked_shl(log_n.into())
                    .unwrap_or(u64::MAX)
                    .saturating_mul(u64::from(r).saturating_mul(p.into()))
                    / 8
            }
        };
        work.max(1)
    }

    /// A hash of this cost that no password has: its bytes are drawn, not computed.
    pub(in crate::account::password) fn of_nobody(
        self,
        random: &dyn Random,
        limits: &ImportLimits,
    ) -> Result<StoredHash, StoredCostError> {
        let salt: [u8; 16] = random.bytes();
        let key: [u8; 64] = random.bytes();
        let take = |length: usize| key.get(..length).unwrap_or(&key);
        let encode = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
        let rest = match self {
            Self::Bcrypt { .. } => bcrypt::text(salt, take(bcrypt::DIGEST)),
            Self::Pbkdf2 { hmac, blocks, .. } => {
                let key = take(pbkdf2::key_length(hmac, blocks));
                format!("{}${}", encode(&salt), encode(key))
            }
            Self::Argon2 { .. } | Self::Scrypt { .. } => {
                format!("{}${}", encode(&salt), encode(take(32)))
            }
        };
        let hash =
            StoredHash::parse(&format!("{self}${rest}"), limits).map_err(|error| match error {
                super::StoredHashError::Unknown => StoredCostError::Impossible(self),
                super::StoredHashError::TooCostly => StoredCostError::TooCostly(self),
            })?;
        if hash.cost() == self { Ok(hash) } else { Err(StoredCostError::Impossible(self)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;

    const IMPORTED: &str = include_str!("../../../../tests/fixtures/passwords/imported.json");

    /// What stands in for a hash is of its very cost, whoever made that.
    #[test]
    fn a_hash_of_nobody_costs_what_the_hash_of_somebody_costs() {
        let cases: Vec<serde_json::Value> = serde_json::from_str(IMPORTED).unwrap();
        let limits = ImportLimits::default();
        for case in cases {
            let text = case["hash"].as_str().unwrap();
            let cost = StoredHash::parse(text, &limits).unwrap().cost();
            let nobody = cost.of_nobody(&SystemRandom, &limits).unwrap();
            assert_eq!(nobody.cost(), cost, "{text}");
            assert!(nobody.text().0.starts_with(&cost.to_string()), "{text}");
            let password = case["password"].as_str().unwrap();
            assert!(cost.work() > 1 << 17 || !nobody.verify(password), "{text}");
        }
    }

    #[test]
    fn a_cost_that_no_hash_has_or_may_have_is_not_declared() {
        let argon2 = |memory, passes, lanes| StoredCost::from(HashCost { memory, passes, lanes });
        let pbkdf2 =
            |rounds, blocks| StoredCost::Pbkdf2 { hmac: Pbkdf2Hmac::Sha256, rounds, blocks };
        let scrypt = |log_n, r, p| StoredCost::Scrypt { log_n, r, p };
        let old = |version| StoredCost::Argon2 {
            kind: Argon2Kind::I,
            version,
            cost: HashCost { memory: 64, passes: 1, lanes: 1 },
        };
        let declare = |cost: StoredCost| {
            cost.of_nobody(&SystemRandom, &ImportLimits::default()).map(|hash| hash.cost())
        };
        for possible in [
            argon2(64, 1, 1),
            old(16),
            old(19),
            StoredCost::Bcrypt { cost: 4 },
            pbkdf2(1, 1),
            pbkdf2(1, 2),
            StoredCost::Pbkdf2 { hmac: Pbkdf2Hmac::Sha1, rounds: 9, blocks: 4 },
            StoredCost::Pbkdf2 { hmac: Pbkdf2Hmac::Sha512, rounds: 9, blocks: 1 },
            scrypt(16, 1, 1),
        ] {
            assert_eq!(declare(possible), Ok(possible));
        }
        for impossible in [
            argon2(64, 0, 1),
            argon2(1, 1, 1),
            old(17),
            StoredCost::Bcrypt { cost: 3 },
            StoredCost::Bcrypt { cost: 32 },
            pbkdf2(0, 1),
            pbkdf2(1, 0),
            pbkdf2(1, 3),
            scrypt(0, 8, 1),
            scrypt(10, 0, 1),
        ] {
            assert_eq!(declare(impossible), Err(StoredCostError::Impossible(impossible)));
        }
        for costly in [
            argon2(300_000, 1, 1),
            StoredCost::Bcrypt { cost: 31 },
            pbkdf2(5_000_001, 1),
            scrypt(19, 8, 1),
        ] {
            assert_eq!(declare(costly), Err(StoredCostError::TooCostly(costly)));
        }
    }

    #[test]
    fn work_is_about_time() {
        let second = 2 * 1024 * 1024;
        for (cost, takes) in [
            (StoredCost::from(HashCost { memory: 256 * 1024, passes: 8, lanes: 4 }), second),
            (StoredCost::Bcrypt { cost: 15 }, 2 * second),
            (StoredCost::Scrypt { log_n: 18, r: 8, p: 8 }, second),
        ] {
            assert_eq!(cost.work(), takes, "{cost}");
        }
        let pbkdf2 = StoredCost::Pbkdf2 { hmac: Pbkdf2Hmac::Sha256, rounds: 5_000_000, blocks: 1 };
        assert!((2 * second..3 * second).contains(&pbkdf2.work()));
        assert_eq!(StoredCost::Scrypt { log_n: 255, r: u32::MAX, p: 9 }.work(), u64::MAX / 8);
    }
}
