use async_trait::async_trait;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Device, Effects, Result};
use crate::crypto::{Sealed, TokenHash};
use crate::scope::{Account, SessionId, UserId};

/// How long a code to log an app in is known after it is over, so that a second use of it is told
/// from a code that nobody ever had.
pub const APP_CODES_KEPT: Duration = Duration::DAY;

/// A code that lets an app of the host's own log a user in, to be written.
#[derive(Clone, Debug)]
pub struct NewAppCode {
    /// The hash of its text.
    pub code: TokenHash,
    /// The app it is for.
    pub app: String,
    /// Where it is sent.
    pub redirect_uri: String,
    /// The S256 challenge of whoever asked for it (RFC 7636).
    pub code_challenge: String,
    /// The scopes that the app gets.
    pub scopes: Vec<String>,
    /// The user who lets the app in.
    pub user: UserId,
    /// The session in which they do.
    pub made_in: SessionId,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// From when on it opens nothing.
    pub expires_at: OffsetDateTime,
}

/// An access token of an app, to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewAppAccess {
    /// The hash of its text.
    pub token: TokenHash,
    /// From when on it opens nothing.
    pub expires_at: OffsetDateTime,
}

/// A refresh token of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppRefresh {
    /// The hash of its text.
    pub token: TokenHash,
    /// The hash of what it has in common with all tokens that it replaced and that replace it. It is a
    /// part of the secret: who says it has, or had, one of them.
    pub family: TokenHash,
}

/// The session that a code opens.
#[derive(Clone, Debug)]
pub struct NewAppSession {
    /// Its public id.
    pub id: SessionId,
    /// The hash of a cookie that nobody has: no browser opens this session.
    pub unusable: TokenHash,
    /// The key that a browser's session has its data under; there is none.
    pub data_id: Uuid,
    /// Who holds it.
    pub device: Device,
    /// The refresh token that it begins with.
    pub refresh: AppRefresh,
    /// The access token that it begins with.
    pub access: NewAppAccess,
    /// From when on it is over if nobody refreshes it.
    pub idle_expires_at: OffsetDateTime,
    /// From when on it is over in any case; sooner if the login it rests on has an end that somebody else
    /// has set.
    pub expires_at: OffsetDateTime,
    /// The same as [`NewSession::beside`](super::NewSession::beside).
    pub beside: Option<u32>,
}

/// A code to be redeemed.
#[derive(Clone, Debug)]
pub struct RedeemAppCode {
    /// The hash of the code presented.
    pub code: TokenHash,
    /// The app that presents it; a code of another's is unknown to it.
    pub app: String,
    /// Where the app says the code was sent.
    pub redirect_uri: String,
    /// What the verifier that came with it makes (S256).
    pub code_challenge: String,
    /// The session that it opens.
    pub session: NewAppSession,
    /// Now.
    pub now: OffsetDateTime,
}

/// How redeeming an app's code ended.
#[derive(Clone, Debug, PartialEq)]
pub enum AppCodeRedemption {
    /// The session is written.
    Redeemed {
        /// Who is logged in.
        account: Box<Account>,
        /// What the app may do.
        scopes: Vec<String>,
        /// When the session is over in any case.
        expires_at: OffsetDateTime,
    },
    /// It was redeemed before: the session it opened has ended by this, if it was alive.
    Replayed,
    /// It came with another verifier or redirect URI: it opens nothing any more.
    Mismatched,
    /// It is over, or another app's, or no code, or the login it rests on has ended.
    Unknown,
}

/// A refresh token of an app to be rotated.
#[derive(Clone, Debug)]
pub struct RotateAppSession {
    /// The token presented.
    pub presented: AppRefresh,
    /// The app that presents it; a token of another's is unknown to it.
    pub app: String,
    /// The hash of its successor, which is of the same family.
    pub successor: TokenHash,
    /// The successor itself, sealed under a key made from the presented token, for a repetition
    /// within the grace window.
    pub successor_sealed: Sealed,
    /// The access token that goes with it.
    pub access: NewAppAccess,
    /// How long a repetition gets the same successor.
    pub grace: Duration,
    /// From when on the session is over if nobody refreshes it again.
    pub idle_expires_at: OffsetDateTime,
    /// Now.
    pub now: OffsetDateTime,
}

impl RotateAppSession {
    /// The successor.
    pub fn next(&self) -> AppRefresh {
        AppRefresh { token: self.successor, ..self.presented }
    }
}

/// How rotating a refresh token of an app ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppRotation {
    /// The successor is in place, and so is the access token.
    Rotated {
        /// When the session is over in any case.
        expires_at: OffsetDateTime,
    },
    /// It was rotated within the grace window and the successor is still unused: the access token is
    /// in place, and this is the successor, sealed as it was given.
    Repeated {
        /// What [`RotateAppSession::successor_sealed`] was.
        successor_sealed: Sealed,
        /// When the session is over in any case.
        expires_at: OffsetDateTime,
    },
    /// It was rotated before, however long ago: its session has ended by this, now and for ever.
    Reused,
    /// It is another app's, or no token, or its session is over.
    Unknown,
}

/// Who calls with an access token of an app.
#[derive(Clone, Debug, PartialEq)]
pub struct PresentedApp {
    /// The session.
    pub session: SessionId,
    /// The app.
    pub app: String,
    /// What the app may do.
    pub scopes: Vec<String>,
    /// Who is logged in, as they are now.
    pub account: Account,
}

/// Transitions of the sessions of apps of the host's own.
///
/// Such a session is one like a browser's ([`SessionStore`](super::SessionStore)): it is listed with
/// them, and ends as they do. But no cookie opens it. Its secrets are an access token, and a refresh
/// token that each use replaces by another; they live only while the session does. Its user has an
/// account of ours.
#[async_trait]
pub trait AppSessionStore: std::fmt::Debug + Send + Sync + 'static {
    /// Writes a code, if the session it is made in is alive, a browser's, and its user's in person;
    /// `false`, and nothing changed, if not.
    async fn issue_app_code(&self, code: &NewAppCode) -> Result<bool>;

    /// Redeems a code, if the session it was made in is still alive: of any number of callers one
    /// gets a session, and `along` is written with it; every later one ends that session, and
    /// `denied` is written if it was alive. No session that it begins outlives a reset of the
    /// password ([`UserStore::reset_password`](super::UserStore::reset_password)), or an end of all of
    /// the user's sessions ([`SessionStore`](super::SessionStore::end_sessions_along)), whichever of
    /// the two is first; nor the end that somebody else has set for the login it rests on
    /// ([`Authentication::ends_at`](crate::scope::Authentication::ends_at)).
    async fn redeem_app_code(
        &self,
        redeem: &RedeemAppCode,
        along: &Effects,
        denied: &Effects,
    ) -> Result<AppCodeRedemption>;

    /// Replaces a refresh token, and prolongs the session. Of any number of callers with one token
    /// one rotates it; the others get the same successor, each with an access token of its own, as
    /// long as the grace window is open and the successor unused. After that, the session ends, and
    /// `denied` is written.
    ///
    /// Of one family at most two tokens are kept: the last, and the one that it replaced. Whatever else
    /// comes with the family of a live session is one that was replaced before.
    async fn rotate_app_session(
        &self,
        rotate: &RotateAppSession,
        denied: &Effects,
    ) -> Result<AppRotation>;

    /// Who calls with the access token of this hash, if it still opens anything: one read.
    async fn find_app_session(
        &self,
        access: &TokenHash,
        now: OffsetDateTime,
    ) -> Result<Option<PresentedApp>>;

    /// Ends the session that an access or refresh token of this hash belongs to, or, if it is a refresh
    /// token that was replaced, its family, and writes its event and `along`. Of two callers exactly
    /// one is told `true`.
    async fn revoke_app_session(
        &self,
        token: &TokenHash,
        family: Option<&TokenHash>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<bool>;

    /// Which sessions of a user are an app's, and which app's; at most 100, newest first.
    async fn app_sessions_of(&self, user: &UserId) -> Result<Vec<(SessionId, String)>>;

    /// Removes codes that have been over for [`APP_CODES_KEPT`], tokens that are over, and sealed
    /// successors that are older than any grace window; at most `limit` of each. Answers how many.
    async fn sweep_app_sessions(&self, now: OffsetDateTime, limit: u32) -> Result<u64>;
}
