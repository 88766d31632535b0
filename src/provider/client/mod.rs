//! Clients: what is registered of them, and how they are found.

mod directory;
mod metadata;
mod register;
#[cfg_attr(not(test), expect(dead_code, reason = "asked by private_key_jwt"))]
mod remote_jwks;
mod secret;
mod uri;

pub(crate) use directory::Clients;
pub use metadata::{AuthMethod, Client, ClientError, ClientMetadata, GrantType};
pub(crate) use register::register;
pub use register::{Registered, RegistrationError};
pub(crate) use secret::SecretHash;
