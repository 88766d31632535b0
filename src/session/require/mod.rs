//! Layers that let a request pass only if somebody is logged in, or has just proven who they are.
//!
//! They stand inside a [`SessionLayer`](super::SessionLayer), around what they protect. A browser
//! ([`wants_html`](crate::http::wants_html)) is sent to log in and then back to where it was;
//! a program is told what is missing:
//!
//! | | browser | program |
//! |---|---|---|
//! | nobody is logged in | 303 to the login page | 401 `{"error":"authentication_required"}` |
//! | the login is not fresh | 303 to prove it again | 403 `{"error":"reauthentication_required"}` |
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
mod layer;
mod refusal;
mod service;

pub use future::RequireFuture;
pub use layer::{RequireSudoLayer, RequireUserLayer};
pub use service::Required;
