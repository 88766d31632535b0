//! A strict SAML 2.0 service provider.
//!
//! The protocol itself is pure: [`xml`] turns bytes into a tree, a canonical form and a verdict on
//! a signature; [`protocol`] builds requests, judges responses, and writes and reads metadata.
//! Neither does I/O, reads a clock or draws randomness: time and identifiers are arguments.

pub mod protocol;
pub mod xml;

mod error;

pub use error::{SamlError, StatusCode};
