use async_trait::async_trait;
use time::{Duration, OffsetDateTime};

use super::{NewDelivery, Result};
use crate::crypto::{Redacted, TokenHash};
use crate::scope::{Account, UserId};

/// A user to be written.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The account; its email is the normalised address it will be found by.
    pub account: Account,
    /// The password, as a PHC string.
    pub password: Option<Redacted<String>>,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// What a mailed link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkPurpose {
    /// To confirm an email address.
    Confirm,
    /// To set a new password.
    Reset,
}

impl LinkPurpose {
    /// The name it is stored by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Reset => "reset",
        }
    }
}

/// The secret of a mailed link, and the mail that carries it.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// What it is for.
    pub purpose: LinkPurpose,
    /// The hash of its secret.
    pub token: TokenHash,
    /// From when on it opens nothing.
    pub expires_at: OffsetDateTime,
    /// The mail.
    pub mail: NewDelivery,
}

/// How a registration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The user is written, with the link to confirm the address.
    Registered,
    /// The address belongs to somebody; only `notice`, the mail to its owner, was written.
    EmailTaken,
}

/// What a login needs to know before it hashes: one read.
#[derive(Clone, Debug)]
pub struct LoginFacts {
    /// The user with this address.
    pub user: Option<LoginUser>,
    /// Until when the address is locked, if it is.
    pub locked_until: Option<OffsetDateTime>,
}

/// The user a login is about.
#[derive(Clone, Debug)]
pub struct LoginUser {
    /// The account.
    pub account: Account,
    /// The password, as a PHC string.
    pub password: Option<Redacted<String>>,
}

/// When failures lock an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockoutPolicy {
    /// How many failures in a row lock it.
    pub failures: u32,
    /// For how long; afterwards the count begins anew, so that it can lock again.
    pub lock_for: Duration,
}

/// What counting a failure led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureCount {
    /// Failures since the last success or lock.
    pub failures: u32,
    /// Until when the address is locked, if it is.
    pub locked_until: Option<OffsetDateTime>,
}

/// A bound on how often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many times…
    pub times: u32,
    /// …in this window.
    pub window: Duration,
}

/// How the request for a link ended. The caller answers all of them alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkRequest {
    /// The link and its mail are written; older links of the purpose open nothing any more.
    Sent,
    /// No account it could be for; only the attempt was counted.
    NoAccount,
    /// Too many in the window; only the attempt was counted.
    Limited,
}

/// How following a link ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkUse {
    /// It did what it was for.
    Done(UserId),
    /// Unknown, used, replaced or expired: nothing changed.
    Invalid,
}

/// Transitions of the application's own users. An email address is always the normalised one.
#[async_trait]
pub trait AccountStore: std::fmt::Debug + Send + Sync + 'static {
    /// Writes a user with the link that confirms the address, or, if the address is taken, only
    /// `notice`. Of two callers with one address exactly one registers.
    async fn register(
        &self,
        user: &NewUser,
        link: &NewLink,
        notice: &NewDelivery,
    ) -> Result<Registration>;

    /// Writes a user whom the host vouches for (seeded, imported, vouched for by an identity
    /// provider); no mail.
    async fn create_user(&self, user: &NewUser) -> Result<Registration>;

    /// The account with this id.
    async fn find_account(&self, id: &UserId) -> Result<Option<Account>>;

    /// The account with this address.
    async fn find_account_by_email(&self, email: &str) -> Result<Option<Account>>;

    /// What a login for this address needs to know.
    async fn load_login(&self, email: &str, now: OffsetDateTime) -> Result<LoginFacts>;

    /// Counts a failed login for an address, whether or not anybody has it; while it is locked,
    /// nothing changes.
    async fn count_failure(
        &self,
        email: &str,
        policy: LockoutPolicy,
        now: OffsetDateTime,
    ) -> Result<FailureCount>;

    /// Forgets the failures of an address after a success; with `rehashed`, stores the password's
    /// better hash if it still is `verified`.
    async fn clear_failures(
        &self,
        email: &str,
        rehashed: Option<(&Redacted<String>, &Redacted<String>)>,
    ) -> Result<()>;

    /// Writes a link for the account with this address, unless there is none or the limit is
    /// reached. A link to confirm is written only for an address not yet confirmed.
    async fn request_link(
        &self,
        email: &str,
        link: &NewLink,
        limit: RateLimit,
        now: OffsetDateTime,
    ) -> Result<LinkRequest>;

    /// Whether a link would still work.
    async fn check_link(
        &self,
        purpose: LinkPurpose,
        token: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<bool>;

    /// Confirms the address a link was sent to; all links to confirm of that user are used up.
    async fn confirm_email(&self, token: &TokenHash, now: OffsetDateTime) -> Result<LinkUse>;

    /// Sets a new password by a link: in the same transition every link and every session of the
    /// user ends (with events), the failures are forgotten, the address is confirmed (its owner
    /// followed the link), and the notice is written.
    async fn reset_password(
        &self,
        token: &TokenHash,
        password: &Redacted<String>,
        notice: &NewDelivery,
        now: OffsetDateTime,
    ) -> Result<LinkUse>;

    /// Removes at most `limit` links, counters and limits that are over.
    async fn sweep_accounts(&self, now: OffsetDateTime, limit: u32) -> Result<u64>;
}
