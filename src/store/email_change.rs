use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Effects, NewLink, RateLimit, Result};
use crate::crypto::{KeyedHash, TokenHash};
use crate::scope::{SessionId, UserId};

/// Another address that a user asks for.
#[derive(Clone, Debug)]
pub struct NewEmailChange {
    /// Who asks.
    pub user: UserId,
    /// The address: the normalised one.
    pub email: String,
    /// The link that shows that it is theirs. Its effects, the mail that carries it, are written
    /// unless somebody has confirmed the address.
    pub link: NewLink,
    /// The mail to whoever has confirmed the address, written in the place of the other.
    pub taken: Effects,
}

/// How it ended to ask for another address. Whether anybody has it makes no difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailChangeRequest {
    /// The change waits for its link; an older one does not any more.
    Pending,
    /// The user has asked too often of late; only the attempt was counted.
    Limited,
    /// There is no such user, or nobody comes in as them.
    NoAccount,
}

/// A change that waits for its link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingEmailChange {
    /// The address that the user wants.
    pub email: String,
    /// The hash of the secret of its link.
    pub token: TokenHash,
    /// What was stored of [`LinkKey::bind`](super::LinkKey::bind).
    pub binding: KeyedHash,
    /// Until when it waits.
    pub expires_at: OffsetDateTime,
}

/// The code that was mailed beside the link of a change, to be compared with one that somebody typed.
#[derive(Clone, Debug)]
pub struct EmailChangeCode {
    /// The address that the user wants.
    pub email: String,
    /// The hash of the secret of the link that it stands in for.
    pub token: TokenHash,
    /// The code.
    pub code: KeyedHash,
}

/// How often the codes of changes may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmailChangeTries {
    /// How often each code.
    pub each: u32,
    /// How often the codes that are mailed to one address, whoever wants it.
    pub address: RateLimit,
    /// How often the codes of one user, whatever the addresses: else whoever asks for many of them
    /// would have as many tries for each.
    pub user: RateLimit,
}

/// By what an address is known to be the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmailProof {
    /// The link whose secret has this hash, which was found to be bound to the user, and the normalised
    /// address that it was mailed to.
    Link(TokenHash, String),
    /// The word of the host that this one is: the normalised address.
    Host(String),
}

/// The change of an address.
#[derive(Clone, Debug)]
pub struct EmailChange {
    /// Whose.
    pub user: UserId,
    /// Why the new one is theirs.
    pub proof: EmailProof,
    /// The session that goes on, in which it was proven. If it is over, nothing is.
    pub keep: Option<SessionId>,
    /// When.
    pub at: OffsetDateTime,
}

/// How the change of an address ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailChanged {
    /// The address is the user's, and confirmed.
    Done {
        /// The user's [`LoginUser::device_epoch`](super::LoginUser::device_epoch) from now on.
        device_epoch: i64,
    },
    /// Somebody else has confirmed it: only the link is used up.
    Taken,
    /// An organization enforces single sign-on for the domain of the one address or the other, and it
    /// is not the host who says so: nothing changed.
    Managed,
    /// The link is unknown, used, replaced, cancelled, expired or another user's, the session is over,
    /// or there is no such user, or they are leaving: nothing changed.
    Invalid,
}

/// Transitions of addresses that their users, or the host, change. An email address is always the
/// normalised one. What is given as `along` is written if the transition did what it is named for,
/// and with it.
///
/// An address is not kept for whoever asks for it: it belongs to who first shows that it is theirs.
/// A change that waits ends with the other links of its user, as by a reset of the password, a change
/// of it, and a deletion.
#[async_trait]
pub trait EmailChangeStore: std::fmt::Debug + Send + Sync + 'static {
    /// Lets a change wait for its link. It is counted by user, and what is mailed to the address by
    /// the address: beyond `limit` nothing is, and the user is not told.
    async fn request_email_change(
        &self,
        change: &NewEmailChange,
        along: &Effects,
        limit: RateLimit,
        now: OffsetDateTime,
    ) -> Result<EmailChangeRequest>;

    /// The change that waits.
    async fn pending_email_change(
        &self,
        user: &UserId,
        now: OffsetDateTime,
    ) -> Result<Option<PendingEmailChange>>;

    /// Counts a try at the code of a user's change before it is looked at, so that any number of
    /// concurrent callers get as many tries as are allowed and not one more; those of a user are
    /// counted for all addresses together, and then, unless they are too many, those of an address for
    /// all who want it. `None` if there is nothing to compare with: no such code,
    /// or too many tries.
    async fn begin_email_change_code(
        &self,
        user: &UserId,
        tries: EmailChangeTries,
        now: OffsetDateTime,
    ) -> Result<Option<EmailChangeCode>>;

    /// The change does not wait any more; `false` if none did.
    async fn cancel_email_change(&self, user: &UserId, along: &Effects) -> Result<bool>;

    /// Changes the address. In the same transition every link of the user and every session but the
    /// one to keep end (with events), the attempts under the new address are forgotten, and no
    /// browser is known to be the user's any more, so that no login that was begun with the old
    /// address stands.
    ///
    /// Nobody but the host changes an address out of a domain for which single sign-on is
    /// [enforced](super::SsoMode::Enforced), or into it; whoever comes into it by the host's word loses
    /// what came another way, as if it were enforced then ([`SsoStore`](super::SsoStore)).
    ///
    /// Whoever has the address and never confirmed it loses it, with the links to it, and `released`
    /// is written, which names them; who has confirmed it keeps it. Of any number of callers who
    /// claim one address exactly one is told [`EmailChanged::Done`], and so it is with whoever
    /// confirms it at the same time.
    async fn change_email(
        &self,
        change: &EmailChange,
        along: &Effects,
        released: &Effects,
    ) -> Result<EmailChanged>;
}
