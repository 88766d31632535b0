//! Fuzz targets of tokens and keys.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a target panics where something does not hold"
)]

mod forgery;
mod jwk;
mod jws;
mod jwt_claims;
mod jwt_forged;
mod signed;
mod strict_json;

pub use jwk::jwk;
pub use jws::jws;
pub use jwt_claims::jwt_claims;
pub use jwt_forged::jwt_forged;
pub use strict_json::strict_json;

#[cfg(feature = "social")]
pub(crate) use signed::sign_payload;
#[cfg(test)]
pub(crate) use signed::sign_seeds;
#[cfg(feature = "provider")]
pub(crate) use signed::{ISSUER, NOW, keys};
