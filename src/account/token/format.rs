use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::crc32::crc32;
use crate::crypto::{Random, RandomExt as _, TokenHash};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62^43 is a little more than 2^256.
const RANDOM: usize = 43;
/// 62^6 is more than 2^32.
const CHECKSUM: usize = 6;
/// The random characters that a token has in common with its successors: 62^21 is more than 2^125, and
/// what is left to each, 62^22, more than 2^130.
const FAMILY: usize = 21;

/// What the tokens of an application begin with, so that people and secret scanners know whose
/// they are: 2 to 20 small letters, digits and underscores, the first a letter; not `eyj…`, which
/// is what a JWT begins with.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TokenPrefix(Arc<str>);

/// The text is no [`TokenPrefix`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a token prefix is 2 to 20 small letters, digits and underscores, begins with a letter, and not with \"eyj\""
)]
pub struct InvalidTokenPrefix;

impl TokenPrefix {
    /// The prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The regular expression that a secret scanner finds candidates by; it holds nothing that
    /// any dialect reads differently.
    ///
    /// ```
    /// let prefix: donjon::account::token::TokenPrefix = "acme".parse()?;
    /// assert_eq!(prefix.scanner_pattern(), r"\bacme_[0-9A-Za-z]{49}\b");
    /// # Ok::<(), donjon::account::token::InvalidTokenPrefix>(())
    /// ```
    pub fn scanner_pattern(&self) -> String {
        format!(r"\b{}_[0-9A-Za-z]{{{}}}\b", self.0, RANDOM + CHECKSUM)
    }

    /// The prefix of other secrets of the same owner: this one, an underscore, and a word.
    pub(in crate::account) fn and(&self, word: &str) -> Self {
        Self(format!("{}_{word}", self.0).into())
    }

    /// Whether a text that begins with this prefix may begin with the other one, too.
    pub(in crate::account) fn overlaps(&self, other: &Self) -> bool {
        let begins = |one: &Self, other: &Self| other.0 == one.0 || one.strip(&other.0).is_some();
        begins(self, other) || begins(other, self)
    }

    /// What follows the prefix and its underscore.
    fn strip<'a>(&self, text: &'a str) -> Option<&'a str> {
        text.strip_prefix(&*self.0)?.strip_prefix('_')
    }
}

impl FromStr for TokenPrefix {
    type Err = InvalidTokenPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidTokenPrefix> {
        let fits = (2..=20).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && !text.starts_with("eyj");
        if fits { Ok(Self(text.into())) } else { Err(InvalidTokenPrefix) }
    }
}

impl fmt::Display for TokenPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TokenPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenPrefix({})", self.0)
    }
}

/// A token of the application's own API, as its bearer holds it.
///
#[doc = include_str!("format.md")]
///
/// ```
/// use donjon::account::token::{ApiToken, NotAnApiToken, TokenPrefix};
/// use donjon::crypto::SystemRandom;
///
/// let prefix: TokenPrefix = "acme".parse()?;
/// let token = ApiToken::generate(&SystemRandom, &prefix);
/// let text = token.expose(); // shown once
/// assert_eq!(ApiToken::parse(&prefix, text)?.hash(), token.hash());
///
/// let jwt = "eyJhbGciOiJFUzI1NiJ9.e30.c2ln";
/// assert_eq!(ApiToken::parse(&prefix, jwt).unwrap_err(), NotAnApiToken::Foreign);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ApiToken(Zeroizing<String>);

/// Why a text is no [`ApiToken`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAnApiToken {
    /// It does not begin with the prefix: it may be another kind of credential.
    #[error("the text does not begin with the prefix of API tokens")]
    Foreign,
    /// It begins with the prefix, but has another length or other characters, or its checksum is
    /// wrong: nobody was ever given it.
    #[error("the API token is damaged, or made up")]
    Damaged,
}

impl ApiToken {
    /// A fresh token.
    pub fn generate(random: &dyn Random, prefix: &TokenPrefix) -> Self {
        Self::complete(random, [&prefix.0, "_"], RANDOM)
    }

    /// A token to take the place of this one, of the same family.
    pub(in crate::account) fn successor(&self, random: &dyn Random) -> Self {
        Self::complete(random, [self.family_text(), ""], RANDOM - FAMILY)
    }

    /// What the store knows all successors of a token by, so that it knows one that it has forgotten.
    /// Nobody who never had one of them can say it.
    pub(in crate::account) fn family(&self) -> TokenHash {
        TokenHash::of(self.family_text().as_bytes())
    }

    fn family_text(&self) -> &str {
        let end = self.0.len().saturating_sub(RANDOM - FAMILY + CHECKSUM);
        self.0.get(..end).unwrap_or_default()
    }

    /// What begins like this, and ends in so many random characters.
    fn complete(random: &dyn Random, begin: [&str; 2], missing: usize) -> Self {
        let length = begin.iter().map(|part| part.len()).sum::<usize>() + missing + CHECKSUM;
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.extend(begin);
        for _ in 0..missing {
            text.push(digit(random.below::<62>()));
        }
        let checksum = checksum(&text);
        text.extend(checksum);
        Self(text)
    }

    /// Reads a token that somebody presents.
    ///
    /// # Errors
    /// [`NotAnApiToken`]; either way there is nothing to ask the store.
    pub fn parse(prefix: &TokenPrefix, text: &str) -> Result<Self, NotAnApiToken> {
        let rest = prefix.strip(text).ok_or(NotAnApiToken::Foreign)?;
        let whole = rest.len() == RANDOM + CHECKSUM && rest.bytes().all(|b| BASE62.contains(&b));
        let split = text.split_at_checked(text.len().saturating_sub(CHECKSUM));
        match split {
            Some((body, sum)) if whole && sum.chars().eq(checksum(body)) => {
                Ok(Self(Zeroizing::new(text.to_owned())))
            }
            _ => Err(NotAnApiToken::Damaged),
        }
    }

    /// The text, to hand to the bearer.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the store knows this token by: SHA-256 of the whole text, of which there is only one
    /// spelling. (An [`OpaqueToken`](crate::crypto::OpaqueToken) is hashed decoded; there are no bytes that
    /// this text would be a form of.)
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.as_bytes())
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken([redacted])")
    }
}

fn digit(value: u32) -> char {
    BASE62.get(value as usize).copied().map_or('0', char::from)
}

fn checksum(body: &str) -> [char; CHECKSUM] {
    let mut rest = crc32(body.as_bytes());
    let mut digits = ['0'; CHECKSUM];
    for place in digits.iter_mut().rev() {
        *place = digit(rest % 62);
        rest /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::crypto::{SystemRandom, sha256};

    fn prefix(text: &str) -> TokenPrefix {
        text.parse().unwrap()
    }

    #[test]
    fn a_prefix_that_another_goes_on_from_overlaps_with_it() {
        for (one, other, overlaps) in [
            ("acme", "acme", true),
            ("acme", "acme_app", true),
            ("acme", "acmeapp", false),
            ("acme", "emca", false),
        ] {
            let (one, other) = (prefix(one), prefix(other));
            assert_eq!((one.overlaps(&other), other.overlaps(&one)), (overlaps, overlaps));
        }
        assert_eq!(prefix("acme").and("refresh").as_str(), "acme_refresh");
    }

    #[test]
    fn prefixes_have_rules() {
        for good in ["ab", "acme", "a1", "acme_live", "a_", "ey_j", "abcdefghij0123456789"] {
            assert_eq!(prefix(good).as_str(), good);
        }
        for bad in [
            "",
            "a",
            "Acme",
            "1a",
            "_a",
            "a-b",
            "a b",
            "é1",
            "eyj",
            "eyja",
            "abcdefghij01234567890",
        ] {
            assert_eq!(bad.parse::<TokenPrefix>(), Err(InvalidTokenPrefix), "{bad:?}");
        }
    }

    #[test]
    fn a_token_has_the_form_that_scanners_look_for() {
        let token = ApiToken::generate(&SystemRandom, &prefix("acme"));
        let random = token.expose().strip_prefix("acme_").unwrap();
        assert_eq!(random.len(), 49);
        assert!(random.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_eq!(token.hash(), TokenHash::from_bytes(sha256(token.expose().as_bytes())));
        assert_eq!(format!("{token:?}"), "ApiToken([redacted])");
    }

    /// Computed by the Python of `format.md`.
    #[test]
    fn the_checksum_is_the_one_that_is_documented() {
        let token = "acme_00000000000000000000000000000000000000000002X8XW8";
        assert!(ApiToken::parse(&prefix("acme"), token).is_ok());
    }

    #[test]
    fn tokens_are_spread_over_the_whole_alphabet() {
        let tokens: Vec<_> =
            (0..200).map(|_| ApiToken::generate(&SystemRandom, &prefix("ab"))).collect();
        let seen: BTreeSet<_> =
            tokens.iter().flat_map(|token| token.expose()[3..46].chars()).collect();
        assert_eq!(seen.len(), 62);
        let hashes: BTreeSet<_> = tokens.iter().map(|token| *token.hash().as_bytes()).collect();
        assert_eq!(hashes.len(), 200);
    }

    #[test]
    fn what_is_no_token_of_ours_is_told_from_what_is_a_broken_one() {
        let ours = prefix("acme");
        let token = ApiToken::generate(&SystemRandom, &ours);
        let text = token.expose();
        let other = ApiToken::generate(&SystemRandom, &prefix("acme_live"));
        for foreign in ["", "acme", "ACME_x", "eyJh.e30.c2ln", &text[1..], &format!(" {text}")] {
            assert_eq!(ApiToken::parse(&ours, foreign).unwrap_err(), NotAnApiToken::Foreign);
        }
        let renamed = text.replace("acme_", "acmf_");
        assert_eq!(
            ApiToken::parse(&prefix("acmf"), &renamed).unwrap_err(),
            NotAnApiToken::Damaged,
            "the checksum covers the prefix"
        );
        for damaged in [
            "acme_",
            other.expose(),
            &text[..53],
            &format!("{text}0"),
            &format!("{text}\n"),
            &format!("acme_{}", "é".repeat(24)),
            &format!("acme_{}é", "0".repeat(47)),
            &format!("acme_{}", "0".repeat(10_000)),
        ] {
            assert_eq!(ApiToken::parse(&ours, damaged).unwrap_err(), NotAnApiToken::Damaged);
        }
    }

    #[test]
    fn a_token_has_its_family_in_common_with_its_successors_alone() {
        let prefix = prefix("acme");
        let first = ApiToken::generate(&SystemRandom, &prefix);
        let second = first.successor(&SystemRandom);
        let third = ApiToken::parse(&prefix, second.successor(&SystemRandom).expose()).unwrap();
        assert!(first.family() == second.family() && first.family() == third.family());
        assert_eq!(third.expose().len(), first.expose().len());
        let hashes: BTreeSet<_> = [&first, &second, &third].map(|it| *it.hash().as_bytes()).into();
        assert_eq!(hashes.len(), 3);
        assert_eq!(first.expose()[..26], third.expose()[..26]);
        assert_ne!(first.expose()[26..], third.expose()[26..]);
        let other = ApiToken::generate(&SystemRandom, &prefix);
        assert!(other.family() != first.family() && other.family() != other.hash());
    }

    proptest! {
        #[test]
        fn every_token_is_read_back(name in "[a-d][a-z0-9_]{1,19}") {
            let prefix = prefix(&name);
            let token = ApiToken::generate(&SystemRandom, &prefix);
            prop_assert_eq!(ApiToken::parse(&prefix, token.expose()).unwrap().hash(), token.hash());
        }

        /// A CRC finds each single wrong character.
        #[test]
        fn no_character_can_change(at in 0..54usize, to in "[0-9A-Za-z_é ]") {
            let prefix = prefix("acme");
            let token = ApiToken::generate(&SystemRandom, &prefix);
            let mut text = token.expose().to_owned();
            prop_assume!(text[at..=at] != to);
            text.replace_range(at..=at, &to);
            prop_assert!(ApiToken::parse(&prefix, &text).is_err());
        }

        #[test]
        fn anything_at_all_is_read_or_refused(text in "(acme_)?.{0,60}") {
            prop_assert!(ApiToken::parse(&prefix("acme"), &text).is_err());
        }

        #[test]
        fn prefixes_are_those_of_the_rule(text in "[a-zA-Z0-9_-]{0,22}|.{0,22}") {
            let first = text.starts_with(|c: char| c.is_ascii_lowercase());
            let rest = text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'));
            let length = (2..=20).contains(&text.len());
            let expected = first && rest && length && !text.starts_with("eyj");
            prop_assert_eq!(text.parse::<TokenPrefix>().is_ok(), expected);
        }
    }
}
