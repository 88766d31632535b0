//! Data of the pages about second factors.

use serde::Serialize;
use time::OffsetDateTime;

use super::json::as_time;
use super::{Frame, PasskeyPrompt};

/// Data of [`Pages::verify_login`](super::Pages::verify_login).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct VerifyLogin<'a> {
    /// Where the form is posted to: fields `code`, and `trust` if checked.
    pub action: &'a str,
    /// The page to begin anew.
    pub login: &'a str,
    /// Whether the last code was refused.
    pub refused: bool,
    /// For how many days the browser can be trusted; `None` if it can't.
    pub trust_days: Option<i64>,
    /// What is asked of the browser, if the user has passkeys; the same form takes its answer, in a
    /// field `credential`.
    pub passkey: Option<PasskeyPrompt<'a>>,
    /// Whether a code will do.
    pub takes_code: bool,
    /// Whether the code may be one of an app, and not of the backup codes only.
    pub has_app: bool,
    /// Whether the user is logged in already, and shows the second factor beside that: `login` is the
    /// way back to the host then.
    pub in_session: bool,
}

impl<'a> VerifyLogin<'a> {
    /// The page that posts to `action`.
    pub fn new(action: &'a str, login: &'a str, refused: bool, trust_days: Option<i64>) -> Self {
        Self {
            action,
            login,
            refused,
            trust_days,
            passkey: None,
            takes_code: true,
            has_app: true,
            in_session: false,
        }
    }

    /// The same, for a user who has an app, or backup codes only.
    #[must_use]
    pub fn with_app(mut self, has_app: bool) -> Self {
        self.has_app = has_app;
        self
    }

    /// The same, for a user who is logged in already.
    #[must_use]
    pub fn in_session(mut self) -> Self {
        self.in_session = true;
        self
    }

    /// The same, for a user with passkeys, who may have no app.
    #[must_use]
    pub fn with_passkey(mut self, passkey: Option<PasskeyPrompt<'a>>, takes_code: bool) -> Self {
        self.passkey = passkey;
        self.takes_code = takes_code;
        self
    }
}

/// Data of [`Pages::settings_two_factor`](super::Pages::settings_two_factor).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct TwoFactor<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// What there is; `None` if nothing.
    pub enrolled: Option<EnrolledApp>,
    /// The page to set up an app.
    pub setup: &'a str,
    /// Where to post a field `code` to, of the app, for new backup codes.
    pub regenerate: &'a str,
    /// Where to post a field `code` to, of either kind, to do without.
    pub disable: &'a str,
    /// Which of the two was refused.
    pub refused: Option<TwoFactorForm>,
    /// The backup codes of who has passkeys and no app; `None` for everybody else.
    pub passkey_codes: Option<PasskeyCodes<'a>>,
}

/// The backup codes of somebody who has passkeys and no app.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct PasskeyCodes<'a> {
    /// How many are left; none, if there never were any.
    pub left: usize,
    /// What is asked of the browser for new ones: the answer is posted to where a code of the app
    /// would be, in a field `credential`.
    pub prompt: PasskeyPrompt<'a>,
}

impl<'a> PasskeyCodes<'a> {
    /// So many codes, and new ones for the answer to this.
    pub fn new(left: usize, prompt: PasskeyPrompt<'a>) -> Self {
        Self { left, prompt }
    }
}

/// An authenticator app that somebody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EnrolledApp {
    /// Since when.
    #[serde(serialize_with = "as_time")]
    pub since: OffsetDateTime,
    /// How many backup codes are left.
    pub backup_codes_left: usize,
}

/// A form of [`TwoFactor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TwoFactorForm {
    /// For new backup codes.
    Regenerate,
    /// To do without.
    Disable,
    /// The same, of the only owner who comes in although single sign-on is enforced, by this.
    DisableNeeded,
}

impl EnrolledApp {
    /// An app with so many backup codes.
    pub fn new(since: OffsetDateTime, backup_codes_left: usize) -> Self {
        Self { since, backup_codes_left }
    }
}

impl<'a> TwoFactor<'a> {
    /// The page with these paths: to set up, to regenerate, to disable.
    pub fn new(
        frame: Frame<'a>,
        enrolled: Option<EnrolledApp>,
        [setup, regenerate, disable]: [&'a str; 3],
        refused: Option<TwoFactorForm>,
    ) -> Self {
        let passkey_codes = None;
        Self { frame, enrolled, setup, regenerate, disable, refused, passkey_codes }
    }

    /// The same, for somebody who has passkeys and no app.
    #[must_use]
    pub fn with_passkey_codes(mut self, codes: Option<PasskeyCodes<'a>>) -> Self {
        self.passkey_codes = codes;
        self
    }
}

/// Data of [`Pages::settings_two_factor_setup`](super::Pages::settings_two_factor_setup).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct TwoFactorSetup<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// Where to post a field `code` to.
    pub action: &'a str,
    /// Back to the page about second factors.
    pub back: &'a str,
    /// A QR code for the app: an SVG element, to be put into the page as it is. `None` if the
    /// product's name and the address are too long for one.
    pub qr: Option<&'a str>,
    /// The secret, to be typed into the app.
    pub secret: &'a str,
    /// Whether the last code was refused.
    pub refused: bool,
}

impl<'a> TwoFactorSetup<'a> {
    /// The page that posts to `action`.
    pub fn new(
        frame: Frame<'a>,
        [action, back]: [&'a str; 2],
        (qr, secret): (Option<&'a str>, &'a str),
        refused: bool,
    ) -> Self {
        Self { frame, action, back, qr, secret, refused }
    }
}

/// Data of [`Pages::settings_backup_codes`](super::Pages::settings_backup_codes).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct BackupCodes<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// The codes, which are never shown again.
    pub codes: &'a [String],
    /// Back to the page about second factors.
    pub next: &'a str,
}

impl<'a> BackupCodes<'a> {
    /// The page with these codes.
    pub fn new(frame: Frame<'a>, codes: &'a [String], next: &'a str) -> Self {
        Self { frame, codes, next }
    }
}
