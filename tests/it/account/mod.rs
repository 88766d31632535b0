//! Accounts: the store's contract, the flows over HTTP, the mails.

mod admin;
mod again;
mod announced;
mod apps;
mod attacks;
mod delivery;
mod devices;
mod doors;
mod down;
mod email_change;
mod enumeration;
mod held;
mod hook;
mod imported;
mod killed;
mod lifecycle;
mod limits;
mod mailed;
pub mod organizations;
mod overtaken;
mod passkeys;
mod password;
mod prehijack;
pub mod receipts;
mod scenarios;
mod second_factor;
mod seen;
mod session_limits;
mod sessions;
pub mod single_sign_on;
#[cfg(feature = "social")]
mod social;
mod store;
mod tokens;
mod trips;
pub mod ways_in;
pub mod world;
