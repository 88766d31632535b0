//! Passwords: what may be one, how it is hashed, and how many are hashed at a time.

mod breached;
mod common;
mod hash;
mod have_i_been_pwned;
mod policy;
mod pool;
mod rules;
mod spelling;
mod stored;
mod strength;
mod trace;
mod tune;

pub use breached::{BreachError, BreachedPasswords, WhenUnknown};
pub use hash::HashCost;
pub use have_i_been_pwned::{HaveIBeenPwned, InvalidMirror};
pub use policy::check_length;
pub use pool::{Busy, PasswordPool, PoolSize, Verdict};
pub use rules::{PasswordCheckError, PasswordRules};
pub use stored::{
    Argon2Kind, ImportLimits, Pbkdf2Hmac, StoredCost, StoredCostError, StoredHash, StoredHashError,
};
pub use strength::{Score, Strength};
pub use tune::Tuned;
