//! What a service provider says about itself (Metadata 2.4.4).

use time::OffsetDateTime;

use super::writer::{Writer, empty};
use super::{BINDING_POST, instant};
use crate::saml::xml::namespace::{METADATA, PROTOCOL};

/// The metadata of this service provider.
///
/// ```
/// use donjon::saml::protocol::SpMetadata;
///
/// let xml = SpMetadata {
///     entity_id: "https://app.example/saml/acme/metadata",
///     acs_url: "https://app.example/saml/acme/acs",
///     want_assertions_signed: true,
///     name_id_formats: &["urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"],
///     valid_until: None,
/// }
/// .to_xml();
/// assert!(xml.contains(r#"WantAssertionsSigned="true""#));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct SpMetadata<'a> {
    /// The service provider's entity ID.
    pub entity_id: &'a str,
    /// Where responses go, by HTTP-POST.
    pub acs_url: &'a str,
    /// Whether assertions must be signed themselves.
    pub want_assertions_signed: bool,
    /// Acceptable formats of user names, most wanted first.
    pub name_id_formats: &'a [&'a str],
    /// Until when this description holds.
    pub valid_until: Option<OffsetDateTime>,
}

impl SpMetadata<'_> {
    /// The XML, in the order of the schema. Requests are declared unsigned, as they are.
    pub fn to_xml(&self) -> String {
        let valid_until = self.valid_until.map(instant::write);
        let mut xml = Writer::default();
        let entity = [
            ("xmlns:md", Some(METADATA)),
            ("entityID", Some(self.entity_id)),
            ("validUntil", valid_until.as_deref()),
        ];
        xml.element("md:EntityDescriptor", &entity, |entity| {
            let descriptor = [
                ("AuthnRequestsSigned", Some("false")),
                (
                    "WantAssertionsSigned",
                    Some(if self.want_assertions_signed { "true" } else { "false" }),
                ),
                ("protocolSupportEnumeration", Some(PROTOCOL)),
            ];
            entity.element("md:SPSSODescriptor", &descriptor, |descriptor| {
                for format in self.name_id_formats {
                    descriptor.leaf("md:NameIDFormat", format);
                }
                let service = [
                    ("Binding", Some(BINDING_POST)),
                    ("Location", Some(self.acs_url)),
                    ("index", Some("1")),
                    ("isDefault", Some("true")),
                ];
                descriptor.element("md:AssertionConsumerService", &service, empty);
            });
        });
        xml.finish()
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::saml::xml::{Limits, parse};

    #[test]
    fn metadata_is_escaped_and_in_schema_order() {
        let metadata = SpMetadata {
            entity_id: "urn:app:\"><md:KeyDescriptor>&",
            acs_url: "https://app.example/acs?a=1&b=2",
            want_assertions_signed: true,
            name_id_formats: &["urn:a", "</md:NameIDFormat>"],
            valid_until: Some(datetime!(2030-01-01 0:00 UTC)),
        };
        let xml = metadata.to_xml();
        let document = parse(xml.as_bytes(), &Limits::MESSAGE).unwrap();
        let root = document.root();
        assert_eq!(root.attribute("entityID"), Some(metadata.entity_id));
        assert_eq!(root.attribute("validUntil"), Some("2030-01-01T00:00:00Z"));
        let descriptor = root.elements().next().unwrap();
        assert_eq!(descriptor.attribute("WantAssertionsSigned"), Some("true"));
        let names: Vec<_> = descriptor.elements().map(|e| e.name().local).collect();
        assert_eq!(names, ["NameIDFormat", "NameIDFormat", "AssertionConsumerService"]);
        let formats: Vec<_> = descriptor.elements().filter_map(|e| e.text()).take(2).collect();
        assert_eq!(formats, metadata.name_id_formats);
        assert_eq!(
            descriptor.elements().last().unwrap().attribute("Location"),
            Some(metadata.acs_url)
        );
    }
}
