//! Elements that the schema allows once.

use crate::saml::SamlError;
use crate::saml::xml::Element;

/// The only child that is `local` in `namespace`.
pub(super) fn only_child<'t>(
    parent: Element<'t>,
    namespace: &str,
    local: &'static str,
) -> Result<Element<'t>, SamlError> {
    optional_child(parent, namespace, local)?
        .ok_or(SamlError::MissingProtocolField { field: local })
}

/// The only child that is `local` in `namespace`, if there is one.
pub(super) fn optional_child<'t>(
    parent: Element<'t>,
    namespace: &str,
    local: &'static str,
) -> Result<Option<Element<'t>>, SamlError> {
    let mut found = parent.elements().filter(|child| child.is(namespace, local));
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        _ => Err(SamlError::MissingProtocolField { field: local }),
    }
}

/// The text of an element that must have some.
pub(super) fn required_text<'t>(
    element: Element<'t>,
    field: &'static str,
) -> Result<&'t str, SamlError> {
    element
        .text()
        .filter(|text| !text.trim().is_empty())
        .ok_or(SamlError::MissingProtocolField { field })
}
