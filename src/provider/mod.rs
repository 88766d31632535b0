//! The OAuth 2.1 authorization server and OpenID Connect provider.

mod check;
mod client;
mod endpoint;
mod error;
mod interaction;
mod issuer;
mod policy;
pub mod proof;
mod registry;
mod resolver;
mod server;

pub use client::{AuthMethod, Client, ClientError, ClientMetadata, GrantType};
pub use error::{ErrorCode, Fault, ProviderError};
pub use policy::{AskOnce, ConsentPolicy, ConsentRule, FirstPartyClients, Lifetimes};
pub use registry::Endpoint;
pub use resolver::{AccountResolver, ResolverError};
pub use server::{
    AuthorizationServer, AuthorizationServerBuilder, AuthorizationServerFuture, BuildError,
};
