use std::sync::Arc;

use time::Duration;

use super::account::new_user;
use super::session::new_session;
use super::{Violation, epoch, race, rule};
use crate::audit::{Action, Entry};
use crate::crypto::SystemRandom;
use crate::scope::UserId;
use crate::store::{
    AuditFilter, AuditStore, Effects, LockoutPolicy, PasswordRemoval, SessionStore, SupportStore,
    UserStore,
};

const LOCKOUT: LockoutPolicy = LockoutPolicy { attempts: 5, lock_for: Duration::minutes(15) };

/// Proves the contract of a [`SupportStore`] whose users are in `users` and `sessions`, and whose
/// entries `audit` shows.
///
/// # Errors
/// The first [`Violation`].
pub async fn support(
    store: Arc<dyn SupportStore>,
    users: Arc<dyn UserStore>,
    sessions: Arc<dyn SessionStore>,
    audit: Arc<dyn AuditStore>,
) -> Result<(), Violation> {
    let kit = Kit { store, users, sessions, audit };
    kit.an_address_is_confirmed_once().await?;
    kit.no_other_address_is_confirmed().await?;
    kit.attempts_are_forgotten_once().await?;
    kit.a_password_is_taken_away_once().await
}

struct Kit {
    store: Arc<dyn SupportStore>,
    users: Arc<dyn UserStore>,
    sessions: Arc<dyn SessionStore>,
    audit: Arc<dyn AuditStore>,
}

impl Kit {
    async fn an_address_is_confirmed_once(&self) -> Result<(), Violation> {
        const RULE: &str = "an address is confirmed once by the word of the host";
        let (id, email) = self.user("vouched").await?;
        let told = race(|_| {
            let (store, id, email) = (Arc::clone(&self.store), id.clone(), email.clone());
            async move { store.vouch_for_email(&id, &email, &along(Action::CONFIRM_EMAIL)).await }
        })
        .await?;
        rule(RULE, told.iter().filter(|told| **told).count() == 1, told)?;
        let found = self.users.find_account(&id).await?;
        let is_confirmed = found.as_ref().is_some_and(|account| account.email_verified());
        rule(RULE, is_confirmed, found)?;
        self.is_written_once(Action::CONFIRM_EMAIL, &id).await
    }

    async fn no_other_address_is_confirmed(&self) -> Result<(), Violation> {
        const RULE: &str = "only the address that the host vouches for is confirmed";
        let (id, _) = self.user("other").await?;
        let other = "somebody@else.example.test";
        let told = self.store.vouch_for_email(&id, other, &Effects::none()).await?;
        rule(RULE, !told, told)?;
        let found = self.users.find_account(&id).await?;
        let is_same = found.as_ref().is_some_and(|account| !account.email_verified());
        rule(RULE, is_same, found)
    }

    async fn attempts_are_forgotten_once(&self) -> Result<(), Violation> {
        const RULE: &str = "attempts are forgotten once, and of one user";
        let (id, email) = self.user("locked").await?;
        let (_, stranger) = self.user("stranger").await?;
        for _ in 0..=LOCKOUT.attempts {
            for email in [&email, &stranger] {
                self.is_locked(email).await?;
            }
        }
        let told = race(|_| {
            let (store, id) = (Arc::clone(&self.store), id.clone());
            async move { store.unlock(&id, &along(Action::UNLOCK)).await }
        })
        .await?;
        rule(RULE, told.iter().filter(|told| **told).count() == 1, told)?;
        let locked = (self.is_locked(&email).await?, self.is_locked(&stranger).await?);
        rule(RULE, locked == (false, true), locked)?;
        self.is_written_once(Action::UNLOCK, &id).await
    }

    async fn a_password_is_taken_away_once(&self) -> Result<(), Violation> {
        const RULE: &str = "a password is taken away once, and what it opened ends";
        let (id, email) = self.user("removed").await?;
        let session = new_session(Some(id.as_str()));
        self.sessions.create_session(&session).await?;
        let before = self.epoch_of(&email).await?;
        let told = race(|_| {
            let (store, id) = (Arc::clone(&self.store), id.clone());
            async move { store.remove_password(&id, &along(Action::REMOVE_PASSWORD), epoch()).await }
        })
        .await?;
        let removed = told.iter().filter(|told| **told == PasswordRemoval::Removed).count();
        rule(RULE, removed == 1, told)?;
        let live = self.sessions.load_session(&session.token, epoch()).await?;
        rule(RULE, live.is_none(), live)?;
        let after = self.epoch_of(&email).await?;
        let moved = (after.0 == before.0 + 1, before.1, after.1);
        rule(RULE, moved == (true, true, false), moved)?;
        self.is_written_once(Action::REMOVE_PASSWORD, &id).await
    }

    async fn user(&self, name: &str) -> Result<(UserId, String), Violation> {
        let email = format!("{name}@support.example.test");
        let user = new_user(&email);
        self.users.create_user(&user, &Effects::none()).await?;
        Ok((user.account.id().clone(), email))
    }

    async fn is_locked(&self, email: &str) -> Result<bool, Violation> {
        let (none, whom) = (Effects::none(), (email, false));
        let begun = self.users.begin_login(whom, None, LOCKOUT, &none, &[], epoch()).await?;
        Ok(begun.locked_until.is_some())
    }

    /// The epoch of the user, and whether there is a password.
    async fn epoch_of(&self, email: &str) -> Result<(i64, bool), Violation> {
        let (none, whom) = (Effects::none(), (email, false));
        let begun = self.users.begin_login(whom, None, LOCKOUT, &none, &[], epoch()).await?;
        let told = begun.user.map(|user| (user.device_epoch, user.password.is_some()));
        told.ok_or(Violation { rule: "the store answers", seen: "no user".to_owned() })
    }

    async fn is_written_once(&self, action: Action, user: &UserId) -> Result<(), Violation> {
        const RULE: &str = "what goes along with what the host does is written with it, and once";
        let action = Some(action.as_str().to_owned());
        let filter = AuditFilter { action, user: Some(user.clone()), ..AuditFilter::default() };
        let entries = self.audit.audit_entries(&filter, 100).await?;
        rule(RULE, entries.len() == 1, entries)
    }
}

fn along(action: Action) -> Effects {
    Entry::new(action).at(epoch(), &SystemRandom).into()
}
