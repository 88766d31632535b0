//! Using passkeys: once for each challenge, by a count that grows, before a reset.

use super::super::account::{LIMIT, followed, new_link};
use super::super::session::new_session;
use super::*;
use crate::crypto::Redacted;
use crate::scope::SessionEnd;
use crate::store::{LinkPurpose, NewLink};

impl Kit {
    pub(super) async fn a_challenge_is_answered_once(&self) -> Result<(), Violation> {
        const RULE: &str = "a challenge is answered once";
        let (_, passkey) = self.registered().await?;
        let (_, other) = self.registered().await?;
        let challenge = new_challenge();
        let uses = race(|caller| {
            let store = Arc::clone(&self.store);
            // The counts grow, so that nothing but the challenge stands in the way.
            let sign_count = 100 + caller as u32;
            let proof = PasskeyProof { challenge, sign_count, ..proof(&passkey) };
            async move {
                let none = Effects::none();
                store.use_passkey(&proof, SignCountPolicy::Warn, &none, &none).await
            }
        })
        .await?;
        let done = uses.iter().filter(|used| **used == PasskeyUse::Done).count();
        let refused = uses.iter().filter(|used| **used == PasskeyUse::Refused).count();
        rule(RULE, done == 1 && done + refused == CALLERS, &uses)?;
        let none = Effects::none();
        let foreign = PasskeyProof { challenge, ..proof(&other) };
        let used = self.store.use_passkey(&foreign, SignCountPolicy::Warn, &none, &none).await?;
        rule(RULE, used == PasskeyUse::Refused, used)?;
        let fresh = new_passkey(&passkey.user);
        let added = self.store.add_passkey(&fresh, challenge, None, &none).await?;
        rule(RULE, added == PasskeyAddition::Refused, added)?;

        // The other way round: one registration, which is answered once.
        let challenge = new_challenge();
        let added = race(|_| {
            let (store, fresh) = (Arc::clone(&self.store), new_passkey(&other.user));
            async move { store.add_passkey(&fresh, challenge, None, &Effects::none()).await }
        })
        .await?;
        let done = added.iter().filter(|added| **added == PasskeyAddition::Added).count();
        let there = self.count(&other.user).await?;
        rule(RULE, done == 1 && there == 2, (there, &added))
    }

    pub(super) async fn a_count_that_falls_is_judged_by_the_policy(&self) -> Result<(), Violation> {
        const RULE: &str = "a passkey counts up, and what else it does the policy judges";
        for (policy, judged) in [
            (SignCountPolicy::Warn, PasskeyUse::Done),
            (SignCountPolicy::RequireReauth, PasskeyUse::Suspected),
            (SignCountPolicy::Revoke, PasskeyUse::Suspected),
        ] {
            let (email, user) = self.user().await?;
            let passkey = new_passkey(&user);
            self.add(&passkey).await?;
            for (sign_count, kept, fell) in [
                (0, 0, false),
                (7, 7, false),
                (8, 8, false),
                (8, 8, true),
                (3, 8, true),
                (0, 8, true),
            ] {
                let (name, along) = new_note();
                let proof = PasskeyProof { sign_count, backed_up: true, ..proof(&passkey) };
                let none = Effects::none();
                let used = self.store.use_passkey(&proof, policy, &none, &along).await?;
                let expected = if fell { judged } else { PasskeyUse::Done };
                rule(RULE, used == expected, (policy, sign_count, used))?;
                let told = wrote(&*self.users, &name, &user).await?;
                rule("of a suspicion is told", told == usize::from(fell), (policy, told))?;
                let found = self.store.passkeys_of(&user).await?;
                if fell && policy == SignCountPolicy::Revoke {
                    rule("a suspended passkey is asked for", self.asks(&email).await?, &found)?;
                    self.is_suspended(&passkey).await?;
                    break;
                }
                let held = found.first().map(|passkey| passkey.sign_count);
                rule(RULE, held == Some(kept), (policy, sign_count, held))?;
                if used == PasskeyUse::Done {
                    let noted = found.first().map(|found| (found.last_used_at, found.backed_up));
                    rule(RULE, noted == Some((Some(at(5)), true)), noted)?;
                }
            }
        }
        // Of two callers with one count at once, one is suspected.
        let (_, passkey) = self.registered().await?;
        let uses = race(|_| {
            let (store, proof) = (Arc::clone(&self.store), proof(&passkey));
            async move {
                let (policy, none) = (SignCountPolicy::RequireReauth, Effects::none());
                store.use_passkey(&proof, policy, &none, &none).await
            }
        })
        .await?;
        let done = uses.iter().filter(|used| **used == PasskeyUse::Done).count();
        rule(RULE, done == 1, &uses)?;
        // And it is suspended once: the rest are refused.
        let (_, passkey) = self.registered().await?;
        let uses = race(|_| {
            let (store, proof) = (Arc::clone(&self.store), proof(&passkey));
            async move {
                let (policy, none) = (SignCountPolicy::Revoke, Effects::none());
                store.use_passkey(&proof, policy, &none, &none).await
            }
        })
        .await?;
        let count = |outcome| uses.iter().filter(|used| **used == outcome).count();
        let counts = [PasskeyUse::Done, PasskeyUse::Suspected, PasskeyUse::Refused].map(count);
        rule(RULE, counts == [1, 1, CALLERS - 2], &uses)
    }

    /// It is refused whatever it counts, and is in nobody's way.
    async fn is_suspended(&self, passkey: &Passkey) -> Result<(), Violation> {
        const RULE: &str = "a suspended passkey is refused for good, and goes when it is removed";
        let (user, none) = (&passkey.user, Effects::none());
        let found = self.store.passkeys_of(user).await?;
        let since = found.first().and_then(|found| found.suspended_at);
        rule(RULE, since == Some(at(5)), &found)?;
        let credential = &passkey.credential;
        for whose in [None, Some(user)] {
            let begun =
                self.store.begin_passkey(credential, whose, LOCKOUT, &none, &[], at(6)).await?;
            rule(RULE, begun.found.is_none(), &begun)?;
        }
        for policy in [SignCountPolicy::Warn, SignCountPolicy::Revoke] {
            let (name, told) = new_note();
            let proof = PasskeyProof { sign_count: 1000, ..proof(passkey) };
            let used = self.store.use_passkey(&proof, policy, &told, &told).await?;
            rule(RULE, used == PasskeyUse::Refused, used)?;
            rule(RULE, wrote(&*self.users, &name, user).await? == 0, policy)?;
        }
        let (id, open) = (passkey.id, open_ways());
        let removed = self.store.remove_passkey(user, id, &open, &none, &none).await?;
        rule(RULE, matches!(removed, PasskeyRemoval::Removed { .. }), removed)
    }

    pub(super) async fn attempts_are_counted_with_those_of_codes(&self) -> Result<(), Violation> {
        const RULE: &str = "attempts with passkeys are counted with those of codes";
        let (user, passkey) = self.registered().await?;
        self.enroll(&user).await?;
        let locks = race(|caller| {
            let (store, users) = (Arc::clone(&self.store), Arc::clone(&self.users));
            let (id, credential) = (user.clone(), passkey.credential.clone());
            let unknown = new_credential();
            async move {
                let none = Effects::none();
                let locked = match caller % 3 {
                    0 => {
                        users
                            .begin_second_factor(&id, LOCKOUT, &none, &[], epoch())
                            .await?
                            .locked_until
                    }
                    1 => {
                        let whose = Some(&id);
                        let attempt =
                            store.begin_passkey(&credential, whose, LOCKOUT, &none, &[], epoch());
                        attempt.await?.locked_until
                    }
                    _ => {
                        let whose = Some(&id);
                        let attempt =
                            store.begin_passkey(&unknown, whose, LOCKOUT, &none, &[], epoch());
                        attempt.await?.locked_until
                    }
                };
                Ok(locked.is_none())
            }
        })
        .await?;
        let admitted = locks.into_iter().filter(|open| *open).count();
        rule(RULE, admitted == LOCKOUT.attempts as usize, admitted)?;
        let none = Effects::none();
        let login = self
            .store
            .begin_passkey(&passkey.credential, None, LOCKOUT, &none, &[], epoch())
            .await?;
        rule(
            "a lock of second factors holds for logins by passkey",
            login.locked_until.is_some(),
            login,
        )?;
        self.nobody_locks_anybody_out_by_a_passkey().await?;
        // Nobody is locked out by an answer of a passkey that nobody has.
        for _ in 0..=LOCKOUT.attempts {
            let unknown = new_credential();
            let attempt =
                self.store.begin_passkey(&unknown, None, LOCKOUT, &none, &[], epoch()).await?;
            rule(RULE, attempt.locked_until.is_none(), attempt)?;
        }
        let used = self.use_it(&passkey, 1, None).await?;
        rule("a good passkey is used", used == PasskeyUse::Done, used)?;
        let attempt = self.users.begin_second_factor(&user, LOCKOUT, &none, &[], epoch()).await?;
        let open = attempt.locked_until.is_none();
        rule("a good passkey forgets the attempts", open, attempt.locked_until)
    }

    /// Credentials are no secret: whoever knows one must not lock its user out.
    async fn nobody_locks_anybody_out_by_a_passkey(&self) -> Result<(), Violation> {
        const RULE: &str = "an answer of a passkey that says who they are counts against nobody";
        let (user, passkey) = self.registered().await?;
        let none = Effects::none();
        for _ in 0..=LOCKOUT.attempts {
            let credential = &passkey.credential;
            let attempt = self.store.begin_passkey(credential, None, LOCKOUT, &none, &[], epoch());
            let attempt = attempt.await?;
            rule(RULE, attempt.locked_until.is_none(), attempt)?;
        }
        let code = self.users.begin_second_factor(&user, LOCKOUT, &none, &[], epoch()).await?;
        rule(RULE, code.locked_until.is_none(), code)
    }

    pub(super) async fn no_login_outlives_a_reset(&self) -> Result<(), Violation> {
        const RULE: &str = "no login by passkey that was begun before a reset outlives it";
        for _ in 0..3 {
            let (email, user) = self.user().await?;
            let passkey = new_passkey(&user);
            self.add(&passkey).await?;
            let link = NewLink { expires_at: at(60), ..new_link(LinkPurpose::Reset) };
            self.users.request_link(&email, &link, LIMIT, epoch()).await?;
            race(|caller| {
                let (store, users) = (Arc::clone(&self.store), Arc::clone(&self.users));
                let (sessions, id) = (Arc::clone(&self.sessions), user.clone());
                let (token, passkey) = (followed(&link, &email, &user), passkey.clone());
                async move {
                    if caller == CALLERS / 2 {
                        let new = Redacted("$argon2id$reset".to_owned());
                        users.reset_password(&token, &new, &new_delivery().into(), at(1)).await?;
                        return Ok(());
                    }
                    let session = new_session(Some(id.as_str()));
                    sessions.create_session(&session).await?;
                    let sign_count = 1 + caller as u32;
                    let proof = PasskeyProof { sign_count, epoch: Some(0), ..proof(&passkey) };
                    let none = Effects::none();
                    let used =
                        store.use_passkey(&proof, SignCountPolicy::Warn, &none, &none).await?;
                    if used != PasskeyUse::Done {
                        sessions.end_session(&id, session.id, SessionEnd::Revoked, at(1)).await?;
                    }
                    Ok(())
                }
            })
            .await?;
            let left = self.sessions.sessions_of(&user, at(1)).await?;
            rule(RULE, left.is_empty(), left.len())?;
            let late = self.use_it(&passkey, 99, Some(0)).await?;
            rule(RULE, late == PasskeyUse::Refused, late)?;
            let renewed = self.use_it(&passkey, 99, Some(1)).await?;
            rule("a reset leaves the passkeys", renewed == PasskeyUse::Done, renewed)?;
        }
        Ok(())
    }

    pub(super) async fn what_goes_along_with_a_passkey_is_written_with_it(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "what goes along is written if the change was made, and names its user";
        let (_, user) = self.user().await?;
        let (passkey, challenge) = (new_passkey(&user), new_challenge());
        for expected in [1, 0] {
            let (name, along) = new_note();
            self.store.add_passkey(&passkey, challenge, None, &along).await?;
            rule(RULE, wrote(&*self.users, &name, &user).await? == expected, ("added", expected))?;
        }
        let once = proof(&passkey);
        for expected in [1, 0] {
            let (name, along) = new_note();
            let (policy, none) = (SignCountPolicy::Warn, Effects::none());
            self.store.use_passkey(&once, policy, &along, &none).await?;
            rule(RULE, wrote(&*self.users, &name, &user).await? == expected, ("used", expected))?;
        }
        for attempt in 1..=LOCKOUT.attempts + 2 {
            let (name, along) = new_note();
            // Whatever was tried, with codes that the user cannot have, too.
            if attempt % 2 == 0 {
                let (unknown, whose) = (new_credential(), Some(&user));
                self.store.begin_passkey(&unknown, whose, LOCKOUT, &along, &[], epoch()).await?;
            } else {
                self.users.begin_second_factor(&user, LOCKOUT, &along, &[], epoch()).await?;
            }
            let expected = usize::from(attempt == LOCKOUT.attempts + 1);
            rule(
                RULE,
                wrote(&*self.users, &name, &user).await? == expected,
                ("an attempt", attempt),
            )?;
        }
        for (id, expected) in [(passkey.id, 1), (Uuid::nil(), 0)] {
            let (name, along) = new_note();
            self.store.rename_passkey(&user, id, "other", &along).await?;
            rule(
                RULE,
                wrote(&*self.users, &name, &user).await? == expected,
                ("renamed", expected),
            )?;
        }
        let second = new_passkey(&user);
        self.add(&second).await?;
        for (id, removed, ended) in [(passkey.id, 1, 0), (passkey.id, 0, 0), (second.id, 1, 1)] {
            let ((name, along), (last_name, last)) = (new_note(), new_note());
            self.store.remove_passkey(&user, id, &open_ways(), &along, &last).await?;
            rule(RULE, wrote(&*self.users, &name, &user).await? == removed, ("removed", removed))?;
            rule(
                RULE,
                wrote(&*self.users, &last_name, &user).await? == ended,
                ("the last one", ended),
            )?;
        }
        Ok(())
    }

    pub(super) async fn answered_challenges_are_forgotten_when_they_are_over(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "an answered challenge is remembered until it is over";
        let (_, passkey) = self.registered().await?;
        let once = proof(&passkey);
        let (policy, none) = (SignCountPolicy::Warn, Effects::none());
        self.store.use_passkey(&once, policy, &none, &none).await?;
        while self.users.sweep_accounts(at(599), 500).await? > 0 {}
        let again = PasskeyProof { sign_count: 9, ..once.clone() };
        let used = self.store.use_passkey(&again, policy, &none, &none).await?;
        rule(RULE, used == PasskeyUse::Refused, used)?;
        let removed = self.users.sweep_accounts(at(600), 500).await?;
        rule(RULE, removed > 0, removed)?;
        while self.users.sweep_accounts(at(600), 500).await? > 0 {}
        // Nobody would accept it now; that there is no trace of it shows that it was removed.
        let used = self.store.use_passkey(&again, policy, &none, &none).await?;
        rule("what is over is swept", used == PasskeyUse::Done, used)
    }
}
