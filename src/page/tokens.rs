//! Data of the pages about API tokens.

use serde::Serialize;
use time::OffsetDateTime;

use super::Frame;
use super::json::{as_time, as_time_if};

/// Data of [`Pages::settings_tokens`](super::Pages::settings_tokens).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Tokens<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// The tokens there are, newest first.
    pub tokens: &'a [TokenItem<'a>],
    /// Where to post a new one to: fields `name`, `scope` (repeated) and `lifetime`.
    pub action: &'a str,
    /// Where to post a field `id` to, to revoke one.
    pub revoke: &'a str,
    /// The scopes there are.
    pub scopes: &'a [String],
    /// For how long a token may work.
    pub lifetimes: &'a [TokenLifetime],
    /// What was asked for before, if it was refused.
    pub new: NewToken<'a>,
}

/// A token in the list.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct TokenItem<'a> {
    /// Its id.
    pub id: &'a str,
    /// What its owner calls it.
    pub name: &'a str,
    /// What it may do.
    pub scopes: &'a [String],
    /// When it was made.
    #[serde(serialize_with = "as_time")]
    pub created_at: OffsetDateTime,
    /// When it was last seen to be used.
    #[serde(serialize_with = "as_time_if")]
    pub last_used_at: Option<OffsetDateTime>,
    /// When it ends, or ended.
    #[serde(serialize_with = "as_time_if")]
    pub expires_at: Option<OffsetDateTime>,
    /// Whether it has ended.
    pub expired: bool,
}

/// For how long a token may work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TokenLifetime {
    /// In days; `None` for ever.
    pub days: Option<i64>,
}

/// What a form for a new token is filled in with.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct NewToken<'a> {
    /// The name.
    pub name: &'a str,
    /// The scopes.
    pub scopes: &'a [String],
    /// Why it was refused.
    pub problem: Option<TokenProblem>,
}

/// Why a token was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TokenProblem {
    /// The name is empty or too long.
    Name,
    /// No scope was chosen, or one that there is not.
    Scopes,
    /// It may not work for so long.
    Lifetime,
    /// There are as many as there may be.
    TooMany,
}

/// Data of [`Pages::settings_token_created`](super::Pages::settings_token_created).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct TokenCreated<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// What its owner calls it.
    pub name: &'a str,
    /// The token, which is never shown again.
    pub token: &'a str,
    /// Back to the list.
    pub next: &'a str,
}

impl<'a> TokenItem<'a> {
    /// A token with the times when it was made, was last used, and ends.
    pub fn new(
        id: &'a str,
        name: &'a str,
        scopes: &'a [String],
        (created_at, last_used_at, expires_at): (
            OffsetDateTime,
            Option<OffsetDateTime>,
            Option<OffsetDateTime>,
        ),
        expired: bool,
    ) -> Self {
        Self { id, name, scopes, created_at, last_used_at, expires_at, expired }
    }
}

impl TokenLifetime {
    /// So many days.
    pub fn days(days: i64) -> Self {
        Self { days: Some(days) }
    }

    /// For ever.
    pub fn never() -> Self {
        Self { days: None }
    }
}

impl<'a> NewToken<'a> {
    /// What was asked for, and why it was refused.
    pub fn refused(name: &'a str, scopes: &'a [String], problem: TokenProblem) -> Self {
        Self { name, scopes, problem: Some(problem) }
    }
}

impl<'a> Tokens<'a> {
    /// The page with these tokens, the paths to make and to revoke one, and what can be chosen for
    /// a new one.
    pub fn new(
        frame: Frame<'a>,
        tokens: &'a [TokenItem<'a>],
        [action, revoke]: [&'a str; 2],
        (scopes, lifetimes): (&'a [String], &'a [TokenLifetime]),
        new: NewToken<'a>,
    ) -> Self {
        Self { frame, tokens, action, revoke, scopes, lifetimes, new }
    }
}

impl<'a> TokenCreated<'a> {
    /// The page with this token.
    pub fn new(frame: Frame<'a>, name: &'a str, token: &'a str, next: &'a str) -> Self {
        Self { frame, name, token, next }
    }
}
