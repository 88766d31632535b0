//! What the tests share.

pub mod browser;
pub mod database;
#[cfg(feature = "interop")]
pub mod process;
pub mod statements;
#[cfg(feature = "interop")]
pub mod tools;
