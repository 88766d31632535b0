//! What every role needs of HTTP: bodies, bounded forms, cookies, local paths, the mounting of a
//! role's own paths in front of an inner service.

pub mod bearer;
mod body;
mod cookie;
#[cfg(feature = "provider")]
mod egress;
mod form;
mod mount;
mod negotiate;
mod peer;
pub mod respond;
mod return_to;

pub use body::{Body, ResponseBody};
pub use cookie::{BaseUrlError, CookieJar, CookiePolicy};
#[cfg(feature = "provider")]
pub(crate) use egress::is_fetchable;
#[cfg(all(test, feature = "provider"))]
pub(crate) use egress::test_server;
#[cfg(feature = "provider")]
pub use egress::{Egress, EgressBuilder, EgressError, InvalidRoots};
pub use form::{Form, FormError};
#[cfg(feature = "provider")]
pub(crate) use mount::answer;
pub use mount::{Mount, MountFuture, Mounted, Role};
pub use negotiate::wants_html;
pub use peer::{InvalidNetwork, Network, PeerAddr, PeerCertificate, TrustedProxies};
pub use return_to::ReturnTo;

/// Bounds on what comes from outside, in one place. Sizes are bytes.
pub mod limits {
    /// The body of a request to one of our own forms or OAuth endpoints.
    pub const FORM_BODY: usize = 64 * 1024;
    /// Fields of one form or query.
    pub const FORM_FIELDS: usize = 64;
    /// A SAML message posted by a browser.
    pub const SAML_BODY: usize = 512 * 1024;
    /// A local path to return to.
    pub const RETURN_TO: usize = 4 * 1024;
    /// All `Cookie` headers of a request.
    pub const COOKIES: usize = 16 * 1024;
}
