use std::collections::HashSet;
use std::sync::Arc;

use time::Duration;

use super::account::{LIMIT, followed, new_delivery, new_link, new_user};
use super::session::new_session;
use super::{CALLERS, Violation, at, epoch, race, rule};
use crate::audit::{Action, Entry};
use crate::crypto::{RandomExt as _, Redacted, SystemRandom};
use crate::scope::{SessionEnd, UserId};
use crate::store::{
    AuditFilter, AuditStore, Effects, LinkPurpose, LockoutPolicy, LoginAttempt, LoginCompletion,
    LoginCounter, NewPassword, PasswordChange, PasswordStore, SessionStore, UserStore,
};

const LOCKOUT: LockoutPolicy = LockoutPolicy { attempts: 5, lock_for: Duration::minutes(15) };

/// Proves the contract of a [`PasswordStore`] whose users are in `users` and `sessions`, and whose
/// entries `audit` shows.
///
/// # Errors
/// The first [`Violation`].
pub async fn passwords(
    store: Arc<dyn PasswordStore>,
    users: Arc<dyn UserStore>,
    sessions: Arc<dyn SessionStore>,
    audit: Arc<dyn AuditStore>,
) -> Result<(), Violation> {
    let kit = Kit { store, users, sessions, audit };
    kit.a_password_is_replaced_once().await?;
    kit.a_first_password_is_set_where_there_is_none().await?;
    kit.a_change_ends_what_the_old_password_opened().await?;
    kit.no_session_of_the_old_password_outlives_a_change().await?;
    kit.a_change_that_is_required_is_told_until_it_is_made().await?;
    kit.no_login_that_was_begun_before_stands_once_a_change_is_required().await?;
    kit.what_goes_along_with_a_password_is_written_with_it().await
}

struct Kit {
    store: Arc<dyn PasswordStore>,
    users: Arc<dyn UserStore>,
    sessions: Arc<dyn SessionStore>,
    audit: Arc<dyn AuditStore>,
}

impl Kit {
    async fn a_password_is_replaced_once(&self) -> Result<(), Violation> {
        const RULE: &str = "a password is replaced once";
        let (email, id) = self.user(Some(old())).await?;
        let changes = race(|caller| {
            let store = Arc::clone(&self.store);
            let password = Redacted(format!("$argon2id$new-{caller}"));
            let change = NewPassword { password: password.clone(), ..change(&id) };
            async move { Ok((store.change_password(&change, &Effects::none()).await?, password)) }
        })
        .await?;
        let done: Vec<_> =
            changes.iter().filter(|(change, _)| *change != PasswordChange::Refused).collect();
        rule(RULE, done.len() == 1, done.len())?;
        let moved = done.first().map(|(change, _)| *change);
        rule("a change moves the epoch", moved == Some(changed_at(1)), moved)?;
        let user = self.store.load_login_user(&id).await?;
        let set = user.as_ref().and_then(|user| user.password.clone());
        let winners = done.first().map(|(_, password)| password.clone());
        rule(RULE, set.is_some() && set == winners, &user)?;
        let told = user.map(|user| (user.device_epoch, user.password_set_at));
        rule("a password knows since when it is", told == Some((1, Some(at(1)))), told)?;
        let login = self.begin(&email).await?;
        rule("a login knows what a change has set", self.is(&login, &winners), login)
    }

    async fn a_first_password_is_set_where_there_is_none(&self) -> Result<(), Violation> {
        const RULE: &str = "a first password is set where there is none";
        let (_, without) = self.user(None).await?;
        let (_, with) = self.user(Some(old())).await?;
        let first = |id| NewPassword { replaces: None, ..change(id) };
        for (id, change, expected) in [
            (&without, change(&without), PasswordChange::Refused),
            (&without, first(&without), changed_at(1)),
            (&without, first(&without), PasswordChange::Refused),
            (&with, first(&with), PasswordChange::Refused),
        ] {
            let before =
                self.store.load_login_user(id).await?.and_then(|user| user.password_set_at);
            let told = self.store.change_password(&change, &Effects::none()).await?;
            rule(RULE, told == expected, (told, expected, before))?;
        }
        const EPOCH: &str = "a change that was begun before the epoch moved is none";
        let (_, id) = self.user(Some(old())).await?;
        self.store.require_password_change(&id, &Effects::none(), epoch()).await?;
        for (epoch, expected) in [(0, PasswordChange::Refused), (1, changed_at(2))] {
            let change = NewPassword { epoch: Some(epoch), ..change(&id) };
            let told = self.store.change_password(&change, &Effects::none()).await?;
            rule(EPOCH, told == expected, told)?;
        }
        let nobody = UserId::from(SystemRandom.uuid_v7(epoch()));
        let told = self.store.change_password(&first(&nobody), &Effects::none()).await?;
        rule("nobody has a password", told == PasswordChange::Refused, told)?;
        let none = self.store.load_login_user(&nobody).await?;
        rule("nobody is no user", none.is_none(), none)
    }

    async fn a_change_ends_what_the_old_password_opened(&self) -> Result<(), Violation> {
        const RULE: &str = "a change ends every session but the one it was made in, and notes it";
        let (email, id) = self.user(Some(old())).await?;
        let reset = new_link(LinkPurpose::Reset);
        self.users.request_link(&email, &reset, LIMIT, epoch()).await?;
        let (here, other) = (new_session(Some(id.as_str())), new_session(Some("somebody-else")));
        for session in [&here, &other] {
            self.sessions.create_session(session).await?;
        }
        let mut elsewhere = HashSet::new();
        for _ in 0..3 {
            let session = new_session(Some(id.as_str()));
            self.sessions.create_session(&session).await?;
            elsewhere.insert(Some(session.id));
        }
        for _ in 0..LOCKOUT.attempts {
            self.begin(&email).await?;
        }
        let change = NewPassword { keep: Some(here.id), ..change(&id) };
        let told = self.store.change_password(&change, &Effects::none()).await?;
        rule("a change is made", told != PasswordChange::Refused, told)?;

        let left: Vec<_> = self.sessions.sessions_of(&id, at(1)).await?;
        let left: Vec<_> = left.into_iter().map(|session| session.id).collect();
        rule(RULE, left == [here.id], left)?;
        let events = self.sessions.session_events(0, 10_000).await?;
        let noted: HashSet<_> = events
            .iter()
            .filter(|event| event.user_id == id && event.end == SessionEnd::PasswordChanged)
            .map(|event| event.session_id)
            .collect();
        rule(RULE, noted == elsewhere, noted)?;
        let spared = self.sessions.load_session(&other.token, at(1)).await?;
        rule("a change ends nobody else's session", spared.is_some(), spared)?;
        let link = self.users.load_link(LinkPurpose::Reset, &reset.token, at(1)).await?;
        rule("a change ends all links", link.is_none(), link)?;
        let locked = self.begin(&email).await?.locked_until;
        rule("a change forgets the attempts", locked.is_none(), locked)
    }

    async fn no_session_of_the_old_password_outlives_a_change(&self) -> Result<(), Violation> {
        const RULE: &str = "no session opened with the old password outlives a change";
        for _ in 0..5 {
            let (email, id) = self.user(Some(old())).await?;
            race(|caller| {
                let (email, id) = (email.clone(), id.clone());
                let change = change(&id);
                let (store, users) = (Arc::clone(&self.store), Arc::clone(&self.users));
                let sessions = Arc::clone(&self.sessions);
                async move {
                    if caller == CALLERS / 2 {
                        store.change_password(&change, &Effects::none()).await?;
                        return Ok(());
                    }
                    let session = new_session(Some(id.as_str()));
                    sessions.create_session(&session).await?;
                    let (counter, none) = (LoginCounter::Address, Effects::none());
                    let completed =
                        users.complete_login(&email, counter, (&old(), None), None, &none).await?;
                    if completed == LoginCompletion::PasswordChanged {
                        sessions.end_session(&id, session.id, SessionEnd::Revoked, at(1)).await?;
                    }
                    Ok(())
                }
            })
            .await?;
            let left = self.sessions.sessions_of(&id, at(1)).await?;
            rule(RULE, left.is_empty(), left.len())?;
        }
        Ok(())
    }

    async fn a_change_that_is_required_is_told_until_it_is_made(&self) -> Result<(), Violation> {
        const RULE: &str = "a change that is required is told until it is made";
        let (email, id) = self.user(Some(old())).await?;
        let session = new_session(Some(id.as_str()));
        self.sessions.create_session(&session).await?;
        let must = async || {
            let (login, user) = (self.begin(&email).await?, self.store.load_login_user(&id).await?);
            let told = [login.user, user].map(|user| user.map(|user| user.must_change_password));
            Ok::<_, Violation>(told)
        };
        let told = must().await?;
        rule(RULE, told == [Some(false); 2], told)?;
        for marked in 0..2 {
            let known =
                self.store.require_password_change(&id, &Effects::none(), at(marked)).await?;
            rule("a change is required of a user", known, &id)?;
        }
        let told = must().await?;
        rule(RULE, told == [Some(true); 2], told)?;
        let left = self.sessions.sessions_of(&id, at(1)).await?;
        rule("requiring a change ends every session", left.is_empty(), left.len())?;
        self.store.change_password(&change(&id), &Effects::none()).await?;
        let told = must().await?;
        rule(RULE, told == [Some(false); 2], told)?;

        self.store.require_password_change(&id, &Effects::none(), at(1)).await?;
        let link = new_link(LinkPurpose::Reset);
        self.users.request_link(&email, &link, LIMIT, epoch()).await?;
        let link = followed(&link, &email, &id);
        self.users.reset_password(&link, &old(), &Effects::none(), at(1)).await?;
        let told = must().await?;
        rule("a reset is a change", told == [Some(false); 2], told)?;
        let nobody = UserId::from(SystemRandom.uuid_v7(epoch()));
        let known = self.store.require_password_change(&nobody, &Effects::none(), at(1)).await?;
        rule("nothing is required of nobody", !known, nobody)
    }

    async fn no_login_that_was_begun_before_stands_once_a_change_is_required(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "no login that was begun before stands once a change is required";
        for _ in 0..5 {
            let (email, id) = self.user(Some(old())).await?;
            race(|caller| {
                let (email, id) = (email.clone(), id.clone());
                let (store, users) = (Arc::clone(&self.store), Arc::clone(&self.users));
                let sessions = Arc::clone(&self.sessions);
                async move {
                    let none = Effects::none();
                    if caller == CALLERS / 2 {
                        store.require_password_change(&id, &none, at(1)).await?;
                        return Ok(());
                    }
                    let session = new_session(Some(id.as_str()));
                    sessions.create_session(&session).await?;
                    let counter = LoginCounter::Address;
                    let completed = users
                        .complete_login(&email, counter, (&old(), Some(0)), None, &none)
                        .await?;
                    if completed == LoginCompletion::PasswordChanged {
                        sessions.end_session(&id, session.id, SessionEnd::Revoked, at(1)).await?;
                    }
                    Ok(())
                }
            })
            .await?;
            let left = self.sessions.sessions_of(&id, at(1)).await?;
            rule(RULE, left.is_empty(), left.len())?;
        }
        Ok(())
    }

    async fn what_goes_along_with_a_password_is_written_with_it(&self) -> Result<(), Violation> {
        const RULE: &str = "what goes along is written if the change was made, and names its user";
        let (_, id) = self.user(Some(old())).await?;
        for owner in [Some(&id), None] {
            let (name, along) = along();
            self.store.change_password(&change(&id), &along).await?;
            rule(RULE, self.wrote(&name, owner).await?, ("a change", owner))?;
        }
        let nobody = UserId::from(SystemRandom.uuid_v7(epoch()));
        for (user, owner) in [(&id, Some(&id)), (&nobody, None)] {
            let (name, along) = along();
            self.store.require_password_change(user, &along, at(1)).await?;
            rule(RULE, self.wrote(&name, owner).await?, ("a requirement", owner))?;
        }
        Ok(())
    }

    async fn user(
        &self,
        password: Option<Redacted<String>>,
    ) -> Result<(String, UserId), Violation> {
        let email = format!("{}@example.test", SystemRandom.uuid_v7(epoch()).simple());
        let user = crate::store::NewUser { password, ..new_user(&email) };
        self.users.create_user(&user, &Effects::none()).await?;
        Ok((email, user.account.id().clone()))
    }

    async fn begin(&self, email: &str) -> Result<LoginAttempt, Violation> {
        let notice = new_delivery().into();
        Ok(self.users.begin_login((email, false), None, LOCKOUT, &notice, &[], epoch()).await?)
    }

    fn is(&self, login: &LoginAttempt, password: &Option<Redacted<String>>) -> bool {
        login.user.as_ref().is_some_and(|user| user.password == *password)
    }

    /// Whether the entry of this name was written, about this user; or, without one, was not.
    async fn wrote(&self, name: &str, user: Option<&UserId>) -> Result<bool, Violation> {
        let filter = AuditFilter { action: Some(name.to_owned()), ..AuditFilter::default() };
        let entries = self.audit.audit_entries(&filter, 10).await?;
        Ok(entries.iter().map(|entry| entry.user.as_ref()).eq(user.map(Some)))
    }
}

fn old() -> Redacted<String> {
    Redacted("$argon2id$old".to_owned())
}

fn change(user: &UserId) -> NewPassword {
    NewPassword {
        user: user.clone(),
        replaces: Some(old()),
        password: Redacted("$argon2id$new".to_owned()),
        keep: None,
        epoch: None,
        counter: LoginCounter::Address,
        chosen_at: at(1),
    }
}

fn changed_at(device_epoch: i64) -> PasswordChange {
    PasswordChange::Done { device_epoch }
}

/// What goes along, and the name of its entry.
fn along() -> (String, Effects) {
    let name = format!("kit.a{}", SystemRandom.uuid_v7(epoch()).simple());
    let action = Action::host(&name).unwrap_or(Action::CREATE);
    (name, Entry::new(action).at(epoch(), &SystemRandom).into())
}
