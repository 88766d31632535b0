//! A layer that leaves nobody before a blank page.
//!
//! Frameworks and middleware refuse requests with a status and nothing else, or with a line of
//! plain text: no such route, wrong method, body too long, cross-origin post. Around all of them,
//! [`ErrorPagesLayer`] puts the page that says so ([`Pages::rejected`](super::Pages::rejected)) in
//! place of the blank, and for a program the same as JSON. Status and headers stay.
//!
//! | the error's body | a browser gets | who asks for JSON gets | anybody else gets |
//! |---|---|---|---|
//! | empty, without a type | the page | `{"error": …, "message": …}` | the same |
//! | `text/plain` | the page | `{"error": …, "message": …}` | the text |
//! | anything else | that | that | that |
//!
//! A 401 with a challenge (`WWW-Authenticate`) stays empty for programs: the challenge says it all
//! (RFC 6750, section 3.1). It belongs around everything else, the session layer included.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use donjon::http::Body;
//! use donjon::page::{ErrorPagesLayer, Theme};
//! use http::{Request, Response, StatusCode};
//! use tower::{ServiceBuilder, ServiceExt as _};
//!
//! let app = ServiceBuilder::new()
//!     .layer(ErrorPagesLayer::new(Theme::new("Acme")).home("/"))
//!     .service_fn(async |_: Request<Body>| {
//!         let mut nothing = Response::new(Body::empty());
//!         *nothing.status_mut() = StatusCode::NOT_FOUND;
//!         Ok::<_, std::convert::Infallible>(nothing)
//!     });
//!
//! let request = Request::get("/nowhere").header("accept", "text/html").body(Body::empty())?;
//! let response = app.oneshot(request).await?;
//! assert_eq!(response.status(), 404);
//! assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod future;
mod layer;
mod service;
#[cfg(test)]
mod tests;

pub use future::ErrorPagesFuture;
pub use layer::ErrorPagesLayer;
pub use service::ErrorPages;
