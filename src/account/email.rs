use std::fmt;

use email_address::{EmailAddress, Options};
use url::Host;

/// The longest address, in bytes: RFC 5321, section 4.5.3.1.3, without the angle brackets.
pub(super) const MAX_LENGTH: usize = 254;

/// An email address in the one spelling that it is stored, found and mailed by: trimmed, in lower
/// case, and with its domain in ASCII (IDNA, UTS #46), since `münchen.example` and
/// `xn--mnchen-3ya.example` are one.
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
    /// name, a quoted local part, a comment, an IP address, however it is written, and any white
    /// space or control character inside are refused.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim().to_lowercase();
        let strange = |c: char| c.is_whitespace() || c.is_control() || "\"(),:;<>[\\]".contains(c);
        if text.len() > MAX_LENGTH || text.contains(strange) {
            return Err(InvalidEmail);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        let text = format!("{local}@{}", ascii_domain(domain)?);
        let options = Options::default().without_display_text().without_domain_literal();
        if text.len() > MAX_LENGTH || EmailAddress::parse_with_options(&text, options).is_err() {
            return Err(InvalidEmail);
        }
        Ok(Self(text))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The domain as the DNS knows it. Whatever a URL's parser takes for an IP address is none: no
/// dotted, decimal, octal or hexadecimal form of one.
fn ascii_domain(domain: &str) -> Result<String, InvalidEmail> {
    // A URL's host may be percent-encoded; an address's domain is not.
    match Host::parse(domain) {
        Ok(Host::Domain(name)) if !domain.contains('%') => Ok(name),
        _ => Err(InvalidEmail),
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
        for text in [
            "a@münchen.example",
            "A@MÜNCHEN.example",
            "a@mu\u{308}nchen.example",
            "a@xn--mnchen-3ya.example",
            "a@XN--MNCHEN-3YA.Example",
            "a@ｍünchen。example",
        ] {
            assert_eq!(Email::parse(text).unwrap().as_str(), "a@xn--mnchen-3ya.example", "{text}");
        }
        assert_eq!(
            Email::parse("jürgen@faß.example").unwrap().as_str(),
            "jürgen@xn--fa-hia.example"
        );
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
            "alice@127.0.0.1",
            "alice@127.1",
            "alice@2130706433",
            "alice@0x7f.0.0.1",
            "alice@１２７.0.0.1",
            "alice@[::1]",
            "alice@[IPv6:::1]",
            "alice@::1",
            "alice@ex%61mple.test",
            "alice@example.test%00",
            "alice@xn--.example",
            "alice@example.test.",
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
