//! Administrators who act as users, and are let in no more themselves.

use super::*;
use crate::store::NewImpersonation;

impl Kit {
    pub(super) async fn nobody_acts_as_a_user_from_what_is_let_in_no_more(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "nobody acts as a user from a session that is let in no more";
        let (made, none) = (self.made().await?, Effects::none());
        self.enforce(&made).await?;
        let (boss, user) = (self.user(&made.domain).await?, self.user("led.example").await?);
        let administrator = boss.account.id();
        for (by, expected) in [(None, false), (Some(DOOR), true)] {
            // Written all the same, as by whoever was there at that very moment.
            let own = self.session(&boss, by).await?;
            let mut acting = session_of(&user, None);
            if let Some(login) = &mut acting.login {
                login.impersonator = Some(administrator.clone());
            }
            self.0.sessions.create_session(&acting).await?;
            let new = NewImpersonation {
                session: acting.id,
                administrator: administrator.clone(),
                led_from: own.id,
                reason: "they asked".to_owned(),
            };
            self.0.administrators.begin_impersonation(&new, &none, at(1)).await?;
            rule(RULE, self.opens(&acting).await? == expected, (by, expected))?;
            let mut after = None;
            let told = loop {
                let page = self.0.administrators.running_impersonations(after, 1, at(1)).await?;
                let Some(one) = page.first() else { break None };
                if one.session.id == acting.id {
                    break Some(one.led_from.is_some());
                }
                after = Some(one.session.id);
            };
            rule(RULE, told == Some(expected), (by, told))?;
        }
        Ok(())
    }
}
