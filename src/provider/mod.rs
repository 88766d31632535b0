#![doc = include_str!("provider.md")]

#[cfg(feature = "axum")]
mod axum;
mod background;
mod check;
mod client;
mod endpoint;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod grant;
mod interaction;
mod issuer;
mod key;
mod policy;
pub mod proof;
mod registry;
mod resolver;
mod scope_resolver;
mod server;
mod token;

pub use client::{
    AuthMethod, Client, ClientError, ClientMetadata, GrantType, Registered, RegistrationError,
};
pub use error::{ErrorCode, Fault, ProviderError};
pub use key::KeyError;
pub use policy::{AskOnce, ConsentPolicy, ConsentRule, FirstPartyClients, Lifetimes, LongRequests};
pub use registry::Endpoint;
pub use resolver::{AccountResolver, ResolverError};
pub use scope_resolver::ScopeResolver;
pub use server::{
    AuthorizationServer, AuthorizationServerBuilder, AuthorizationServerFuture, BuildError,
};
