//! The SAML messages of a service provider, as pure functions.
//!
//! | message | function |
//! |---|---|
//! | `AuthnRequest`, by HTTP-Redirect | [`AuthnRequest::redirect_url`] |
//! | `Response`, by HTTP-POST | [`validate_response`] |
//! | the service provider's metadata | [`SpMetadata::to_xml`] |
//! | the identity provider's metadata | [`IdpMetadata::read`] |

mod authn_request;
mod idp_metadata;
mod instant;
mod response;
mod sp_metadata;
mod writer;

pub use authn_request::AuthnRequest;
pub use idp_metadata::{IdpMetadata, SsoBinding};
pub use response::{
    Attribute, Attributes, ClockSkew, ExpectedResponse, LoginFacts, NameId, SignaturePolicy,
    validate_response,
};
pub use sp_metadata::SpMetadata;

/// `urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect`
const BINDING_REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
/// `urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST`
const BINDING_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
