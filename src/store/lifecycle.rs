use async_trait::async_trait;
use time::{Duration, OffsetDateTime};

use super::{Effects, EnforcedSso, FollowedLink, NewLink, Result};
use crate::scope::{Account, Attributes, UserId};

/// Whether a user may come in, and what keeps them out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Since when the account is disabled.
    pub disabled_at: Option<OffsetDateTime>,
    /// When the account is going to be deleted.
    pub deletion_at: Option<OffsetDateTime>,
    /// Since when the account is deleted.
    pub deleted_at: Option<OffsetDateTime>,
    /// Whether there is a password.
    pub has_password: bool,
    /// What is enforced for the domain of the user's address; not looked up for lists of accounts.
    pub sso: Option<EnforcedSso>,
}

impl Standing {
    /// Whether nothing keeps the user out as a whole.
    pub fn is_open(&self) -> bool {
        self.disabled_at.is_none() && self.deletion_at.is_none() && self.deleted_at.is_none()
    }
}

/// A deletion that is asked for.
#[derive(Clone, Debug)]
pub struct NewDeletion {
    /// Whose account.
    pub user: UserId,
    /// When it is to be deleted: now, or after a grace.
    pub at: OffsetDateTime,
    /// The link by which it is kept after all, if there is a grace, and the normalised address that it
    /// is mailed to. Its effects are written.
    pub keep: Option<(String, NewLink)>,
}

/// How it ended to ask for a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeletionRequest {
    /// It is going to be deleted, and nobody comes in any more.
    Scheduled,
    /// It is going to be deleted already.
    AlreadyScheduled,
    /// The last one was cancelled too recently.
    CoolingDown {
        /// Until when.
        until: OffsetDateTime,
    },
    /// These organizations have other members, and no other owner who stays.
    SoleOwner(Vec<String>),
    /// There is no such account.
    NoAccount,
}

/// Who keeps an account that is going to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptBy {
    /// Its user, who has just proven who they are, at this
    /// [`device_epoch`](super::LoginUser::device_epoch).
    Login(UserId, i64),
    /// Whoever follows the mailed link.
    Link(FollowedLink),
    /// An administrator.
    Administrator(UserId),
}

/// How it ended to keep an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeletionCancel {
    /// It stays.
    Kept(UserId),
    /// There is nothing to cancel, or it is too late.
    Late,
}

/// A deletion that this worker has taken and nobody else will before the lease ends.
#[derive(Clone, Debug, PartialEq)]
pub struct DueDeletion {
    /// Whose account.
    pub user: UserId,
    /// The account as it is; `None` if it is deleted already, and only the host is to be told.
    pub account: Option<Account>,
    /// The address to tell.
    pub email: Option<String>,
    /// How many times it was taken, this time included.
    pub attempt: u32,
}

/// What stays of an account that is deleted. Its sessions, tokens, factors and memberships never do.
///
/// What happened stays in the audit log until that is swept: which action, when, by and about which id,
/// and how it ended. But for [`Soft`](Self::Soft), addresses, user agents and metadata go from the
/// entries that are about the user, and where the user was at other providers; what an entry says of
/// somebody else, such as where an administrator acted from, is theirs and stays. Counters of limits,
/// invitations to the address, sealed mails and what the host put into events of webhooks are not known
/// to be the user's: they end by themselves, after hours or a month at most (an invitation when it
/// is over).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeletionStrategy {
    /// Everything that is not secret: the row is marked, so that the host can still look it up.
    Soft {
        /// Whether nobody else can sign up with the address.
        keeps_address: bool,
    },
    /// The id, so that what the host keeps of it still belongs to somebody: the address and the
    /// attributes go, and what is personal in the audit log.
    Anonymize,
    /// Nothing but what happened, in the audit log.
    Hard,
}

/// How it ended to delete an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeletionExecution {
    /// It is deleted.
    Deleted,
    /// These organizations would be left without an owner; nothing changed.
    SoleOwner(Vec<String>),
    /// It was deleted, kept, or taken by another worker meanwhile: nothing changed.
    Late,
}

/// How an attempt to delete an account ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionOutcome {
    /// All is done, and forgotten.
    Finished,
    /// Something is left to be done; try again then.
    Retry {
        /// When it is due again.
        at: OffsetDateTime,
    },
}

/// How often the host's attributes of a user have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttributesVersion(pub i64);

/// How it ended to change attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributesChange {
    /// They are written.
    Written,
    /// They are not those that were to be changed any more: nothing changed.
    Late,
}

/// What the store holds about a user, of one kind.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UserSection {
    /// Which kind, such as `sessions`.
    pub name: &'static str,
    /// The rows, without anything secret.
    pub rows: Vec<serde_json::Map<String, serde_json::Value>>,
    /// Whether there are more.
    pub truncated: bool,
}

/// Transitions of an account as a whole: what its host says of it, and how it ends. What is given
/// as `along` is written if the transition did what it is named for, and with it.
///
/// Nobody comes in as a user whose account is disabled, deleted, or going to be: their sessions
/// open nothing ([`SessionStore::load_session`](super::SessionStore::load_session)), those that
/// are written at this moment included, and their
/// [`device_epoch`](super::LoginUser::device_epoch) moves, so that a login that has begun ends
/// nowhere.
#[async_trait]
pub trait LifecycleStore: std::fmt::Debug + Send + Sync + 'static {
    /// How the account stands; `None` if there is none.
    async fn standing(&self, user: &UserId) -> Result<Option<Standing>>;

    /// Asks for a deletion: in the same transition every session (with events, offline access too),
    /// link and token of the user ends. Of two callers exactly one is told
    /// [`DeletionRequest::Scheduled`]; and of two owners of an organization exactly one, if nobody
    /// else would be left to own it.
    async fn request_deletion(
        &self,
        deletion: &NewDeletion,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<DeletionRequest>;

    /// Keeps an account, until it is time to delete it; another deletion may be asked for after
    /// `cooldown`. Of two callers exactly one is told [`DeletionCancel::Kept`].
    async fn cancel_deletion(
        &self,
        by: &KeptBy,
        cooldown: Duration,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<DeletionCancel>;

    /// Takes at most `limit` deletions whose time has come, or of which the host is still to be
    /// told, each for `lease`. No two workers take the same one; from the first on it is too late to
    /// cancel.
    async fn claim_deletions(
        &self,
        now: OffsetDateTime,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<DueDeletion>>;

    /// Takes the deletion of one user, if its time has come, and nobody else's.
    async fn claim_deletion_of(
        &self,
        user: &UserId,
        now: OffsetDateTime,
        lease: Duration,
    ) -> Result<Option<DueDeletion>>;

    /// The organizations that the user's deletion would leave to members without an owner: while
    /// there are any, it is not brought about. At most 20 names.
    async fn left_alone_by(&self, user: &UserId) -> Result<Vec<String>>;

    /// Deletes an account that was taken, and with it the organizations in which nobody else is, as
    /// by [`delete_organization`](super::OrganizationStore::delete_organization). Of two callers
    /// exactly one is told [`DeletionExecution::Deleted`]. What the [`DeletionStrategy`] says goes from
    /// the audit log in the same transition, from the entries in `along`, too. With the first entry of
    /// `along` there is one like it for each
    /// membership that ends, an [`END_MEMBERSHIP`](crate::audit::Action::END_MEMBERSHIP), and for
    /// each organization that ends since nobody else is in it, a
    /// [`DELETE_ORGANIZATION`](crate::audit::Action::DELETE_ORGANIZATION).
    async fn execute_deletion(
        &self,
        deletion: &DueDeletion,
        strategy: DeletionStrategy,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<DeletionExecution>;

    /// Notes how an attempt ended, if it is the latest one.
    async fn finish_deletion(&self, deletion: &DueDeletion, outcome: DeletionOutcome)
    -> Result<()>;

    /// Forgets at most `limit` deletions that were cancelled and are long over.
    async fn sweep_deletions(&self, now: OffsetDateTime, limit: u32) -> Result<u64>;

    /// At most `limit` users who signed up before `before`, and of whom nothing came: nobody has
    /// confirmed the address, nor waits for a link to, and they have never logged in, are members of
    /// nothing, and have nothing but a password. Who was made by the host is none of them, whatever
    /// they have.
    async fn abandoned_accounts(
        &self,
        before: OffsetDateTime,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<UserId>>;

    /// Removes such a user, if they still are one. Of two callers exactly one is told `true`, and
    /// none who comes when the address was confirmed.
    async fn remove_abandoned_account(
        &self,
        user: &UserId,
        before: OffsetDateTime,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool>;

    /// Keeps the user out from now on; every session of theirs ends. `false` if there is no such
    /// account, or it is disabled already.
    async fn disable_account(
        &self,
        user: &UserId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool>;

    /// Lets the user in again. `false` if the account was not disabled.
    async fn enable_account(&self, user: &UserId, along: &Effects) -> Result<bool>;

    /// All that is held about a user but for the audit log, at most `limit` rows of each kind:
    /// nothing secret, and nothing about others.
    async fn user_data(&self, user: &UserId, limit: u32) -> Result<Vec<UserSection>>;

    /// The host's attributes of a user, and their version; `None` if there is no such account.
    async fn load_attributes(
        &self,
        user: &UserId,
    ) -> Result<Option<(Attributes, AttributesVersion)>>;

    /// Puts these attributes in the place of those of this version. Of two callers exactly one is
    /// told [`AttributesChange::Written`].
    async fn change_attributes(
        &self,
        user: &UserId,
        version: AttributesVersion,
        attributes: &Attributes,
        along: &Effects,
    ) -> Result<AttributesChange>;
}
