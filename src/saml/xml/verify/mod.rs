//! The verdict on a signature, and the only way to what it signs.

mod algorithm;
mod certificate;
mod crypto;
mod signature;

use std::marker::PhantomData;

#[cfg(test)]
pub(crate) use algorithm::Algorithm;
pub use certificate::IdpCertificate;
#[cfg(test)]
pub(crate) use certificate::PublicKey;
#[cfg(any(test, fuzzing))]
pub(crate) use crypto::AnySignature;
pub(crate) use crypto::{AwsLc, Crypto};
use signature::{Signature, find_signature};

use super::canonicalize::{Exclusive, canonicalize};
use super::name::is_nc_name;
use super::namespace;
use super::tree::Element;
use crate::saml::SamlError;

/// An element whose signature has been verified. Only [`verify`] makes one, and what a message says
/// about a user is read from nothing else: "see only what is signed".
///
/// ```compile_fail,E0451
/// use donjon::saml::xml::{Assertion, Limits, Verified, parse};
///
/// let document = parse(b"<forged/>", &Limits::MESSAGE).unwrap();
/// let forged: Verified<'_, Assertion> =
///     Verified { element: document.root(), kind: std::marker::PhantomData };
/// ```
#[derive(Debug)]
pub struct Verified<'t, T> {
    element: Element<'t>,
    kind: PhantomData<T>,
}

/// A verified assertion: signed itself, or the only assertion of a signed response.
pub type VerifiedAssertion<'t> = Verified<'t, Assertion>;

/// The kind of element that `saml:Assertion` is.
#[derive(Debug)]
pub enum Assertion {}

/// The kind of element that `samlp:Response` is.
#[derive(Debug)]
pub enum Response {}

/// A kind of element that this library verifies signatures of.
pub trait Signable: sealed::Sealed {
    /// The namespace of its name.
    const NAMESPACE: &'static str;
    /// The local part of its name.
    const LOCAL: &'static str;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Assertion {}
    impl Sealed for super::Response {}
}

impl Signable for Assertion {
    const NAMESPACE: &'static str = namespace::ASSERTION;
    const LOCAL: &'static str = "Assertion";
}

impl Signable for Response {
    const NAMESPACE: &'static str = namespace::PROTOCOL;
    const LOCAL: &'static str = "Response";
}

impl<'t, T> Verified<'t, T> {
    /// The element. Its own `ds:Signature` child is not covered by the signature; everything else
    /// below it is.
    pub fn element(&self) -> Element<'t> {
        self.element
    }
}

impl<'t> Verified<'t, Response> {
    /// The assertion that the response's signature covers.
    ///
    /// # Errors
    /// [`SamlError::AmbiguousAssertion`] unless exactly one assertion is a direct child of the
    /// response.
    pub fn into_assertion(self) -> Result<VerifiedAssertion<'t>, SamlError> {
        let mut assertions = self.element.elements_named(Assertion::NAMESPACE, Assertion::LOCAL);
        match (assertions.next(), assertions.next()) {
            (Some(element), None) => Ok(Verified { element, kind: PhantomData }),
            _ => Err(SamlError::AmbiguousAssertion),
        }
    }
}

/// Verifies the enveloped signature of `element` with the certificates of its issuer, in any order.
///
/// The signature must be a direct child of `element` in the place the schema gives it, refer to it
/// by its `ID`, and use nothing but RSA or ECDSA with SHA-2 and exclusive canonicalization. A key
/// inside the message is never used.
///
/// # Errors
/// One of the signature variants of [`SamlError`], or [`SamlError::AmbiguousSignedNode`].
pub fn verify<'t, T: Signable>(
    element: Element<'t>,
    certificates: &[IdpCertificate],
) -> Result<Verified<'t, T>, SamlError> {
    verify_with(&AwsLc, element, certificates)
}

/// [`verify`] with the cryptography as a parameter, so that tests can prove that it matters.
pub(crate) fn verify_with<'t, T: Signable>(
    crypto: &impl Crypto,
    element: Element<'t>,
    certificates: &[IdpCertificate],
) -> Result<Verified<'t, T>, SamlError> {
    let id = read_id::<T>(element)?;
    let signature = Signature::read(find_signature(element)?)?;
    if signature.reference_uri.strip_prefix('#') != Some(id) {
        return Err(SamlError::AmbiguousSignedNode {
            fault: "the signature refers to another element",
        });
    }
    let mut canonical = Vec::with_capacity(8 * 1024);
    let signed =
        Exclusive { inclusive_prefixes: &signature.content_prefixes, omit: Some(signature.id) };
    canonicalize(element, &signed, &mut canonical)?;
    if !crypto.digest_matches(signature.digest_algorithm, &canonical, &signature.digest) {
        return Err(SamlError::DigestMismatch);
    }
    canonical.clear();
    let info = Exclusive { inclusive_prefixes: &signature.info_prefixes, omit: None };
    canonicalize(signature.info, &info, &mut canonical)?;
    check_signature_value(crypto, &signature, &canonical, certificates)?;
    Ok(Verified { element, kind: PhantomData })
}

fn read_id<'t, T: Signable>(element: Element<'t>) -> Result<&'t str, SamlError> {
    if !element.is(T::NAMESPACE, T::LOCAL) {
        return Err(SamlError::AmbiguousSignedNode {
            fault: "the signed element is of another kind",
        });
    }
    let id = element.attribute("ID").filter(|id| is_nc_name(id));
    id.ok_or(SamlError::MissingProtocolField { field: "ID" })
}

/// The key's type comes from the configured certificate, never from the message.
fn check_signature_value(
    crypto: &impl Crypto,
    signature: &Signature<'_>,
    signed_info: &[u8],
    certificates: &[IdpCertificate],
) -> Result<(), SamlError> {
    let mut usable =
        certificates.iter().filter(|c| c.key().supports(signature.algorithm)).peekable();
    if usable.peek().is_none() {
        return Err(SamlError::UntrustedCertificate {
            fault: "no configured certificate has a key for the signature's algorithm",
        });
    }
    let verifies = |certificate: &IdpCertificate| {
        crypto.signature_matches(
            certificate.key(),
            signature.algorithm,
            signed_info,
            &signature.value,
        )
    };
    if usable.any(verifies) {
        return Ok(());
    }
    Err(SamlError::InvalidSignature { fault: "the value verifies with no configured certificate" })
}
