use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Effects, LimitCount, LimitUse, LockoutPolicy, Result};
use crate::crypto::{KeyedHash, Sealed};
use crate::scope::{Account, SessionId, UserId};

/// An authenticator app to be written, with the codes that stand in for it.
#[derive(Clone, Debug)]
pub struct NewTotp {
    /// Whose it is.
    pub user: UserId,
    /// The secret that the app shares with us, sealed.
    pub secret: Sealed,
    /// The step of the code that confirmed it, which works no more.
    pub step: i64,
    /// The backup codes.
    pub backup_codes: Vec<KeyedHash>,
    /// When it was confirmed.
    pub created_at: OffsetDateTime,
}

/// How an enrolment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolment {
    /// The app and the codes are written.
    Enrolled,
    /// The user has an app already, or there is no such user or session: nothing changed.
    Refused,
}

/// What a user can type beside the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    /// Since when there is an authenticator app; `None` if there are backup codes only, beside passkeys.
    pub app_since: Option<OffsetDateTime>,
    /// How many backup codes are left.
    pub backup_codes_left: usize,
}

impl SecondFactor {
    /// Whether there is an authenticator app.
    pub fn has_app(&self) -> bool {
        self.app_since.is_some()
    }

    /// Whether there is a code that could be typed.
    pub fn has_codes(&self) -> bool {
        self.has_app() || self.backup_codes_left > 0
    }
}

/// What is known before a code is looked at.
#[derive(Clone, Debug)]
pub struct FactorAttempt {
    /// The counts of its limits, as [`LimitStore::count_uses`](super::LimitStore::count_uses)
    /// answers them. If one is over, there is no user, and nothing else was counted.
    pub counts: Vec<LimitCount>,
    /// The user, if there is one with an app, or with backup codes.
    pub user: Option<FactorUser>,
    /// Until when codes of the user are refused. If they are, the attempt fails, whatever the code.
    pub locked_until: Option<OffsetDateTime>,
}

/// The user whose code is to be looked at.
#[derive(Clone, Debug)]
pub struct FactorUser {
    /// The account.
    pub account: Account,
    /// See [`LoginUser::device_epoch`](super::LoginUser::device_epoch).
    pub device_epoch: i64,
    /// The secret that the app shares with us, sealed; `None` if there are backup codes only.
    pub secret: Option<Sealed>,
    /// The last step that a code was accepted for.
    pub last_step: i64,
    /// The backup codes that are left.
    pub backup_codes: Vec<KeyedHash>,
}

/// A code that was right when it was looked at; the store decides whether it still is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorProof {
    /// A code of the app, by its step.
    Totp(i64),
    /// A backup code, as it is stored.
    BackupCode(KeyedHash),
}

/// How it ended to use a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorUse {
    /// The code is used up, and what it was for is done.
    Done,
    /// The code was used already, the user's epoch is another, or the app is gone: nothing changed.
    Refused,
}

/// How it ended to remove an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorRemoval {
    /// The app and the codes are gone.
    Removed {
        /// The user's [`LoginUser::device_epoch`](super::LoginUser::device_epoch) from now on.
        device_epoch: i64,
    },
    /// The code was used already, or there is no app: nothing changed.
    Refused,
    /// Nobody else is the owner who comes in although single sign-on is enforced
    /// ([`SsoStore`](super::SsoStore)), and there is no passkey: nothing changed, whatever the proof.
    LastToComeIn,
}

/// Transitions of second factors: the authenticator app of a user, and the backup codes for the
/// day it is lost. What is given as `along` is written if the transition did what it is named for,
/// and with it.
///
/// A code works once: of any number of callers who use the same one, exactly one is told so.
/// Attempts are counted per user, those with either kind of code together.
#[async_trait]
pub trait MfaStore: std::fmt::Debug + Send + Sync + 'static {
    /// Writes an app with its backup codes, unless the user has one. Of two callers exactly one
    /// enrols. The codes take the place of those that the user may have had without an app.
    ///
    /// `made_in` is the session that it is made in, which must still be alive, and the user's: whoever
    /// lost it adds no way in by a request that had begun before. `None` if the host makes it.
    async fn enroll_totp(
        &self,
        totp: &NewTotp,
        made_in: Option<SessionId>,
        along: &Effects,
    ) -> Result<Enrolment>;

    /// What the user can type beside the password; `None` for nothing.
    async fn find_second_factor(&self, user: &UserId) -> Result<Option<SecondFactor>>;

    /// Counts an attempt before the code is looked at, so that any number of concurrent callers get
    /// [`LockoutPolicy::attempts`] guesses and not one more, and loads what it is compared with.
    /// With the first attempt that is refused `locked` is written. Before anything else `uses` are
    /// counted; if one is over its limit, that is all that happens.
    async fn begin_second_factor(
        &self,
        user: &UserId,
        policy: LockoutPolicy,
        locked: &Effects,
        uses: &[LimitUse],
        now: OffsetDateTime,
    ) -> Result<FactorAttempt>;

    /// Uses up a code of the app: its step must be later than the last one used. If `epoch` is
    /// given, the user's [`LoginUser::device_epoch`](super::LoginUser::device_epoch) must still be
    /// that: to be called after the session was written, so that together with
    /// [`UserStore::reset_password`](super::UserStore::reset_password) no login that was begun
    /// before a reset outlives it, whichever is first. Forgets the attempts.
    async fn complete_totp(
        &self,
        user: &UserId,
        step: i64,
        epoch: Option<i64>,
        along: &Effects,
    ) -> Result<FactorUse>;

    /// Uses up a backup code; otherwise as [`MfaStore::complete_totp`].
    async fn consume_backup_code(
        &self,
        user: &UserId,
        code: &KeyedHash,
        epoch: Option<i64>,
        along: &Effects,
    ) -> Result<FactorUse>;

    /// Puts these backup codes in the place of all there are, and uses up the code of the app that
    /// allowed it. Forgets the attempts. `made_in` is as with [`MfaStore::enroll_totp`].
    async fn regenerate_backup_codes(
        &self,
        user: &UserId,
        step: i64,
        codes: &[KeyedHash],
        made_in: Option<SessionId>,
        along: &Effects,
    ) -> Result<FactorUse>;

    /// Gives a user who has passkeys and no app these backup codes, in the place of all there are, at
    /// this time. [`FactorUse::Refused`] if there is an app, whose codes they would be, or no passkey;
    /// codes go with the last passkey. `made_in` is as with [`MfaStore::enroll_totp`].
    async fn write_backup_codes(
        &self,
        user: &UserId,
        codes: &[KeyedHash],
        made_in: Option<SessionId>,
        along: &Effects,
        at: OffsetDateTime,
    ) -> Result<FactorUse>;

    /// Removes the app, if the proof holds; and the backup codes, unless there are passkeys that they
    /// still stand in for. Without a proof, all of it. Not if the
    /// user is an owner who must come in by the app. In the same
    /// transition the attempts are forgotten and no browser is known to be the user's any more.
    async fn remove_totp(
        &self,
        user: &UserId,
        proof: Option<FactorProof>,
        along: &Effects,
    ) -> Result<FactorRemoval>;

    /// No browser is known or trusted to be the user's any more, and no login that was begun goes on.
    /// Answers the user's [`LoginUser::device_epoch`](super::LoginUser::device_epoch) from now on,
    /// which moved by one for each caller; `None`, and nothing changed, if the account is none of ours.
    async fn forget_browsers(&self, user: &UserId, along: &Effects) -> Result<Option<i64>>;
}
