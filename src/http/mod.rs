//! What every role needs of HTTP: bodies, bounded forms, cookies, local paths, the mounting of a
//! role's own paths in front of an inner service.

#[cfg(feature = "axum")]
mod axum;
pub mod bearer;
mod body;
mod cookie;
mod egress;
mod form;
mod form_json;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod mount;
mod negotiate;
mod peer;
#[cfg(any(feature = "accounts", feature = "provider"))]
pub(crate) mod redirect;
mod rejection;
#[cfg(any(feature = "provider", feature = "social"))]
mod remote;
pub mod respond;
mod return_to;

pub use body::{Body, ResponseBody};
#[cfg(any(feature = "provider", feature = "social"))]
pub(crate) use cookie::is_loopback;
pub use cookie::{BaseUrlError, CookieJar, CookiePolicy};
pub(crate) use egress::is_fetchable;
#[cfg(all(test, any(feature = "accounts", feature = "provider")))]
pub(crate) use egress::test_server;
pub use egress::{Egress, EgressBuilder, EgressError, InvalidRoots};
pub use form::{Form, FormError};
#[cfg(feature = "provider")]
pub(crate) use mount::answer;
pub use mount::{Mount, MountFuture, Mounted, Role};
pub use negotiate::{wants_html, wants_json};
pub use peer::{InvalidNetwork, Network, PeerAddr, PeerCertificate, TrustedProxies};
pub use rejection::{Reader, Rejection};
#[cfg(any(feature = "provider", feature = "social"))]
pub(crate) use remote::{Kind as RemoteKind, RemoteDocuments, RemoteError};
#[cfg(all(test, feature = "provider"))]
pub(crate) use remote::{LAST_GOOD as REMOTE_LAST_GOOD, PAUSE as REMOTE_PAUSE};
pub use return_to::ReturnTo;

/// Bounds on what comes from outside, in one place. Sizes are bytes.
pub mod limits {
    /// The body of a request to one of our own forms or OAuth endpoints.
    pub const FORM_BODY: usize = 64 * 1024;
    /// For the whole body of such a request to come.
    pub const BODY_PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
    /// Fields of one form or query.
    pub const FORM_FIELDS: usize = 64;
    /// A SAML message posted by a browser.
    pub const SAML_BODY: usize = 512 * 1024;
    /// A local path to return to.
    pub const RETURN_TO: usize = 4 * 1024;
}
