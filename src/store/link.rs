use std::fmt;

use crate::crypto::{KeyedHash, TokenHash};
use crate::scope::{Account, UserId};

/// The key that binds one mailed link to a user and an address. It is derived from the application's
/// keyring, the purpose of the link and the hash of its secret, and is not stored: whoever can write
/// to the table can turn no link that they have into one for another purpose, user or address.
#[derive(Clone, Copy)]
pub struct LinkKey([u8; 32]);

impl LinkKey {
    /// The key made of these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What is stored with a link to this address of this user: HMAC-SHA-256 (RFC 2104) under this key
    /// of the address, a zero byte, and the user's id. A store may compute it in its own statement,
    /// where it finds the user.
    pub fn bind(&self, user: &UserId, email: &str) -> KeyedHash {
        KeyedHash::under(&self.0, &[email.as_bytes(), &[0], user.as_str().as_bytes()].concat())
    }

    /// The key as the inner and the outer hash begin with it (RFC 2104, section 2), 64 bytes each: for a
    /// database that has SHA-256 and no HMAC.
    #[cfg(feature = "postgres")]
    pub(super) fn pads(&self) -> Vec<u8> {
        let pad = |with: u8| {
            let rest = std::iter::repeat_n(0, 64 - self.0.len());
            self.0.into_iter().chain(rest).map(move |byte| byte ^ with)
        };
        pad(0x36).chain(pad(0x5c)).collect()
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey([redacted])")
    }
}

/// A mailed link as it is stored. Whether it opens anything is known once
/// [`MailedLink::binding`] was compared.
#[derive(Clone, Debug)]
pub struct MailedLink {
    /// Whose it says it is; the address is the one that it was mailed to.
    pub account: Account,
    /// What was stored of [`LinkKey::bind`].
    pub binding: KeyedHash,
}

/// A link that somebody follows, which was found to be bound to this user and this address. It is used
/// up as that, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedLink {
    /// The hash of its secret.
    pub token: TokenHash,
    /// Whose it is.
    pub user: UserId,
    /// Where it was mailed to: the normalised address.
    pub email: String,
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;
    use crate::crypto::sha256;

    #[test]
    fn the_pads_make_the_same_hash() {
        let (key, user) = (LinkKey::from_bytes([7; 32]), UserId::new("alice").unwrap());
        let (message, pads) = (b"alice@example.test\0alice", key.pads());
        let inner = sha256(&[&pads[..64], message.as_slice()].concat());
        let outer = sha256(&[&pads[64..], inner.as_slice()].concat());
        assert_eq!(KeyedHash::from_bytes(outer), key.bind(&user, "alice@example.test"));
        assert!(!format!("{key:?}").contains('7'));
    }
}
