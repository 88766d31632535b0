//! Limits that are counted in the transition of a login.

use super::*;
use crate::store::{LimitUse, Proofs};

fn used(key: &str, times: u32) -> LimitUse {
    let limit = RateLimit { times, window: Duration::minutes(10) };
    LimitUse { key: key.to_owned(), limit }
}

impl Kit {
    pub(super) async fn a_refused_attempt_is_none(&self) -> Result<(), Violation> {
        const RULE: &str = "an attempt that a limit refuses counts towards no lock";
        let (email, key) = (fresh_email(), fresh_email());
        let user = new_user(&email);
        self.store.create_user(&user, &Effects::none()).await?;
        let uses = [used(&key, 3), used("all logins", 1_000)];
        let begin = |_| {
            let (store, email, uses) = (Arc::clone(&self.store), email.clone(), uses.clone());
            async move {
                let none = Effects::none();
                store.begin_login((&email, false), None, LOCKOUT, &none, &uses, epoch()).await
            }
        };
        let attempts = race(begin).await?;
        let passed: Vec<_> = attempts.iter().filter(|attempt| attempt.user.is_some()).collect();
        rule("a login passes as often as its limit allows", passed.len() == 3, passed.len())?;
        for attempt in &attempts {
            let over = attempt.counts.first().is_some_and(|count| count.is_over(uses[0].limit));
            let whole =
                over == attempt.user.is_none() && attempt.counts.len() == 2 - usize::from(over);
            rule("a login tells the counts of its limits", whole, attempt)?;
        }
        // Three were counted, so two are left.
        for expected in [true, true, false] {
            let attempt = self.begin(&email, epoch()).await?;
            rule(RULE, attempt.locked_until.is_none() == expected, &attempt)?;
        }
        const PROOFS: &str = "a user proves who they are by what they have";
        let found = self.store.find_proofs(user.account.id()).await?;
        rule(PROOFS, found == Proofs { password: true, app: false, passkey: false }, found)?;
        let nobody = self.store.find_proofs(new_user(&email).account.id()).await?;
        rule(PROOFS, nobody == Proofs::default(), nobody)
    }

    pub(super) async fn begin(
        &self,
        email: &str,
        now: OffsetDateTime,
    ) -> Result<LoginAttempt, Violation> {
        Ok(self
            .store
            .begin_login((email, false), None, LOCKOUT, &new_delivery().into(), &[], now)
            .await?)
    }

    pub(super) async fn fail(
        &self,
        email: &str,
        times: u32,
        now: OffsetDateTime,
    ) -> Result<(), Violation> {
        for _ in 0..times {
            self.begin(email, now).await?;
        }
        Ok(())
    }
}
