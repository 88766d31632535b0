mod login;

use std::sync::Arc;

use time::Duration;

use super::account::{LIMIT, followed, new_delivery, new_link, new_user};
use super::audit::{new_note, wrote};
use super::{CALLERS, Violation, at, epoch, race, rule};
use crate::crypto::{KeyedHash, RandomExt as _, Redacted, Sealed, SystemRandom};
use crate::scope::UserId;
use crate::store::{
    AuditStore, Effects, Enrolment, FactorAttempt, FactorProof, FactorRemoval, FactorUse,
    LinkPurpose, LockoutPolicy, MfaStore, NewTotp, SessionStore, UserStore,
};

const LOCKOUT: LockoutPolicy = LockoutPolicy { attempts: 5, lock_for: Duration::minutes(15) };

/// Proves the contract of a [`MfaStore`] whose users are in `users` and `sessions`, and whose
/// entries `audit` shows.
///
/// # Errors
/// The first [`Violation`].
pub async fn second_factors(
    store: Arc<dyn MfaStore>,
    users: Arc<dyn UserStore>,
    sessions: Arc<dyn SessionStore>,
    audit: Arc<dyn AuditStore>,
) -> Result<(), Violation> {
    let kit = Kit { store, users, sessions, audit };
    kit.an_app_is_enrolled_once_and_with_its_codes().await?;
    kit.a_code_of_the_app_works_once().await?;
    kit.a_backup_code_works_once().await?;
    kit.a_step_never_goes_back().await?;
    kit.attempts_of_both_kinds_are_counted_together().await?;
    kit.a_lock_of_codes_ends_and_comes_again().await?;
    kit.codes_are_replaced_all_at_once().await?;
    kit.an_app_is_removed_with_everything_it_opened().await?;
    kit.no_pending_login_outlives_a_reset().await?;
    kit.what_goes_along_with_a_code_is_written_with_it().await?;
    kit.forgetting_browsers_moves_the_epoch().await
}

struct Kit {
    store: Arc<dyn MfaStore>,
    users: Arc<dyn UserStore>,
    sessions: Arc<dyn SessionStore>,
    audit: Arc<dyn AuditStore>,
}

/// A user with an app, whose last step is 100.
struct Enrolled {
    email: String,
    id: UserId,
    codes: Vec<KeyedHash>,
    secret: Sealed,
}

impl Kit {
    async fn an_app_is_enrolled_once_and_with_its_codes(&self) -> Result<(), Violation> {
        const RULE: &str = "an app is enrolled once, with its codes";
        let (email, id) = self.user().await?;
        let none = self.store.find_second_factor(&id).await?;
        rule(RULE, none.is_none(), none)?;
        rule("a login says whether there is a second factor", !self.asks(&email).await?, &id)?;
        let apps: Vec<_> = (0..CALLERS).map(|_| new_totp(&id)).collect();
        let outcomes = race(|caller| {
            let (store, app) = (Arc::clone(&self.store), apps.get(caller).cloned());
            async move {
                let Some(app) = app else { return Ok(None) };
                let outcome = store.enroll_totp(&app, None, &Effects::none()).await?;
                Ok((outcome == Enrolment::Enrolled).then_some(app))
            }
        })
        .await?;
        let winners: Vec<_> = outcomes.into_iter().flatten().collect();
        rule(RULE, winners.len() == 1, winners.len())?;
        let found = self.begin(&id).await?.user;
        let same = found.as_ref().zip(winners.first()).is_some_and(|(found, app)| {
            found.secret.as_ref() == Some(&app.secret)
                && found.backup_codes == app.backup_codes
                && found.last_step == app.step
                && found.account.id() == &id
        });
        rule(RULE, same, &found)?;
        let known = self.store.find_second_factor(&id).await?;
        let told = known.map(|factor| (factor.app_since, factor.backup_codes_left));
        rule(RULE, told == Some((Some(epoch()), 3)), told)?;
        rule("a login says whether there is a second factor", self.asks(&email).await?, &id)?;
        let nobody = UserId::from(SystemRandom.uuid_v7(epoch()));
        let refused = self.store.enroll_totp(&new_totp(&nobody), None, &Effects::none()).await?;
        rule("nobody has an app", refused == Enrolment::Refused, refused)
    }

    async fn a_code_of_the_app_works_once(&self) -> Result<(), Violation> {
        const RULE: &str = "a code of the app works once";
        let user = self.enrolled().await?;
        let uses = race(|_| {
            let (store, id) = (Arc::clone(&self.store), user.id.clone());
            async move { store.complete_totp(&id, 101, Some(0), &Effects::none()).await }
        })
        .await?;
        let done = uses.iter().filter(|used| **used == FactorUse::Done).count();
        rule(RULE, done == 1, done)
    }

    async fn a_backup_code_works_once(&self) -> Result<(), Violation> {
        const RULE: &str = "a backup code works once";
        let (user, other) = (self.enrolled().await?, self.enrolled().await?);
        let [code, ..] = *user.codes.as_slice() else { return Ok(()) };
        let foreign = self.use_code(&other.id, FactorProof::BackupCode(code), None).await?;
        rule("a backup code works for its own user", foreign == FactorUse::Refused, foreign)?;
        let uses = race(|caller| {
            let (store, id) = (Arc::clone(&self.store), user.id.clone());
            // Every one of three codes by some caller.
            let code = user.codes.get(caller % 3).copied().unwrap_or(code);
            async move { store.consume_backup_code(&id, &code, Some(0), &Effects::none()).await }
        })
        .await?;
        let done = uses.iter().filter(|used| **used == FactorUse::Done).count();
        rule(RULE, done == 3, done)?;
        let left = self.store.find_second_factor(&user.id).await?;
        rule(RULE, left.is_some_and(|factor| factor.backup_codes_left == 0), left)
    }

    async fn a_step_never_goes_back(&self) -> Result<(), Violation> {
        const RULE: &str = "a code of the app is newer than the last one";
        let user = self.enrolled().await?;
        for (step, expected) in [
            (100, FactorUse::Refused),
            (99, FactorUse::Refused),
            (102, FactorUse::Done),
            (101, FactorUse::Refused),
            (103, FactorUse::Done),
        ] {
            let used = self.use_code(&user.id, FactorProof::Totp(step), None).await?;
            rule(RULE, used == expected, (step, used))?;
        }
        Ok(())
    }

    async fn codes_are_replaced_all_at_once(&self) -> Result<(), Violation> {
        const RULE: &str = "new backup codes take the place of all old ones";
        let user = self.enrolled().await?;
        let sets: Vec<Vec<KeyedHash>> = (0..CALLERS).map(|_| new_codes()).collect();
        let uses = race(|caller| {
            let (store, id) = (Arc::clone(&self.store), user.id.clone());
            let (set, step) = (sets.get(caller).cloned().unwrap_or_default(), 101 + caller as i64);
            async move {
                let used =
                    store.regenerate_backup_codes(&id, step, &set, None, &Effects::none()).await?;
                Ok((used == FactorUse::Done).then_some((step, set)))
            }
        })
        .await?;
        let last = uses.into_iter().flatten().max_by_key(|(step, _)| *step);
        let found = self.begin(&user.id).await?.user;
        let found = found.map(|user| (user.last_step, user.backup_codes));
        rule(RULE, found.is_some() && found == last, (found, last))?;
        for code in user.codes {
            let used = self.use_code(&user.id, FactorProof::BackupCode(code), None).await?;
            rule(RULE, used == FactorUse::Refused, used)?;
        }
        Ok(())
    }

    async fn an_app_is_removed_with_everything_it_opened(&self) -> Result<(), Violation> {
        const RULE: &str = "an app is removed once, and every browser is unknown then";
        let user = self.enrolled().await?;
        let [code, unknown] = [user.codes.first().copied(), new_codes().first().copied()];
        let (Some(code), Some(unknown)) = (code, unknown) else { return Ok(()) };
        for bad in [FactorProof::Totp(100), FactorProof::BackupCode(unknown)] {
            let kept = self.store.remove_totp(&user.id, Some(bad), &Effects::none()).await?;
            rule("an app is removed by a good code only", kept == FactorRemoval::Refused, bad)?;
        }
        let outcomes = race(|caller| {
            let (store, id) = (Arc::clone(&self.store), user.id.clone());
            let proof = [Some(FactorProof::Totp(101)), Some(FactorProof::BackupCode(code)), None];
            let proof = proof.get(caller % 3).copied().flatten();
            async move { store.remove_totp(&id, proof, &Effects::none()).await }
        })
        .await?;
        let removed: Vec<_> =
            outcomes.into_iter().filter(|outcome| *outcome != FactorRemoval::Refused).collect();
        rule(RULE, removed == [FactorRemoval::Removed { device_epoch: 1 }], &removed)?;
        rule(RULE, !self.asks(&user.email).await?, &user.id)?;
        let gone = self.begin(&user.id).await?;
        rule(RULE, gone.user.is_none() && gone.locked_until.is_none(), gone)?;
        let again = self.store.enroll_totp(&new_totp(&user.id), None, &Effects::none()).await?;
        rule("an app may follow another", again == Enrolment::Enrolled, again)
    }

    async fn forgetting_browsers_moves_the_epoch(&self) -> Result<(), Violation> {
        const RULE: &str = "to forget browsers moves the epoch, by one for each who does";
        let user = self.enrolled().await?;
        let mut epochs = race(|_| {
            let (store, id) = (Arc::clone(&self.store), user.id.clone());
            async move { store.forget_browsers(&id, &Effects::none()).await }
        })
        .await?;
        epochs.sort_unstable();
        let expected: Vec<_> = (1..).map(Some).take(CALLERS).collect();
        rule(RULE, epochs == expected, &epochs)?;
        let now = epochs.last().copied().flatten();
        for (epoch, expected) in [(Some(0), FactorUse::Refused), (now, FactorUse::Done)] {
            let none = Effects::none();
            let used = self.store.complete_totp(&user.id, 101, epoch, &none).await?;
            rule(RULE, used == expected, (epoch, used))?;
        }
        let Ok(nobody) = UserId::new("nobody-at-all") else { return rule(RULE, false, "no id") };
        for (id, expected) in [(&user.id, 1), (&nobody, 0)] {
            let (name, along) = new_note();
            let told = self.store.forget_browsers(id, &along).await?;
            rule(RULE, told.is_some() == (expected == 1), told)?;
            rule(RULE, wrote(&*self.audit, &name, id).await? == expected, ("told", expected))?;
        }
        Ok(())
    }

    async fn what_goes_along_with_a_code_is_written_with_it(&self) -> Result<(), Violation> {
        const RULE: &str = "what goes along is written if the change was made, and names its user";
        let (_, id) = self.user().await?;
        for expected in [1, 0] {
            let (name, along) = new_note();
            let app = NewTotp { step: 100, ..new_totp(&id) };
            self.store.enroll_totp(&app, None, &along).await?;
            rule(
                RULE,
                wrote(&*self.audit, &name, &id).await? == expected,
                ("an enrolment", expected),
            )?;
        }
        let codes = self.begin(&id).await?.user.map(|user| user.backup_codes).unwrap_or_default();
        let [code, ..] = *codes.as_slice() else { return rule(RULE, false, "no codes") };
        for expected in [1, 0] {
            let (name, along) = new_note();
            self.store.complete_totp(&id, 101, None, &along).await?;
            rule(RULE, wrote(&*self.audit, &name, &id).await? == expected, ("a code", expected))?;
            let (name, along) = new_note();
            self.store.consume_backup_code(&id, &code, None, &along).await?;
            rule(
                RULE,
                wrote(&*self.audit, &name, &id).await? == expected,
                ("a backup code", expected),
            )?;
            let (name, along) = new_note();
            self.store.regenerate_backup_codes(&id, 102, &new_codes(), None, &along).await?;
            rule(
                RULE,
                wrote(&*self.audit, &name, &id).await? == expected,
                ("new codes", expected),
            )?;
        }
        for attempt in 1..=LOCKOUT.attempts + 2 {
            let (name, along) = new_note();
            self.store.begin_second_factor(&id, LOCKOUT, &along, &[], epoch()).await?;
            let expected = usize::from(attempt == LOCKOUT.attempts + 1);
            rule(
                RULE,
                wrote(&*self.audit, &name, &id).await? == expected,
                ("an attempt", attempt),
            )?;
        }
        for expected in [1, 0] {
            let (name, along) = new_note();
            self.store.remove_totp(&id, None, &along).await?;
            rule(
                RULE,
                wrote(&*self.audit, &name, &id).await? == expected,
                ("a removal", expected),
            )?;
        }
        Ok(())
    }

    async fn user(&self) -> Result<(String, UserId), Violation> {
        let email = format!("{}@example.test", SystemRandom.uuid_v7(epoch()).simple());
        // Who has confirmed the address keeps second factors at a reset.
        let mut user = new_user(&email);
        user.account = user.account.with_email(&email, true);
        self.users.create_user(&user, &Effects::none()).await?;
        Ok((email, user.account.id().clone()))
    }

    async fn enrolled(&self) -> Result<Enrolled, Violation> {
        let (email, id) = self.user().await?;
        let app = new_totp(&id);
        self.store.enroll_totp(&app, None, &Effects::none()).await?;
        Ok(Enrolled { email, id, codes: app.backup_codes, secret: app.secret })
    }

    /// Whether a login with this address has to go on with a second factor.
    async fn asks(&self, email: &str) -> Result<bool, Violation> {
        let none = Effects::none();
        let attempt =
            self.users.begin_login((email, false), None, LOCKOUT, &none, &[], epoch()).await?;
        Ok(attempt.user.is_some_and(|user| user.has_second_factor))
    }

    async fn begin(&self, user: &UserId) -> Result<FactorAttempt, Violation> {
        Ok(self.store.begin_second_factor(user, LOCKOUT, &Effects::none(), &[], epoch()).await?)
    }

    async fn use_code(
        &self,
        user: &UserId,
        proof: FactorProof,
        epoch: Option<i64>,
    ) -> Result<FactorUse, Violation> {
        let none = Effects::none();
        Ok(match proof {
            FactorProof::Totp(step) => self.store.complete_totp(user, step, epoch, &none).await?,
            FactorProof::BackupCode(code) => {
                self.store.consume_backup_code(user, &code, epoch, &none).await?
            }
        })
    }
}

pub(super) fn new_codes() -> Vec<KeyedHash> {
    (0..3).map(|_| KeyedHash::from_bytes(SystemRandom.bytes())).collect()
}

pub(super) fn new_totp(user: &UserId) -> NewTotp {
    NewTotp {
        user: user.clone(),
        secret: Sealed::from_bytes(SystemRandom.bytes::<40>().to_vec()),
        step: 100,
        backup_codes: new_codes(),
        created_at: epoch(),
    }
}
