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
    /// The address belongs to somebody; at most the mail to its owner was written.
    EmailTaken,
}

/// What a login knows before it hashes.
#[derive(Clone, Debug)]
pub struct LoginAttempt {
    /// The user with this address.
    pub user: Option<LoginUser>,
    /// Until when the address is locked. If it is, the login fails, whatever the password.
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

/// When attempts without a success lock an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockoutPolicy {
    /// How many attempts it has; the one after them is refused.
    pub attempts: u32,
    /// For how long it is locked after the last of them. Afterwards, or when nobody has tried for
    /// this long, the count begins anew, so that it can lock again.
    pub lock_for: Duration,
}

/// How a login whose password was right ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginCompletion {
    /// The attempts are forgotten, and a better hash is stored.
    Completed,
    /// The password that was verified is no longer the user's: the login must not stand.
    PasswordChanged,
}

/// A bound on how often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many times…
    pub times: u32,
    /// …in this window, which begins with the first of them.
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
    /// `notice`, and that only `notices` often. Of two callers with one address exactly one
    /// registers.
    async fn register(
        &self,
        user: &NewUser,
        link: &NewLink,
        notice: &NewDelivery,
        notices: RateLimit,
    ) -> Result<Registration>;

    /// Writes a user whom the host vouches for (seeded, imported, vouched for by an identity
    /// provider); no mail.
    async fn create_user(&self, user: &NewUser) -> Result<Registration>;

    /// The account with this id.
    async fn find_account(&self, id: &UserId) -> Result<Option<Account>>;

    /// The account with this address.
    async fn find_account_by_email(&self, email: &str) -> Result<Option<Account>>;

    /// Begins a login for an address, whether or not anybody has it. The attempt is counted before
    /// the password is looked at, so that any number of concurrent callers get
    /// [`LockoutPolicy::attempts`] guesses and not one more. With the first attempt that is refused
    /// `notice`, the mail to the owner, is written if there is one.
    async fn begin_login(
        &self,
        email: &str,
        policy: LockoutPolicy,
        notice: &NewDelivery,
        now: OffsetDateTime,
    ) -> Result<LoginAttempt>;

    /// Completes a login whose password was right, after its session was written: forgets the
    /// attempts and stores `rehashed`, if the user's password still is `verified`. Together with
    /// [`AccountStore::reset_password`] it makes sure that no session opened with the old password
    /// outlives a reset, whichever of the two is first.
    async fn complete_login(
        &self,
        email: &str,
        verified: &Redacted<String>,
        rehashed: Option<&Redacted<String>>,
    ) -> Result<LoginCompletion>;

    /// Counts the request for a link, and writes it for the account with this address, unless there
    /// is none or the limit is reached. A link to confirm is written only for an address not yet
    /// confirmed. The link takes the place of an older one of its purpose.
    async fn request_link(
        &self,
        email: &str,
        link: &NewLink,
        limit: RateLimit,
        now: OffsetDateTime,
    ) -> Result<LinkRequest>;

    /// The account a link would work for.
    async fn load_link(
        &self,
        purpose: LinkPurpose,
        token: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<Account>>;

    /// Confirms the address a link was sent to, if it still is the user's; the link is used up. Of
    /// two callers exactly one is told [`LinkUse::Done`].
    async fn confirm_email(&self, token: &TokenHash, now: OffsetDateTime) -> Result<LinkUse>;

    /// Sets a new password by a link: in the same transition every link and every session of the
    /// user ends (with events), the attempts are forgotten, the address is confirmed (its owner
    /// followed the link), and the notice is written. Of two callers exactly one is told
    /// [`LinkUse::Done`].
    async fn reset_password(
        &self,
        token: &TokenHash,
        password: &Redacted<String>,
        notice: &NewDelivery,
        now: OffsetDateTime,
    ) -> Result<LinkUse>;

    /// Removes at most `limit` each of links, counters and limits that are over. Answers how many
    /// were removed.
    async fn sweep_accounts(&self, now: OffsetDateTime, limit: u32) -> Result<u64>;
}
