use std::fmt;

use email_address::{EmailAddress, Options};

/// The longest address, in bytes: RFC 5321, section 4.5.3.1.3, without the angle brackets.
pub(super) const MAX_LENGTH: usize = 254;

/// An email address in the one spelling that it is stored, found and mailed by: trimmed and in
/// lower case.
///
/// The local part is lower-cased too. By RFC 5321 it could matter; in practice it never does,
/// while people do write `Alice@example.com`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

/// The text is not an email address that mail can be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an email address")]
pub struct InvalidEmail;

impl Email {
    /// Reads an address.
    ///
    /// # Errors
    /// [`InvalidEmail`] for anything but a plain `local@domain` of at most 254 bytes; a display
    /// name, a quoted local part, a comment, a bare IP address and any white space or control
    /// character inside are refused.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim().to_lowercase();
        let strange = |c: char| c.is_whitespace() || c.is_control() || "\"(),:;<>[\\]".contains(c);
        let options = Options::default().without_display_text().without_domain_literal();
        if text.len() > MAX_LENGTH
            || text.contains(strange)
            || EmailAddress::parse_with_options(&text, options).is_err()
        {
            return Err(InvalidEmail);
        }
        Ok(Self(text))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_has_one_spelling() {
        for text in ["alice@example.test", " Alice@Example.TEST\n", "\tALICE@EXAMPLE.test "] {
            assert_eq!(Email::parse(text).unwrap().as_str(), "alice@example.test", "{text:?}");
        }
        assert_ne!(Email::parse("a+b@example.test"), Email::parse("a@example.test"));
    }

    #[test]
    fn what_could_be_more_than_an_address_is_none() {
        let long = format!("{}@{}.test", "a".repeat(64), "b.".repeat(100));
        for bad in [
            "",
            "alice",
            "@example.test",
            "alice@",
            "a@b@c",
            "alice@example.test\r\nBcc: all@example.test",
            "alice\u{0}@example.test",
            "\"a b\"@example.test",
            "\"alice\"@example.test",
            "Alice <alice@example.test>",
            "alice@[127.0.0.1]",
            "alice@example.test,bob@example.test",
            "alice@example..test",
            "alice (home)@example.test",
            "al\u{2028}ice@example.test",
            &long,
        ] {
            assert_eq!(Email::parse(bad), Err(InvalidEmail), "{bad:?}");
        }
    }
}
