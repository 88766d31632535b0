//! Clients: what is registered of them, and how they are found.

mod directory;
mod key_source;
mod metadata;
mod register;
mod remote_jwks;
mod secret;
mod uri;

pub(crate) use directory::Clients;
pub use metadata::{AuthMethod, Client, ClientError, ClientMetadata, GrantType};
pub(crate) use register::register;
pub use register::{Registered, RegistrationError};
pub(crate) use remote_jwks::RemoteJwks;
pub(crate) use secret::SecretHash;
