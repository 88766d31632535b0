use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::profile::Profile;
use super::{App, InvalidApp};
use crate::account::enough::Enough;
use crate::account::token::{
    ApiToken, NotAnApiToken, Recognize, TokenPrefix, VerifiedToken, VerifyTokenError,
};
use crate::crypto::{Clock, Random, SystemClock, SystemRandom};
use crate::scope::{Credential, CredentialKind, CurrentScope};
use crate::store::{AppSessionStore, Device, SESSIONS_PER_USER};

/// What follows the prefix in a refresh token.
const REFRESH: &str = "refresh";

/// The host's own apps, and the sessions that users have in them. Cheap to clone. See the
/// [module](super).
#[derive(Clone, Debug)]
#[must_use]
pub struct AppSessions {
    pub(in crate::account) store: Arc<dyn AppSessionStore>,
    pub(super) access: TokenPrefix,
    pub(super) refresh: TokenPrefix,
    apps: Arc<[Profile]>,
    /// How many live sessions a user has at most.
    pub(super) per_user: u32,
    /// What has come too often.
    pub(super) enough: Enough,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

impl AppSessions {
    /// No apps yet. Their access tokens begin with this prefix, and their refresh tokens with it and
    /// `_refresh`, both in the form of an [`ApiToken`]. It must be another one than that of API
    /// tokens, and not go on from it after an underscore.
    pub fn new(store: impl Into<Arc<dyn AppSessionStore>>, prefix: TokenPrefix) -> Self {
        Self {
            store: store.into(),
            refresh: prefix.and(REFRESH),
            access: prefix,
            apps: Arc::default(),
            per_user: SESSIONS_PER_USER,
            enough: Enough::default(),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }

    /// The same, with an app more.
    ///
    /// # Errors
    /// [`InvalidApp`].
    pub fn app(mut self, app: App) -> Result<Self, InvalidApp> {
        let app = app.check()?;
        if self.find(&app.id).is_some() {
            return Err(InvalidApp::Taken(app.id));
        }
        self.apps = self.apps.iter().cloned().chain([app]).collect();
        Ok(self)
    }

    /// How many live sessions a user has at most when a code is redeemed, those of browsers included: the
    /// same as [`SessionLayer::sessions_per_user`](crate::session::SessionLayer::sessions_per_user),
    /// by default too.
    pub fn sessions_per_user(mut self, most: u32) -> Self {
        self.per_user = most;
        self
    }

    /// Another clock; for tests.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Another source of randomness; for tests.
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// The app with this id.
    pub(in crate::account) fn find(&self, id: &str) -> Option<&Profile> {
        self.apps.iter().find(|app| app.id == id)
    }

    /// What the tokens begin with.
    pub(in crate::account) fn prefix(&self) -> &TokenPrefix {
        &self.access
    }

    /// Looks at an access token that somebody shows: one read. A text that cannot be one costs none,
    /// and a refresh token is none.
    ///
    /// # Errors
    /// [`VerifyTokenError`].
    pub async fn verify(&self, text: &str) -> Result<VerifiedToken, VerifyTokenError> {
        let token = ApiToken::parse(&self.access, text).map_err(|error| match error {
            NotAnApiToken::Foreign => VerifyTokenError::Foreign,
            NotAnApiToken::Damaged => VerifyTokenError::Refused,
        })?;
        let found = self.store.find_app_session(&token.hash(), self.clock.now()).await?;
        let found = found.ok_or(VerifyTokenError::Refused)?;
        // The host may have taken an app or a scope back meanwhile.
        let app = self.find(&found.app).ok_or(VerifyTokenError::Refused)?;
        let (mut scopes, session) = (found.scopes, found.session);
        scopes.retain(|scope| app.scopes.contains(scope));
        let (kind, subject) = (CredentialKind::AppSession, found.account.id().as_str());
        let credential = Credential::of(kind, subject, scopes, session.0.to_string());
        let credential = Credential { client_id: Some(found.app), ..credential };
        Ok(VerifiedToken { scope: CurrentScope::user_by_credential(found.account), credential })
    }
}

impl Recognize for AppSessions {
    fn is_like(&self, text: &str) -> bool {
        !matches!(ApiToken::parse(&self.access, text), Err(NotAnApiToken::Foreign))
    }

    fn verify<'a>(
        &'a self,
        text: &'a str,
        _: &'a Device,
    ) -> BoxFuture<'a, Result<VerifiedToken, VerifyTokenError>> {
        Box::pin(Self::verify(self, text))
    }
}
