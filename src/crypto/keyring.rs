use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{Random, RandomExt as _, constant_time_eq};

/// The environment variable that [`Keyring::from_env`] reads.
pub const KEYRING_VARIABLE: &str = "DONJON_KEYRING";

/// The sealed format's first byte.
const FORMAT: u8 = 1;
const NONCE: usize = 12;
const TAG: usize = 16;

/// What a key is used for. Every purpose has keys of its own, derived from the keyring's, so that
/// a message sealed or signed for one use is refused by every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Purpose(&'static str);

impl Purpose {
    /// A purpose with a name that is unique in the program, such as `"provider/interaction"`.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }
}

/// Sealed bytes: format, key id, nonce, ciphertext, tag.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Bytes that were once [`Sealed::as_bytes`].
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// Why there is no keyring, or why something did not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// The environment holds no keyring.
    #[error(
        "{KEYRING_VARIABLE} is not set; set it to a key made by: echo \"k1:$(openssl rand -base64 32)\""
    )]
    Missing,
    /// An entry is not `id:base64`.
    #[error(
        "keyring entry {position} is not of the form id:base64 with an id of 1 to 16 letters, digits, '-' or '_'; \
         make one with: echo \"k1:$(openssl rand -base64 32)\""
    )]
    Malformed {
        /// The entry's place, from 1.
        position: usize,
    },
    /// A key is shorter than 256 bits, or plainly not random.
    #[error("keyring key {id:?} is weak ({reason}); make a good one with: openssl rand -base64 32")]
    Weak {
        /// The key's id.
        id: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two keys have the same id.
    #[error("keyring key id {id:?} appears twice; each key needs an id of its own")]
    Duplicate {
        /// The id.
        id: String,
    },
    /// Sealed bytes were made with a key that this keyring does not hold, for another purpose or
    /// context, or were changed.
    #[error("sealed data does not open: unknown key, other purpose, or tampered with")]
    DoesNotOpen,
}

/// The application's secret keys: they seal what must be read back (AES-256-GCM) and authenticate
/// what leaves and returns (HMAC-SHA-256).
///
/// The first key seals and signs; the others only open and verify. To rotate, put a new key in
/// front, and take the old one away once nothing sealed with it is left.
///
/// ```
/// use donjon::crypto::{Keyring, Purpose, SystemRandom};
///
/// const SEEDS: Purpose = Purpose::new("example/seeds");
/// let old: Keyring = "k1:5Jc1EMlGuTtzHFLtUFo5sWZ3NUbMYE/eW2gNAzoq+jA=".parse()?;
/// let sealed = old.seal(&SystemRandom, SEEDS, b"user 7", b"secret");
///
/// let new: Keyring = "k2:0yH4TkqgDcxKMZRzT0vT6cdSo1ZPy1b31L7vqyDpYtI=,\
///                     k1:5Jc1EMlGuTtzHFLtUFo5sWZ3NUbMYE/eW2gNAzoq+jA=".parse()?;
/// assert_eq!(*new.open(SEEDS, b"user 7", &sealed)?, b"secret");
/// assert!(new.open(SEEDS, b"user 8", &sealed).is_err());
/// # Ok::<(), donjon::crypto::KeyringError>(())
/// ```
#[derive(Clone)]
pub struct Keyring(Arc<[MasterKey]>);

struct MasterKey {
    id: String,
    secret: hkdf::Prk,
}

impl Keyring {
    /// Reads `DONJON_KEYRING`: `id:base64[,id:base64…]`, the current key first.
    ///
    /// # Errors
    /// [`KeyringError::Missing`] when unset, else as [`Keyring::from_str`].
    pub fn from_env() -> Result<Self, KeyringError> {
        std::env::var(KEYRING_VARIABLE).map_err(|_| KeyringError::Missing)?.parse()
    }

    /// A keyring of one fresh random key, which dies with the process: for tests and demos.
    pub fn ephemeral(random: &dyn Random) -> Self {
        let key = Zeroizing::new(random.bytes::<32>());
        Self(Arc::new([MasterKey::new("ephemeral".into(), &*key)]))
    }

    /// Encrypts and authenticates `plaintext` under the current key. `context` is authenticated
    /// but not stored: opening needs the same.
    #[expect(clippy::expect_used, reason = "AES-256-GCM fails only beyond 64 GiB")]
    pub fn seal(
        &self,
        random: &dyn Random,
        purpose: Purpose,
        context: &[u8],
        plaintext: &[u8],
    ) -> Sealed {
        let nonce: [u8; NONCE] = random.bytes();
        let Some(master) = self.0.first() else { return Sealed(Vec::new()) };
        let mut body = plaintext.to_vec();
        master
            .aead(purpose)
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                &mut body,
            )
            .expect("sealing a bounded message cannot fail");
        let id = master.id.as_bytes();
        let mut out = Vec::with_capacity(2 + id.len() + NONCE + body.len());
        out.push(FORMAT);
        out.push(u8::try_from(id.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(id);
        out.extend_from_slice(&nonce);
        out.append(&mut body);
        Sealed(out)
    }

    /// Opens what [`Keyring::seal`] sealed for the same purpose and context.
    ///
    /// # Errors
    /// [`KeyringError::DoesNotOpen`], whatever the reason.
    pub fn open(
        &self,
        purpose: Purpose,
        context: &[u8],
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        self.try_open(purpose, context, &sealed.0).ok_or(KeyringError::DoesNotOpen)
    }

    fn try_open(
        &self,
        purpose: Purpose,
        context: &[u8],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let (&[format, id_length], rest) = sealed.split_first_chunk::<2>()?;
        let (id, rest) = rest.split_at_checked(usize::from(id_length))?;
        let (nonce, body) = rest.split_first_chunk::<NONCE>()?;
        if format != FORMAT || body.len() < TAG {
            return None;
        }
        let master = self.0.iter().find(|key| key.id.as_bytes() == id)?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = master
            .aead(purpose)
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(context),
                body.as_mut_slice(),
            )
            .ok()?
            .len();
        body.truncate(length);
        Some(body)
    }

    /// The keys of one purpose, derived once: for what is verified on every request.
    pub fn authenticator(&self, purpose: Purpose) -> Authenticator {
        Authenticator(self.0.iter().map(|master| master.hmac(purpose)).collect())
    }

    /// HMAC-SHA-256 of `message` under the current key.
    pub fn mac(&self, purpose: Purpose, message: &[u8]) -> [u8; 32] {
        let mut out = [0; 32];
        if let Some(master) = self.0.first() {
            out.copy_from_slice(hmac::sign(&master.hmac(purpose), message).as_ref());
        }
        out
    }

    /// HMAC-SHA-256 of `message` under each of the keys, the current one first.
    pub fn macs(&self, purpose: Purpose, message: &[u8]) -> Vec<[u8; 32]> {
        let mac = |master: &MasterKey| {
            let mut out = [0; 32];
            out.copy_from_slice(hmac::sign(&master.hmac(purpose), message).as_ref());
            out
        };
        self.0.iter().map(mac).collect()
    }

    /// Whether `tag` is the HMAC of `message` under any of the keys; in constant time for each.
    pub fn verify_mac(&self, purpose: Purpose, message: &[u8], tag: &[u8]) -> bool {
        self.0.iter().any(|master| hmac::verify(&master.hmac(purpose), message, tag).is_ok())
    }
}

/// [`Keyring::mac`] and [`Keyring::verify_mac`] for one purpose, with the keys at hand.
#[derive(Clone)]
pub struct Authenticator(Arc<[hmac::Key]>);

impl Authenticator {
    /// HMAC-SHA-256 of `message` under the current key.
    pub fn mac(&self, message: &[u8]) -> [u8; 32] {
        let mut out = [0; 32];
        if let Some(key) = self.0.first() {
            out.copy_from_slice(hmac::sign(key, message).as_ref());
        }
        out
    }

    /// Whether `tag` is the HMAC of `message` under any of the keys; in constant time for each.
    pub fn verify(&self, message: &[u8], tag: &[u8]) -> bool {
        self.0.iter().any(|key| hmac::verify(key, message, tag).is_ok())
    }

    /// The place in the keyring of the key that made `tag`, which is an HMAC of `message` cut to
    /// its first bytes, at least 16; 0 is the current key. In constant time for each key.
    pub fn key_of_prefix(&self, message: &[u8], tag: &[u8]) -> Option<usize> {
        self.0.iter().filter(|_| tag.len() >= 16).position(|key| {
            let whole = hmac::sign(key, message);
            whole.as_ref().get(..tag.len()).is_some_and(|cut| constant_time_eq(cut, tag))
        })
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authenticator([redacted])")
    }
}

impl FromStr for Keyring {
    type Err = KeyringError;

    /// Reads `id:base64[,id:base64…]`; each key is at least 32 random bytes in standard base64.
    fn from_str(text: &str) -> Result<Self, KeyringError> {
        let mut keys: Vec<MasterKey> = Vec::new();
        for (index, entry) in text.split(',').map(str::trim).enumerate() {
            let malformed = KeyringError::Malformed { position: index + 1 };
            let (id, key) = entry.split_once(':').ok_or(malformed.clone())?;
            if !is_key_id(id) {
                return Err(malformed);
            }
            let key = Zeroizing::new(STANDARD.decode(key).map_err(|_| malformed)?);
            if let Some(reason) = weakness(&key) {
                return Err(KeyringError::Weak { id: id.into(), reason });
            }
            if keys.iter().any(|other| other.id == id) {
                return Err(KeyringError::Duplicate { id: id.into() });
            }
            keys.push(MasterKey::new(id.into(), &key));
        }
        Ok(Self(keys.into()))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

impl MasterKey {
    fn new(id: String, key: &[u8]) -> Self {
        Self { id, secret: hkdf::Salt::new(hkdf::HKDF_SHA256, b"donjon keyring").extract(key) }
    }

    fn derive(&self, usage: &[u8], purpose: Purpose) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        let info = [usage, purpose.0.as_bytes()];
        // 32 bytes are always within what HKDF-SHA-256 yields.
        if let Ok(okm) = self.secret.expand(&info, hkdf::HKDF_SHA256) {
            let _ = okm.fill(out.as_mut_slice());
        }
        out
    }

    #[expect(clippy::expect_used, reason = "the key always has the length AES-256 takes")]
    fn aead(&self, purpose: Purpose) -> LessSafeKey {
        let key = self.derive(b"aes-256-gcm\0", purpose);
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*key).expect("32 bytes"))
    }

    fn hmac(&self, purpose: Purpose) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &*self.derive(b"hmac-sha-256\0", purpose))
    }
}

fn is_key_id(id: &str) -> bool {
    (1..=16).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// A key is refused when it is short, or when it has too few distinct bytes to have come out of
/// a generator (32 random bytes have fewer than 16 distinct values once in 10^15).
fn weakness(key: &[u8]) -> Option<&'static str> {
    let distinct = key.iter().collect::<std::collections::BTreeSet<_>>().len();
    if key.len() < 32 {
        Some("shorter than 32 bytes")
    } else if distinct < 16 {
        Some("not random")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::SystemRandom;
    use super::*;

    const A: Purpose = Purpose::new("test/a");
    const B: Purpose = Purpose::new("test/b");

    fn key(id: &str, seed: u8) -> String {
        let bytes: Vec<u8> = (0..32u8).map(|i| i.wrapping_mul(37).wrapping_add(seed)).collect();
        format!("{id}:{}", STANDARD.encode(bytes))
    }

    #[test]
    fn sealed_data_opens_only_whole_for_its_purpose_and_context() {
        let keyring: Keyring = key("k1", 1).parse().unwrap();
        let sealed = keyring.seal(&SystemRandom, A, b"context", b"plain");
        assert_eq!(*keyring.open(A, b"context", &sealed).unwrap(), b"plain");
        assert!(keyring.open(B, b"context", &sealed).is_err());
        assert!(keyring.open(A, b"other", &sealed).is_err());
        for index in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[index] ^= 1;
            assert!(keyring.open(A, b"context", &Sealed::from_bytes(bytes)).is_err(), "{index}");
            let cut = Sealed::from_bytes(sealed.as_bytes()[..index].to_vec());
            assert!(keyring.open(A, b"context", &cut).is_err(), "{index}");
        }
    }

    #[test]
    fn rotation_opens_old_seals_and_macs_until_the_key_is_taken_away() {
        let old: Keyring = key("k1", 1).parse().unwrap();
        let both: Keyring = format!("{},{}", key("k2", 2), key("k1", 1)).parse().unwrap();
        let new: Keyring = key("k2", 2).parse().unwrap();
        let sealed = old.seal(&SystemRandom, A, b"", b"plain");
        let tag = old.mac(A, b"message");
        assert!(both.open(A, b"", &sealed).is_ok() && both.verify_mac(A, b"message", &tag));
        assert!(new.open(A, b"", &sealed).is_err() && !new.verify_mac(A, b"message", &tag));
        assert!(!both.verify_mac(B, b"message", &tag) && !both.verify_mac(A, b"massage", &tag));
        assert_eq!(both.mac(A, b"x"), new.mac(A, b"x"));
        let authenticator = both.authenticator(A);
        assert!(authenticator.verify(b"message", &tag) && !authenticator.verify(b"massage", &tag));
        assert_eq!(authenticator.mac(b"x"), new.mac(A, b"x"));
        assert_eq!(authenticator.key_of_prefix(b"message", &tag[..16]), Some(1));
        assert_eq!(authenticator.key_of_prefix(b"x", &new.mac(A, b"x")[..16]), Some(0));
        assert_eq!(authenticator.key_of_prefix(b"message", &tag[..15]), None);
    }

    #[test]
    fn weak_missing_and_malformed_keys_are_refused_with_the_cure() {
        let zeros = format!("k1:{}", STANDARD.encode([0; 32]));
        let short = format!("k1:{}", STANDARD.encode([1, 2, 3]));
        let twice = format!("{},{}", key("k1", 1), key("k1", 2));
        for bad in ["", "k1", "k1:!!", ":abcd", &zeros, &short, &key("way-too-long-an-id", 1)] {
            let error = bad.parse::<Keyring>().unwrap_err();
            assert!(error.to_string().contains("openssl rand -base64 32"), "{error}");
        }
        assert!(matches!(twice.parse::<Keyring>(), Err(KeyringError::Duplicate { .. })));
        assert!(KeyringError::Missing.to_string().contains("openssl rand -base64 32"));
    }

    #[test]
    fn keys_do_not_print() {
        let keyring: Keyring = key("k1", 1).parse().unwrap();
        assert_eq!(format!("{keyring:?}"), "[\"k1\"]");
    }
}
