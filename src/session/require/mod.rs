//! Layers that let a request pass only if somebody is logged in, has just proven who they are, acts
//! in an organization, or may do something by the host's own rules.
//!
//! They stand inside a [`SessionLayer`](super::SessionLayer), around what they protect. A browser
//! ([`wants_html`](crate::http::wants_html)) is sent to log in and then back to where it was;
//! a program is told what is missing:
//!
//! | | browser | program |
//! |---|---|---|
//! | nobody is logged in | 303 to the login page | 401 `{"error":"authentication_required"}` |
//! | an administrator acts as the user | 403 | 403 `{"error":"impersonation_forbidden"}` |
//! | the login is not fresh | 303 to prove it again | 403 `{"error":"reauthentication_required"}` |
//! | the user acts in no organization | 303 to choose one | 403 `{"error":"organization_required"}` |
//! | the role is another | 403, a page | 403 `{"error":"role_required"}` |
//! | the organization asks for a second factor, and there is none | 303 to set one up | 403 `{"error":"second_factor_required"}` |
//! | no rule allows it | 403, a page | 403 `{"error":"permission_denied"}` |
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use donjon::http::Body;
//! use donjon::scope::CurrentScope;
//! use donjon::session::RequireUserLayer;
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt as _, service_fn};
//!
//! let settings = ServiceBuilder::new().layer(RequireUserLayer::new("/login")).service(service_fn(
//!     |_: Request<Body>| async { Ok::<_, std::convert::Infallible>(Response::new(Body::empty())) },
//! ));
//!
//! let stranger = Request::get("/settings?tab=mail")
//!     .header("accept", "text/html")
//!     .extension(CurrentScope::anonymous())
//!     .body(Body::empty())
//!     .unwrap();
//! let answer = settings.oneshot(stranger).await.unwrap();
//! assert_eq!(answer.status(), 303);
//! assert_eq!(answer.headers()["location"], "/login?return_to=%2Fsettings%3Ftab%3Dmail");
//! # });
//! ```

mod future;
mod in_person;
mod layer;
mod membership;
mod permission;
mod refusal;
mod service;

pub use future::{PermittedFuture, RequireFuture};
pub use in_person::{ForbidDuringImpersonationLayer, InPerson};
pub use layer::{RequireSudoLayer, RequireUserLayer};
pub use membership::RequireMembershipLayer;
pub use permission::{Permitted, RequirePermissionLayer};
pub use service::Required;
