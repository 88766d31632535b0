//! Accounts that are shut, and what is told of them.

use super::*;

impl Kit {
    pub(super) async fn a_disabled_account_is_shut_at_once(&self) -> Result<(), Violation> {
        const RULE: &str = "a disabled account is shut at once, and until it is enabled";
        let user = self.user().await?;
        let id = user.account.id().clone();
        let session = new_session(Some(id.as_str()));
        self.sessions.create_session(&session).await?;
        let outcomes = race(|_| {
            let (store, id) = (Arc::clone(&self.store), id.clone());
            async move { store.disable_account(&id, &Effects::none(), epoch()).await }
        })
        .await?;
        let done = outcomes.iter().filter(|done| **done).count();
        rule(RULE, done == 1, outcomes)?;
        let late = new_session(Some(id.as_str()));
        self.sessions.create_session(&late).await?;
        for session in [&session, &late] {
            let live = self.sessions.load_session(&session.token, at(1)).await?;
            rule(RULE, live.is_none(), live)?;
        }
        let outcomes = race(|_| {
            let (store, id) = (Arc::clone(&self.store), id.clone());
            async move { store.enable_account(&id, &Effects::none()).await }
        })
        .await?;
        let done = outcomes.iter().filter(|done| **done).count();
        rule(RULE, done == 1, outcomes)?;
        let fresh = new_session(Some(id.as_str()));
        self.sessions.create_session(&fresh).await?;
        let live = self.sessions.load_session(&fresh.token, at(1)).await?;
        rule(RULE, live.is_some(), live)?;
        let old = self.sessions.load_session(&session.token, at(1)).await?;
        rule(RULE, old.is_none(), old)
    }

    pub(super) async fn what_is_held_is_told_without_what_is_secret(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "what is held about a user is told, and nothing secret or of others";
        let (user, other) = (self.user().await?, self.user().await?);
        let id = user.account.id();
        for (owner, acts_for_them) in
            [(id, false), (other.account.id(), false), (id, false), (id, true)]
        {
            let mut session = new_session(Some(owner.as_str()));
            // A session in which an administrator acts tells of the administrator.
            if let Some(login) = session.login.as_mut().filter(|_| !acts_for_them) {
                login.impersonator = None;
            }
            self.sessions.create_session(&session).await?;
        }
        let sections = self.store.user_data(id, 1).await?;
        let of = |name| sections.iter().find(|section| section.name == name);
        let account = of("account").and_then(|section| section.rows.first());
        let email = account.and_then(|row| row.get("email")).and_then(|email| email.as_str());
        rule(RULE, email == user.account.email(), &sections)?;
        let sessions = of("sessions").map(|section| (section.rows.len(), section.truncated));
        rule(RULE, sessions == Some((1, true)), &sections)?;
        let all = self.store.user_data(id, 100).await?;
        let all = all.iter().find(|section| section.name == "sessions");
        let all = all.map(|section| (section.rows.len(), section.truncated));
        rule(RULE, all == Some((2, false)), all)?;
        let text = format!("{sections:?}");
        let secret = text.contains("argon2id") || text.contains("token_hash");
        let strange = other.account.email().is_some_and(|email| text.contains(email));
        rule(RULE, !secret && !strange, text)
    }
}
