//! Reading a `ds:Signature`: every element by its place, every algorithm by its URI, before
//! anything is computed.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::algorithm::{Algorithm, digest_from_uri};
use crate::saml::SamlError;
use crate::saml::xml::chars::is_space;
use crate::saml::xml::namespace::{ASSERTION, EXCLUSIVE_C14N, SIGNATURE};
use crate::saml::xml::tree::{Element, NodeId};

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// More than any signer lists.
const MAX_PREFIXES: usize = 32;

/// What a `ds:Signature` says.
pub(super) struct Signature<'t> {
    pub(super) id: NodeId,
    pub(super) info: Element<'t>,
    /// Prefix list for canonicalizing `info`.
    pub(super) info_prefixes: Vec<&'t str>,
    pub(super) algorithm: Algorithm,
    pub(super) value: Vec<u8>,
    pub(super) reference_uri: &'t str,
    /// Prefix list for canonicalizing what is signed.
    pub(super) content_prefixes: Vec<&'t str>,
    pub(super) digest_algorithm: &'static digest::Algorithm,
    pub(super) digest: Vec<u8>,
}

/// The signature of `parent`: its only one, where the schema has it, right after the issuer if
/// there is one.
pub(super) fn find_signature(parent: Element<'_>) -> Result<Element<'_>, SamlError> {
    match parent.elements_named(SIGNATURE, "Signature").count() {
        0 => return Err(SamlError::MissingSignature),
        1 => {}
        _ => return Err(SamlError::AmbiguousSignedNode { fault: "an element has two signatures" }),
    }
    let mut children = parent.elements();
    let mut candidate = children.next();
    if candidate.is_some_and(|first| first.is(ASSERTION, "Issuer")) {
        candidate = children.next();
    }
    candidate.filter(|child| child.is(SIGNATURE, "Signature")).ok_or(
        SamlError::AmbiguousSignedNode { fault: "a signature is not where the schema has it" },
    )
}

impl<'t> Signature<'t> {
    pub(super) fn read(signature: Element<'t>) -> Result<Self, SamlError> {
        let mut children = Children::of(signature, SIGNATURE)?;
        let info = children.take("SignedInfo")?;
        let value = children.take("SignatureValue")?;
        if children.is_next("KeyInfo") {
            // Never read: a message does not say which key to trust.
            children.take("KeyInfo")?;
        }
        children.end()?;

        let mut children = Children::of(info, SIGNATURE)?;
        let canonicalization_method = children.take("CanonicalizationMethod")?;
        let signature_method = children.take("SignatureMethod")?;
        let reference = children.take("Reference")?;
        children.end()?;
        // An HMACOutputLength would be here (CVE-2009-0217).
        Children::of(signature_method, SIGNATURE)?.end()?;

        let mut children = Children::of(reference, SIGNATURE)?;
        let transforms = children.take("Transforms")?;
        let digest_method = children.take("DigestMethod")?;
        let digest = children.take("DigestValue")?;
        children.end()?;
        Children::of(digest_method, SIGNATURE)?.end()?;

        Ok(Self {
            id: signature.id(),
            info,
            info_prefixes: read_exclusive(canonicalization_method, "CanonicalizationMethod")?,
            algorithm: Algorithm::from_uri(signature_method.attribute("Algorithm"))?,
            value: read_base64(value)?,
            reference_uri: reference.attribute("URI").unwrap_or_default(),
            content_prefixes: read_transforms(transforms)?,
            digest_algorithm: digest_from_uri(digest_method.attribute("Algorithm"))?,
            digest: read_base64(digest)?,
        })
    }
}

/// Exactly the enveloped-signature transform, then exclusive canonicalization: its prefix list.
fn read_transforms(transforms: Element<'_>) -> Result<Vec<&str>, SamlError> {
    let mut children = Children::of(transforms, SIGNATURE)?;
    let enveloped = children.take("Transform")?;
    let exclusive = children.take("Transform")?;
    children.end()?;
    Children::of(enveloped, SIGNATURE)?.end()?;
    if enveloped.attribute("Algorithm") != Some(ENVELOPED) {
        return Err(SamlError::UnsupportedSignatureAlgorithm { fault: "Transform" });
    }
    read_exclusive(exclusive, "Transform")
}

/// The prefix list of an element that must name exclusive canonicalization without comments.
fn read_exclusive<'t>(method: Element<'t>, fault: &'static str) -> Result<Vec<&'t str>, SamlError> {
    if method.attribute("Algorithm") != Some(EXCLUSIVE_C14N) {
        return Err(SamlError::UnsupportedSignatureAlgorithm { fault });
    }
    let mut children = Children::of(method, EXCLUSIVE_C14N)?;
    if !children.is_next("InclusiveNamespaces") {
        return children.end().map(|()| Vec::new());
    }
    let list = children.take("InclusiveNamespaces")?;
    children.end()?;
    let prefixes =
        list.attribute("PrefixList").unwrap_or_default().split(is_space).filter(|p| !p.is_empty());
    let prefixes: Vec<_> = prefixes.map(|p| if p == "#default" { "" } else { p }).collect();
    if prefixes.len() > MAX_PREFIXES {
        return Err(SamlError::PayloadTooLarge { limit: "prefixes of InclusiveNamespaces" });
    }
    Ok(prefixes)
}

/// Canonical base64 with white space between; empty is not a value.
fn read_base64(element: Element<'_>) -> Result<Vec<u8>, SamlError> {
    let text = element.text().ok_or(structure("a value holds elements"))?;
    let mut compact = String::with_capacity(text.len());
    compact.extend(text.split(is_space));
    let value = STANDARD.decode(compact).map_err(|_| structure("a value is not base64"))?;
    if value.is_empty() { Err(structure("a value is empty")) } else { Ok(value) }
}

const fn structure(fault: &'static str) -> SamlError {
    SamlError::InvalidSignature { fault }
}

/// Child elements taken one by one in the order of the schema; nothing else may stand between them.
struct Children<'t, I> {
    namespace: &'static str,
    next: Option<Element<'t>>,
    rest: I,
}

impl<'t> Children<'t, ()> {
    fn of(
        parent: Element<'t>,
        namespace: &'static str,
    ) -> Result<Children<'t, impl Iterator<Item = Element<'t>>>, SamlError> {
        if !parent.holds_only_elements() {
            return Err(structure("text between the elements of a signature"));
        }
        let mut rest = parent.elements();
        Ok(Children { namespace, next: rest.next(), rest })
    }
}

impl<'t, I: Iterator<Item = Element<'t>>> Children<'t, I> {
    fn is_next(&self, local: &str) -> bool {
        self.next.is_some_and(|next| next.is(self.namespace, local))
    }

    fn take(&mut self, local: &str) -> Result<Element<'t>, SamlError> {
        let taken = self.next.filter(|next| next.is(self.namespace, local));
        self.next = self.rest.next();
        taken.ok_or(structure("an element of the signature is missing or misplaced"))
    }

    fn end(self) -> Result<(), SamlError> {
        match self.next {
            None => Ok(()),
            Some(_) => Err(structure("the signature holds an element that has no place there")),
        }
    }
}
