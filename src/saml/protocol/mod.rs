//! The SAML messages of a service provider, as pure functions.
//!
//! | message | function |
//! |---|---|
//! | `AuthnRequest`, by HTTP-Redirect | [`AuthnRequest::redirect_url`] |
//! | `Response`, by HTTP-POST | [`validate_response`] |
//! | the service provider's metadata | [`SpMetadata::to_xml`] |
//! | the identity provider's metadata | [`IdpMetadata::read`] |
//!
//! A login, from the form that the browser posted to what it says:
//!
//! ```
//! use base64::{Engine, engine::general_purpose::STANDARD};
//! use donjon::saml::protocol::{
//!     ClockSkew, ExpectedResponse, IdpMetadata, SignaturePolicy, validate_response,
//! };
//! # use time::{OffsetDateTime, format_description::well_known::Rfc3339};
//! # let manifest = std::fs::read_to_string("tests/fixtures/saml/manifest.json")?;
//! # let now = manifest.split("\"now\": \"").nth(1).unwrap().split('"').next().unwrap();
//! # let now = OffsetDateTime::parse(now, &Rfc3339)?;
//! # let metadata = std::fs::read("tests/fixtures/saml/idp-metadata.xml")?;
//! # let form_field = STANDARD.encode(std::fs::read("tests/fixtures/saml/assertion-signed.xml")?);
//!
//! let idp = IdpMetadata::read(&metadata, now)?;
//! let expected = ExpectedResponse {
//!     request_id: Some("_4fee3b046395c4e751011e97f8900b5273d56685"), // the stored request
//!     acs_url: "https://sp.example/saml/acme/acs",
//!     sp_entity_id: "https://sp.example/saml/acme/metadata",
//!     idp_entity_id: &idp.entity_id,
//!     certificates: &idp.certificates,
//!     signature_policy: SignaturePolicy::default(),
//!     clock_skew: ClockSkew::default(),
//! };
//! let facts = validate_response(form_field.as_bytes(), &expected, now)?;
//! assert_eq!(facts.name_id.value, "alice@example.test");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod authn_request;
mod idp_metadata;
mod instant;
mod response;
mod sp_metadata;
mod writer;

pub use authn_request::AuthnRequest;
pub use idp_metadata::{IdpMetadata, SsoBinding};
#[cfg(any(test, fuzzing))]
pub(in crate::saml) use response::validate_xml;
pub use response::{
    Attribute, Attributes, ClockSkew, ExpectedResponse, LoginFacts, NameId, SignaturePolicy,
    validate_response,
};
pub use sp_metadata::SpMetadata;

/// `urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect`
const BINDING_REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
/// `urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST`
const BINDING_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
