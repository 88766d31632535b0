use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Effects, FollowedLink, LimitCount, LimitUse, LinkKey, MailedLink, RateLimit, Result};
use crate::crypto::{KeyedHash, Redacted, TokenHash};
use crate::scope::{Account, UserId};

/// A user to be written.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The account; its email is the normalised address it will be found by.
    pub account: Account,
    /// The hash of the password: a PHC string, or as another system has written it.
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
    /// To keep an account that is going to be deleted.
    Keep,
    /// To log in.
    Login,
    /// To have another address, which is the one it is sent to.
    ChangeEmail,
}

impl LinkPurpose {
    /// The name it is stored by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Reset => "reset",
            Self::Keep => "keep",
            Self::Login => "login",
            Self::ChangeEmail => "change_email",
        }
    }
}

/// The secret of a mailed link, and what is written with it: the mail that carries it.
#[derive(Clone, Debug)]
pub struct NewLink {
    /// What it is for.
    pub purpose: LinkPurpose,
    /// The hash of its secret.
    pub token: TokenHash,
    /// What binds it to its user and address: [`LinkKey::bind`] is stored with it.
    pub key: LinkKey,
    /// The code that the mail carries beside it.
    pub code: Option<KeyedHash>,
    /// From when on it opens nothing.
    pub expires_at: OffsetDateTime,
    /// The mail, and what the audit log tells.
    pub effects: Effects,
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
    /// The counts of its limits, as [`LimitStore::count_uses`](super::LimitStore::count_uses)
    /// answers them. If one is over, there is no user, and nothing else was counted.
    pub counts: Vec<LimitCount>,
    /// The user with this address.
    pub user: Option<LoginUser>,
    /// What the attempt was counted under.
    pub counter: LoginCounter,
    /// Until when that is locked. If it is, the login fails, whatever the password.
    pub locked_until: Option<OffsetDateTime>,
    /// Where the users of this domain log in instead, if the attempt yields to that. If so, there is
    /// no user, and nothing but the limits was counted.
    pub elsewhere: Option<String>,
}

/// What attempts are counted under, and what is locked by too many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginCounter {
    /// The address: whoever comes from a browser that its user is not known by.
    Address,
    /// The user and a browser that is known to be the user's.
    Device(DeviceId),
}

/// A browser, by the random id in the cookie it keeps. It names a browser and opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(pub Uuid);

/// A browser that a user has logged in with, as its cookie says. Whether the user is still known
/// by it, the store decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownDevice {
    /// The browser.
    pub id: DeviceId,
    /// The user.
    pub user: UserId,
    /// The user's [`LoginUser::device_epoch`] at that login.
    pub epoch: i64,
}

/// The user a login is about.
#[derive(Clone, Debug)]
pub struct LoginUser {
    /// The account.
    pub account: Account,
    /// The password, as a PHC string.
    pub password: Option<Redacted<String>>,
    /// Moves when the browsers that the user is known by must not be known any more.
    pub device_epoch: i64,
    /// Whether the password alone does not log in.
    pub has_second_factor: bool,
    /// When the password was chosen; `None` if there is none.
    pub password_set_at: Option<OffsetDateTime>,
    /// Whether the next login must choose another.
    pub must_change_password: bool,
}

/// When attempts without a success lock an address, or a browser that a user is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockoutPolicy {
    /// How many attempts each has; the one after them is refused.
    pub attempts: u32,
    /// For how long each is locked after the last of them. Afterwards, or when nobody has tried for
    /// this long, the count begins anew, so that it can lock again.
    pub lock_for: Duration,
}

/// By what a user can prove who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proofs {
    /// Whether there is a password.
    pub password: bool,
    /// Whether there is an authenticator app.
    pub app: bool,
    /// Whether there is a passkey.
    pub passkey: bool,
}

/// How a login whose password was right ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginCompletion {
    /// The attempts are forgotten, and a better hash is stored.
    Completed,
    /// The password that was verified is no longer the user's, or the epoch has moved: the login must
    /// not stand.
    PasswordChanged,
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

impl LinkRequest {
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(super) fn of(sent: bool, limited: bool) -> Self {
        match (sent, limited) {
            (true, _) => Self::Sent,
            (false, true) => Self::Limited,
            (false, false) => Self::NoAccount,
        }
    }
}

/// A login that is refused, and what is written of it.
#[derive(Clone, Debug)]
pub struct LoginRefusal {
    /// What is written whatever the reason: what the audit log tells.
    pub refused: Effects,
    /// What the attempt was counted under, if its password was right, and nothing but the
    /// confirmation of the address is missing.
    pub unconfirmed: Option<LoginCounter>,
    /// The link to confirm the address, which is written then.
    pub link: NewLink,
    /// How often, for the address and with the requests for such links.
    pub limit: RateLimit,
}

/// How following a link ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkUse {
    /// It did what it was for.
    Done(UserId),
    /// Unknown, used, replaced or expired: nothing changed.
    Invalid,
}

/// How a reset of a password ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordReset {
    /// The new password is set.
    Done {
        /// Whose it is.
        user: UserId,
        /// The user's [`LoginUser::device_epoch`] from now on.
        device_epoch: i64,
    },
    /// The link is unknown, used, replaced or expired: nothing changed.
    Invalid,
}

/// Transitions of the application's own users. An email address is always the normalised one.
/// What is given as `along` is written if the transition did what it is named for, and with it; of what
/// is given for another outcome (`taken`, `locked`), and of a [`Sighting`](super::Sighting), the
/// [`Receipt`](super::Receipt) says whether it was. So it is with all stores.
#[async_trait]
pub trait UserStore: std::fmt::Debug + Send + Sync + 'static {
    /// Writes a user with the link that confirms the address, or, if the address is taken, only
    /// `taken`, the notice to its owner, and that only `notices` often. Of two callers with one
    /// address exactly one registers.
    async fn register(
        &self,
        user: &NewUser,
        link: &NewLink,
        taken: &Effects,
        notices: (RateLimit, OffsetDateTime),
    ) -> Result<Registration>;

    /// Writes a user whom the host vouches for (seeded, imported, vouched for by an identity
    /// provider).
    async fn create_user(&self, user: &NewUser, along: &Effects) -> Result<Registration>;

    /// The account with this id.
    async fn find_account(&self, id: &UserId) -> Result<Option<Account>>;

    /// The account with this address.
    async fn find_account_by_email(&self, email: &str) -> Result<Option<Account>>;

    /// By what a user can prove who they are. One read.
    async fn find_proofs(&self, id: &UserId) -> Result<Proofs>;

    /// Writes an attribute of a user unless it is there already, and answers what is there now:
    /// of two callers the first one's value stays, and both are told so. `None` if there is no
    /// such user.
    async fn claim_attribute(
        &self,
        id: &UserId,
        name: &str,
        value: &serde_json::Value,
    ) -> Result<Option<serde_json::Value>>;

    /// Begins a login for an address, whether or not anybody has it. The attempt is counted before
    /// the password is looked at, so that any number of concurrent callers get
    /// [`LockoutPolicy::attempts`] guesses and not one more. With the first attempt that is refused
    /// `locked`, the mail to the owner, is written if there is one.
    ///
    /// Before anything else `uses` are counted; if one is over its limit, that is all that happens.
    ///
    /// If it `yields`, and single sign-on is enforced for the domain of the address, that is all,
    /// too, whether or not anybody has the address.
    ///
    /// It is counted under `device` if the address belongs to that very user and the epoch is
    /// still the user's, and under the address otherwise; neither count touches the other.
    async fn begin_login(
        &self,
        (email, yields): (&str, bool),
        device: Option<&KnownDevice>,
        policy: LockoutPolicy,
        locked: &Effects,
        uses: &[LimitUse],
        now: OffsetDateTime,
    ) -> Result<LoginAttempt>;

    /// Completes a login whose password was right, after its session was written: forgets the
    /// attempts under `counter`, and those only, and stores `rehashed`, if the user's password still
    /// is `verified` and, if `epoch` is given, their [`LoginUser::device_epoch`] still that.
    /// Together with [`UserStore::reset_password`], and with the ends of accounts
    /// ([`LifecycleStore`](super::LifecycleStore)), it makes sure that no session opened with what
    /// was true before outlives them, whichever of the two is first.
    async fn complete_login(
        &self,
        email: &str,
        counter: LoginCounter,
        (verified, epoch): (&Redacted<String>, Option<i64>),
        rehashed: Option<&Redacted<String>>,
        along: &Effects,
    ) -> Result<LoginCompletion>;

    /// Refuses a login after its password was looked at. What is written of the refusal is written
    /// in any case. If nothing but the confirmation of the address is missing, the attempts are
    /// forgotten, and the link to confirm it is requested, as by [`UserStore::request_link`]. The
    /// statements are the same for every reason.
    async fn refuse_login(
        &self,
        email: &str,
        refusal: &LoginRefusal,
        now: OffsetDateTime,
    ) -> Result<LinkRequest>;

    /// Counts the request for a link, and writes it for the account with this address, unless there
    /// is none or the limit is reached. A deleted account that keeps its address is none, here and for
    /// whatever a link opens. A link to confirm is written only for an address not yet
    /// confirmed. The link takes the place of an older one of its purpose.
    async fn request_link(
        &self,
        email: &str,
        link: &NewLink,
        limit: RateLimit,
        now: OffsetDateTime,
    ) -> Result<LinkRequest>;

    /// The link with this secret, and the account that it would work for. It is for the caller to see
    /// whether it is bound to that.
    async fn load_link(
        &self,
        purpose: LinkPurpose,
        token: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<MailedLink>>;

    /// Confirms the address a link was sent to, if it still is the user's; the link is used up. Of
    /// two callers exactly one is told [`LinkUse::Done`].
    async fn confirm_email(
        &self,
        link: &FollowedLink,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<LinkUse>;

    /// Sets a new password by a link: in the same transition every link, every session and every API
    /// token of the user ends (sessions with events), the attempts under the address are forgotten,
    /// no browser is known to be the user's any more, the address is confirmed (its owner followed
    /// the link), and the notice is written. If the address was not confirmed before, somebody else may
    /// have set the account up: its passkeys, identities and its app with the backup codes go, too. Of
    /// two callers exactly one is told
    /// [`PasswordReset::Done`].
    async fn reset_password(
        &self,
        link: &FollowedLink,
        password: &Redacted<String>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<PasswordReset>;

    /// Removes at most `limit` each of links, counters, limits and answered challenges that are over. Answers how many
    /// were removed.
    async fn sweep_accounts(&self, now: OffsetDateTime, limit: u32) -> Result<u64>;
}
