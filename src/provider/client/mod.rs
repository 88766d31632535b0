//! Clients: what is registered of them, and how they are found.

mod check;
mod directory;
mod key_source;
mod metadata;
mod method;
mod register;
mod registered;
mod remote_jwks;
mod secret;
mod uri;

pub(crate) use directory::Clients;
pub use metadata::ClientMetadata;
pub use method::{AuthMethod, GrantType};
pub(crate) use register::register;
pub use register::{Registered, RegistrationError};
pub use registered::{Client, ClientError};
pub(crate) use remote_jwks::RemoteJwks;
pub(crate) use secret::SecretHash;
