//! Data of the page that lets an app of the host's own log in.

use serde::Serialize;

/// Data of [`Pages::app_login`](super::Pages::app_login).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AppLogin<'a> {
    /// Where the form is posted to: these fields, and `decision`, which is `approve` or `deny`.
    pub action: &'a str,
    /// Where to go to be somebody else.
    pub other: &'a str,
    /// What the app is called.
    pub app: &'a str,
    /// Who is logged in: the address, or else the id.
    pub account: &'a str,
    /// What the app will be able to do.
    pub scopes: &'a [String],
    /// Fields that the form carries as they are.
    pub fields: &'a [(&'a str, &'a str)],
}

impl<'a> AppLogin<'a> {
    /// The page that asks `account` whether to let `app` in.
    pub fn new(
        [action, other]: [&'a str; 2],
        app: &'a str,
        account: &'a str,
        scopes: &'a [String],
        fields: &'a [(&'a str, &'a str)],
    ) -> Self {
        Self { action, other, app, account, scopes, fields }
    }
}
