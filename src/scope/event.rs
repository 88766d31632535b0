use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{SessionId, UserId};

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SessionEnd {
    /// The user logged out.
    LoggedOut,
    /// The user, or an administrator, revoked it from elsewhere.
    Revoked,
    /// Somebody else logged in with the same browser.
    Replaced,
    /// The user logged in so often elsewhere that this one, which was unused for longest, had to go.
    Displaced,
    /// The password was changed.
    PasswordChanged,
    /// The email address was changed.
    EmailChanged,
    /// The password was reset by mail: everything ends, offline access too.
    PasswordReset,
    /// The account was deleted: everything ends, offline access too.
    AccountDeleted,
    /// The user signed out everywhere and from all apps: everything ends, offline access too.
    SignedOutEverywhere,
    /// An organization enforces single sign-on, and it came another way: everything ends but what came
    /// by its identity provider ([`SessionEvent::spares`]), offline access too.
    SingleSignOn,
    /// Nobody used it for too long, or it reached its greatest age.
    Expired,
}

impl SessionEnd {
    /// Every reason there is.
    pub const ALL: [Self; 11] = [
        Self::LoggedOut,
        Self::Revoked,
        Self::Replaced,
        Self::Displaced,
        Self::PasswordChanged,
        Self::EmailChanged,
        Self::PasswordReset,
        Self::AccountDeleted,
        Self::SignedOutEverywhere,
        Self::SingleSignOn,
        Self::Expired,
    ];

    /// The name it is stored by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged_out",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::Displaced => "displaced",
            Self::PasswordChanged => "password_changed",
            Self::EmailChanged => "email_changed",
            Self::PasswordReset => "password_reset",
            Self::AccountDeleted => "account_deleted",
            Self::SignedOutEverywhere => "signed_out_everywhere",
            Self::SingleSignOn => "single_sign_on",
            Self::Expired => "expired",
        }
    }

    /// Whether grants with `offline_access` end too.
    pub fn ends_offline_access(self) -> bool {
        matches!(
            self,
            Self::PasswordReset
                | Self::AccountDeleted
                | Self::SignedOutEverywhere
                | Self::SingleSignOn
        )
    }
}

impl std::str::FromStr for SessionEnd {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|end| end.as_str() == name).ok_or(())
    }
}

/// A session ended: written in the same transaction as the end itself, read by durable cursors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEvent {
    /// Its place in the log.
    pub sequence: i64,
    /// The session that ended; `None` where the end is the user's as a whole, whether or not a
    /// session was alive: an end that [reaches offline access](SessionEnd::ends_offline_access).
    pub session_id: Option<SessionId>,
    /// Whose it was.
    pub user_id: UserId,
    /// Why it ended.
    pub end: SessionEnd,
    /// Where those logged in whose grants it leaves alone, however far it reaches
    /// ([`Authentication::login_path`](super::Authentication::login_path)).
    pub spares: Option<String>,
    /// When.
    pub at: OffsetDateTime,
}
