//! Clients: what is registered of them, and how they are found.

mod directory;
mod metadata;
mod secret;
mod uri;

pub(crate) use directory::Clients;
pub use metadata::{AuthMethod, Client, ClientError, ClientMetadata, GrantType};
pub(crate) use secret::SecretHash;
