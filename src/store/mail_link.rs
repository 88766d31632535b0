use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Effects, FollowedLink, LinkPurpose, LinkUse, RateLimit, Result};
use crate::crypto::{KeyedHash, TokenHash};
use crate::scope::{Account, SessionId};

/// A code that was mailed beside a link, to be compared with one that somebody typed.
#[derive(Clone, Debug)]
pub struct MailedCode {
    /// Whose it is.
    pub account: Account,
    /// The secret of the link that it stands in for.
    pub token: TokenHash,
    /// The code.
    pub code: KeyedHash,
}

/// How often codes may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeTries {
    /// How often each code.
    pub each: u32,
    /// How often the codes of an address, one after the other: else whoever has another one sent
    /// would have as many tries again.
    pub address: RateLimit,
}

/// A login by a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkLogin {
    /// The user's [`LoginUser::device_epoch`](super::LoginUser::device_epoch) when it began.
    pub epoch: i64,
    /// Its session, if there is one already.
    pub session: Option<SessionId>,
    /// Whether somebody else may have set the account up than the owner of the address, who follows
    /// the link: so nobody has confirmed the address, as far as the caller saw.
    pub takes_over: bool,
}

/// Transitions of what is mailed to a user beside links that confirm and reset. What is given as
/// `along` is written if the transition did what it is named for, and with it.
#[async_trait]
pub trait MailLinkStore: std::fmt::Debug + Send + Sync + 'static {
    /// Counts a try at a code before it is looked at, whether or not anybody has the address, so
    /// that any number of concurrent callers get as many tries as are allowed and not one more.
    /// `None` if there is nothing to compare with: no such code, or too many tries.
    async fn begin_code(
        &self,
        purpose: LinkPurpose,
        email: &str,
        tries: CodeTries,
        now: OffsetDateTime,
    ) -> Result<Option<MailedCode>>;

    /// Completes a login by a link, after its session was written: uses the link up, if the user's
    /// epoch still is that of the login, and confirms the address, since its owner followed the link.
    /// If the login takes the account over, then everything that opens it and was set up before goes
    /// in the same transition: passkeys, identities, the app with its backup codes, API tokens, links,
    /// known browsers, and every session but its own (with events). If somebody confirmed the address
    /// meanwhile there is nothing to take over: the login is [`LinkUse::Invalid`], as it was let in
    /// without what the account now asks for, and the link stays. Together with
    /// [`UserStore::reset_password`](super::UserStore::reset_password) it makes sure that no login
    /// that was begun before a reset outlives it. Of two callers exactly one is told
    /// [`LinkUse::Done`].
    async fn complete_link_login(
        &self,
        link: &FollowedLink,
        login: LinkLogin,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<LinkUse>;
}
