//! What the tests share.

pub mod browser;
pub mod database;
pub mod statements;
