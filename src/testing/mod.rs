//! Fixtures and the store contract kit.

mod clock;
pub mod contract;

pub use clock::ManualClock;
