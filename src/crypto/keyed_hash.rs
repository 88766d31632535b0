use std::fmt;

use aws_lc_rs::hmac;

use super::{Keyring, Purpose, constant_time_eq};

/// HMAC-SHA-256 under the keyring: what is stored of a secret that is too short for a bare hash.
///
/// Whoever steals the hashes of six digits tries all million of them in a moment; without the key
/// they have nothing to try against. The hash is of several parts, such as a user and a code, and
/// no other parts have the same one, however they are cut. The other side of it: taking a key out
/// of the keyring voids what was hashed under it.
///
/// ```
/// use donjon::crypto::{KeyedHash, Keyring, Purpose, SystemRandom};
///
/// const CODES: Purpose = Purpose::new("example/codes");
/// let keyring = Keyring::ephemeral(&SystemRandom);
/// let stored = KeyedHash::of(&keyring, CODES, &[b"user 7", b"123456"]);
/// assert!(stored.is_of(&keyring, CODES, &[b"user 7", b"123456"]));
/// assert!(!stored.is_of(&keyring, CODES, &[b"user 8", b"123456"]));
/// ```
#[derive(Clone, Copy)]
pub struct KeyedHash([u8; 32]);

impl KeyedHash {
    /// The hash of `parts` under the current key, to be stored.
    pub fn of(keyring: &Keyring, purpose: Purpose, parts: &[&[u8]]) -> Self {
        Self(keyring.mac(purpose, &joined(parts)))
    }

    /// What the hash of `parts` may have been stored as, under each key; the current one first.
    pub fn candidates(keyring: &Keyring, purpose: Purpose, parts: &[&[u8]]) -> Vec<Self> {
        keyring.macs(purpose, &joined(parts)).into_iter().map(Self).collect()
    }

    /// Whether this is the hash of `parts` under any of the keys; in constant time for each.
    pub fn is_of(&self, keyring: &Keyring, purpose: Purpose, parts: &[&[u8]]) -> bool {
        keyring.verify_mac(purpose, &joined(parts), &self.0)
    }

    /// HMAC-SHA-256 (RFC 2104) of `message` under a key that the caller has derived.
    pub fn under(key: &[u8; 32], message: &[u8]) -> Self {
        let mut out = [0; 32];
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        out.copy_from_slice(hmac::sign(&key, message).as_ref());
        Self(out)
    }

    /// A hash read back from the store.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for KeyedHash {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(&self.0, &other.0)
    }
}

impl Eq for KeyedHash {}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHash([redacted])")
    }
}

/// The parts, each behind its length.
fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let with_length = |part: &&[u8]| [&(part.len() as u64).to_be_bytes(), *part].concat();
    parts.iter().flat_map(with_length).collect()
}

#[cfg(test)]
mod tests {
    use super::super::SystemRandom;
    use super::*;

    const A: Purpose = Purpose::new("test/a");
    const B: Purpose = Purpose::new("test/b");
    const OLD: &str = "k1:5Jc1EMlGuTtzHFLtUFo5sWZ3NUbMYE/eW2gNAzoq+jA=";
    const BOTH: &str = "k2:0yH4TkqgDcxKMZRzT0vT6cdSo1ZPy1b31L7vqyDpYtI=,\
                        k1:5Jc1EMlGuTtzHFLtUFo5sWZ3NUbMYE/eW2gNAzoq+jA=";

    #[test]
    fn a_keyed_hash_is_of_its_parts_its_purpose_and_its_keyring() {
        let keyring = Keyring::ephemeral(&SystemRandom);
        let hash = KeyedHash::of(&keyring, A, &[b"ab", b"c"]);
        assert!(hash.is_of(&keyring, A, &[b"ab", b"c"]));
        for other in [&[b"a".as_slice(), b"bc"][..], &[b"abc"], &[b"ab", b"c", b""], &[]] {
            assert!(!hash.is_of(&keyring, A, other), "{other:?}");
        }
        assert!(!hash.is_of(&keyring, B, &[b"ab", b"c"]));
        assert!(!hash.is_of(&Keyring::ephemeral(&SystemRandom), A, &[b"ab", b"c"]));
        assert_ne!(*hash.as_bytes(), super::super::sha256(&joined(&[b"ab", b"c"])));
        assert_eq!(format!("{hash:?}"), "KeyedHash([redacted])");
    }

    #[test]
    fn what_an_older_key_hashed_is_among_the_candidates() {
        let (old, both): (Keyring, Keyring) = (OLD.parse().unwrap(), BOTH.parse().unwrap());
        let stored = KeyedHash::of(&old, A, &[b"x"]);
        let candidates = KeyedHash::candidates(&both, A, &[b"x"]);
        assert_eq!(candidates, [KeyedHash::of(&both, A, &[b"x"]), stored]);
        assert!(stored.is_of(&both, A, &[b"x"]));
        assert_eq!(KeyedHash::from_bytes(*stored.as_bytes()), stored);
    }
}
