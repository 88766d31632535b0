use std::sync::Arc;

use super::config::Config;
use crate::scope::UserId;
use crate::store::StoreError;

/// The sessions of an application, for the host's own code outside of requests: made by
/// [`SessionLayer::sessions`](super::SessionLayer::sessions). Cheap to clone.
///
/// ```
/// use donjon::scope::UserId;
/// use donjon::session::Sessions;
///
/// /// What an administrator's page does.
/// async fn disable(sessions: &Sessions, user: &UserId) -> Result<(), Box<dyn std::error::Error>> {
///     // UPDATE users SET disabled = true WHERE id = …; COMMIT; and then:
///     sessions.user_changed(user).await?;
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Sessions(Arc<Config>);

impl Sessions {
    pub(super) fn new(config: Arc<Config>) -> Self {
        Self(config)
    }

    /// The host's user changed, or is gone: from now on, on every node, the next request of each of
    /// their sessions asks the [`UserSource`](super::UserSource).
    ///
    /// To be called after the change is committed. If it fails, or the process dies in between, call
    /// it again: once too often costs one question for each session. It means nothing without a user
    /// source, and nothing for accounts of ours, whose state is always the present one.
    ///
    /// # Errors
    /// [`StoreError`]; the sessions may then still show what was.
    pub async fn user_changed(&self, user: &UserId) -> Result<(), StoreError> {
        self.0.store.user_changed(user).await?;
        Ok(())
    }
}
