use std::fmt;
use std::str::FromStr;

use url::Host;

use crate::account::Email;

/// The longest name, in bytes: RFC 1035, section 2.3.4, without the root.
const MAX_LENGTH: usize = 253;
/// Before normalisation: an internationalised name can be longer than what it stands for.
const MAX_TYPED: usize = 1024;

/// The domain of an email address in the one spelling that it is compared by: lower case, ASCII
/// (IDNA, UTS #46), without a dot at the end. `Bücher.Example` is `xn--bcher-kva.example`.
///
/// It has at least two labels and is no IP address. Whether it is anybody's own, or a public
/// provider's such as `gmail.com`, it does not say.
///
/// ```
/// use donjon::account::Email;
/// use donjon::account::organization::EmailDomain;
///
/// let acme: EmailDomain = "ACME.example.".parse()?;
/// let bob = Email::parse("Bob@Acme.Example")?;
/// assert_eq!(EmailDomain::of(&bob), Some(acme));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EmailDomain(String);

/// The text is not the name of a domain that mail is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the name of a domain, such as acme.example")]
pub struct InvalidEmailDomain;

impl EmailDomain {
    /// The domain of an address; `None` if it is not one that organizations can have, such as
    /// `localhost`.
    pub fn of(email: &Email) -> Option<Self> {
        email.as_str().rsplit_once('@')?.1.parse().ok()
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailDomain {
    type Err = InvalidEmailDomain;

    fn from_str(text: &str) -> Result<Self, InvalidEmailDomain> {
        let text = text.trim();
        // A URL's host may be percent-encoded; an address's domain is not.
        if text.len() > MAX_TYPED || text.contains('%') {
            return Err(InvalidEmailDomain);
        }
        let Ok(Host::Domain(mut name)) = Host::parse(text) else { return Err(InvalidEmailDomain) };
        if name.ends_with('.') {
            name.pop();
        }
        let fits = name.len() <= MAX_LENGTH && name.contains('.') && name.split('.').all(is_label);
        if fits { Ok(Self(name)) } else { Err(InvalidEmailDomain) }
    }
}

/// RFC 1123, section 2.1: letters, digits, and hyphens between them.
fn is_label(label: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Display for EmailDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EmailDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmailDomain({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_domain_has_one_spelling() {
        for (typed, expected) in [
            ("acme.example", "acme.example"),
            (" ACME.Example. ", "acme.example"),
            ("mail.acme.co.uk", "mail.acme.co.uk"),
            ("Bücher.example", "xn--bcher-kva.example"),
            ("BU\u{308}CHER.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
            ("ａｃｍｅ．example", "acme.example"),
            ("ac\u{ad}me.example", "acme.example"),
            ("straße.example", "xn--strae-oqa.example"),
            ("3m.example", "3m.example"),
            ("acme.example。", "acme.example"),
        ] {
            let domain: EmailDomain = typed.parse().unwrap_or_else(|_| panic!("{typed:?}"));
            assert_eq!(domain.as_str(), expected, "{typed:?}");
        }
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        let long_label = format!("{}.example", "a".repeat(64));
        let long = format!("{}example", "abcdefghi.".repeat(25));
        let huge = "a.".repeat(5_000);
        for bad in [
            "",
            ".",
            "localhost",
            "localhost.",
            "acme..example",
            ".acme.example",
            "acme.example..",
            "-acme.example",
            "acme-.example",
            "ac_me.example",
            "acme .example",
            "acme%2eexample",
            "ac%6de.example",
            "acme.example/x",
            "acme.example:25",
            "bob@acme.example",
            "127.0.0.1",
            "0x7f.1",
            "acme.1",
            "[::1]",
            "*.acme.example",
            "xn--a.example",
            "ac\u{0}me.example",
            "ac\nme.example",
            &long_label,
            &long,
            &huge,
        ] {
            assert_eq!(bad.parse::<EmailDomain>(), Err(InvalidEmailDomain), "{bad:?}");
        }
    }

    #[test]
    fn an_address_belongs_to_its_domain_only() {
        let domain = |text| EmailDomain::of(&Email::parse(text).unwrap());
        let acme: EmailDomain = "acme.example".parse().unwrap();
        assert_eq!(domain("Bob@ACME.example"), Some(acme.clone()));
        for other in ["bob@acme.example.evil.test", "bob@notacme.example", "bob@mail.acme.example"]
        {
            assert_ne!(domain(other), Some(acme.clone()), "{other}");
        }
        assert_eq!(domain("bob@bücher.example"), Some("xn--bcher-kva.example".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(
            text in "[a-zA-Z0-9äÖß例.。-]{1,20}\\.[a-z]{2,6}|\\PC{0,40}|.{0,40}",
        ) {
            if let Ok(domain) = text.parse::<EmailDomain>() {
                prop_assert_eq!(domain.as_str().parse::<EmailDomain>(), Ok(domain.clone()));
                let ldh = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-' | '.');
                prop_assert!(domain.as_str().chars().all(ldh));
                prop_assert!(domain.as_str().contains('.'));
            }
        }
    }
}
