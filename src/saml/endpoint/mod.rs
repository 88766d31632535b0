//! One file per endpoint.

pub(super) mod acs;
mod login;
mod metadata;

pub(super) use login::login;
pub(super) use metadata::metadata;
