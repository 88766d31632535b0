//! Fixtures and the store contract kit.

mod clock;
pub mod contract;
#[cfg(feature = "social")]
mod openid_provider;
#[cfg(feature = "passkeys")]
mod soft_passkey;

#[cfg(feature = "accounts")]
pub use crate::account::scenario::{Persona, Scenario, ScenarioError};
pub use clock::ManualClock;
#[cfg(feature = "social")]
pub use openid_provider::{FakeOpenIdProvider, FakeUser, NotForTests};
#[cfg(feature = "passkeys")]
pub use soft_passkey::{SoftPasskey, SoftPasskeyRefusal};
