//! Apps of the host's own, on phones and desktops: users log in to them without the detour of an
//! OAuth consent, and the apps never see a password.
#![doc = include_str!("app.md")]

mod apps;
mod count;
mod endpoint;
#[cfg(any(test, fuzzing))]
pub(in crate::account) mod fuzzing;
mod layer;
mod login;
mod profile;
mod redirect;
mod session;

pub use apps::AppSessions;
pub(super) use endpoint::{exchange, refresh, revoke};
pub use layer::AppSessionLayer;
pub(super) use login::{decide, show};
pub use profile::{App, AppLifetimes, InvalidApp};
