//! Passwords: what may be one, how it is hashed, and how many are hashed at a time.

mod hash;
mod policy;
mod pool;

pub use hash::HashCost;
pub use policy::check_length;
pub(super) use pool::Verdict;
pub use pool::{Busy, PasswordPool, PoolSize};
