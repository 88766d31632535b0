//! What ends with a change, and what a change ends with.

use super::*;
use crate::crypto::Redacted;
use crate::scope::SessionEnd;
use crate::store::{LockoutPolicy, LoginCompletion, LoginCounter, NewDeletion, NewPassword};
use crate::testing::contract::session::new_session;

const LOCKOUT: LockoutPolicy = LockoutPolicy { attempts: 5, lock_for: Duration::minutes(15) };

/// The password of the kit's users.
fn password() -> Redacted<String> {
    Redacted("$argon2id$first".to_owned())
}

impl Kit {
    pub(super) async fn a_change_ends_what_the_old_address_opened(&self) -> Result<(), Violation> {
        const RULE: &str = "a change ends every session but the one it was made in, and notes it";
        let (users, sessions) = (&self.parts.users, &self.parts.sessions);
        let asked = self.ask(&fresh_email()).await?;
        let (reset, login) = (new_link(LinkPurpose::Reset), new_link(LinkPurpose::Login));
        for link in [&reset, &login] {
            users.request_link(&asked.old, link, OFTEN, epoch()).await?;
        }
        let (here, other) = (new_session(Some(asked.id.as_str())), new_session(Some("another")));
        for session in [&here, &other] {
            sessions.create_session(session).await?;
        }
        let mut elsewhere = HashSet::new();
        for _ in 0..3 {
            let session = new_session(Some(asked.id.as_str()));
            sessions.create_session(&session).await?;
            elsewhere.insert(Some(session.id));
        }
        for _ in 0..LOCKOUT.attempts {
            self.attempt(&asked.new).await?;
        }
        for over in [other.id, new_session(None).id] {
            let told = self.change(&EmailChange { keep: Some(over), ..asked.change() }).await?;
            rule("nothing changes in a session that is over", told == EmailChanged::Invalid, told)?;
        }
        let change = EmailChange { keep: Some(here.id), ..asked.change() };
        let told = self.change(&change).await?;
        rule("a change is made", told == changed_at(1), told)?;

        let left = sessions.sessions_of(&asked.id, at(1)).await?;
        let left: Vec<_> = left.into_iter().map(|session| session.id).collect();
        rule(RULE, left == [here.id], left)?;
        let events = sessions.session_events(0, 10_000).await?;
        let noted: HashSet<_> = events
            .iter()
            .filter(|event| event.user_id == asked.id && event.end == SessionEnd::EmailChanged)
            .map(|event| event.session_id)
            .collect();
        rule(RULE, noted == elsewhere, noted)?;
        let spared = sessions.load_session(&other.token, at(1)).await?;
        rule("a change ends nobody else's session", spared.is_some(), spared)?;
        let shown = sessions.load_session(&here.token, at(1)).await?;
        let shown = shown.and_then(|shown| shown.login);
        let shown = shown.as_ref().and_then(|login| login.account.email());
        rule("a session shows the new address", shown == Some(&asked.new), shown)?;
        for link in [&reset, &login] {
            let owner = users.load_link(link.purpose, &link.token, at(1)).await?;
            rule("links to the old address are over", owner.is_none(), link.purpose)?;
        }
        let locked = self.attempt(&asked.new).await?;
        rule("who gets an address is not locked out by what was tried before", !locked, locked)
    }

    pub(super) async fn no_login_with_the_old_address_outlives_a_change(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "no login with the old address outlives a change";
        for _ in 0..5 {
            let asked = self.ask(&fresh_email()).await?;
            race(|caller| {
                let (store, asked) = (Arc::clone(&self.store), asked.clone());
                let (users, sessions) =
                    (Arc::clone(&self.parts.users), Arc::clone(&self.parts.sessions));
                async move {
                    let (none, counter) = (Effects::none(), LoginCounter::Address);
                    if caller == CALLERS / 2 {
                        store.change_email(&asked.change(), &none, &none).await?;
                        return Ok(());
                    }
                    let session = new_session(Some(asked.id.as_str()));
                    sessions.create_session(&session).await?;
                    let proof = (&password(), Some(0));
                    let completed =
                        users.complete_login(&asked.old, counter, proof, None, &none).await?;
                    if completed == LoginCompletion::PasswordChanged {
                        let end = SessionEnd::Revoked;
                        sessions.end_session(&asked.id, session.id, end, at(1)).await?;
                    }
                    Ok(())
                }
            })
            .await?;
            let left = self.parts.sessions.sessions_of(&asked.id, at(1)).await?;
            rule(RULE, left.is_empty(), left.len())?;
        }
        Ok(())
    }

    pub(super) async fn a_change_that_waits_ends_with_the_other_links(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "a change that waits ends with a reset, another password or a deletion";
        let none = Effects::none();
        for end in 0..4 {
            let asked = self.ask(&fresh_email()).await?;
            match end {
                0 => {
                    let link = new_link(LinkPurpose::Reset);
                    self.parts.users.request_link(&asked.old, &link, OFTEN, epoch()).await?;
                    let (link, new) = (followed(&link, &asked.old, &asked.id), password());
                    self.parts.users.reset_password(&link, &new, &none, at(1)).await?;
                }
                1 => {
                    let change = NewPassword {
                        user: asked.id.clone(),
                        replaces: Some(password()),
                        password: Redacted("$argon2id$second".to_owned()),
                        keep: None,
                        epoch: None,
                        counter: LoginCounter::Address,
                        chosen_at: at(1),
                    };
                    self.parts.passwords.change_password(&change, &none).await?;
                }
                2 => {
                    let user = asked.id.clone();
                    let deletion = NewDeletion { user, at: at(HOUR), keep: None };
                    self.parts.lifecycles.request_deletion(&deletion, &none, at(1)).await?;
                }
                _ => {
                    let proof = EmailProof::Host(fresh_email());
                    self.change(&EmailChange { proof, ..asked.change() }).await?;
                }
            }
            let waits = self.pending(&asked.id, 1).await?;
            rule(RULE, waits.is_none(), (end, &waits))?;
            let told = self.change(&asked.change()).await?;
            rule(RULE, told == EmailChanged::Invalid, (end, told))?;
            if end == 2 {
                let change = new_change(&asked.id, &fresh_email());
                let told = self.store.request_email_change(&change, &none, OFTEN, epoch()).await?;
                let none = told == EmailChangeRequest::NoAccount;
                rule("who leaves asks for nothing", none, told)?;
            }
        }
        Ok(())
    }

    /// Tries a password; whether the address is locked.
    async fn attempt(&self, email: &str) -> Result<bool, Violation> {
        let users = &self.parts.users;
        let begun = users
            .begin_login((email, false), None, LOCKOUT, &Effects::none(), &[], epoch())
            .await?;
        Ok(begun.locked_until.is_some())
    }
}
