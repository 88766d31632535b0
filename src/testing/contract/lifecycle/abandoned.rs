//! Accounts of which nothing came.

use super::super::account::LIMIT;
use super::*;
use crate::scope::Account;
use crate::store::{LinkUse, NewLink, Registration};

const DAY: i64 = 24 * 3_600;

impl Kit {
    pub(super) async fn an_account_of_which_nothing_came_goes_once(&self) -> Result<(), Violation> {
        const RULE: &str = "only an account of which nothing came is removed";
        let (user, link) = self.sign_up().await?;
        let id = user.account.id();
        // Too young; old enough, but a link still waits.
        for (before, now) in [(at(-1), at(10 * DAY)), (at(1), at(1))] {
            let found = self.abandoned(before, now).await?;
            rule(RULE, !found.contains(id), (before, now))?;
            let removed = self.remove(id, before, now).await?;
            rule(RULE, !removed, (before, now))?;
        }
        let others = self.others().await?;
        let found = self.abandoned(at(1), at(10 * DAY)).await?;
        rule(RULE, found.contains(id), &found)?;
        for (why, other) in &others {
            rule(RULE, !found.contains(other), why)?;
            let removed = self.remove(other, at(1), at(10 * DAY)).await?;
            rule(RULE, !removed && self.users.find_account(other).await?.is_some(), why)?;
        }
        const ONCE: &str = "an account of which nothing came is removed once";
        let outcomes = race(|_| {
            let (store, id) = (Arc::clone(&self.store), id.clone());
            async move {
                let none = Effects::none();
                store.remove_abandoned_account(&id, at(1), &none, at(10 * DAY)).await
            }
        })
        .await?;
        let removed = outcomes.iter().filter(|removed| **removed).count();
        rule(ONCE, removed == 1, removed)?;
        rule(ONCE, self.users.find_account(id).await?.is_none(), id)?;
        let email = user.account.email().unwrap_or_default();
        let follows = followed(&link, email, id);
        let confirmed = self.users.confirm_email(&follows, &Effects::none(), at(1)).await?;
        rule(ONCE, confirmed == LinkUse::Invalid, confirmed)?;
        let again = self.users.create_user(&new_user(email), &Effects::none()).await?;
        rule("its address is free again", again == Registration::Registered, again)
    }

    /// Of two who come at once, one confirms the address and the other removes the account.
    pub(super) async fn who_confirms_is_not_removed(&self) -> Result<(), Violation> {
        const RULE: &str = "who confirms the address is not removed";
        for _ in 0..10 {
            let (user, _) = self.sign_up().await?;
            let (id, email) = (user.account.id(), user.account.email().unwrap_or_default());
            let late = NewLink { expires_at: at(11 * DAY), ..new_link(LinkPurpose::Reset) };
            self.users.request_link(email, &late, LIMIT, epoch()).await?;
            let confirm = NewLink { expires_at: at(9 * DAY), ..new_link(LinkPurpose::Confirm) };
            self.users.request_link(email, &confirm, LIMIT, epoch()).await?;
            let removed = self.remove(id, at(1), at(10 * DAY)).await?;
            rule("who waits for a link is not removed", !removed, removed)?;
            let used = race(|caller| {
                let (store, users, id) =
                    (Arc::clone(&self.store), Arc::clone(&self.users), id.clone());
                let token = followed(&confirm, email, &id);
                async move {
                    let none = Effects::none();
                    if caller % 2 == 0 {
                        let used = users.confirm_email(&token, &none, at(8 * DAY)).await?;
                        return Ok(used != LinkUse::Invalid);
                    }
                    store.remove_abandoned_account(&id, at(1), &none, at(12 * DAY)).await
                }
            })
            .await?;
            let done = used.iter().filter(|done| **done).count();
            let there = self.users.find_account(id).await?;
            let confirmed = there.as_ref().is_none_or(Account::email_verified);
            rule(RULE, done == 1 && confirmed, (done, there))?;
        }
        Ok(())
    }

    /// Accounts that stay, and why.
    async fn others(&self) -> Result<Vec<(&'static str, UserId)>, Violation> {
        let mut others = Vec::new();
        let by_host = new_user(&format!("{}@example.test", SystemRandom.uuid_v7(epoch())));
        self.users.create_user(&by_host, &Effects::none()).await?;
        others.push(("the host made it", by_host.account.id().clone()));
        let (confirmed, link) = self.sign_up().await?;
        let email = confirmed.account.email().unwrap_or_default();
        let follows = followed(&link, email, confirmed.account.id());
        self.users.confirm_email(&follows, &Effects::none(), at(1)).await?;
        others.push(("it is confirmed", confirmed.account.id().clone()));
        let (inside, _) = self.sign_up().await?;
        let id = inside.account.id();
        self.sessions.create_session(&new_session(Some(id.as_str()))).await?;
        others.push(("somebody is logged in", id.clone()));
        let (named, _) = self.sign_up().await?;
        let id = named.account.id();
        self.users.claim_attribute(id, "plan", &"free".into()).await?;
        others.push(("the host keeps something of it", id.clone()));
        let (disabled, _) = self.sign_up().await?;
        self.store.disable_account(disabled.account.id(), &Effects::none(), at(1)).await?;
        others.push(("it is disabled", disabled.account.id().clone()));
        Ok(others)
    }

    async fn sign_up(&self) -> Result<(NewUser, NewLink), Violation> {
        let email = format!("{}@example.test", SystemRandom.uuid_v7(epoch()).simple());
        let user = new_user(&email);
        let link = NewLink { expires_at: at(DAY), ..new_link(LinkPurpose::Confirm) };
        self.users.register(&user, &link, &Effects::none(), (LIMIT, epoch())).await?;
        Ok((user, link))
    }

    async fn abandoned(
        &self,
        before: time::OffsetDateTime,
        now: time::OffsetDateTime,
    ) -> Result<Vec<UserId>, Violation> {
        Ok(self.store.abandoned_accounts(before, now, 1_000).await?)
    }

    async fn remove(
        &self,
        user: &UserId,
        before: time::OffsetDateTime,
        now: time::OffsetDateTime,
    ) -> Result<bool, Violation> {
        Ok(self.store.remove_abandoned_account(user, before, &Effects::none(), now).await?)
    }
}
