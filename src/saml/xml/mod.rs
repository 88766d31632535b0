//! The XML that SAML needs, and nothing more.
//!
//! One parser makes one tree ([`Document`]); canonicalization, signature verification and the
//! reading of facts all borrow that same tree, so they cannot disagree about what the message says.
//! What can be read from a signed element is reached only through [`Verified`], which only
//! [`verify`] makes.
//!
//! ```
//! use donjon::saml::xml::{Exclusive, Limits, canonicalize, parse};
//!
//! let document = parse(b"<a:r xmlns:a='urn:x' xmlns:b='urn:y'><a:e z='1' y='2'/></a:r>", &Limits::MESSAGE)?;
//! let mut canonical = Vec::new();
//! canonicalize(document.root(), &Exclusive::default(), &mut canonical)?;
//! assert_eq!(canonical, br#"<a:r xmlns:a="urn:x"><a:e y="2" z="1"></a:e></a:r>"#);
//! # Ok::<(), donjon::saml::SamlError>(())
//! ```

mod build;
mod canonicalize;
mod chars;
#[cfg(test)]
mod differential;
mod limits;
mod name;
pub mod namespace;
mod parse;
mod tag;
mod tree;
mod verify;

pub use canonicalize::{Exclusive, canonicalize};
pub use limits::{Comments, Limits};
pub use name::Name;
pub use parse::parse;
pub use tree::{Attribute, Child, Declaration, Document, Element, NodeId};
pub use verify::{
    Assertion, IdpCertificate, Response, Signable, Verified, VerifiedAssertion, verify,
};

pub(crate) use chars::{escape_attribute, escape_text};
pub(crate) use name::is_nc_name;
#[cfg(any(test, fuzzing))]
pub(crate) use verify::AnySignature;
#[cfg(test)]
pub(crate) use verify::{Algorithm, PublicKey};
pub(crate) use verify::{AwsLc, Crypto, verify_with};
