//! Asks for scopes.

mod layer;
mod service;

pub use layer::RequireScopeLayer;
pub use service::RequireScope;
