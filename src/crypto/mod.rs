//! Clock, randomness, secrets and the keyring: everything that is not a pure function of its input.
//!
//! Nothing else in the crate reads a clock or draws randomness (`clippy.toml` bans it), so a test
//! that holds a [`Clock`] and a [`Random`] holds all there is to vary.

mod clock;
mod keyed_hash;
mod keyring;
mod random;
mod secret;
#[cfg(any(feature = "accounts", feature = "provider"))]
mod successor;

pub use clock::{Clock, SystemClock};
pub use keyed_hash::KeyedHash;
pub use keyring::{Authenticator, KEYRING_VARIABLE, Keyring, KeyringError, Purpose, Sealed};
pub use random::{Random, RandomExt, SystemRandom};
pub use secret::{OpaqueToken, Redacted, TokenHash, constant_time_eq, sha256};
#[cfg(any(feature = "accounts", feature = "provider"))]
pub(crate) use successor::{open_successor, seal_successor};
