//! Data of the pages of administrators about webhook endpoints.

use serde::Serialize;
use time::OffsetDateTime;

use super::AdminFrame;
use super::json::as_time;

/// An endpoint in a list.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AdminWebhookLine {
    /// Where events are posted to.
    pub url: String,
    /// The page about it.
    pub path: String,
    /// Whether it is told of anything.
    pub enabled: bool,
}

impl AdminWebhookLine {
    /// The line of an endpoint by its address and the page about it.
    pub fn new([url, path]: [String; 2], enabled: bool) -> Self {
        Self { url, path, enabled }
    }
}

/// Data of [`Pages::admin_webhooks`](super::Pages::admin_webhooks).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AdminWebhooks<'a> {
    /// What stands around the page.
    pub frame: AdminFrame<'a>,
    /// The name of the organization whose endpoints these are, and the page about it; `None` of
    /// those that belong to none.
    pub organization: Option<(&'a str, &'a str)>,
    /// The endpoints.
    pub endpoints: &'a [AdminWebhookLine],
}

impl<'a> AdminWebhooks<'a> {
    /// The page with these endpoints, which belong to no organization.
    pub fn new(frame: AdminFrame<'a>, endpoints: &'a [AdminWebhookLine]) -> Self {
        Self { frame, organization: None, endpoints }
    }
}

/// An event that was given up.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AdminDeadEvent {
    /// Its id.
    pub id: String,
    /// Its type.
    pub event_type: String,
    /// The same page, with how each attempt went.
    pub ledger: String,
    /// When it happened.
    #[serde(serialize_with = "as_time")]
    pub at: OffsetDateTime,
    /// How many times it was tried.
    pub attempts: u32,
}

impl AdminDeadEvent {
    /// An event by id, type and where its attempts are shown.
    pub fn new([id, event_type, ledger]: [String; 3], at: OffsetDateTime, attempts: u32) -> Self {
        Self { id, event_type, ledger, at, attempts }
    }
}

/// How an attempt went.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AdminAttempt {
    /// Which one it was, from 1.
    pub number: u32,
    /// When it ended.
    #[serde(serialize_with = "as_time")]
    pub at: OffsetDateTime,
    /// The status of the answer, or in one word why there was none.
    pub result: String,
}

impl AdminAttempt {
    /// An attempt.
    pub fn new(number: u32, at: OffsetDateTime, result: String) -> Self {
        Self { number, at, result }
    }
}

/// Data of [`Pages::admin_webhook`](super::Pages::admin_webhook).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AdminWebhook<'a> {
    /// What stands around the page.
    pub frame: AdminFrame<'a>,
    /// Where events are posted to.
    pub url: &'a str,
    /// The page; forms are posted below it: `/replay` (field `event`), `/replay-all`, `/enable`,
    /// `/disable` and `/rotate` (`overlap`: hours).
    pub path: &'a str,
    /// The list of endpoints.
    pub back: &'a str,
    /// The organization whose events it is told of; `None` for those of all.
    pub organization: Option<&'a str>,
    /// The types of events it is told of.
    pub events: &'a [String],
    /// Whether it is told of anything.
    pub enabled: bool,
    /// What was given up, the newest first; at most 200.
    pub dead: &'a [AdminDeadEvent],
    /// How each attempt of the event that was asked for went.
    pub attempts: &'a [AdminAttempt],
    /// For how many hours an old secret may sign beside a new one.
    pub overlaps: &'a [u32],
    /// Why the last thing was not done.
    pub problem: Option<AdminWebhookProblem>,
}

impl<'a> AdminWebhook<'a> {
    /// The page of an endpoint, its path and the way back.
    pub fn new(frame: AdminFrame<'a>, url: &'a str, [path, back]: [&'a str; 2]) -> Self {
        Self {
            frame,
            url,
            path,
            back,
            organization: None,
            events: &[],
            enabled: true,
            dead: &[],
            attempts: &[],
            overlaps: &[],
            problem: None,
        }
    }
}

/// Why something was not done to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AdminWebhookProblem {
    /// Several secrets sign already.
    TooManySecrets,
    /// The application's keyring does not open the secrets.
    Sealed,
    /// What was to be changed is not as it was any more.
    Changed,
}

/// Data of [`Pages::admin_webhook_secret`](super::Pages::admin_webhook_secret).
#[derive(Clone, Copy, Serialize)]
#[non_exhaustive]
pub struct AdminWebhookSecret<'a> {
    /// What stands around the page.
    pub frame: AdminFrame<'a>,
    /// Where events are posted to.
    pub url: &'a str,
    /// The new secret, to be shown this once.
    pub secret: &'a str,
    /// For how many hours the old one signs beside it.
    pub overlap: u32,
    /// Where to go on.
    pub next: &'a str,
}

impl<'a> AdminWebhookSecret<'a> {
    /// The page with this secret, beside which the old one signs for so many hours.
    pub fn new(
        frame: AdminFrame<'a>,
        url: &'a str,
        (secret, overlap): (&'a str, u32),
        next: &'a str,
    ) -> Self {
        Self { frame, url, secret, overlap, next }
    }
}

impl std::fmt::Debug for AdminWebhookSecret<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdminWebhookSecret").field("url", &self.url).finish_non_exhaustive()
    }
}
