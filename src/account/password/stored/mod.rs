//! Hashes as they lie in a store: those made here, and those of the systems that users came from.

mod argon2;
mod bcrypt;
mod cost;
mod limits;
mod pbkdf2;
mod scrypt;
mod text;

use self::argon2::Argon2Hash;
use self::bcrypt::BcryptHash;
use self::pbkdf2::Pbkdf2Hash;
use self::scrypt::ScryptHash;
use crate::crypto::Redacted;

pub use cost::{Argon2Kind, Pbkdf2Hmac, StoredCost, StoredCostError};
pub use limits::ImportLimits;

/// The longest text of a hash that is read, in bytes.
const LONGEST: usize = 512;

/// The hash of a password, as it is stored: made here, or by the system that a user was imported
/// from. An imported hash is verified as it is; once its user has logged in, it is replaced by one
/// made here.
///
/// | scheme | forms |
/// |---|---|
/// | argon2id, argon2i, argon2d (RFC 9106) | PHC `$argon2id$v=19$m=…,t=…,p=…$salt$hash`; Django `argon2$argon2id$…` |
/// | bcrypt | `$2a$`, `$2b$`, `$2y$`; Django `bcrypt$$2b$…`, `bcrypt_sha256$$2b$…` |
/// | PBKDF2 (RFC 8018) with HMAC-SHA-1, 256, 512 | Django `pbkdf2_sha256$…`, `pbkdf2_sha1$…`; PHC `$pbkdf2-sha256$i=…,l=…$salt$hash`; passlib `$pbkdf2-sha256$…`, `$pbkdf2$…` |
/// | scrypt (RFC 7914) | Django `scrypt$…`; PHC and passlib `$scrypt$ln=…,r=…,p=…$salt$hash` |
///
/// bcrypt reads 72 bytes of a password and no more. Those who made such hashes cut off the rest,
/// so a longer password is right here if its first 72 bytes are: a user who has one would be locked
/// out otherwise. The hash that then takes its place is one of the whole password. A password with
/// a NUL is never right against bcrypt, where it would end the password, or begin its repetition.
///
/// ```
/// use donjon::account::password::{ImportLimits, StoredHash, StoredHashError};
///
/// let limits = ImportLimits::default();
/// let from_rails = "$2a$12$K3TvkPBr4LVQAbZHcbT6VOQVdmMKSnVJp0pBUUxDkbWfo1fpJTWxy";
/// assert!(StoredHash::parse(from_rails, &limits).is_ok());
///
/// let costly = "$2a$31$K3TvkPBr4LVQAbZHcbT6VOQVdmMKSnVJp0pBUUxDkbWfo1fpJTWxy";
/// assert_eq!(StoredHash::parse(costly, &limits).unwrap_err(), StoredHashError::TooCostly);
/// let md5 = "5f4dcc3b5aa765d61d8327deb882cf99";
/// assert_eq!(StoredHash::parse(md5, &limits).unwrap_err(), StoredHashError::Unknown);
/// ```
#[derive(Clone, Debug)]
pub struct StoredHash {
    text: Redacted<String>,
    scheme: Redacted<Scheme>,
}

#[derive(Clone)]
enum Scheme {
    Argon2(Box<Argon2Hash>),
    Bcrypt(BcryptHash),
    Pbkdf2(Pbkdf2Hash),
    Scrypt(ScryptHash),
}

/// Why a text is no hash that can be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoredHashError {
    /// Not of a form that is known, or broken.
    #[error("this is no password hash of a known form")]
    Unknown,
    /// Verifying it would take more memory or time than [`ImportLimits`] allow.
    #[error("this password hash costs more than is allowed")]
    TooCostly,
}

impl StoredHash {
    /// Reads a hash. It is not computed, so it is cheap.
    ///
    /// # Errors
    /// [`StoredHashError`].
    pub fn parse(text: &str, limits: &ImportLimits) -> Result<Self, StoredHashError> {
        if text.len() > LONGEST {
            return Err(StoredHashError::Unknown);
        }
        let scheme = Scheme::parse(text).ok_or(StoredHashError::Unknown)?;
        if !scheme.is_within(limits) {
            return Err(StoredHashError::TooCostly);
        }
        Ok(Self { text: Redacted(text.to_owned()), scheme: Redacted(scheme) })
    }

    /// The text, to be stored.
    pub fn text(&self) -> &Redacted<String> {
        &self.text
    }

    /// What verifying it takes.
    pub fn cost(&self) -> StoredCost {
        match &self.scheme.0 {
            Scheme::Argon2(hash) => hash.cost(),
            Scheme::Bcrypt(hash) => hash.cost(),
            Scheme::Pbkdf2(hash) => hash.cost(),
            Scheme::Scrypt(hash) => hash.cost(),
        }
    }

    /// Whether the password is the one that was hashed. This takes its time, and compares in
    /// constant time.
    pub(super) fn verify(&self, password: &str) -> bool {
        super::trace::computed("verify", self.cost());
        match &self.scheme.0 {
            Scheme::Argon2(hash) => hash.verify(password.as_bytes()),
            Scheme::Bcrypt(hash) => hash.verify(password.as_bytes()),
            Scheme::Pbkdf2(hash) => hash.verify(password.as_bytes()),
            Scheme::Scrypt(hash) => hash.verify(password.as_bytes()),
        }
    }
}

impl Scheme {
    fn parse(text: &str) -> Option<Self> {
        None.or_else(|| Argon2Hash::parse(text).map(|hash| Self::Argon2(Box::new(hash))))
            .or_else(|| BcryptHash::parse(text).map(Self::Bcrypt))
            .or_else(|| Pbkdf2Hash::parse(text).map(Self::Pbkdf2))
            .or_else(|| ScryptHash::parse(text).map(Self::Scrypt))
    }

    fn is_within(&self, limits: &ImportLimits) -> bool {
        match self {
            Self::Argon2(hash) => hash.is_within(limits),
            Self::Bcrypt(hash) => hash.is_within(limits),
            Self::Pbkdf2(hash) => hash.is_within(limits),
            Self::Scrypt(hash) => hash.is_within(limits),
        }
    }
}

#[cfg(test)]
mod tests;
