//! Tokens of the application's own API: what people and service accounts put into scripts.

mod crc32;
mod format;

pub use format::{ApiToken, InvalidTokenPrefix, NotAnApiToken, TokenPrefix};
