//! Fuzz targets of what apps send, and of where they wait for codes.
#![expect(clippy::panic, reason = "a target that finds something panics")]

mod app_redirect_uri;
mod app_request;

pub use app_redirect_uri::app_redirect_uri;
pub use app_request::app_request;
