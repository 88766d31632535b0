//! Fuzz targets of what apps send, and of where they wait for codes.

mod app_redirect_uri;
mod app_request;

pub use app_redirect_uri::app_redirect_uri;
pub use app_request::app_request;
