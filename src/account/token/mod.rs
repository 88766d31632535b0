//! Tokens of the application's own API: what people and service accounts put into scripts.
//!
//! A user makes one at `/settings/tokens`, chooses what it may do and for how long, and sees it
//! once; of a service account the host does ([`ServiceAccounts`]). An [`ApiTokenLayer`] recognises
//! them by the prefix that the host chose, and says who calls.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use donjon::account::AccountLayer;
//! use donjon::account::token::{ApiTokenLayer, ApiTokens};
//! use donjon::crypto::{Keyring, SystemRandom};
//! use donjon::scope::Credential;
//! use donjon::store::SqlStore;
//! use http::{Request, Response};
//! use time::Duration;
//! use tower::{Layer as _, service_fn};
//!
//! let store = SqlStore::connect("sqlite::memory:").await?;
//! let tokens = ApiTokens::new(&store, "acme".parse()?)
//!     .scopes(["api:read", "api:write"])?
//!     .longest(Duration::days(365));
//! // The page:
//! let keyring = Keyring::ephemeral(&SystemRandom);
//! let accounts = AccountLayer::builder(&store, &keyring, "https://app.example")
//!     .api_tokens(&tokens)
//!     .build()?;
//! // The API, behind a `RequireScopeLayer` of `donjon::resource`:
//! let api = ApiTokenLayer::new(&tokens).layer(service_fn(|request: Request<String>| async move {
//!     let may_write = request.extensions().get::<Credential>().is_some_and(|c| c.has_scope("api:write"));
//!     Ok::<_, std::convert::Infallible>(Response::new(may_write.to_string()))
//! }));
//! # let _ = (accounts, api);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! A token ends when it is revoked, expires, or its owner ends: a user whose account is deleted, who
//! resets a forgotten password, or a service account that is disabled. Outside nobody can tell which.

mod crc32;
mod format;
mod layer;
mod request;
mod service;
mod service_account;
mod tokens;
mod verify;

pub use format::{ApiToken, InvalidTokenPrefix, NotAnApiToken, TokenPrefix};
pub use layer::ApiTokenLayer;
pub(super) use request::{Checked, checked_name};
pub use request::{InvalidTokenRequest, TokenRequest};
pub(super) use service::Recognize;
pub use service::{ApiTokenFuture, ApiTokenService};
pub use service_account::{CreateServiceAccountError, ServiceAccounts};
pub(super) use tokens::Maker;
pub use tokens::{ApiTokens, CreateTokenError, InvalidScope};
pub use verify::{VerifiedToken, VerifyTokenError};
