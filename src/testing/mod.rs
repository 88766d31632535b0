//! Fixtures and the store contract kit.

mod clock;
pub mod contract;
#[cfg(feature = "passkeys")]
mod soft_passkey;

pub use clock::ManualClock;

#[cfg(feature = "accounts")]
pub use crate::account::scenario::{Persona, Scenario, ScenarioError};
#[cfg(feature = "passkeys")]
pub use soft_passkey::{SoftPasskey, SoftPasskeyRefusal};
