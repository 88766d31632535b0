//! Data of the pages about service accounts.

use serde::Serialize;

use super::{Frame, NewToken, TokenItem, TokenLifetime};

/// Data of [`Pages::settings_service_accounts`](super::Pages::settings_service_accounts).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ServiceAccountList<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// What the organization is called.
    pub organization: &'a str,
    /// Those there are, newest first.
    pub accounts: &'a [ServiceAccountItem],
    /// Where to post a field `name` to, to make another.
    pub action: &'a str,
    /// The page of the organization.
    pub back: &'a str,
    /// The name to begin with.
    pub name: &'a str,
    /// Why none was made.
    pub problem: Option<ServiceAccountProblem>,
}

/// A service account.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ServiceAccountItem {
    /// What it is called.
    pub name: String,
    /// Its page.
    pub path: String,
    /// Whether it is disabled.
    pub disabled: bool,
}

/// Why no service account was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServiceAccountProblem {
    /// The name is empty or too long.
    Name,
    /// There are as many as there may be.
    TooMany,
}

/// Data of [`Pages::settings_service_account`](super::Pages::settings_service_account).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ServiceAccountPage<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// What it is called.
    pub name: &'a str,
    /// Its page; forms are posted below it: to `/credentials` fields `name`, `scope` (repeated) and
    /// `lifetime`, for a new credential; a field `id` to `/rotate`, for another one like it, and to
    /// `/revoke`; to `/disable` and `/enable`.
    pub path: &'a str,
    /// All of the organization's.
    pub back: &'a str,
    /// Its credentials, newest first.
    pub credentials: &'a [TokenItem<'a>],
    /// Whether it is disabled.
    pub disabled: bool,
    /// The scopes there are.
    pub scopes: &'a [String],
    /// For how long a credential may work.
    pub lifetimes: &'a [TokenLifetime],
    /// What was asked for before, if it was refused.
    pub new: NewToken<'a>,
}

impl<'a> ServiceAccountList<'a> {
    /// The page of an organization by its name, with a name to begin with, the path to post to, and
    /// the way back.
    pub fn new(
        frame: Frame<'a>,
        [organization, name]: [&'a str; 2],
        [action, back]: [&'a str; 2],
        accounts: &'a [ServiceAccountItem],
        problem: Option<ServiceAccountProblem>,
    ) -> Self {
        Self { frame, organization, accounts, action, back, name, problem }
    }
}

impl ServiceAccountItem {
    /// A service account with its page.
    pub fn new(name: impl Into<String>, path: impl Into<String>, disabled: bool) -> Self {
        Self { name: name.into(), path: path.into(), disabled }
    }
}

impl<'a> ServiceAccountPage<'a> {
    /// The page of a service account, with its path and the way back.
    pub fn new(
        frame: Frame<'a>,
        name: &'a str,
        [path, back]: [&'a str; 2],
        credentials: &'a [TokenItem<'a>],
    ) -> Self {
        Self {
            frame,
            name,
            path,
            back,
            credentials,
            disabled: false,
            scopes: &[],
            lifetimes: &[],
            new: NewToken::default(),
        }
    }
}
