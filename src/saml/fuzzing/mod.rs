//! Fuzz targets of the XML, the responses and the metadata that come from identity providers, or
//! from somebody who pretends to be one.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a target panics where something does not hold"
)]

mod forgery;
mod idp_metadata;
mod saml_assertion;
mod saml_forged;
mod saml_response;
mod signed;
mod spans;
mod xml_parse_c14n;

pub use idp_metadata::idp_metadata;
pub use saml_assertion::saml_assertion;
pub use saml_forged::saml_forged;
pub use saml_response::saml_response;
pub use xml_parse_c14n::xml_parse_c14n;
