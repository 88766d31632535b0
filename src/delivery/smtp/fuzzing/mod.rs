//! Fuzz target of what mail servers say.
#![expect(clippy::panic, reason = "a target panics where something does not hold")]

mod smtp_reply;

pub use smtp_reply::smtp_reply;
