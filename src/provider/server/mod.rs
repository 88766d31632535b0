//! The server: how it is built, and how it is put into an application.

mod builder;
mod service;
mod state;

pub use builder::{AuthorizationServerBuilder, BuildError};
pub use service::{AuthorizationServer, AuthorizationServerFuture};
pub(crate) use state::Provider;
