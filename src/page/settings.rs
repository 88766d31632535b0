//! Data of the pages where a user sees to their own account.

use serde::Serialize;

use super::Messages;

/// What stands around each of these pages.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// Who is logged in: the address, or else the id.
    pub account: &'a str,
    /// The pages there are, in order.
    pub links: &'a [FrameLink],
    /// Where to post to log out.
    pub logout: &'a str,
    /// The application itself.
    pub home: &'a str,
    /// What must not be overlooked on any page.
    #[serde(skip)]
    pub banner: Option<&'a str>,
}

/// The link to a page.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FrameLink {
    /// Which page.
    pub area: SettingsArea,
    /// Its path.
    pub path: String,
    /// Whether it is the one shown.
    pub current: bool,
}

/// What such a page is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SettingsArea {
    /// The account at a glance.
    Overview,
    /// The email address.
    Email,
    /// The password.
    Password,
    /// The second factor.
    TwoFactor,
    /// Passkeys.
    Passkeys,
    /// The API tokens.
    Tokens,
    /// All that is known of the user.
    Export,
    /// The end of the account.
    Delete,
    /// The organizations.
    Organizations,
    /// Who the user is at other providers.
    Connections,
    /// Where the user is logged in.
    Sessions,
}

impl SettingsArea {
    /// Its name.
    pub fn name<'a>(&self, messages: &'a Messages) -> &'a str {
        match self {
            Self::Overview => &messages.settings_overview,
            Self::Email => &messages.settings_email,
            Self::Password => &messages.settings_password,
            Self::TwoFactor => &messages.settings_two_factor,
            Self::Passkeys => &messages.settings_passkeys,
            Self::Tokens => &messages.settings_tokens,
            Self::Export => &messages.settings_export,
            Self::Delete => &messages.settings_delete,
            Self::Organizations => &messages.settings_organizations,
            Self::Connections => &messages.settings_connections,
            Self::Sessions => &messages.settings_sessions,
        }
    }
}

impl FrameLink {
    /// The link to a page.
    pub fn new(area: SettingsArea, path: impl Into<String>, current: bool) -> Self {
        Self { area, path: path.into(), current }
    }
}

impl<'a> Frame<'a> {
    /// The frame around the pages of `account`.
    pub fn new(account: &'a str, links: &'a [FrameLink], logout: &'a str, home: &'a str) -> Self {
        Self { account, links, logout, home, banner: None }
    }

    /// The same, with what must not be overlooked.
    #[must_use]
    pub fn with_banner(mut self, banner: Option<&'a str>) -> Self {
        self.banner = banner;
        self
    }
}

/// Data of [`Pages::settings_overview`](super::Pages::settings_overview).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SettingsOverview<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// The address.
    pub email: Option<&'a str>,
    /// Whether it is confirmed.
    pub email_verified: bool,
    /// Whether it was just changed.
    pub email_changed: bool,
}

impl<'a> SettingsOverview<'a> {
    /// The page about an account with this address.
    pub fn new(frame: Frame<'a>, email: Option<&'a str>, email_verified: bool) -> Self {
        Self { frame, email, email_verified, email_changed: false }
    }
}
