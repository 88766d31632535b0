use std::sync::Arc;

use time::Duration;

use super::account::new_user;
use super::session::new_session;
use super::{CALLERS, Violation, at, epoch, race, rule};
use crate::crypto::{RandomExt as _, SystemRandom};
use crate::scope::{SessionEnd, SessionId, UserId};
use crate::store::{
    AccountFilter, AdminStore, Effects, LifecycleStore, NewImpersonation, NewSession, RateLimit,
    SessionStore, UserStore,
};

const LIMIT: RateLimit = RateLimit { times: 3, window: Duration::minutes(10) };

/// Proves the contract of an [`AdminStore`] whose users are in `users`, `lifecycles` and `sessions`.
///
/// # Errors
/// The first [`Violation`].
pub async fn administration(
    store: Arc<dyn AdminStore>,
    users: Arc<dyn UserStore>,
    lifecycles: Arc<dyn LifecycleStore>,
    sessions: Arc<dyn SessionStore>,
) -> Result<(), Violation> {
    let kit = Kit { store, users, lifecycles, sessions };
    kit.accounts_are_listed_page_by_page().await?;
    kit.an_impersonation_begins_once().await?;
    kit.it_is_led_from_a_live_session_of_the_administrators_own().await?;
    kit.it_ends_with_the_session_it_is_led_from().await?;
    kit.what_runs_is_told_and_ended_once().await?;
    kit.actions_are_counted_exactly().await
}

struct Kit {
    store: Arc<dyn AdminStore>,
    users: Arc<dyn UserStore>,
    lifecycles: Arc<dyn LifecycleStore>,
    sessions: Arc<dyn SessionStore>,
}

/// An administrator with a session, and one in which they act as a user.
struct Pair {
    administrator: UserId,
    user: UserId,
    own: NewSession,
    other: NewSession,
}

impl Pair {
    fn impersonation(&self) -> NewImpersonation {
        NewImpersonation {
            session: self.other.id,
            administrator: self.administrator.clone(),
            led_from: self.own.id,
            reason: "they asked".to_owned(),
        }
    }
}

impl Kit {
    async fn accounts_are_listed_page_by_page(&self) -> Result<(), Violation> {
        const RULE: &str = "accounts are listed page by page, by how their addresses begin";
        for name in ["page-a", "page-b", "page-c", "other"] {
            let user = new_user(&format!("{name}@example.test"));
            self.users.create_user(&user, &Effects::none()).await?;
        }
        let mut filter = AccountFilter { email_prefix: "page-".to_owned(), before: None };
        let mut seen = Vec::new();
        for _ in 0..4 {
            let page = self.store.list_accounts(&filter, 1).await?;
            let Some(last) = page.last() else { break };
            filter.before = Some(last.account.id().clone());
            seen.extend(page.into_iter().filter_map(|one| one.account.email().map(str::to_owned)));
        }
        seen.sort_unstable();
        let expected = ["page-a@example.test", "page-b@example.test", "page-c@example.test"];
        rule(RULE, seen == expected, seen)?;
        let odd = AccountFilter { email_prefix: "%".to_owned(), before: None };
        let none = self.store.list_accounts(&odd, 10).await?;
        rule(RULE, none.is_empty(), none)
    }

    async fn an_impersonation_begins_once(&self) -> Result<(), Violation> {
        const RULE: &str = "an impersonation begins once";
        let pair = self.pair().await?;
        let outcomes = race(|_| {
            let (store, new) = (Arc::clone(&self.store), pair.impersonation());
            async move { store.begin_impersonation(&new, &Effects::none(), at(1)).await }
        })
        .await?;
        let begun = outcomes.iter().filter(|begun| **begun).count();
        rule(RULE, begun == 1, outcomes)
    }

    async fn it_is_led_from_a_live_session_of_the_administrators_own(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "an impersonation is led from a live session of the administrator's own";
        let (pair, another) = (self.pair().await?, self.pair().await?);
        let nested = NewImpersonation { led_from: another.other.id, ..pair.impersonation() };
        let strange = NewImpersonation { led_from: another.own.id, ..pair.impersonation() };
        let unknown = SessionId(SystemRandom.uuid_v7(epoch()));
        let gone = NewImpersonation { led_from: unknown, ..pair.impersonation() };
        let foreign = NewImpersonation {
            administrator: another.administrator.clone(),
            led_from: another.own.id,
            ..pair.impersonation()
        };
        for (what, new) in
            [("nested", nested), ("strange", strange), ("gone", gone), ("foreign", foreign)]
        {
            let begun = self.begin(&new).await?;
            rule(RULE, !begun, what)?;
        }
        self.lifecycles.disable_account(&pair.user, &Effects::none(), epoch()).await?;
        let begun = self.begin(&pair.impersonation()).await?;
        rule("nobody acts as a user who may not come in", !begun, begun)
    }

    async fn it_ends_with_the_session_it_is_led_from(&self) -> Result<(), Violation> {
        const RULE: &str = "an impersonation ends with the session it is led from";
        let pair = self.pair().await?;
        let begun = self.begin(&pair.impersonation()).await?;
        rule("an impersonation begins", begun, begun)?;
        let live = self.sessions.load_session(&pair.other.token, at(1)).await?;
        rule("an impersonation is a session", live.is_some(), live)?;
        let bystander = self.pair().await?;
        self.begin(&bystander.impersonation()).await?;
        let (administrator, end) = (&pair.administrator, SessionEnd::LoggedOut);
        self.sessions.end_session(administrator, pair.own.id, end, at(1)).await?;
        let live = self.sessions.load_session(&pair.other.token, at(1)).await?;
        rule(RULE, live.is_none(), live)?;
        let live = self.sessions.load_session(&bystander.other.token, at(1)).await?;
        rule(RULE, live.is_some(), live)?;
        // And with the account.
        let administrator = &bystander.administrator;
        self.lifecycles.disable_account(administrator, &Effects::none(), at(1)).await?;
        let live = self.sessions.load_session(&bystander.other.token, at(1)).await?;
        rule(RULE, live.is_none(), live)
    }

    async fn actions_are_counted_exactly(&self) -> Result<(), Violation> {
        const RULE: &str = "what an administrator does is counted exactly";
        let administrator = UserId::from(SystemRandom.uuid_v7(epoch()));
        let outcomes = race(|_| {
            let (store, id) = (Arc::clone(&self.store), administrator.clone());
            async move { store.count_admin_action(&id, LIMIT, epoch()).await }
        })
        .await?;
        let passed = outcomes.iter().filter(|passed| **passed).count();
        rule(RULE, passed == LIMIT.times as usize && outcomes.len() == CALLERS, outcomes)?;
        let later = epoch() + LIMIT.window;
        let again = self.store.count_admin_action(&administrator, LIMIT, later).await?;
        rule(RULE, again, again)
    }

    async fn what_runs_is_told_and_ended_once(&self) -> Result<(), Violation> {
        const TOLD: &str = "impersonations that run are told with the session they are led from";
        const ENDED: &str = "an impersonation is ended once";
        let (pair, over) = (self.pair().await?, self.pair().await?);
        let own = self.pair().await?;
        for pair in [&pair, &over] {
            self.begin(&pair.impersonation()).await?;
        }
        let (administrator, end) = (&over.administrator, SessionEnd::LoggedOut);
        self.sessions.end_session(administrator, over.own.id, end, at(1)).await?;
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = self.store.running_impersonations(after, 1, at(2)).await?;
            let Some(last) = page.last() else { break };
            rule(TOLD, page.len() == 1 && after < Some(last.session.id), &page)?;
            after = Some(last.session.id);
            seen.extend(page);
        }
        let ours = seen.iter().find(|one| one.session.id == pair.other.id);
        let whole = ours.is_some_and(|one| {
            let login = one.session.login.as_ref();
            one.led_from.as_ref().is_some_and(|leader| leader.id == pair.own.id)
                && login.is_some_and(|login| {
                    *login.account.id() == pair.user
                        && login.impersonator.as_ref() == Some(&pair.administrator)
                })
        });
        rule(TOLD, whole, &seen)?;
        let lost = seen.iter().find(|one| one.session.id == over.other.id);
        let told = lost.is_some_and(|one| one.led_from.is_none());
        rule("impersonations are told whose administrator's session is over", told, &seen)?;
        let ends = [own.other.id, own.own.id, pair.own.id];
        let none = seen.iter().all(|one| !ends.contains(&one.session.id));
        rule(TOLD, none, &seen)?;
        let late = self.store.running_impersonations(None, 100, pair.other.expires_at).await?;
        rule(TOLD, late.iter().all(|one| one.session.id != pair.other.id), late)?;

        let outcomes = race(|_| {
            let (store, user, id) = (Arc::clone(&self.store), pair.user.clone(), pair.other.id);
            async move { store.end_impersonation(&user, id, &Effects::none(), at(3)).await }
        })
        .await?;
        let ended = outcomes.iter().filter(|ended| **ended).count();
        rule(ENDED, ended == 1, outcomes)?;
        let live = self.sessions.load_session(&pair.other.token, at(3)).await?;
        rule(ENDED, live.is_none(), live)?;
        let own = self.sessions.load_session(&pair.own.token, at(3)).await?;
        rule("the administrator's own session stays", own.is_some(), own)
    }

    async fn begin(&self, new: &NewImpersonation) -> Result<bool, Violation> {
        Ok(self.store.begin_impersonation(new, &Effects::none(), at(1)).await?)
    }

    async fn pair(&self) -> Result<Pair, Violation> {
        let fresh = || format!("{}@example.test", SystemRandom.uuid_v7(epoch()).simple());
        let (boss, user) = (new_user(&fresh()), new_user(&fresh()));
        for user in [&boss, &user] {
            self.users.create_user(user, &Effects::none()).await?;
        }
        let (administrator, user) = (boss.account.id().clone(), user.account.id().clone());
        let mut own = new_session(Some(administrator.as_str()));
        if let Some(login) = &mut own.login {
            login.impersonator = None;
        }
        let mut other = new_session(Some(user.as_str()));
        if let Some(login) = &mut other.login {
            login.impersonator = Some(administrator.clone());
        }
        for session in [&own, &other] {
            self.sessions.create_session(session).await?;
        }
        Ok(Pair { administrator, user, own, other })
    }
}
