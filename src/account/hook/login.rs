use std::net::IpAddr;

use crate::scope::{Account, Method};

/// A user who has proven who they are, and has no session yet.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Login<'a> {
    /// The user.
    pub account: &'a Account,
    /// What they want to come in by.
    pub door: LoginDoor<'a>,
    /// By what they have proven who they are, all factors together; for an app, in the session that
    /// it is let in from.
    pub methods: &'a [Method],
    /// Where the request came from, if the server says so.
    pub address: Option<IpAddr>,
    /// What the browser says it is.
    pub user_agent: Option<&'a str>,
}

/// What somebody wants to come in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginDoor<'a> {
    /// A browser, by password, mailed link, passkey, a provider or an invitation.
    Browser,
    /// An app of the host's own ([`app`](crate::account::app)), by its id: a user who is logged in lets
    /// it in.
    App(&'a str),
}
