//! Verifies the access token of a request.

mod layer;
mod service;

pub use layer::VerifyTokenLayer;
pub use service::VerifyToken;
