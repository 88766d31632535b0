//! What makes a mailed link one of this application's: the keyring binds it to its purpose, its user
//! and its address.
//!
//! A link is found by the bare hash of its secret, and opens what its row says only if the row was
//! bound by the keyring: whoever can write a row, as by a hole elsewhere, can turn no link that they
//! were sent into one for another user, for another purpose or another address.

use super::AccountError;
use super::site::Site;
use crate::crypto::{KeyedHash, Keyring, OpaqueToken, Purpose, TokenHash};
use crate::scope::Account;
use crate::store::{FollowedLink, LinkKey, LinkPurpose, MailedLink};

const PURPOSE: Purpose = Purpose::new("account/mailed-link");

/// A link that opens something.
pub(super) struct Followed {
    pub(super) owner: Account,
    pub(super) link: FollowedLink,
}

impl Followed {
    /// One whose owner was found to be this, by the link or by the code beside it.
    pub(super) fn by(token: TokenHash, owner: Account) -> Self {
        let email = owner.email().unwrap_or_default().to_owned();
        Self { link: FollowedLink { token, user: owner.id().clone(), email }, owner }
    }
}

/// The key of a fresh link.
pub(super) fn link_key(keyring: &Keyring, purpose: LinkPurpose, token: &TokenHash) -> LinkKey {
    key(&KeyedHash::of(keyring, PURPOSE, &parts(purpose, token)))
}

/// The link that a visitor came by, if it was mailed for this purpose to whom its row names.
pub(super) async fn follow(
    site: &Site,
    purpose: LinkPurpose,
    token: &OpaqueToken,
) -> Result<Option<Followed>, AccountError> {
    let hash = token.hash();
    let Some(found) = site.store.load_link(purpose, &hash, site.now()).await? else {
        return Ok(None);
    };
    let MailedLink { account, binding } = found;
    let followed = Followed::by(hash, account);
    Ok(is_bound(&site.letters.keyring, purpose, &followed.link, &binding).then_some(followed))
}

/// Whether a link was bound to what it says; in constant time for each key of the keyring.
pub(super) fn is_bound(
    keyring: &Keyring,
    purpose: LinkPurpose,
    link: &FollowedLink,
    binding: &KeyedHash,
) -> bool {
    let keys = KeyedHash::candidates(keyring, PURPOSE, &parts(purpose, &link.token));
    keys.iter().any(|bytes| key(bytes).bind(&link.user, &link.email) == *binding)
}

fn key(bytes: &KeyedHash) -> LinkKey {
    LinkKey::from_bytes(*bytes.as_bytes())
}

fn parts(purpose: LinkPurpose, token: &TokenHash) -> [&[u8]; 2] {
    [purpose.as_str().as_bytes(), token.as_bytes()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{RandomExt as _, SystemRandom};
    use crate::scope::UserId;

    const OLD: &str = "k1:5Jc1EMlGuTtzHFLtUFo5sWZ3NUbMYE/eW2gNAzoq+jA=";
    const BOTH: &str = "k2:0yH4TkqgDcxKMZRzT0vT6cdSo1ZPy1b31L7vqyDpYtI=,\
                        k1:5Jc1EMlGuTtzHFLtUFo5sWZ3NUbMYE/eW2gNAzoq+jA=";

    #[test]
    fn a_link_is_bound_to_purpose_user_address_secret_and_keyring() {
        let (old, both): (Keyring, Keyring) = (OLD.parse().unwrap(), BOTH.parse().unwrap());
        let [alice, bob] = ["alice", "bob"].map(|user| UserId::new(user).unwrap());
        let (token, reset) = (SystemRandom.token().hash(), LinkPurpose::Reset);
        let link = FollowedLink { token, user: alice.clone(), email: "a@example.test".into() };
        let binding = link_key(&old, reset, &token).bind(&alice, "a@example.test");
        assert!(is_bound(&old, reset, &link, &binding));
        assert!(is_bound(&both, reset, &link, &binding), "the keyring was rotated");
        assert!(!is_bound(&Keyring::ephemeral(&SystemRandom), reset, &link, &binding));
        assert!(!is_bound(&old, LinkPurpose::Confirm, &link, &binding));
        for other in [
            FollowedLink { user: bob, ..link.clone() },
            FollowedLink { email: "b@example.test".into(), ..link.clone() },
            FollowedLink { token: SystemRandom.token().hash(), ..link.clone() },
        ] {
            assert!(!is_bound(&old, reset, &other, &binding), "{other:?}");
        }
    }
}
