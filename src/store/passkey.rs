use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Effects, LimitCount, LimitUse, LockoutPolicy, OpenWays, Result};
use crate::crypto::TokenHash;
use crate::scope::{Account, SessionId, UserId};

/// How many passkeys a user may have.
pub const MAX_PASSKEYS: u32 = 10;

/// What an authenticator knows a passkey by: 16 to 1023 bytes of its choice.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CredentialId(Vec<u8>);

impl CredentialId {
    /// The id of these bytes; `None` if they are too few or too many.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        (16..=1023).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<[u8; 32]> for CredentialId {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes.to_vec())
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialId({} bytes)", self.0.len())
    }
}

/// A passkey of a user, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// What we know it by.
    pub id: Uuid,
    /// Whose it is.
    pub user: UserId,
    /// What its authenticator knows it by.
    pub credential: CredentialId,
    /// Its public key: COSE_Key, as the authenticator wrote it.
    pub public_key: Vec<u8>,
    /// How often it had signed when it was last used; 0 if it does not count.
    pub sign_count: u32,
    /// The model of the authenticator; nil if it does not say.
    pub aaguid: Uuid,
    /// What its user calls it.
    pub name: String,
    /// How browsers reach its authenticator.
    pub transports: Vec<String>,
    /// Whether it may be on several devices.
    pub backup_eligible: bool,
    /// Whether it was, when it was last used.
    pub backed_up: bool,
    /// Whether it has ever verified its user: one that has not is a second factor, and logs nobody in
    /// by itself.
    pub user_verified: bool,
    /// The domain it belongs to.
    pub rp_id: String,
    /// When it was registered.
    pub created_at: OffsetDateTime,
    /// When it was last used to log in, or to prove who its user is.
    pub last_used_at: Option<OffsetDateTime>,
    /// Since when it is refused, as one that may have been copied ([`SignCountPolicy::Revoke`]).
    pub suspended_at: Option<OffsetDateTime>,
}

/// A challenge that was answered: it is good for one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnsweredChallenge {
    /// What it is known by.
    pub hash: TokenHash,
    /// From when on nobody would accept an answer to it, so that it need not be remembered.
    pub expires_at: OffsetDateTime,
}

/// How it ended to add a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyAddition {
    /// It is written.
    Added,
    /// The user has [`MAX_PASSKEYS`] already.
    TooMany,
    /// The credential is known already, its challenge was answered before, or there is no such
    /// user or session: nothing changed.
    Refused,
}

/// What is known before the answer of an authenticator is looked at.
#[derive(Clone, Debug)]
pub struct PasskeyAttempt {
    /// The counts of its limits, as [`LimitStore::count_uses`](super::LimitStore::count_uses)
    /// answers them. If one is over, there is no passkey, and nothing else was counted.
    pub counts: Vec<LimitCount>,
    /// The passkey that is to be used, if it is there.
    pub found: Option<FoundPasskey>,
    /// Until when second factors of its user are refused. If they are, the attempt fails, whatever
    /// the answer.
    pub locked_until: Option<OffsetDateTime>,
}

/// A passkey that is to be used, and whose it is.
#[derive(Clone, Debug)]
pub struct FoundPasskey {
    /// The passkey.
    pub passkey: Passkey,
    /// Its user.
    pub account: Account,
    /// See [`LoginUser::device_epoch`](super::LoginUser::device_epoch).
    pub device_epoch: i64,
    /// See [`LoginUser::must_change_password`](super::LoginUser::must_change_password).
    pub must_change_password: bool,
}

/// An answer that was right when it was looked at; the store decides whether it still is.
#[derive(Clone, Debug)]
pub struct PasskeyProof {
    /// Whose passkey.
    pub user: UserId,
    /// Which.
    pub id: Uuid,
    /// What was answered.
    pub challenge: AnsweredChallenge,
    /// How often the authenticator says it has signed; 0 if it does not count.
    pub sign_count: u32,
    /// Whether it says that it is on several devices.
    pub backed_up: bool,
    /// Whether it has verified its user.
    pub user_verified: bool,
    /// When it was used.
    pub at: OffsetDateTime,
    /// The user's [`LoginUser::device_epoch`](super::LoginUser::device_epoch) when the login began.
    pub epoch: Option<i64>,
}

/// What happens when a passkey has signed less often than it should have: it may have been copied,
/// and the copy be in other hands. Passkeys that do not count (synced ones, most of the time)
/// are never suspected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignCountPolicy {
    /// It is accepted, and its owner is told.
    #[default]
    Warn,
    /// It is refused, and its owner is told: they prove who they are by something else, or the
    /// passkey by a count that is high enough.
    RequireReauth,
    /// It is suspended, and its owner is told: whatever it counts, it is refused for good. Then it is
    /// removed. One stays, suspended, if nobody else is the owner who comes in although single sign-on is
    /// enforced ([`SsoStore`](super::SsoStore)), and it is their last second factor: with it would go the
    /// second step, and the backup codes by which they still come in. The other owners are told.
    Revoke,
}

impl SignCountPolicy {
    /// Its name, for logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::RequireReauth => "require_reauth",
            Self::Revoke => "revoke",
        }
    }
}

/// How it ended to use a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyUse {
    /// It is used, and what it was for is done.
    Done,
    /// It may have been copied, and the policy does not accept that. The challenge is used up; under
    /// [`SignCountPolicy::Revoke`] the passkey is suspended from now on.
    Suspected,
    /// The challenge was answered before, the user's epoch is another, or the passkey is gone or
    /// suspended: nothing changed.
    Refused,
}

/// How it ended to remove a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyRemoval {
    /// It is gone.
    Removed {
        /// The user's [`LoginUser::device_epoch`](super::LoginUser::device_epoch) from now on.
        device_epoch: i64,
        /// Whether it was the last second factor: the password alone logs in from now on.
        last_factor: bool,
    },
    /// The user has no other way in, by a password or another provider: it stays.
    LastWayIn,
    /// It is the user's last second factor, suspended or not, and nobody else is the owner who comes in although single
    /// sign-on is enforced ([`SsoStore`](super::SsoStore)): it stays.
    LastToComeIn,
    /// The user has none with this id.
    NotFound,
}

/// Transitions of passkeys. A user who has one has a second factor
/// ([`LoginUser::has_second_factor`](super::LoginUser::has_second_factor)), and attempts with
/// passkeys are counted together with those of codes ([`MfaStore`](super::MfaStore)). What is given
/// as `along` is written if the transition did what it is named for, and with it.
///
/// A challenge is answered once: of any number of callers with the same answer, exactly one is told
/// so.
#[async_trait]
pub trait PasskeyStore: fmt::Debug + Send + Sync + 'static {
    /// Writes a passkey, unless its user has [`MAX_PASSKEYS`]: however many callers there are, no
    /// user has one more. Its credential must be nobody's.
    ///
    /// `made_in` is the session that it is made in, which must still be alive, and the user's: whoever
    /// lost it adds no way in by a request that had begun before. `None` if the host makes it.
    async fn add_passkey(
        &self,
        passkey: &Passkey,
        challenge: AnsweredChallenge,
        made_in: Option<SessionId>,
        along: &Effects,
    ) -> Result<PasskeyAddition>;

    /// The passkeys of a user, the oldest first.
    async fn passkeys_of(&self, user: &UserId) -> Result<Vec<Passkey>>;

    /// Counts an attempt before the answer is looked at, and loads what it is compared with: the
    /// passkey with this credential, if it is `user`'s, or anybody's if that is `None`, and
    /// not suspended. It is
    /// counted under `user` as an attempt with a code is
    /// ([`MfaStore::begin_second_factor`](super::MfaStore::begin_second_factor)), whatever the
    /// credential; and with the first attempt that is refused `locked` is written. If that is
    /// `None` nothing is counted, or whoever has seen the credential of somebody could lock them
    /// out; but while second factors of the passkey's user are refused, so is this. Before anything
    /// else `uses` are counted; if one is over its limit, that is all that happens.
    async fn begin_passkey(
        &self,
        credential: &CredentialId,
        user: Option<&UserId>,
        policy: LockoutPolicy,
        locked: &Effects,
        uses: &[LimitUse],
        now: OffsetDateTime,
    ) -> Result<PasskeyAttempt>;

    /// Uses a passkey: its challenge must not have been answered before, its user's epoch be that of
    /// the proof, and its count be higher than the stored one, unless both are 0. To be called after
    /// the session was written, as
    /// [`MfaStore::complete_totp`](super::MfaStore::complete_totp) is. Forgets the attempts.
    ///
    /// When the count is not higher, `suspected` is written, and the policy decides what else
    /// happens; the stored count never falls.
    async fn use_passkey(
        &self,
        proof: &PasskeyProof,
        policy: SignCountPolicy,
        along: &Effects,
        suspected: &Effects,
    ) -> Result<PasskeyUse>;

    /// Gives a passkey of a user another name. Answers whether they have one with this id.
    async fn rename_passkey(
        &self,
        user: &UserId,
        id: Uuid,
        name: &str,
        along: &Effects,
    ) -> Result<bool>;

    /// Removes a passkey of a user, unless no other way in would be left that is open, or the user is an
    /// owner who must come in with it. One that is suspended is no way in, and goes in the first case. If it was the
    /// last second factor, no browser is known to be the user's any more, and `last` is written too.
    async fn remove_passkey(
        &self,
        user: &UserId,
        id: Uuid,
        open: &OpenWays,
        along: &Effects,
        last: &Effects,
    ) -> Result<PasskeyRemoval>;
}
