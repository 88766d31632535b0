//! Data of the pages of administrators, and of what is seen while one acts as a user.

use serde::Serialize;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use super::Messages;
use super::json::as_time;
use crate::audit::AuditEntry;
use crate::scope::Account;

/// What stands around each page of administrators.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct AdminFrame<'a> {
    /// Who is logged in.
    pub administrator: &'a str,
    /// The page to look for users.
    pub users: &'a str,
    /// The page to look for organizations, if the administrator may.
    pub organizations: Option<&'a str>,
    /// The webhook endpoints, if the administrator may see to them.
    pub webhooks: Option<&'a str>,
    /// The mails that were given up, if the administrator may look at them.
    pub mails: Option<&'a str>,
    /// The audit log.
    pub audit: &'a str,
    /// The application itself.
    pub home: &'a str,
}

impl<'a> AdminFrame<'a> {
    /// The frame with these paths.
    pub fn new(administrator: &'a str, users: &'a str, audit: &'a str, home: &'a str) -> Self {
        let (organizations, webhooks, mails) = (None, None, None);
        Self { administrator, users, organizations, webhooks, mails, audit, home }
    }
}

/// What keeps a user out, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccountState {
    /// Nothing.
    Open,
    /// An administrator.
    Disabled,
    /// The account is going to be deleted.
    Leaving,
    /// The account is deleted.
    Deleted,
}

impl AccountState {
    /// What it is called.
    pub fn name<'a>(&self, messages: &'a Messages) -> &'a str {
        match self {
            Self::Open => &messages.admin_open,
            Self::Disabled => &messages.admin_disabled,
            Self::Leaving => &messages.admin_leaving,
            Self::Deleted => &messages.admin_deleted,
        }
    }
}

/// A user in a list.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AdminUserLine {
    /// The address, or else the id.
    pub name: String,
    /// What keeps them out.
    pub state: AccountState,
    /// When the account was made.
    #[serde(serialize_with = "as_time")]
    pub created_at: OffsetDateTime,
    /// The page about them.
    pub path: String,
}

impl AdminUserLine {
    /// The line of this account.
    pub fn new(
        account: &Account,
        state: AccountState,
        created_at: OffsetDateTime,
        path: String,
    ) -> Self {
        let name = account.email().unwrap_or(account.id().as_str()).to_owned();
        Self { name, state, created_at, path }
    }
}

/// Data of [`Pages::admin_users`](super::Pages::admin_users).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AdminUsers<'a> {
    /// What stands around the page.
    pub frame: AdminFrame<'a>,
    /// How the addresses begin: field `email` of a GET to the page.
    pub prefix: &'a str,
    /// Who was found.
    pub users: &'a [AdminUserLine],
    /// The next page.
    pub next: Option<&'a str>,
}

impl<'a> AdminUsers<'a> {
    /// The page with these users.
    pub fn new(
        frame: AdminFrame<'a>,
        prefix: &'a str,
        users: &'a [AdminUserLine],
        next: Option<&'a str>,
    ) -> Self {
        Self { frame, prefix, users, next }
    }
}

/// A session of a user.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AdminSession<'a> {
    /// What the browser or program calls itself.
    pub user_agent: &'a str,
    /// When it began.
    #[serde(serialize_with = "as_time")]
    pub created_at: OffsetDateTime,
    /// When it was last used.
    #[serde(serialize_with = "as_time")]
    pub last_active_at: OffsetDateTime,
}

impl<'a> AdminSession<'a> {
    /// A session.
    pub fn new(
        user_agent: &'a str,
        created_at: OffsetDateTime,
        last_active_at: OffsetDateTime,
    ) -> Self {
        Self { user_agent, created_at, last_active_at }
    }
}

/// An entry of the audit log in a list.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AuditLine {
    /// When.
    #[serde(serialize_with = "as_time")]
    pub at: OffsetDateTime,
    /// What was done.
    pub action: String,
    /// Whether it was refused.
    pub refused: bool,
    /// The kind of whoever did it, and their id if they have one.
    pub actor: String,
    /// The user it is about.
    pub user: String,
    /// Where it came from.
    pub address: String,
}

impl AuditLine {
    /// The line of this entry.
    pub fn of(entry: &AuditEntry) -> Self {
        let actor = entry.actor.as_ref().map_or(entry.actor_kind.as_str(), |id| id.as_str());
        Self {
            at: entry.at,
            action: entry.action.to_string(),
            refused: entry.outcome == crate::audit::Outcome::Failure,
            actor: actor.to_owned(),
            user: entry.user.as_ref().map(ToString::to_string).unwrap_or_default(),
            address: entry.address.map(|address| address.to_string()).unwrap_or_default(),
        }
    }

    /// When, to the second and in UTC, as the `datetime` of a `<time>` element takes it (RFC 3339).
    pub fn datetime(&self) -> String {
        let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
        self.at.to_offset(UtcOffset::UTC).format(form).unwrap_or_default()
    }

    /// The same for people: `2026-01-31 09:05:00 UTC`.
    pub fn shown_at(&self) -> String {
        let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
        self.at.to_offset(UtcOffset::UTC).format(form).unwrap_or_default()
    }
}

/// Data of [`Pages::admin_user`](super::Pages::admin_user).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AdminUser<'a> {
    /// What stands around the page.
    pub frame: AdminFrame<'a>,
    /// The account.
    #[serde(serialize_with = "super::json::as_shown")]
    pub account: &'a Account,
    /// What keeps the user out.
    pub state: AccountState,
    /// Whether there is a second factor.
    pub has_second_factor: bool,
    /// Whether there is a password.
    pub has_password: bool,
    /// Where to post to, with one of these behind it: `/revoke-sessions`, `/send-reset`,
    /// `/require-password-change`, `/disable`, `/enable`, `/remove-second-factor`, `/delete`, `/keep`,
    /// and `/impersonate` with a field `reason`.
    pub action: &'a str,
    /// The live sessions.
    pub sessions: &'a [AdminSession<'a>],
    /// The newest entries about the user.
    pub entries: &'a [AuditLine],
    /// Why the last thing was not done.
    pub problem: Option<AdminProblem>,
}

impl<'a> AdminUser<'a> {
    /// The page about this account.
    pub fn new(
        frame: AdminFrame<'a>,
        account: &'a Account,
        (state, has_second_factor): (AccountState, bool),
        action: &'a str,
    ) -> Self {
        Self {
            frame,
            account,
            state,
            has_second_factor,
            has_password: false,
            action,
            sessions: &[],
            entries: &[],
            problem: None,
        }
    }

    /// The same, of a user who has a password, or has none.
    #[must_use]
    pub fn with_password(self, has_password: bool) -> Self {
        Self { has_password, ..self }
    }

    /// The same, with the user's sessions.
    #[must_use]
    pub fn with_sessions(self, sessions: &'a [AdminSession<'a>]) -> Self {
        Self { sessions, ..self }
    }

    /// The same, with entries of the audit log.
    #[must_use]
    pub fn with_entries(self, entries: &'a [AuditLine]) -> Self {
        Self { entries, ..self }
    }

    /// The same, with why the last thing was not done.
    #[must_use]
    pub fn refused(self, problem: Option<AdminProblem>) -> Self {
        Self { problem, ..self }
    }
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AdminProblem {
    /// The reason to act as the user was none.
    NoReason,
    /// The second factor is that of the only owner who comes in although single sign-on is enforced.
    FactorNeeded,
    /// There is no second factor.
    NoFactor,
    /// The second factor is a passkey, and the only way in.
    OnlyWayIn,
    /// The account is disabled already.
    AlreadyDisabled,
    /// The account is not disabled.
    NotDisabled,
    /// The account is going to be deleted already.
    AlreadyLeaving,
    /// A deletion was cancelled only recently.
    CoolingDown {
        /// When another can be asked for.
        until: OffsetDateTime,
    },
    /// The user is the only owner of these organizations, and others are in them.
    SoleOwner(Vec<String>),
    /// The account is not going to be deleted, or it is too late to keep it.
    NotLeaving,
    /// There is no address to mail to.
    NoAddress,
    /// Too many links were asked for of late.
    MailedTooOften,
}

/// Data of [`Pages::admin_audit`](super::Pages::admin_audit).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AdminAudit<'a> {
    /// What stands around the page.
    pub frame: AdminFrame<'a>,
    /// The entries.
    pub entries: &'a [AuditLine],
    /// How the actions begin: field `action` of a GET to the page.
    pub action: &'a str,
    /// The user it is about: field `user`.
    pub user: &'a str,
    /// The same as a file of CSV.
    pub csv: &'a str,
    /// The same as a file of JSON Lines.
    pub json_lines: &'a str,
    /// The next page.
    pub next: Option<&'a str>,
}

impl<'a> AdminAudit<'a> {
    /// The page with these entries.
    pub fn new(
        frame: AdminFrame<'a>,
        entries: &'a [AuditLine],
        (action, user): (&'a str, &'a str),
        [csv, json_lines]: [&'a str; 2],
        next: Option<&'a str>,
    ) -> Self {
        Self { frame, entries, action, user, csv, json_lines, next }
    }
}

/// Data of [`Pages::impersonation_banner`](super::Pages::impersonation_banner).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ImpersonationBanner<'a> {
    /// Who the administrator acts as.
    pub account: &'a str,
    /// Where to post to, to stop.
    pub stop: &'a str,
}

impl<'a> ImpersonationBanner<'a> {
    /// The banner with this button.
    pub fn new(account: &'a str, stop: &'a str) -> Self {
        Self { account, stop }
    }
}

/// A page with the banner at the beginning of its body.
#[cfg(feature = "accounts")]
pub(crate) fn on_top(page: &str, banner: &str) -> String {
    let end = |body: usize| page.get(body..)?.find('>').map(|end| body + end + 1);
    let at = page.find("<body").and_then(end).unwrap_or_default();
    let (before, after) = page.split_at_checked(at).unwrap_or(("", page));
    format!("{before}\n{banner}{after}")
}
