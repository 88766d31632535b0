use super::Outcome;
use crate::crypto::{Keyring, OpaqueToken, Purpose, Random, Sealed};

const KEYS: &str = "k2:0yH4TkqgDcxKMZRzT0vT6cdSo1ZPy1b31L7vqyDpYtI=,\
                    k1:5Jc1EMlGuTtzHFLtUFo5sWZ3NUbMYE/eW2gNAzoq+jA=";
const PURPOSE: Purpose = Purpose::new("fuzzing");
const PLAIN: &[u8] = b"a secret";

/// Not random at all, so that what it seals is the same in every run.
#[derive(Debug)]
pub(crate) struct Fixed;

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// Nothing opens but what was sealed, and only for its own purpose and context. An opaque token has
/// one spelling.
pub fn sealed(data: &[u8]) -> Outcome {
    if let Some(token) = str::from_utf8(data).ok().and_then(OpaqueToken::parse) {
        assert_eq!(token.expose().as_bytes(), data);
    }
    #[expect(clippy::expect_used, reason = "the keyring is written above")]
    let keyring: Keyring = KEYS.parse().expect("a good keyring");
    let given = Sealed::from_bytes(data.to_vec());
    assert!(keyring.open(Purpose::new("another"), b"user 7", &given).is_err());
    assert!(keyring.open(PURPOSE, b"user 8", &given).is_err());
    let Ok(plain) = keyring.open(PURPOSE, b"user 7", &given) else { return Outcome::Refused };
    assert_eq!(*plain, PLAIN);
    assert_eq!(given, keyring.seal(&Fixed, PURPOSE, b"user 7", PLAIN));
    Outcome::Accepted
}

#[cfg(test)]
pub(super) fn seed() -> Vec<u8> {
    let keyring: Keyring = KEYS.parse().unwrap();
    keyring.seal(&Fixed, PURPOSE, b"user 7", PLAIN).as_bytes().to_vec()
}
