//! Sessions: the single source of truth for who is logged in.
//!
//! [`SessionLayer`] reads the session cookie and puts three things into each request's extensions:
//! [`CurrentScope`](crate::scope::CurrentScope) (who is logged in), [`Session`] (the handle to log
//! in and out with), and a [`tower_sessions::Session`] for the host's own data. Behind it,
//! [`RequireUserLayer`] and [`RequireSudoLayer`] keep out who may not come in.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use std::convert::Infallible;
//!
//! use donjon::crypto::{Keyring, SystemRandom};
//! use donjon::http::Body;
//! use donjon::scope::CurrentScope;
//! use donjon::session::SessionLayer;
//! use donjon::store::SqlStore;
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt as _};
//!
//! let store = SqlStore::connect("sqlite::memory:").await?;
//! let keyring = Keyring::ephemeral(&SystemRandom); // `Keyring::from_env()?` in earnest
//! let app = ServiceBuilder::new()
//!     .layer(SessionLayer::new(&store, &keyring))
//!     .service_fn(async |request: Request<Body>| {
//!         let scope = request.extensions().get::<CurrentScope>();
//!         let known = scope.and_then(CurrentScope::account).is_some();
//!         Ok::<_, Infallible>(Response::new(Body::from(if known { "Hello" } else { "Who?" })))
//!     });
//! let response = app.oneshot(Request::new(Body::empty())).await?;
//! assert_eq!(response.status(), 200);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
#![doc = include_str!("session.md")]

#[cfg(feature = "accounts")]
mod aside;
mod asked;
#[cfg(feature = "axum")]
mod axum;
mod config;
mod cookie;
mod data;
mod error;
mod fresh;
mod future;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod handle;
mod layer;
mod login;
mod organization;
mod place;
mod request;
pub mod require;
mod service;
mod sessions;
mod sweep;
mod user_agent;
mod users;

pub use config::Lifetimes;
pub use error::SessionError;
pub use future::SessionFuture;
pub use handle::Session;
pub use layer::SessionLayer;
pub use login::Proof;
pub use place::{CountryCode, InvalidCountryCode, NoPlaces, Place, Places};
#[cfg(feature = "geoip")]
pub use place::{GeoIpError, MaxMind};
#[cfg(feature = "accounts")]
pub(crate) use request::scope_of;
pub use require::{
    ForbidDuringImpersonationLayer, RequireMembershipLayer, RequirePermissionLayer,
    RequireSudoLayer, RequireUserLayer,
};
pub use service::SessionService;
#[cfg(feature = "accounts")]
pub(crate) use service::device_of;
pub use sessions::Sessions;
pub use user_agent::{DeviceKind, UserAgent};

pub use crate::scope::{UserSource, UserSourceError};
