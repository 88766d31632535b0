use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::{KeyedHash, Keyring, Purpose, Random, RandomExt as _};
use crate::scope::UserId;

/// How many backup codes somebody gets, unless the host decides otherwise.
pub const BACKUP_CODES: usize = 10;

const PURPOSE: Purpose = Purpose::new("account/backup-code");

/// Crockford's Base32: digits and letters without I, L, O and U, which are read as others.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 10;
/// How much of what somebody typed is looked at, in bytes.
const MAX_TYPED: usize = 64;

/// A code on paper that stands in for the authenticator app, once: `7KQ2M-X9D4T`.
///
/// It has 50 random bits: beyond guessing against a lockout, but within reach of a machine that
/// has its bare hash; so what is stored is a [`KeyedHash`], bound to the user.
///
/// ```
/// use donjon::account::mfa::{BACKUP_CODES, BackupCode};
/// use donjon::crypto::{Keyring, SystemRandom};
/// use donjon::scope::UserId;
///
/// let keyring = Keyring::ephemeral(&SystemRandom);
/// let alice = UserId::new("alice")?;
/// let codes = BackupCode::generate(&SystemRandom, BACKUP_CODES);
/// let stored: Vec<_> = codes.iter().map(|code| code.hash(&keyring, &alice)).collect();
///
/// let typed = codes[3].expose().to_lowercase().replace('-', " ");
/// let typed = BackupCode::parse(&typed).expect("a code");
/// assert!(stored.contains(&typed.hash(&keyring, &alice)));
/// # Ok::<(), donjon::scope::InvalidUserId>(())
/// ```
#[derive(Clone)]
pub struct BackupCode(Zeroizing<[u8; LENGTH]>);

impl BackupCode {
    /// This many fresh codes, no two of them the same.
    pub fn generate(random: &dyn Random, count: usize) -> Vec<Self> {
        let mut codes: Vec<Self> = Vec::with_capacity(count);
        while codes.len() < count {
            let code = Self::draw(random);
            if codes.iter().all(|other| other.0 != code.0) {
                codes.push(code);
            }
        }
        codes
    }

    fn draw(random: &dyn Random) -> Self {
        let mut code = Zeroizing::new([0; LENGTH]);
        for character in code.iter_mut() {
            let index = random.below::<32>() as usize;
            *character = ALPHABET.get(index).copied().unwrap_or_default();
        }
        Self(code)
    }

    /// Reads what somebody typed: in either case, with spaces and dashes anywhere, with O for 0,
    /// with I or L for 1, with U for V.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > MAX_TYPED {
            return None;
        }
        let mut typed = typed.chars().filter(|c| !c.is_whitespace() && !is_dash(*c));
        let mut code = Zeroizing::new([0; LENGTH]);
        for character in code.iter_mut() {
            *character = typed.next().and_then(meant)?;
        }
        typed.next().is_none().then_some(Self(code))
    }

    /// The code as it is printed, in two groups of five.
    pub fn expose(&self) -> String {
        let (left, right) = self.0.split_at(LENGTH / 2);
        let text = |half: &[u8]| half.iter().copied().map(char::from).collect::<String>();
        format!("{}-{}", text(left), text(right))
    }

    /// What is stored of the code for this user.
    pub fn hash(&self, keyring: &Keyring, user: &UserId) -> KeyedHash {
        KeyedHash::of(keyring, PURPOSE, &self.parts(user))
    }

    /// What the code may have been stored as: one hash for each key of the keyring.
    pub fn candidates(&self, keyring: &Keyring, user: &UserId) -> Vec<KeyedHash> {
        KeyedHash::candidates(keyring, PURPOSE, &self.parts(user))
    }

    fn parts<'a>(&'a self, user: &'a UserId) -> [&'a [u8]; 2] {
        [user.as_str().as_bytes(), self.0.as_slice()]
    }
}

impl fmt::Debug for BackupCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackupCode([redacted])")
    }
}

/// The hyphens and dashes that keyboards, word processors and phones put between groups.
fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// The character of the alphabet that somebody meant.
fn meant(c: char) -> Option<u8> {
    let upper = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        'U' => 'V',
        other => other,
    };
    u8::try_from(upper).ok().filter(|upper| ALPHABET.contains(upper))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::SystemRandom;

    fn alice() -> UserId {
        UserId::new("alice").unwrap()
    }

    #[test]
    fn a_set_of_codes_has_no_twins() {
        let codes = BackupCode::generate(&SystemRandom, 500);
        let texts: std::collections::BTreeSet<_> = codes.iter().map(BackupCode::expose).collect();
        assert_eq!(texts.len(), 500);
        assert!(BackupCode::generate(&SystemRandom, 0).is_empty());
    }

    /// Chi-squared over the 32 characters of each place: 61 is passed once in a thousand times.
    #[test]
    fn codes_are_spread_evenly() {
        let mut counts = [[0u32; 32]; LENGTH];
        for _ in 0..16_000 {
            for (place, drawn) in BackupCode::draw(&SystemRandom).0.iter().enumerate() {
                counts[place][ALPHABET.iter().position(|c| c == drawn).unwrap()] += 1;
            }
        }
        let spread = |counts: &[u32; 32]| -> f64 {
            counts.iter().map(|count| (f64::from(*count) - 500.0).powi(2) / 500.0).sum()
        };
        assert!(counts.iter().all(|counts| spread(counts) < 110.0), "{counts:?}");
    }

    #[test]
    fn what_people_type_is_what_they_mean() {
        for typed in [
            "10VAB-CDE01",
            "10vabcde01",
            " 1 0 V A B C D E 0 1 ",
            "lOuab–cdeoI",
            "iovab\u{2212}cde0l\n",
            "10VAB\u{a0}-\u{ad}CDE01",
        ] {
            let read = BackupCode::parse(typed).unwrap();
            assert_eq!(read.expose(), "10VAB-CDE01", "{typed:?}");
        }
        let long = format!("{}10VABCDE01", "-".repeat(64));
        for bad in ["", "10VAB-CDE0", "10VAB-CDE011", "10VAB_CDE01", "10VAB-CDÉ01", &long] {
            assert!(BackupCode::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_hash_is_of_one_code_of_one_user() {
        let keyring = Keyring::ephemeral(&SystemRandom);
        let codes = BackupCode::generate(&SystemRandom, 2);
        let stored = codes[0].hash(&keyring, &alice());
        assert_eq!(codes[0].candidates(&keyring, &alice()), [stored]);
        assert_ne!(codes[1].hash(&keyring, &alice()), stored);
        assert_ne!(codes[0].hash(&keyring, &UserId::new("bob").unwrap()), stored);
        assert_ne!(codes[0].hash(&Keyring::ephemeral(&SystemRandom), &alice()), stored);
        assert_eq!(format!("{:?}", codes[0]), "BackupCode([redacted])");
    }

    proptest! {
        #[test]
        fn every_code_survives_paper(drawn in any::<[u8; LENGTH]>(), lower in any::<bool>()) {
            let code = BackupCode(Zeroizing::new(drawn.map(|byte| ALPHABET[usize::from(byte % 32)])));
            let text = code.expose();
            prop_assert!(text.len() == 11 && text.is_ascii() && !text.contains(['I', 'L', 'O', 'U']));
            let typed = if lower { text.to_lowercase() } else { text.clone() };
            prop_assert_eq!(BackupCode::parse(&typed).unwrap().expose(), text);
        }

        #[test]
        fn whatever_is_typed_is_a_code_or_refused(typed in "[0-9A-Za-z \\-–é]{0,16}|.{0,80}") {
            if let Some(read) = BackupCode::parse(&typed) {
                prop_assert_eq!(BackupCode::parse(&read.expose()).unwrap().expose(), read.expose());
                prop_assert!(read.0.iter().all(|c| ALPHABET.contains(c)));
            }
        }
    }
}
