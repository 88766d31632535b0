use std::fmt;
use std::net::IpAddr;

use serde::Serialize;
use serde_json::Value;

use crate::account::AttributesError;
use crate::account::attributes::MAX_SIZE;
use crate::http::Form;
use crate::scope::{Attributes, OrganizationId, storable_fields};

/// The fields that are ours.
pub(super) const OURS: [&str; 3] = ["email", "password", "token"];

/// Somebody who wants an account.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct SignUp<'a> {
    /// The address, as accounts have it.
    pub email: &'a str,
    /// Whether it is known to be theirs.
    pub email_verified: bool,
    /// How they came.
    pub way: SignUpWay<'a>,
    /// Where the request came from, if the server says so.
    pub address: Option<IpAddr>,
    /// What the browser says it is.
    pub user_agent: Option<&'a str>,
    pub(super) form: Option<&'a Form>,
}

/// How somebody comes who wants an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignUpWay<'a> {
    /// By the form.
    Form,
    /// By a mailed invitation to an organization.
    Invitation(OrganizationId),
    /// By a provider (feature `social`), by its id.
    Provider(&'a str),
}

impl<'a> SignUp<'a> {
    /// What was typed into another field of the form, such as one of
    /// [`AccountLayerBuilder::sign_up_fields`](crate::account::AccountLayerBuilder::sign_up_fields).
    /// `None` if it is empty, not there, or there twice, and for who came by a provider, where there is
    /// no form. The password is told to nobody.
    pub fn field(&self, name: &str) -> Option<&'a str> {
        let form = self.form.filter(|_| !OURS.contains(&name))?;
        typed(form, name)
    }
}

/// What was typed into a field, if it is there once.
pub(super) fn typed<'a>(form: &'a Form, name: &str) -> Option<&'a str> {
    let mut values = form.iter().filter(|(key, _)| *key == name).map(|(_, value)| value);
    let value = values.next().filter(|value| !value.is_empty());
    if values.next().is_some() { None } else { value }
}

impl fmt::Debug for SignUp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignUp")
            .field("email", &self.email)
            .field("email_verified", &self.email_verified)
            .field("way", &self.way)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// What a new account has from the first moment on: attributes in a type of the host's, as
/// [`Account::attributes_as`](crate::scope::Account::attributes_as) gives them back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SignUpAttributes(pub(super) Attributes);

impl SignUpAttributes {
    /// Those of this value, which must be an object as JSON, of 16 KiB at most. In texts U+0000 becomes
    /// U+FFFD.
    ///
    /// ```
    /// use donjon::account::SignUpAttributes;
    ///
    /// #[derive(serde::Serialize)]
    /// struct Profile {
    ///     display_name: String,
    /// }
    ///
    /// let profile = Profile { display_name: "Alice".to_owned() };
    /// assert!(SignUpAttributes::of(&profile).is_ok());
    /// assert!(SignUpAttributes::of(&"Alice").is_err());
    /// ```
    ///
    /// # Errors
    /// [`AttributesError::Type`], [`AttributesError::TooLarge`].
    pub fn of<T: Serialize>(value: &T) -> Result<Self, AttributesError> {
        let value: Value = serde_json::to_value(value)?;
        let fields: Attributes = serde_json::from_value(value)?;
        let fields = storable_fields(fields);
        if serde_json::to_string(&fields)?.len() > MAX_SIZE {
            return Err(AttributesError::TooLarge);
        }
        Ok(Self(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign_up(form: &Form) -> SignUp<'_> {
        SignUp {
            email: "alice@example.test",
            email_verified: false,
            way: SignUpWay::Form,
            address: None,
            user_agent: None,
            form: Some(form),
        }
    }

    #[test]
    fn a_hook_sees_the_hosts_fields_and_never_the_password() {
        let form = Form::parse(b"email=a&password=secret-1&token=t&name=Alice&b=1&b=2&c=").unwrap();
        let who = sign_up(&form);
        assert_eq!(who.field("name"), Some("Alice"));
        for name in ["email", "password", "token", "b", "c", "d"] {
            assert_eq!(who.field(name), None, "{name}");
        }
        assert!(!format!("{who:?}").contains("secret-1"));
    }

    #[test]
    fn attributes_are_an_object_of_bounded_size() {
        assert!(SignUpAttributes::of(&serde_json::json!({"a": "x\0"})).is_ok());
        assert!(matches!(SignUpAttributes::of(&1), Err(AttributesError::Type(_))));
        let large = serde_json::json!({ "a": "x".repeat(MAX_SIZE) });
        assert!(matches!(SignUpAttributes::of(&large), Err(AttributesError::TooLarge)));
    }
}
