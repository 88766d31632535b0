//! Tokens: what is in them, and how they are made.

mod access_token;
mod id_token;
mod response;

pub(crate) use access_token::{AccessTokenRequest, issue_access_token};
pub(crate) use id_token::{IdTokenRequest, issue_id_token};
pub(crate) use response::TokenResponse;
