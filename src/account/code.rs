use std::fmt;

use super::Email;
use super::six_digits::SixDigits;
use crate::crypto::{KeyedHash, Keyring, Purpose, Random};
use crate::scope::UserId;

/// What a mailed code is good for: one purpose of one user, proven at one address. Changed in any
/// of the three, it is another code.
#[derive(Clone, Copy, Debug)]
pub struct CodeFor<'a> {
    /// What the code opens, such as `Purpose::new("account/confirm-code")`.
    pub purpose: Purpose,
    /// Whose it is.
    pub user: &'a UserId,
    /// Where it was mailed to.
    pub email: &'a Email,
}

/// Six digits that are mailed to somebody, for those who read mail on another device: one in a
/// million, so the flow that takes it counts tries.
///
/// What is stored is a [`KeyedHash`], since a bare hash of six digits is as good as the digits.
///
/// ```
/// use donjon::account::{CodeFor, Email, MailCode};
/// use donjon::crypto::{Keyring, Purpose, SystemRandom};
/// use donjon::scope::UserId;
///
/// let keyring = Keyring::ephemeral(&SystemRandom);
/// let (user, email) = (UserId::new("alice")?, Email::parse("alice@example.test")?);
/// let what = CodeFor { purpose: Purpose::new("example/confirm"), user: &user, email: &email };
///
/// let code = MailCode::generate(&SystemRandom);
/// let stored = code.hash(&keyring, what);
/// let typed = MailCode::parse(&code.expose()).expect("six digits");
/// assert!(typed.matches(&keyring, what, &stored));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MailCode(SixDigits);

impl MailCode {
    /// A fresh code: any of the million, each as likely as the others.
    pub fn generate(random: &dyn Random) -> Self {
        Self(SixDigits::draw(random))
    }

    /// Reads what somebody typed: six digits, with spaces and hyphens anywhere.
    pub fn parse(typed: &str) -> Option<Self> {
        SixDigits::parse(typed).map(Self)
    }

    /// The six digits, to be mailed.
    pub fn expose(&self) -> String {
        self.0.text()
    }

    /// What is stored of the code.
    pub fn hash(&self, keyring: &Keyring, what: CodeFor<'_>) -> KeyedHash {
        KeyedHash::of(keyring, what.purpose, &self.parts(what))
    }

    /// What the code may have been stored as: one hash for each key of the keyring.
    pub fn candidates(&self, keyring: &Keyring, what: CodeFor<'_>) -> Vec<KeyedHash> {
        KeyedHash::candidates(keyring, what.purpose, &self.parts(what))
    }

    /// Whether this is the code that was stored; in constant time for each key.
    pub fn matches(&self, keyring: &Keyring, what: CodeFor<'_>, stored: &KeyedHash) -> bool {
        stored.is_of(keyring, what.purpose, &self.parts(what))
    }

    fn parts<'a>(&'a self, what: CodeFor<'a>) -> [&'a [u8]; 3] {
        [what.user.as_str().as_bytes(), what.email.as_str().as_bytes(), self.0.as_bytes()]
    }
}

impl fmt::Debug for MailCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailCode([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{SystemRandom, sha256};

    const CONFIRM: Purpose = Purpose::new("test/confirm");
    const CHANGE: Purpose = Purpose::new("test/change");

    #[test]
    fn a_code_is_good_for_what_it_was_mailed_for_and_nothing_else() {
        let keyring = Keyring::ephemeral(&SystemRandom);
        let [alice, bob] = ["alice", "bob"].map(|user| UserId::new(user).unwrap());
        let [old, new] = ["a@example.test", "b@example.test"].map(|e| Email::parse(e).unwrap());
        let what = CodeFor { purpose: CONFIRM, user: &alice, email: &old };
        let code = MailCode::parse("012345").unwrap();
        let stored = code.hash(&keyring, what);
        assert!(code.matches(&keyring, what, &stored));
        assert_eq!(code.candidates(&keyring, what), [stored]);

        for other in [
            CodeFor { purpose: CHANGE, ..what },
            CodeFor { user: &bob, ..what },
            CodeFor { email: &new, ..what },
        ] {
            assert!(!code.matches(&keyring, other, &stored), "{other:?}");
        }
        assert!(!MailCode::parse("012346").unwrap().matches(&keyring, what, &stored));
        assert!(!code.matches(&Keyring::ephemeral(&SystemRandom), what, &stored));
    }

    /// Whoever steals the table can't find the digits by trying all of them.
    #[test]
    fn what_is_stored_is_no_hash_that_a_stranger_can_compute() {
        let keyring = Keyring::ephemeral(&SystemRandom);
        let (user, email) = (UserId::new("u").unwrap(), Email::parse("a@example.test").unwrap());
        let what = CodeFor { purpose: CONFIRM, user: &user, email: &email };
        let code = MailCode::generate(&SystemRandom);
        let stored = code.hash(&keyring, what);
        let parts = code.parts(what).concat();
        assert_ne!(stored.as_bytes(), &sha256(code.expose().as_bytes()));
        assert_ne!(stored.as_bytes(), &sha256(&parts));
        assert_eq!(format!("{code:?}"), "MailCode([redacted])");
    }
}
