use std::fmt;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, Zeroizing};

/// SHA-256 of `data`.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, data).as_ref());
    out
}

/// Whether two byte strings are equal, in time that depends on their lengths only.
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// A 256-bit random token that only its bearer knows: a session cookie, an authorization code,
/// a refresh token, the secret of a mailed link.
///
/// The bearer holds the base64url text without padding (43 characters); the store holds the
/// [`TokenHash`]: SHA-256 of the 32 **decoded** bytes. One rule for all kinds that have this form, which is
/// every one but the tokens of the API and of apps. Those are texts with a prefix and a checksum for secret
/// scanners, and not the text form of bytes: they are hashed whole.
#[derive(Clone)]
pub struct OpaqueToken(Zeroizing<[u8; 32]>);

impl OpaqueToken {
    /// The length of the text form in characters.
    pub const TEXT_LENGTH: usize = 43;

    /// The token made of these bytes, which must come from a [`Random`](super::Random) source or
    /// be derived from a secret.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads the text form; `None` if it is anything but 43 characters of canonical base64url.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::TEXT_LENGTH {
            return None;
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let token = <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Self::from_bytes);
        bytes.zeroize();
        token
    }

    /// The text form, to hand to the bearer.
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.as_slice())
    }

    /// The raw bytes, to derive a key from.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What the store knows this token by.
    pub fn hash(&self) -> TokenHash {
        TokenHash(sha256(self.0.as_slice()))
    }
}

impl fmt::Debug for OpaqueToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpaqueToken([redacted])")
    }
}

/// SHA-256 of a token: what is stored of it, and what it is found by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// A hash read back from the store, or of something that is no [`OpaqueToken`].
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// SHA-256 of `data`, for keys that are not opaque tokens (a `jti`, an address).
    pub fn of(data: &[u8]) -> Self {
        Self(sha256(data))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash([redacted])")
    }
}

/// A value that prints as `[redacted]`: for secrets inside types that derive `Debug`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Redacted<T>(pub T);

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_text_form() {
        let token = OpaqueToken::from_bytes([7; 32]);
        let read = OpaqueToken::parse(&token.expose()).unwrap();
        assert_eq!(read.hash(), token.hash());
        assert_eq!(token.hash().as_bytes(), &sha256(&[7; 32]));
    }

    #[test]
    fn only_the_canonical_text_form_is_read() {
        let text = OpaqueToken::from_bytes([7; 32]).expose();
        let trailing_bits = format!("{}d", &text[..42]);
        for bad in ["", "a", &text[..42], &format!("{text}="), &format!("{text}A"), &trailing_bits]
        {
            assert!(OpaqueToken::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let token = OpaqueToken::from_bytes([7; 32]);
        let printed = format!("{token:?} {:?} {:?}", token.hash(), Redacted("x"));
        assert_eq!(printed, "OpaqueToken([redacted]) TokenHash([redacted]) [redacted]");
    }
}
