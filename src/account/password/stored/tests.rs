//! Against the hashes of others, and against texts that are none.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

/// Made by `tests/fixtures/passwords/make_imported.py`.
const IMPORTED: &str = include_str!("../../../../tests/fixtures/passwords/imported.json");

#[derive(Deserialize)]
struct Case {
    made_by: String,
    password: String,
    hash: String,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(IMPORTED).unwrap()
}

fn parse(text: &str) -> Result<StoredHash, StoredHashError> {
    StoredHash::parse(text, &ImportLimits::default())
}

fn is_right(password: &str, hash: &str) -> bool {
    parse(hash).unwrap().verify(password)
}

#[test]
fn hashes_of_every_other_implementation_are_verified() {
    let cases = cases();
    assert!(cases.len() > 90, "{}", cases.len());
    for Case { made_by, password, hash } in cases {
        let stored = parse(&hash).unwrap_or_else(|error| panic!("{made_by}: {hash}: {error}"));
        assert_eq!(stored.text().0, hash);
        assert!(stored.verify(&password), "{made_by}: {password:?}: {hash}");
    }
}

#[test]
fn another_password_is_wrong_for_each_of_them() {
    for Case { made_by, password, hash } in cases().into_iter().step_by(3) {
        let stored = parse(&hash).unwrap();
        let mut other = password.chars();
        other.next_back();
        let (shorter, longer) = (other.as_str(), format!("{password}x"));
        let cut_off = password.len() >= 72 && hash.contains("$04$") && !hash.contains("sha256");
        for wrong in [shorter, &longer, &format!("x{password}"), "Correct horse battery"] {
            let same = cut_off && wrong.as_bytes().get(..72) == password.as_bytes().get(..72);
            assert_eq!(stored.verify(wrong), same || wrong == password, "{made_by}: {wrong:?}");
        }
    }
}

#[test]
fn one_changed_character_of_a_hash_makes_it_another() {
    for Case { password, hash, .. } in cases().into_iter().step_by(5) {
        // Far enough from the end to be in the key, and not in bits that nobody reads.
        let at = hash.len() - 8;
        let other = if hash.as_bytes()[at] == b'A' { "B" } else { "A" };
        let changed = format!("{}{other}{}", &hash[..at], &hash[at + 1..]);
        assert!(!is_right(&password, &changed), "{changed}");
    }
}

/// What bcrypt cannot tell apart: whoever made the hash could not either.
#[test]
fn bcrypt_reads_72_bytes_as_its_makers_did() {
    let case = cases().into_iter().find(|case| case.password == "y".repeat(128)).unwrap();
    let same = format!("{}{}", "y".repeat(72), "other");
    assert!(is_right(&same, &case.hash) && is_right(&"y".repeat(72), &case.hash));
    assert!(!is_right(&"y".repeat(71), &case.hash));
    // Django hashes before it hashes, so nothing is cut off.
    let long = "z".repeat(100);
    let django = |case: &Case| case.password == long && case.hash.starts_with("bcrypt_sha256$");
    let whole = cases().into_iter().find(django).unwrap();
    assert!(is_right(&long, &whole.hash) && !is_right(&long[..99], &whole.hash));
}

/// bcrypt repeats its key, NUL included: `a` and `a\0a` make the same one.
#[test]
fn a_nul_never_helps_against_bcrypt() {
    let ours = |case: &Case| case.password == "a" && case.hash.starts_with("$2");
    for Case { hash, .. } in cases().into_iter().filter(ours) {
        assert!(is_right("a", &hash));
        for trick in ["a\0", "a\0a", "a\0a\0a", "a\0anything", "\0a", "\0"] {
            assert!(!is_right(trick, &hash), "{trick:?}: {hash}");
        }
    }
    let empty = |case: &Case| case.password.is_empty() && case.hash.starts_with("$2");
    for Case { hash, .. } in cases().into_iter().filter(empty) {
        assert!(is_right("", &hash) && !is_right("\0", &hash));
    }
}

#[test]
fn a_salt_with_bits_that_nobody_reads_is_the_salt_without_them() {
    let case = cases().into_iter().find(|case| case.hash.starts_with("$2y$")).unwrap();
    let (head, last) = case.hash.split_at(28);
    // The last character of a salt carries two bits: these four are all there are.
    let at = ".Oeu".find(&last[..1]).unwrap();
    let alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let dirty = &alphabet[at * 16 + 5..=at * 16 + 5];
    assert!(is_right(&case.password, &format!("{head}{dirty}{}", &last[1..])));
}

#[test]
fn no_hash_may_cost_what_it_likes() {
    let bcrypt = |cost: u32| format!("$2b${cost:02}${}", "a".repeat(53));
    let key = "A".repeat(43);
    let pbkdf2 = |rounds: u64| format!("$pbkdf2-sha256${rounds}$c2FsdHNhbHQ${key}");
    let wide = |rounds: u64| format!("$pbkdf2$i={rounds},l=64$c2FsdHNhbHQ${}", "A".repeat(86));
    let django = |rounds: u64| format!("pbkdf2_sha256${rounds}$salt${key}=");
    let scrypt = |ln: u32, r: u64, p: u64| format!("$scrypt$ln={ln},r={r},p={p}$c2FsdA${key}");
    let argon2 = |m: u64, t: u64| format!("$argon2id$v=19$m={m},t={t},p=1$c2FsdHNhbHQ${key}");
    for (within, beyond) in [
        (bcrypt(15), bcrypt(16)),
        (bcrypt(4), bcrypt(31)),
        (pbkdf2(5_000_000), pbkdf2(5_000_001)),
        (wide(1_250_000), wide(1_250_001)),
        (django(5_000_000), django(4_294_967_295)),
        (scrypt(18, 8, 8), scrypt(19, 8, 1)),
        (scrypt(18, 8, 8), scrypt(18, 8, 9)),
        (scrypt(1, 8, 262_144), scrypt(1, 8, 262_145)),
        (scrypt(1, 16_384, 1), scrypt(63, 1, 1)),
        (argon2(262_144, 8), argon2(262_145, 1)),
        (argon2(262_144, 1), argon2(262_144, 9)),
        (argon2(8, 262_144), argon2(4_294_967_295, 4_294_967_295)),
    ] {
        assert!(parse(&within).is_ok(), "{within}");
        assert_eq!(parse(&beyond).unwrap_err(), StoredHashError::TooCostly, "{beyond}");
    }
    let none = ImportLimits { memory: u32::MAX, filled: u64::MAX, bcrypt: 99, pbkdf2: u64::MAX };
    for absurd in [scrypt(63, 1 << 29, 1), scrypt(63, 1, 1), bcrypt(31), argon2(1 << 31, 1)] {
        // Read, but not run here.
        let _ = StoredHash::parse(&absurd, &none);
    }
}

#[test]
fn what_is_not_quite_a_hash_is_none() {
    let key = "A".repeat(43);
    let bcrypt = "a".repeat(53);
    for text in [
        String::new(),
        "!".into(),
        "password".into(),
        "5f4dcc3b5aa765d61d8327deb882cf99".into(),
        "$1$salt$hash".into(),
        format!("$2x$05${bcrypt}"),
        format!("$2$05${bcrypt}"),
        format!("$2b$5${bcrypt}"),
        format!("$2b$+5${bcrypt}"),
        format!("$2b$03${bcrypt}"),
        format!("$2b$32${bcrypt}"),
        format!("$2b$05${bcrypt}a"),
        format!("$2b$05${}", &bcrypt[1..]),
        format!("$2b$05${}é{}", &bcrypt[..21], &bcrypt[23..]),
        format!("$argon2id$v=19$m=64,t=1,p=1${key}"),
        "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ".into(),
        format!("$argon2$v=19$m=64,t=1,p=1$c2FsdHNhbHQ${key}"),
        format!("$argon2id$v=19$m=64,t=0,p=1$c2FsdHNhbHQ${key}"),
        format!("argon2$$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ${key}"),
        format!("$pbkdf2-sha256$0$c2FsdA${key}"),
        format!("$pbkdf2-sha256$-1$c2FsdA${key}"),
        format!("$pbkdf2-sha256$99999999999$c2FsdA${key}"),
        format!("$pbkdf2-sha256$i=1000,l=31$c2FsdA${key}"),
        format!("$pbkdf2-sha256$l=32,i=1000$c2FsdA${key}"),
        format!("$pbkdf2-sha256$i=1000,l=32,x=1$c2FsdA${key}"),
        format!("$pbkdf2-md5$1000$c2FsdA${key}"),
        // Fifteen bytes of evidence, and sixty-five.
        format!("$pbkdf2-sha256$1000$c2FsdA${}", "A".repeat(20)),
        format!("$pbkdf2-sha256$1000$c2FsdA${}", "A".repeat(87)),
        "$pbkdf2-sha256$1000$c2FsdA$".into(),
        format!("pbkdf2_sha256$1000$salt${key}"),
        format!("pbkdf2_md5$1000$salt${key}="),
        format!("scrypt$1000$salt$8$1${key}="),
        format!("scrypt$1$salt$8$1${key}="),
        format!("scrypt$0$salt$8$1${key}="),
        format!("$scrypt$ln=10,r=0,p=1$c2FsdA${key}"),
        format!("$scrypt$ln=64,r=8,p=1$c2FsdA${key}"),
        format!("$scrypt$ln=10,r=65536,p=65536$c2FsdA${key}"),
        format!("$pbkdf2-sha256$1000${}${key}", "A".repeat(500)),
    ] {
        assert_eq!(parse(&text).unwrap_err(), StoredHashError::Unknown, "{text}");
    }
}

#[test]
fn a_hash_does_not_print() {
    let case = &cases()[0];
    let printed = format!("{:?}", parse(&case.hash).unwrap());
    assert!(!printed.contains("argon2") && printed.contains("[redacted]"), "{printed}");
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(
        case in 0..90_usize,
        cuts in proptest::collection::vec((0..200_usize, "[$=,.0-9a-zA-Z+/é\0]{0,3}"), 0..4),
    ) {
        let mut text: Vec<char> = cases()[case].hash.chars().collect();
        for (at, with) in cuts {
            let at = at % (text.len() + 1);
            let end = (at + with.chars().count()).min(text.len());
            text.splice(at..end, with.chars());
        }
        let text: String = text.into_iter().collect();
        let cheap = ImportLimits { memory: 1024, filled: 1024, bcrypt: 4, pbkdf2: 2000 };
        if let Ok(hash) = StoredHash::parse(&text, &cheap) {
            prop_assert!(!hash.verify("certainly not"));
        }
    }
}
