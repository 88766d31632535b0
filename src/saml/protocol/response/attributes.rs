//! What else an assertion says about the user (Core 2.7.3).

use crate::saml::SamlError;
use crate::saml::xml::VerifiedAssertion;
use crate::saml::xml::namespace::ASSERTION;

/// The most attributes that one assertion may have.
const MAX_ATTRIBUTES: usize = 256;

/// The attributes of a user, in the order they were sent; a name may come more than once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes(Vec<Attribute>);

/// One attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attribute {
    /// Its name, such as `mail` or `urn:oid:0.9.2342.19200300.100.1.3`.
    pub name: String,
    /// How to read the name, as a URI.
    pub name_format: Option<String>,
    /// A name for people; not to be relied on.
    pub friendly_name: Option<String>,
    /// Its values; there may be none. Of a value with elements inside, the text.
    pub values: Vec<String>,
}

impl Attributes {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Attribute> {
        self.0.iter()
    }

    /// All values of the attributes called `name`.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |a| a.name == name).flat_map(|a| &a.values).map(String::as_str)
    }

    /// The first value of the attributes called `name`.
    pub fn first<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.values(name).next()
    }

    pub(super) fn read(assertion: &VerifiedAssertion<'_>) -> Result<Self, SamlError> {
        let mut attributes = Vec::new();
        for statement in assertion.element().elements_named(ASSERTION, "AttributeStatement") {
            for element in statement.elements_named(ASSERTION, "Attribute") {
                if attributes.len() >= MAX_ATTRIBUTES {
                    return Err(SamlError::PayloadTooLarge { limit: "number of attributes" });
                }
                let name = element.attribute("Name").filter(|name| !name.is_empty());
                attributes.push(Attribute {
                    name: name
                        .ok_or(SamlError::MissingProtocolField { field: "Attribute Name" })?
                        .to_owned(),
                    name_format: element.attribute("NameFormat").map(str::to_owned),
                    friendly_name: element.attribute("FriendlyName").map(str::to_owned),
                    values: element
                        .elements_named(ASSERTION, "AttributeValue")
                        .map(|value| value.text_content())
                        .collect(),
                });
            }
        }
        Ok(Self(attributes))
    }
}
