//! What a provider says of a user, in one form for all providers.

use serde::{Deserialize, Deserializer, Serialize};

use super::limits;
use crate::account::Email;
use crate::account::organization::EmailDomain;

/// What a provider says of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::account) struct Profile {
    /// A name that never becomes another's.
    pub(in crate::account::social) subject: String,
    /// The address, in our spelling.
    pub(in crate::account::social) email: Option<String>,
    /// Whether the provider is believed that the address is the user's.
    pub(in crate::account::social) email_trusted: bool,
    /// Who is behind the address beside the user.
    #[serde(default)]
    pub(in crate::account::social) backing: Backing,
    /// The name, for people to recognise the identity by.
    pub(in crate::account::social) name: Option<String>,
    /// How the user proved to the provider who they are.
    pub(in crate::account::social) amr: Vec<String>,
    /// When; in seconds since 1970.
    pub(in crate::account::social) auth_time: Option<i64>,
}

/// Who is known to be behind an address beside its user, by the rule of the provider. That somebody
/// once read a mail at the address says nothing of the owner of its domain: an employee can have an
/// account of their own at Google with it, and keeps that when they leave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::account::social) enum Backing {
    /// Nobody.
    #[default]
    Nobody,
    /// The owner of the address's domain.
    Owner,
    /// The owner of this domain, in our spelling, who need not be that of the address's.
    Hosted(String),
}

impl Backing {
    /// The owner of a domain that a provider names.
    pub(in crate::account::social) fn by(domain: &str) -> Self {
        let domain = domain.parse::<EmailDomain>();
        domain.map_or(Self::Nobody, |domain| Self::Hosted(domain.as_str().to_owned()))
    }
}

impl Profile {
    /// The user of this name, of whom nothing else is known.
    pub(in crate::account::social) fn of(subject: String) -> Self {
        Self {
            subject,
            email: None,
            email_trusted: false,
            backing: Backing::Nobody,
            name: None,
            amr: Vec::new(),
            auth_time: None,
        }
    }

    /// The address, if the provider is believed.
    pub(in crate::account::social) fn trusted_email(&self) -> Option<Email> {
        let email = self.email.as_deref().filter(|_| self.email_trusted)?;
        Email::parse(email).ok()
    }
}

/// An address in our spelling; `None` for what is none.
pub(in crate::account::social) fn address(text: &str) -> Option<String> {
    Email::parse(text).ok().map(|email| email.as_str().to_owned())
}

/// A person's name as it may be shown and stored: one line of a bearable length.
pub(in crate::account::social) fn person(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| !c.is_control()).take(limits::NAME).collect();
    let plain = plain.trim();
    (!plain.is_empty()).then(|| plain.to_owned())
}

/// Whether it can be the name of a user: ASCII, of at most 255 characters (OpenID Core, section 2).
pub(in crate::account::social) fn is_subject(text: &str) -> bool {
    let printable = |b: u8| b == b' ' || b.is_ascii_graphic();
    !text.is_empty() && text.len() <= limits::SUBJECT && text.bytes().all(printable)
}

/// A boolean, which some write as a text or a number. What is none of these is not true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::account::social) struct Truth(pub(in crate::account::social) bool);

impl<'de> Deserialize<'de> for Truth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let is_one = value.as_u64() == Some(1);
        let is_text = value.as_str().is_some_and(|text| matches!(text, "true" | "True" | "1"));
        Ok(Self(value == serde_json::Value::Bool(true) || is_one || is_text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_plainly_true_is() {
        let read = |json: &str| serde_json::from_str::<Truth>(json).unwrap().0;
        for json in ["true", "\"true\"", "1", "\"1\"", "\"True\""] {
            assert!(read(json), "{json}");
        }
        for json in ["false", "\"false\"", "0", "2", "null", "\"yes\"", "[true]", "{}", "1.5"] {
            assert!(!read(json), "{json}");
        }
    }

    #[test]
    fn a_domain_that_is_named_is_in_one_spelling_or_nobodys() {
        assert_eq!(Backing::by("Acme.Example"), Backing::Hosted("acme.example".into()));
        for odd in ["", "acme", "acme example", "a@acme.example", "10.0.0.1"] {
            assert_eq!(Backing::by(odd), Backing::Nobody, "{odd}");
        }
    }

    #[test]
    fn names_are_one_line_and_subjects_ascii() {
        assert_eq!(person(" Zoë\r\n\u{0}O'Hara ").as_deref(), Some("ZoëO'Hara"));
        assert_eq!(person(" \n "), None);
        assert_eq!(person(&"é".repeat(1000)).unwrap().chars().count(), limits::NAME);
        for good in ["1", "auth0|5f7c", "a b", &"a".repeat(255)] {
            assert!(is_subject(good), "{good}");
        }
        for bad in ["", "é", "a\n", "a\u{0}", &"a".repeat(256)] {
            assert!(!is_subject(bad), "{bad}");
        }
    }
}
