//! Data of the page of administrators about mails that were given up.

use serde::Serialize;
use time::OffsetDateTime;

use super::AdminFrame;
use super::json::as_time;

/// A mail that was given up.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AdminDeadMail {
    /// Its subject; empty if the application's keyring does not open it.
    pub subject: String,
    /// The domain it was to go to.
    pub domain: String,
    /// How many times it was tried.
    pub attempts: u32,
    /// When it was written.
    #[serde(serialize_with = "as_time")]
    pub created_at: OffsetDateTime,
}

impl AdminDeadMail {
    /// A mail by its subject and the domain it was to go to.
    pub fn new([subject, domain]: [String; 2], attempts: u32, created_at: OffsetDateTime) -> Self {
        Self { subject, domain, attempts, created_at }
    }
}

/// Data of [`Pages::admin_mails`](super::Pages::admin_mails).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AdminMails<'a> {
    /// What stands around the page.
    pub frame: AdminFrame<'a>,
    /// The mails, those written last first; at most 200.
    pub mails: &'a [AdminDeadMail],
    /// How many days back they may be tried again; 0 is for all there are.
    pub days: &'a [u32],
    /// Where the form is posted to: field `days`.
    pub action: &'a str,
}

impl<'a> AdminMails<'a> {
    /// The page with these mails, which posts to `action`.
    pub fn new(
        frame: AdminFrame<'a>,
        mails: &'a [AdminDeadMail],
        days: &'a [u32],
        action: &'a str,
    ) -> Self {
        Self { frame, mails, days, action }
    }
}
