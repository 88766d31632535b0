//! The one script that there is.

use std::sync::OnceLock;

use http::header::{CACHE_CONTROL, ETAG};
use http::{HeaderValue, Response, StatusCode};

use crate::account::site::Site;
use crate::crypto::sha256;
use crate::http::{Body, respond};

const SCRIPT: &str = include_str!("script.js");

/// Where pages find it. The name changes with what it says, so that browsers may keep it.
pub(super) fn source(site: &Site) -> String {
    format!("{}?v={}", site.paths.passkey_script, version())
}

/// The script itself.
pub(super) fn serve() -> Response<Body> {
    let mut response = respond::plain(StatusCode::OK, "text/javascript; charset=utf-8", SCRIPT);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", version())) {
        headers.insert(ETAG, tag);
    }
    response
}

fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        sha256(SCRIPT.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    })
}
