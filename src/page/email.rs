//! Data of the pages where a user changes the email address.

use serde::Serialize;
use time::OffsetDateTime;

use super::Frame;

/// Data of [`Pages::settings_email`](super::Pages::settings_email).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct EmailSettings<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// Where the form is posted to: field `email`.
    pub action: &'a str,
    /// Where to post to, with field `code`, what was mailed to the new address.
    pub confirm: &'a str,
    /// Where to post to, so that a change does not wait any more.
    pub cancel: &'a str,
    /// The address that the user has.
    pub email: Option<&'a str>,
    /// The address whose confirmation is waited for, and until when.
    #[serde(serialize_with = "super::json::as_pending")]
    pub pending: Option<(&'a str, OffsetDateTime)>,
    /// What was typed last, if it was refused.
    pub typed: &'a str,
    /// Why it was refused.
    pub problem: Option<EmailProblem>,
    /// Whether the code was refused.
    pub code_refused: bool,
    /// What was just done.
    pub notice: Option<EmailNotice>,
}

/// Why an address cannot be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EmailProblem {
    /// It is none.
    Invalid,
    /// It is the one that there is.
    Unchanged,
    /// An organization that enforces single sign-on sees to it, or to the one that there is.
    Managed,
}

/// What was just done about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EmailNotice {
    /// A link was mailed to the new one; or, as is not said, it belongs to somebody.
    Asked,
    /// A change does not wait any more.
    Cancelled,
}

impl<'a> EmailSettings<'a> {
    /// The page that posts to these paths: to ask, to confirm by a code, to cancel.
    pub fn new(
        frame: Frame<'a>,
        [action, confirm, cancel]: [&'a str; 3],
        email: Option<&'a str>,
    ) -> Self {
        Self {
            frame,
            action,
            confirm,
            cancel,
            email,
            pending: None,
            typed: "",
            problem: None,
            code_refused: false,
            notice: None,
        }
    }
}

/// Data of [`Pages::settings_email_confirm`](super::Pages::settings_email_confirm).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ConfirmEmailChange<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// Where the form is posted to: field `token`.
    pub action: &'a str,
    /// The secret of the link.
    pub token: &'a str,
    /// The new address.
    pub email: &'a str,
    /// Whether somebody else has confirmed the address meanwhile: there is nothing to be done.
    pub taken: bool,
}

impl<'a> ConfirmEmailChange<'a> {
    /// The page that posts the token to `action`.
    pub fn new(frame: Frame<'a>, [action, token]: [&'a str; 2], email: &'a str) -> Self {
        Self { frame, action, token, email, taken: false }
    }
}
