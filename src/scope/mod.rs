//! The shared words: who is acting, on whose behalf, and how they proved it.
//!
//! [`session`](crate::session) puts a [`CurrentScope`] into each request's extensions; handlers,
//! requirement layers and the provider's resolver read it. This module imports nothing of ours,
//! so it is the one thing all roles may know.
//!
//! ```
//! use donjon::scope::CurrentScope;
//!
//! fn greeting<B>(request: &http::Request<B>) -> String {
//!     match request.extensions().get::<CurrentScope>().and_then(CurrentScope::account) {
//!         Some(account) => format!("Hello, {}", account.email().unwrap_or("friend")),
//!         None => "Hello, stranger".to_owned(),
//!     }
//! }
//! # assert_eq!(greeting(&http::Request::new(())), "Hello, stranger");
//! ```

mod account;
mod authentication;
#[cfg(feature = "axum")]
mod axum;
mod claims;
mod context;
mod credential;
mod current;
mod event;
mod id;
#[cfg(feature = "axum")]
mod missing_layer;
mod organization;
mod permission;
mod text;
mod user_source;

pub use account::{Account, Attributes};
pub use authentication::{Authentication, BREAK_GLASS, Method};
pub use claims::Claims;
pub use context::{Context, Interaction, Prompt};
pub use credential::{Credential, CredentialKind};
pub use current::{Actor, CurrentAccount, CurrentScope};
pub use event::{SessionEnd, SessionEvent};
pub use id::{InvalidUserId, SessionId, UserId};
#[cfg(feature = "axum")]
pub use missing_layer::MissingLayer;
pub use organization::{InvalidMemberRole, MemberRole, Membership, OrganizationId};
pub use permission::{PermissionError, Permissions, Resource, RoleRules, can};
pub(crate) use text::{storable, storable_fields, storable_text};
pub use user_source::{UserSource, UserSourceError};
