//! The end of an account: asked for in the settings, kept after all by logging in or by the mailed
//! link, and brought about when its time has come.

mod abandoned;
mod execute;
mod hook;
pub(super) mod keep;
mod policy;
mod request;

pub(super) use self::abandoned::remove_abandoned;
pub(super) use self::execute::{execute_due, execute_own};
pub use self::hook::{DeletionHook, DeletionHookError};
pub use self::policy::DeletionPolicy;
pub(super) use self::request::request;
