//! Data of the pages about passkeys.

use serde::Serialize;
use time::OffsetDateTime;

use super::Frame;
use super::json::{as_time, as_time_if};

/// What a page asks of the browser, with a form that our script finds by its attributes: on the
/// form `data-passkey`, which is `create` or `get`, and `data-options`; in it a hidden field
/// `credential`, a button `data-passkey-button`, a message `data-passkey-problem`, and what is shown
/// `data-passkey-with` and `data-passkey-without` it.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct PasskeyPrompt<'a> {
    /// Options of WebAuthn, as JSON.
    #[serde(serialize_with = "super::json::as_json")]
    pub options: &'a str,
    /// The address of our script.
    #[serde(skip)]
    pub script: &'a str,
    /// Whether the last answer was refused.
    pub refused: bool,
}

impl<'a> PasskeyPrompt<'a> {
    /// A prompt with these options.
    pub fn new(options: &'a str, script: &'a str, refused: bool) -> Self {
        Self { options, script, refused }
    }
}

/// Data of [`Pages::settings_passkeys`](super::Pages::settings_passkeys).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PasskeySettings<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// The passkeys there are, the oldest first.
    pub passkeys: &'a [PasskeyEntry<'a>],
    /// Where to post a new one to: fields `name` and `credential`.
    pub add: &'a str,
    /// Where to post a new name to: fields `id` and `name`.
    pub rename: &'a str,
    /// Where to post an `id` to, to remove it.
    pub delete: &'a str,
    /// What is asked of the browser to make one; `None` if there are as many as there may be.
    pub prompt: Option<PasskeyPrompt<'a>>,
    /// What did not work.
    pub notice: Option<PasskeyNotice>,
    /// Whether there is one, and nothing beside it for the day it is lost.
    pub only_one: bool,
}

/// A passkey that somebody has.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PasskeyEntry<'a> {
    /// What the forms call it.
    pub id: String,
    /// What its user calls it.
    pub name: &'a str,
    /// Since when.
    #[serde(serialize_with = "as_time")]
    pub since: OffsetDateTime,
    /// When it was last used.
    #[serde(serialize_with = "as_time_if")]
    pub last_used: Option<OffsetDateTime>,
    /// Whether it is on several devices.
    pub synced: bool,
    /// Whether it is refused, as one that may have been copied.
    pub suspended: bool,
}

/// What did not work on the page about passkeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PasskeyNotice {
    /// The new passkey was refused.
    Refused,
    /// There are as many as there may be.
    TooMany,
    /// It is the last way in: there is no password.
    LastWayIn,
    /// It is the second factor of the only owner who comes in although single sign-on is enforced.
    LastToComeIn,
}

impl<'a> PasskeyEntry<'a> {
    /// A passkey that was made, and perhaps used, at these times.
    pub fn new(
        id: impl Into<String>,
        name: &'a str,
        (since, last_used): (OffsetDateTime, Option<OffsetDateTime>),
        synced: bool,
    ) -> Self {
        Self { id: id.into(), name, since, last_used, synced, suspended: false }
    }

    /// The same, if it is refused as one that may have been copied.
    #[must_use]
    pub fn suspended(self, suspended: bool) -> Self {
        Self { suspended, ..self }
    }
}

impl<'a> PasskeySettings<'a> {
    /// The page with these paths: to add, to rename, to delete.
    pub fn new(
        frame: Frame<'a>,
        passkeys: &'a [PasskeyEntry<'a>],
        [add, rename, delete]: [&'a str; 3],
        prompt: Option<PasskeyPrompt<'a>>,
    ) -> Self {
        Self { frame, passkeys, add, rename, delete, prompt, notice: None, only_one: false }
    }

    /// The same, with what did not work.
    #[must_use]
    pub fn with_notice(mut self, notice: Option<PasskeyNotice>) -> Self {
        self.notice = notice;
        self
    }

    /// The same, with a word on what happens when the only one is lost.
    #[must_use]
    pub fn with_only_one(mut self, only_one: bool) -> Self {
        self.only_one = only_one;
        self
    }
}
