use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::crypto::{KeyedHash, Keyring, OpaqueToken, Purpose, Random, RandomExt as _};
use crate::scope::OrganizationId;
use crate::store::InvitationId;

const PURPOSE: Purpose = Purpose::new("account/invitation");
/// An id and a secret, in base64url.
const LENGTH: usize = 64;

/// What the mailed link of an invitation carries: its id, and the secret.
///
/// What is stored is keyed, and made of the organization and the address too: whoever can write to
/// the table can't turn an invitation that they have into one for another address or elsewhere.
#[derive(Clone, Debug)]
pub(in crate::account) struct InvitationLink {
    pub(in crate::account) id: InvitationId,
    secret: OpaqueToken,
}

impl InvitationLink {
    /// A fresh one.
    pub(in crate::account) fn new(id: InvitationId, random: &dyn Random) -> Self {
        Self { id, secret: random.token() }
    }

    /// Reads the text form; `None` if it is anything but 64 characters of canonical base64url.
    pub(in crate::account) fn parse(text: &str) -> Option<Self> {
        if text.len() != LENGTH {
            return None;
        }
        let bytes = zeroize::Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        let (id, secret) = bytes.split_first_chunk::<16>()?;
        let secret = <[u8; 32]>::try_from(secret).ok()?;
        let id = InvitationId(Uuid::from_bytes(*id));
        Some(Self { id, secret: OpaqueToken::from_bytes(secret) })
    }

    /// The text form, for the link.
    pub(in crate::account) fn expose(&self) -> String {
        let bytes = [self.id.0.as_bytes().as_slice(), self.secret.as_bytes()].concat();
        URL_SAFE_NO_PAD.encode(zeroize::Zeroizing::new(bytes))
    }

    /// What is stored of the secret.
    pub(in crate::account) fn hash(
        &self,
        keyring: &Keyring,
        to: OrganizationId,
        email: &str,
    ) -> KeyedHash {
        KeyedHash::of(keyring, PURPOSE, &self.parts(&to, email))
    }

    /// Whether this is the link of an invitation to this organization, for this address.
    pub(in crate::account) fn opens(
        &self,
        keyring: &Keyring,
        stored: &KeyedHash,
        to: OrganizationId,
        email: &str,
    ) -> bool {
        stored.is_of(keyring, PURPOSE, &self.parts(&to, email))
    }

    fn parts<'a>(&'a self, to: &'a OrganizationId, email: &'a str) -> [&'a [u8]; 4] {
        [self.id.0.as_bytes(), to.0.as_bytes(), email.as_bytes(), self.secret.as_bytes()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;

    #[test]
    fn a_link_opens_what_it_was_made_for_and_nothing_else() {
        let keyring = Keyring::ephemeral(&SystemRandom);
        let [acme, globex] = [1, 2].map(|id| OrganizationId(Uuid::from_u128(id)));
        let link = InvitationLink::new(InvitationId(Uuid::from_u128(7)), &SystemRandom);
        let stored = link.hash(&keyring, acme, "bob@example.test");
        let read = InvitationLink::parse(&link.expose()).unwrap();
        assert_eq!(read.id, link.id);
        assert!(read.opens(&keyring, &stored, acme, "bob@example.test"));
        assert!(!read.opens(&keyring, &stored, acme, "eve@example.test"));
        assert!(!read.opens(&keyring, &stored, globex, "bob@example.test"));
        let other = InvitationLink { id: InvitationId(Uuid::from_u128(8)), ..link.clone() };
        assert!(!other.opens(&keyring, &stored, acme, "bob@example.test"));
        let stranger = Keyring::ephemeral(&SystemRandom);
        assert!(!read.opens(&stranger, &stored, acme, "bob@example.test"));
        assert!(!format!("{link:?}").contains(&link.expose()[22..]));
    }
}
