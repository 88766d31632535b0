//! The grant types of the token endpoint, one file each.

mod authorization_code;
mod client_credentials;
mod issue;
mod refresh_token;

pub(super) use authorization_code::exchange_code;
pub(super) use client_credentials::grant_client_credentials;
pub(super) use refresh_token::refresh;
