//! Data of the pages about an account as a whole: its data, and its end.

use serde::Serialize;
use time::OffsetDateTime;

use super::Frame;
use super::json::{as_time, as_time_if};

/// Data of [`Pages::settings_delete`](super::Pages::settings_delete).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct DeleteAccount<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// Where the form is posted to: fields `confirm` if checked, and `password` or `code`.
    pub action: &'a str,
    /// Whether the password can be typed.
    pub asks_password: bool,
    /// Whether a code can be typed, of the app or a backup code.
    pub asks_code: bool,
    /// For how many days the user may think better of it; 0 for not at all.
    pub grace_days: i64,
    /// Why the last try was refused.
    pub problem: Option<DeletionProblem>,
}

/// Why an account cannot be deleted like this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeletionProblem {
    /// The box was not checked.
    Unconfirmed,
    /// Neither the password nor a code was right.
    NotProven,
    /// The last deletion was cancelled too recently.
    CoolingDown {
        /// Until when.
        #[serde(serialize_with = "as_time")]
        until: OffsetDateTime,
    },
    /// These organizations would be left without an owner.
    SoleOwner(Vec<String>),
}

impl<'a> DeleteAccount<'a> {
    /// The page that posts to `action`, and asks for the password and for a code, or not.
    pub fn new(
        frame: Frame<'a>,
        action: &'a str,
        (asks_password, asks_code): (bool, bool),
        grace_days: i64,
        problem: Option<DeletionProblem>,
    ) -> Self {
        Self { frame, action, asks_password, asks_code, grace_days, problem }
    }
}

/// Data of [`Pages::settings_export`](super::Pages::settings_export).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ExportAccount<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// Where to post to, for the file.
    pub action: &'a str,
}

impl<'a> ExportAccount<'a> {
    /// The page that posts to `action`.
    pub fn new(frame: Frame<'a>, action: &'a str) -> Self {
        Self { frame, action }
    }
}

/// Data of [`Pages::account_leaving`](super::Pages::account_leaving).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AccountLeaving<'a> {
    /// When the account will be deleted; `None` for now.
    #[serde(serialize_with = "as_time_if")]
    pub at: Option<OffsetDateTime>,
    /// The page to log in, and keep it.
    pub login: &'a str,
}

impl<'a> AccountLeaving<'a> {
    /// The page about an account that is deleted then.
    pub fn new(at: Option<OffsetDateTime>, login: &'a str) -> Self {
        Self { at, login }
    }
}

/// Data of [`Pages::keep_account`](super::Pages::keep_account).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct KeepAccount<'a> {
    /// Where the form is posted to: field `token`.
    pub action: &'a str,
    /// The secret of the mailed link; empty for a user who has just logged in.
    pub token: &'a str,
    /// When the account will be deleted otherwise.
    #[serde(serialize_with = "as_time")]
    pub at: OffsetDateTime,
}

impl<'a> KeepAccount<'a> {
    /// The page that posts to `action`.
    pub fn new(action: &'a str, token: &'a str, at: OffsetDateTime) -> Self {
        Self { action, token, at }
    }
}
