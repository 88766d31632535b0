//! Data of the pages about sessions: the list of them, and the question who is there.

use std::net::IpAddr;

use serde::Serialize;
use time::OffsetDateTime;

use super::json::as_time;
use super::{Frame, OtherDoor, PasskeyPrompt};

/// Data of [`Pages::login_again`](super::Pages::login_again).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct LoginAgain<'a> {
    /// Where the form is posted to: field `password` or `code`, whichever is typed into of those that are
    /// asked for; or `credential`, the answer of a passkey.
    pub action: &'a str,
    /// Who is logged in: the address, or else the id.
    pub account: &'a str,
    /// Whether the password is asked for.
    pub asks_password: bool,
    /// Whether a code of the authenticator app is taken, or a backup code; instead of the password, if
    /// there is one, too.
    pub asks_code: bool,
    /// What is asked of the browser, if the user has passkeys; instead of the rest.
    pub passkey: Option<PasskeyPrompt<'a>>,
    /// The identity provider of the user's organization, where they log in and nowhere else: there is
    /// nothing else on the page then.
    pub provider: Option<OtherDoor<'a>>,
    /// The providers that know the user, for who has nothing else.
    pub others: &'a [OtherDoor<'a>],
    /// The page to ask for a link to log in, for who has nothing else.
    pub link: Option<&'a str>,
    /// The page to ask for a new password, or the first one.
    pub forgot: &'a str,
    /// Whether the user has nothing that does for sure: no more than a passkey that has never verified
    /// them, if that. They are offered to choose a password beside it.
    pub offers_password: bool,
    /// The page to log in from the start, by whatever means.
    pub login: &'a str,
    /// Whether the last password or code was refused.
    pub refused: bool,
}

impl<'a> LoginAgain<'a> {
    /// The page for `account` that posts to `action`.
    pub fn new([action, forgot, login]: [&'a str; 3], account: &'a str) -> Self {
        Self {
            action,
            account,
            asks_password: false,
            asks_code: false,
            passkey: None,
            provider: None,
            others: &[],
            link: None,
            forgot,
            offers_password: false,
            login,
            refused: false,
        }
    }

    /// The same, which takes the password, or a code, or either, or neither.
    #[must_use]
    pub fn asking(self, asks_password: bool, asks_code: bool) -> Self {
        Self { asks_password, asks_code, ..self }
    }

    /// The same, which takes a passkey, too.
    #[must_use]
    pub fn with_passkey(self, passkey: Option<PasskeyPrompt<'a>>) -> Self {
        Self { passkey, ..self }
    }

    /// The same, for somebody who logs in at this provider and nowhere else.
    #[must_use]
    pub fn with_provider(self, provider: OtherDoor<'a>) -> Self {
        Self { provider: Some(provider), ..self }
    }

    /// The same, for somebody who has nothing to answer with: with the providers that know them, and
    /// the page to ask for a link.
    #[must_use]
    pub fn with_doors(self, others: &'a [OtherDoor<'a>], link: Option<&'a str>) -> Self {
        Self { others, link, ..self }
    }

    /// The same, for somebody who may have no passkey that does, and is offered to choose a password.
    #[must_use]
    pub fn offering_password(self, offers_password: bool) -> Self {
        Self { offers_password, ..self }
    }

    /// The same, after a try that was refused.
    #[must_use]
    pub fn refused(self, refused: bool) -> Self {
        Self { refused, ..self }
    }
}

/// What is known of the browser or program behind a login, for people to recognise it by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SeenDevice {
    /// The browser or program: a name of ours.
    pub name: Option<&'static str>,
    /// What it runs on: a name of ours.
    pub system: Option<&'static str>,
    /// Its address.
    pub address: Option<IpAddr>,
    /// Where that is, roughly.
    pub place: Option<String>,
}

impl SeenDevice {
    /// A device by the names of its browser and system.
    pub fn new(name: Option<&'static str>, system: Option<&'static str>) -> Self {
        Self { name, system, address: None, place: None }
    }

    /// The same, at this address, which is at this place.
    #[must_use]
    pub fn at(self, address: Option<IpAddr>, place: Option<String>) -> Self {
        Self { address, place, ..self }
    }
}

/// A session of the user's.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SessionItem {
    /// Its public id.
    pub id: String,
    /// Who holds it.
    pub device: SeenDevice,
    /// When the user logged in.
    #[serde(serialize_with = "as_time")]
    pub began: OffsetDateTime,
    /// When it was last seen to be used.
    #[serde(serialize_with = "as_time")]
    pub last_used: OffsetDateTime,
    /// The app of the host's own that holds it, if one does.
    pub app: Option<String>,
    /// Whether it is the one that looks at the page.
    pub is_current: bool,
    /// Whether an administrator acts as the user in it.
    pub is_impersonated: bool,
}

impl SessionItem {
    /// A session that began, and was last used, then.
    pub fn new(id: String, device: SeenDevice, [began, last_used]: [OffsetDateTime; 2]) -> Self {
        let (app, is_current, is_impersonated) = (None, false, false);
        Self { id, device, began, last_used, app, is_current, is_impersonated }
    }

    /// The same, held by the app of this name, or by none.
    #[must_use]
    pub fn of_app(self, app: Option<String>) -> Self {
        Self { app, ..self }
    }

    /// The same, which is, or is not, the one that looks at the page.
    #[must_use]
    pub fn current(self, is_current: bool) -> Self {
        Self { is_current, ..self }
    }

    /// The same, in which an administrator acts, or does not.
    #[must_use]
    pub fn impersonated(self, is_impersonated: bool) -> Self {
        Self { is_impersonated, ..self }
    }
}

/// Data of [`Pages::settings_sessions`](super::Pages::settings_sessions).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SessionList<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// The sessions, last used first.
    pub sessions: &'a [SessionItem],
    /// Where to post a field `session` to, the id of one, to end it.
    pub revoke: &'a str,
    /// Where to post to, to end all but this one.
    pub revoke_others: &'a str,
    /// Where to post to, to have no browser trusted any more; `None` where none can be.
    pub forget_browsers: Option<&'a str>,
    /// Where to post to, to end all; with a field `apps`, those of other applications too.
    pub sign_out: &'a str,
    /// What was just done.
    pub notice: Option<SessionsNotice>,
}

/// What a user did on the page of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SessionsNotice {
    /// Ended one.
    Revoked,
    /// Ended all others.
    OthersRevoked,
    /// Has no browser trusted any more.
    BrowsersForgotten,
}

impl<'a> SessionList<'a> {
    /// The page with these sessions and paths: to end one, to end the others, to end all.
    pub fn new(
        frame: Frame<'a>,
        sessions: &'a [SessionItem],
        [revoke, revoke_others, sign_out]: [&'a str; 3],
        notice: Option<SessionsNotice>,
    ) -> Self {
        Self { frame, sessions, revoke, revoke_others, forget_browsers: None, sign_out, notice }
    }

    /// The same, for a user who can trust browsers.
    #[must_use]
    pub fn forgetting_browsers_at(mut self, path: Option<&'a str>) -> Self {
        self.forget_browsers = path;
        self
    }
}
