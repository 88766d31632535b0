//! Accounts: the store's contract, the flows over HTTP, the mails.

mod admin;
mod attacks;
mod delivery;
mod devices;
mod doors;
mod down;
mod enumeration;
mod imported;
mod killed;
mod lifecycle;
mod mailed;
pub mod organizations;
mod overtaken;
mod passkeys;
mod password;
mod prehijack;
mod scenarios;
mod second_factor;
#[cfg(feature = "social")]
mod social;
mod store;
mod tokens;
mod trips;
pub mod world;
