//! HTML pages and mail bodies, their theme, and how a host replaces them.
//!
//! The built-in pages need no script and nothing from elsewhere, follow the browser's light or
//! dark scheme, and carry the product's name and colour. [`Theme`] sets those, and what the pages
//! say ([`Messages`]); [`Pages`] replaces whole pages.
//!
//! ```
//! use donjon::page::{ErrorPage, Pages, Theme};
//!
//! let theme = Theme::new("Acme").with_accent("#0f766e".parse()?);
//! let html = theme.error(&ErrorPage { code: "invalid_request", description: "No <b>." });
//! assert!(html.contains("No &#60;b&#62;."));
//! # Ok::<(), donjon::page::InvalidAccent>(())
//! ```

mod admin;
mod admin_mails;
mod admin_organization;
mod admin_webhook;
mod answer;
mod app;
mod deletion;
mod email;
pub mod error_pages;
mod fill;
mod json;
mod login;
mod mail;
mod mailed;
mod messages;
mod organization;
mod pages;
mod passkey;
mod password;
mod render;
mod service_account;
mod sessions;
mod settings;
mod single_sign_on;
mod social;
#[cfg(test)]
mod tests;
mod theme;
mod tokens;
mod two_factor;

pub use admin::*;
pub use admin_mails::*;
pub use admin_organization::*;
pub use admin_webhook::*;
pub use answer::{explain, reject};
pub use app::*;
pub use deletion::*;
pub use email::*;
pub use error_pages::ErrorPagesLayer;
#[cfg(feature = "accounts")]
pub(crate) use json::JsonPages;
pub use login::*;
pub use mail::{Letter, Mail, UnknownLogin};
pub use mailed::*;
pub use messages::Messages;
pub use organization::*;
pub use pages::*;
pub use passkey::*;
pub use password::*;
pub use service_account::*;
pub use sessions::*;
pub use settings::*;
pub use single_sign_on::*;
pub use social::*;
pub use theme::{Accent, InvalidAccent, Theme};
pub use tokens::*;
pub use two_factor::*;
