//! Limits that are counted in the transition of an answer.

use super::*;
use crate::store::{LimitUse, RateLimit};

impl Kit {
    pub(super) async fn an_answer_that_a_limit_refuses_is_none(&self) -> Result<(), Violation> {
        const RULE: &str = "an answer that a limit refuses counts towards no lock";
        let (user, passkey) = self.registered().await?;
        let limit = RateLimit { times: 3, window: Duration::minutes(10) };
        let key = |name: &str| format!("{name}:{}", SystemRandom.uuid_v7(epoch()).simple());
        let uses = ["first", "second"].map(|name| LimitUse { key: key(name), limit });
        let attempts = race(|_| {
            let (store, id) = (Arc::clone(&self.store), user.clone());
            let (credential, uses) = (passkey.credential.clone(), uses.clone());
            async move {
                let none = Effects::none();
                let whose = Some(&id);
                store.begin_passkey(&credential, whose, LOCKOUT, &none, &uses, epoch()).await
            }
        })
        .await?;
        let passed = attempts.iter().filter(|attempt| attempt.found.is_some()).count();
        rule("an answer passes as often as its limit allows", passed == 3, passed)?;
        for attempt in &attempts {
            let over = attempt.counts.first().is_some_and(|count| count.is_over(limit));
            let whole =
                over == attempt.found.is_none() && attempt.counts.len() == 2 - usize::from(over);
            rule("an answer tells the counts of its limits", whole, attempt)?;
        }
        // Three were counted, so two are left.
        for expected in [true, true, false] {
            let (none, whose) = (Effects::none(), Some(&user));
            let attempt = self
                .store
                .begin_passkey(&passkey.credential, whose, LOCKOUT, &none, &[], epoch())
                .await?;
            rule(RULE, attempt.locked_until.is_none() == expected, &attempt)?;
        }
        Ok(())
    }
}
