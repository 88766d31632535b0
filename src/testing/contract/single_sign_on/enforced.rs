//! What is closed while single sign-on is enforced.

use super::*;
use crate::scope::{BREAK_GLASS, SessionEnd};
use crate::store::EnforcedSso;

impl Kit {
    pub(super) async fn an_enforced_domain_lets_nobody_else_in(&self) -> Result<(), Violation> {
        const RULE: &str = "where single sign-on is enforced, only its login opens anything";
        let made = self.made().await?;
        let bob = self.user(&made.domain).await?;
        let stranger = self.user(&format!("not.{}", made.domain)).await?;
        let other = self.user(&format!("{}.test", made.domain)).await?;
        let mut support = session_of(&bob, None);
        if let Some(login) = &mut support.login {
            login.impersonator = UserId::new("administrator").ok();
        }
        for mode in [SsoMode::Off, SsoMode::Offered, SsoMode::Enforced, SsoMode::Off] {
            let new = mode_of(&made, mode, Some(DOOR));
            let told = self.0.store.change_sso(&new, None, &Effects::none()).await?;
            rule("single sign-on is changed", told == SsoChange::Done, told)?;
            let enforced = mode == SsoMode::Enforced;
            for (user, by, expected) in [
                (&bob, Some(DOOR), true),
                (&bob, None, !enforced),
                (&bob, Some("/saml/other/login"), !enforced),
                (&bob, Some(BREAK_GLASS), !enforced),
                (&bob, Some(""), !enforced),
                (&stranger, None, true),
                (&other, None, true),
            ] {
                let session = self.session(user, by).await?;
                rule(RULE, self.opens(&session).await? == expected, (mode, by, expected))?;
            }
            let standing = self.0.standings.standing(bob.account.id()).await?.unwrap_or_default();
            let told = standing.sso == enforced.then(|| known(&made, false));
            rule("how a user stands says what is enforced", told, &standing)?;
        }
        self.enforce(&made).await?;
        self.0.sessions.create_session(&support).await?;
        rule("an administrator acts as a user all the same", self.opens(&support).await?, ())
    }

    pub(super) async fn what_opens_nothing_any_more_ends_with_an_event(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "sessions that open nothing any more end, with their events";
        let made = self.made().await?;
        let (bob, other) = (self.user(&made.domain).await?, self.user("ev.example").await?);
        let (ends, stays) =
            (self.session(&bob, None).await?, self.session(&bob, Some(DOOR)).await?);
        let foreign = self.session(&other, None).await?;
        self.enforce(&made).await?;
        let mut told = self.ends().await?;
        told.retain(|event| event.end == SessionEnd::Revoked);
        for (session, expected) in [(&ends, 1), (&stays, 0), (&foreign, 0)] {
            let id = Some(session.id);
            let times = told.iter().filter(|event| event.session_id == id).count();
            rule(RULE, times == expected, (expected, &told))?;
        }
        // They do not come back when it is lifted.
        let new = mode_of(&made, SsoMode::Off, None);
        self.0.store.change_sso(&new, None, &Effects::none()).await?;
        rule(RULE, !self.opens(&ends).await? && self.opens(&stays).await?, "an ended session")
    }

    pub(super) async fn no_session_outlives_the_enforcement(&self) -> Result<(), Violation> {
        const RULE: &str = "no session outlives the enforcement, however fast it is written";
        let made = self.made().await?;
        let bob = self.user(&made.domain).await?;
        let sessions: Vec<_> = (0..CALLERS).map(|_| session_of(&bob, None)).collect();
        let outcomes = race(|caller| {
            let (store, writes) = (Arc::clone(&self.0.store), Arc::clone(&self.0.sessions));
            let new = mode_of(&made, SsoMode::Enforced, Some(DOOR));
            let session = sessions.get(caller).cloned();
            async move {
                match session.filter(|_| caller != CALLERS / 2) {
                    Some(session) => writes.create_session(&session).await.map(|()| false),
                    None => {
                        let told = store.change_sso(&new, None, &Effects::none()).await?;
                        Ok(told == SsoChange::Done)
                    }
                }
            }
        })
        .await?;
        rule(RULE, outcomes.iter().filter(|done| **done).count() == 1, &outcomes)?;
        for session in &sessions {
            rule(RULE, !self.opens(session).await?, session.id)?;
        }
        let late = self.session(&bob, None).await?;
        rule(RULE, !self.opens(&late).await?, late.id)
    }

    pub(super) async fn no_password_of_an_enforced_domain_is_asked_for(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str =
            "a login that yields asks for no password of an enforced domain, and counts none";
        let made = self.made().await?;
        let bob = self.user(&made.domain).await?;
        let known = bob.account.email().unwrap_or_default().to_owned();
        let nobody = format!("nobody@{}", made.domain);
        let (users, none) = (&self.0.users, Effects::none());
        for email in [&known, &nobody] {
            let begun = users.begin_login((email, true), None, LOCKOUT, &none, &[], at(1)).await?;
            rule(RULE, begun.elsewhere.is_none(), "it is not enforced yet")?;
        }
        self.enforce(&made).await?;
        for email in [&known, &nobody] {
            let outcomes = race(|_| {
                let (users, email) = (Arc::clone(users), email.clone());
                async move {
                    let none = Effects::none();
                    users.begin_login((&email, true), None, LOCKOUT, &none, &[], at(2)).await
                }
            })
            .await?;
            let sent = outcomes.iter().all(|begun| {
                begun.elsewhere.as_deref() == Some(DOOR)
                    && begun.user.is_none()
                    && begun.locked_until.is_none()
            });
            rule(RULE, sent, &outcomes)?;
            let asked = users.begin_login((email, false), None, LOCKOUT, &none, &[], at(3)).await?;
            let counts = asked.locked_until.is_none() && asked.elsewhere.is_none();
            rule(RULE, counts && asked.user.is_some() == (email == &known), &asked)?;
        }
        Ok(())
    }
}

/// What is enforced in the kit.
pub(super) fn known(made: &Made, break_glass: bool) -> EnforcedSso {
    EnforcedSso { organization: made.id, login_path: DOOR.to_owned(), break_glass }
}
