//! The shape of a response: what it is made of, before anybody is believed.

use crate::saml::SamlError;
use crate::saml::xml::namespace::{ASSERTION, PROTOCOL, SIGNATURE};
use crate::saml::xml::{Document, Element, is_nc_name};

/// A response whose parts stand where the schema has them. Nothing in it is to be believed yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'t> {
    /// The root.
    pub(super) response: Element<'t>,
    /// The only assertion anywhere, a direct child of the root.
    pub(super) assertion: Option<Element<'t>>,
    encrypted: bool,
}

impl<'t> Message<'t> {
    /// Looks at every element once: there is one response and at most one assertion, signatures and
    /// keys are only where they are read from.
    pub(super) fn read(document: &'t Document<'_>) -> Result<Self, SamlError> {
        let response = document.root();
        if !response.is(PROTOCOL, "Response") {
            return Err(SamlError::MissingProtocolField { field: "Response" });
        }
        check_version_and_id(response)?;
        let (mut assertions, mut encrypted_assertions, mut encrypted) = (0, 0, false);
        for element in response.descendants() {
            let name = element.name();
            match (name.namespace, name.local) {
                (ASSERTION, "Assertion") => {
                    check_parent(element, response).or(Err(SamlError::AmbiguousAssertion))?;
                    assertions += 1;
                }
                (ASSERTION, "EncryptedAssertion") => {
                    check_parent(element, response).or(Err(SamlError::AmbiguousAssertion))?;
                    encrypted_assertions += 1;
                }
                (ASSERTION, "EncryptedID" | "EncryptedAttribute") => encrypted = true,
                (PROTOCOL, "Response") => return Err(ambiguous("a response in a response")),
                (SIGNATURE, "Object") => return Err(ambiguous("a signature holds an Object")),
                (SIGNATURE, "Signature") => check_signature_parent(element, response)?,
                (SIGNATURE, "KeyInfo")
                    if !element.parent().is_some_and(|p| p.is(SIGNATURE, "Signature")) =>
                {
                    return Err(SamlError::UntrustedCertificate {
                        fault: "a key outside a signature",
                    });
                }
                _ => {}
            }
        }
        if assertions + encrypted_assertions > 1 {
            return Err(SamlError::AmbiguousAssertion);
        }
        let assertion = response.elements_named(ASSERTION, "Assertion").next();
        assertion.map_or(Ok(()), check_version_and_id)?;
        Ok(Self { response, assertion, encrypted: encrypted || encrypted_assertions > 0 })
    }

    /// Nothing is decrypted yet, so nothing encrypted is accepted.
    pub(super) fn refuse_encrypted(&self) -> Result<(), SamlError> {
        if self.encrypted { Err(SamlError::KeyNotConfigured) } else { Ok(()) }
    }

    pub(super) fn response_is_signed(&self) -> bool {
        is_signed(self.response)
    }

    pub(super) fn assertion_is_signed(&self) -> bool {
        self.assertion.is_some_and(is_signed)
    }
}

fn is_signed(element: Element<'_>) -> bool {
    element.elements_named(SIGNATURE, "Signature").next().is_some()
}

fn check_version_and_id(element: Element<'_>) -> Result<(), SamlError> {
    if element.attribute("Version") != Some("2.0") {
        return Err(SamlError::MissingProtocolField { field: "Version" });
    }
    if !element.attribute("ID").is_some_and(is_nc_name) {
        return Err(SamlError::MissingProtocolField { field: "ID" });
    }
    Ok(())
}

fn check_parent(element: Element<'_>, parent: Element<'_>) -> Result<(), ()> {
    if element.parent().is_some_and(|p| p.id() == parent.id()) { Ok(()) } else { Err(()) }
}

/// A signature stands directly below the response or its assertion, once.
fn check_signature_parent(signature: Element<'_>, response: Element<'_>) -> Result<(), SamlError> {
    let parent = signature.parent().ok_or(ambiguous("a signature is the root"))?;
    let is_assertion = parent.is(ASSERTION, "Assertion") && check_parent(parent, response).is_ok();
    if parent.id() != response.id() && !is_assertion {
        return Err(ambiguous("a signature stands where none is read"));
    }
    if parent.elements_named(SIGNATURE, "Signature").count() > 1 {
        return Err(ambiguous("an element has two signatures"));
    }
    Ok(())
}

const fn ambiguous(fault: &'static str) -> SamlError {
    SamlError::AmbiguousSignedNode { fault }
}
