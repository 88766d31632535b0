//! What is done in apps of the host's own.

use super::Action;

impl Action {
    /// A user logged in to an app of the host's own.
    pub const START_APP_SESSION: Self = Self::of("session.app_start");
    /// An app of the host's own logged its user out.
    pub const END_APP_SESSION: Self = Self::of("session.app_end");
    /// A code or refresh token of an app was used again, so that somebody has a copy of it: the
    /// session that it belonged to has ended.
    pub const REUSE_APP_SECRET: Self = Self::of("session.app_reuse");
}
