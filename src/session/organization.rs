//! In which organization a session acts.

use time::OffsetDateTime;

use super::config::Config;
use super::{Session, SessionError};
use crate::audit::{Action, AuditActor, Entry};
use crate::scope::{CurrentScope, OrganizationId};
use crate::store::{Device, Effects, StoredSession};

impl Session {
    /// Lets the user act in this organization from now on, if they are a member of it. The token is
    /// rotated, and the audit log told.
    ///
    /// ```
    /// use donjon::scope::OrganizationId;
    /// use donjon::session::{Session, SessionError};
    ///
    /// async fn switch(session: &Session, to: OrganizationId) -> Result<String, SessionError> {
    ///     let scope = session.act_in(to).await?;
    ///     Ok(scope.membership().map(|membership| membership.name.clone()).unwrap_or_default())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`SessionError::NotLoggedIn`]; [`SessionError::NotAMember`], also if the session ended or was
    /// rotated meanwhile; [`SessionError::Store`].
    pub async fn act_in(&self, organization: OrganizationId) -> Result<CurrentScope, SessionError> {
        let live = self.state().live.clone().ok_or(SessionError::NotLoggedIn)?;
        let (stored, now) = (live.stored, self.now());
        let mut login = stored.login.ok_or(SessionError::NotLoggedIn)?;
        login.organization = Some(organization);
        let mut next = self.begin(stored.id, Some(login), stored.data_id, stored.remembered, now);
        next.row.created_at = stored.created_at;
        next.row.last_active_at = stored.last_active_at;
        next.row.idle_expires_at = stored.idle_expires_at;
        next.row.expires_at = stored.expires_at;

        let entry = Entry::new(Action::SWITCH_ORGANIZATION).within(&self.scope());
        let along = self.0.config.along(entry.in_organization(organization), &self.0.device, now);
        let (current, token) = (live.token.hash(), next.row.token);
        let store = &self.0.config.store;
        let acting = store.act_in(&current, &token, organization, &along, now).await?;
        next.membership = Some(acting.ok_or(SessionError::NotAMember)?);
        along.announce();
        self.adopt(next).await;
        Ok(self.scope())
    }
}

impl Config {
    /// Moves a session whose user is no member any more of the organization it acts in: to the only
    /// one that is left, or to none.
    pub(super) async fn reselect(
        &self,
        stored: &mut StoredSession,
        device: &Device,
        now: OffsetDateTime,
    ) {
        let (Some(stale), Some(login)) = (stored.stale_organization(), &mut stored.login) else {
            return;
        };
        let entry = Entry::new(Action::RESELECT_ORGANIZATION).by(AuditActor::System);
        let entry = entry.about(login.account.id()).in_organization(stale);
        let along = self.along(entry, device, now);
        match self.store.reselect_organization(stored.id, stale, &along).await {
            Ok(membership) => {
                along.announce();
                login.organization = membership.as_ref().map(|present| present.organization);
                stored.membership = membership;
            }
            // The request goes on without an organization; the next one tries again.
            Err(error) => {
                tracing::warn!(%error, "the organization of a session was not reselected")
            }
        }
    }

    fn along(&self, entry: Entry, device: &Device, now: OffsetDateTime) -> Effects {
        let entry = entry.from(device.address, device.user_agent.as_deref());
        entry.at(now, &*self.random).into()
    }
}
