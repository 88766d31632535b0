mod abandoned;
mod attributes;
mod disabled;
mod due;

use std::sync::Arc;

use time::Duration;
use uuid::Uuid;

use super::account::{followed, new_delivery, new_link, new_user};
use super::session::new_session;
use super::{CALLERS, Violation, at, epoch, race, rule};
use crate::crypto::{RandomExt as _, SystemRandom};
use crate::scope::{SessionEnd, UserId};
use crate::store::{
    DeletionCancel, DeletionRequest, DeletionStrategy, DueDeletion, Effects, FollowedLink, KeptBy,
    LifecycleStore, LinkPurpose, LoginCompletion, LoginCounter, NewDeletion, NewUser, SessionStore,
    Standing, UserStore,
};

const GRACE: i64 = 1_000;
const COOLDOWN: Duration = Duration::seconds(500);
const LEASE: Duration = Duration::seconds(60);
const HARD: DeletionStrategy = DeletionStrategy::Hard;

/// Proves the contract of a [`LifecycleStore`] whose users are in `users` and `sessions`.
///
/// # Errors
/// The first [`Violation`].
pub async fn lifecycles(
    store: Arc<dyn LifecycleStore>,
    users: Arc<dyn UserStore>,
    sessions: Arc<dyn SessionStore>,
) -> Result<(), Violation> {
    let kit = Kit { store, users, sessions };
    kit.a_deletion_is_asked_for_once().await?;
    kit.everything_ends_when_it_is_asked_for().await?;
    kit.no_login_outlives_the_request().await?;
    kit.an_account_is_kept_once_and_then_it_cools_down().await?;
    kit.it_is_kept_by_its_user_and_by_its_link_and_by_nobody_else().await?;
    kit.a_due_deletion_is_taken_by_one().await?;
    kit.a_deletion_is_taken_without_others().await?;
    kit.an_account_is_deleted_once().await?;
    kit.what_is_taken_cannot_be_kept().await?;
    kit.a_worker_that_is_late_changes_nothing().await?;
    kit.the_address_is_free_again().await?;
    kit.attributes_are_changed_one_after_the_other().await?;
    kit.a_disabled_account_is_shut_at_once().await?;
    kit.an_account_of_which_nothing_came_goes_once().await?;
    kit.who_confirms_is_not_removed().await?;
    kit.what_is_held_is_told_without_what_is_secret().await
}

struct Kit {
    store: Arc<dyn LifecycleStore>,
    users: Arc<dyn UserStore>,
    sessions: Arc<dyn SessionStore>,
}

impl Kit {
    async fn a_deletion_is_asked_for_once(&self) -> Result<(), Violation> {
        const RULE: &str = "a deletion is asked for once";
        let user = self.user().await?;
        let id = user.account.id().clone();
        let outcomes = race(|_| {
            let (store, deletion) = (Arc::clone(&self.store), asked(&id));
            async move { store.request_deletion(&deletion, &Effects::none(), epoch()).await }
        })
        .await?;
        let scheduled = outcomes.iter().filter(|o| **o == DeletionRequest::Scheduled).count();
        let others = outcomes.iter().filter(|o| **o == DeletionRequest::AlreadyScheduled).count();
        rule(RULE, scheduled == 1 && others == CALLERS - 1, outcomes)?;
        let standing = self.store.standing(&id).await?;
        let leaves = standing.as_ref().and_then(|standing| standing.deletion_at);
        rule(RULE, leaves == Some(at(GRACE)), standing)?;
        let nobody = UserId::from(SystemRandom.uuid_v7(epoch()));
        let refused =
            self.store.request_deletion(&asked(&nobody), &Effects::none(), epoch()).await?;
        rule(RULE, refused == DeletionRequest::NoAccount, refused)
    }

    async fn everything_ends_when_it_is_asked_for(&self) -> Result<(), Violation> {
        const RULE: &str = "every session and link ends when a deletion is asked for";
        let user = self.user().await?;
        let id = user.account.id().clone();
        let session = new_session(Some(id.as_str()));
        self.sessions.create_session(&session).await?;
        let link = new_link(LinkPurpose::Reset);
        let email = user.account.email().unwrap_or_default();
        self.users.request_link(email, &link, super::account::LIMIT, epoch()).await?;
        let after = self.last_event().await?;
        self.request(&id).await?;
        let live = self.sessions.load_session(&session.token, epoch()).await?;
        rule(RULE, live.is_none(), live)?;
        let opens = self.users.load_link(LinkPurpose::Reset, &link.token, epoch()).await?;
        rule(RULE, opens.is_none(), opens)?;
        let events = self.sessions.session_events(after, 10).await?;
        let mut ended: Vec<_> = events
            .iter()
            .filter(|event| event.user_id == id && event.end == SessionEnd::AccountDeleted)
            .map(|event| event.session_id)
            .collect();
        ended.sort_unstable();
        rule("the end of an account ends offline access", ended == [None, Some(session.id)], events)
    }

    /// Whoever is first: either the login is told, or its session opens nothing.
    async fn no_login_outlives_the_request(&self) -> Result<(), Violation> {
        const RULE: &str = "no login outlives the request for the end of its account";
        for _ in 0..5 {
            let user = self.user().await?;
            let (id, email) = (user.account.id().clone(), user.account.email());
            let email = email.unwrap_or_default().to_owned();
            let password = user.password.unwrap_or_default();
            let left = race(|caller| {
                let (store, users) = (Arc::clone(&self.store), Arc::clone(&self.users));
                let (sessions, id) = (Arc::clone(&self.sessions), id.clone());
                let (email, password) = (email.clone(), password.clone());
                async move {
                    if caller == CALLERS / 2 {
                        store.request_deletion(&asked(&id), &Effects::none(), epoch()).await?;
                        return Ok(None);
                    }
                    let session = new_session(Some(id.as_str()));
                    sessions.create_session(&session).await?;
                    let known = (&password, Some(0));
                    let counter = LoginCounter::Address;
                    let along = Effects::none();
                    let done = users.complete_login(&email, counter, known, None, &along).await?;
                    if done == LoginCompletion::PasswordChanged {
                        sessions.end_session(&id, session.id, SessionEnd::Revoked, at(1)).await?;
                    }
                    Ok(Some(session.token))
                }
            })
            .await?;
            // Though the account is kept after all, nothing comes back.
            let by = KeptBy::Administrator(id.clone());
            self.store.cancel_deletion(&by, COOLDOWN, &Effects::none(), at(1)).await?;
            for token in left.into_iter().flatten() {
                let live = self.sessions.load_session(&token, at(1)).await?;
                rule(RULE, live.is_none(), live)?;
            }
        }
        Ok(())
    }

    async fn an_account_is_kept_once_and_then_it_cools_down(&self) -> Result<(), Violation> {
        const RULE: &str = "an account is kept once";
        const COOLS: &str = "after an account was kept another deletion waits";
        let id = self.user().await?.account.id().clone();
        self.request(&id).await?;
        let outcomes = race(|_| {
            let (store, by) = (Arc::clone(&self.store), KeptBy::Login(id.clone(), 1));
            async move { store.cancel_deletion(&by, COOLDOWN, &Effects::none(), at(1)).await }
        })
        .await?;
        let kept = outcomes.iter().filter(|o| **o == DeletionCancel::Kept(id.clone())).count();
        rule(RULE, kept == 1, outcomes)?;
        let standing = self.store.standing(&id).await?;
        rule(RULE, standing.as_ref().is_some_and(Standing::is_open), standing)?;
        let due = self.store.claim_deletions(at(10 * GRACE), LEASE, 100).await?;
        rule(RULE, due.iter().all(|due| due.user != id), due)?;
        for (when, expected) in [
            (2, DeletionRequest::CoolingDown { until: at(501) }),
            (500, DeletionRequest::CoolingDown { until: at(501) }),
            (501, DeletionRequest::Scheduled),
        ] {
            let along = Effects::none();
            let outcome = self.store.request_deletion(&asked(&id), &along, at(when)).await?;
            rule(COOLS, outcome == expected, outcome)?;
        }
        // What cools down is forgotten when it is over, and nothing else is.
        let by = KeptBy::Administrator(id.clone());
        self.store.cancel_deletion(&by, COOLDOWN, &Effects::none(), at(502)).await?;
        while self.store.sweep_deletions(at(1_001), 1).await? > 0 {}
        let cooling = self.store.request_deletion(&asked(&id), &Effects::none(), at(1_001)).await?;
        rule(COOLS, matches!(cooling, DeletionRequest::CoolingDown { .. }), cooling)
    }

    async fn it_is_kept_by_its_user_and_by_its_link_and_by_nobody_else(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "an account is kept by its user, or by its link, in time";
        let (user, other) = (self.user().await?, self.user().await?);
        let email = user.account.email().unwrap_or_default().to_owned();
        let (id, other) = (user.account.id().clone(), other.account.id().clone());
        let link = new_link(LinkPurpose::Keep);
        let (token, follows) = (link.token, followed(&link, &email, &id));
        let keep = Some((email, link));
        let deletion = NewDeletion { keep, ..asked(&id) };
        self.store.request_deletion(&deletion, &Effects::none(), epoch()).await?;
        let stranger = FollowedLink { token: new_link(LinkPurpose::Keep).token, ..follows.clone() };
        let (to, user) = ("another@example.test".to_owned(), other.clone());
        for (by, when) in [
            (KeptBy::Login(id.clone(), 0), 1),
            (KeptBy::Login(other.clone(), 1), 1),
            (KeptBy::Link(stranger), 1),
            (KeptBy::Link(FollowedLink { user, ..follows.clone() }), 1),
            (KeptBy::Link(FollowedLink { email: to, ..follows.clone() }), 1),
            (KeptBy::Link(follows.clone()), GRACE),
            (KeptBy::Login(id.clone(), 1), GRACE),
        ] {
            let along = Effects::none();
            let late = self.store.cancel_deletion(&by, COOLDOWN, &along, at(when)).await?;
            rule(RULE, late == DeletionCancel::Late, (by, late))?;
        }
        for expected in [DeletionCancel::Kept(id.clone()), DeletionCancel::Late] {
            let (by, along) = (KeptBy::Link(follows.clone()), Effects::none());
            let kept = self.store.cancel_deletion(&by, COOLDOWN, &along, at(GRACE - 1)).await?;
            rule(RULE, kept == expected, kept)?;
        }
        let opens = self.users.load_link(LinkPurpose::Keep, &token, at(1)).await?;
        rule(RULE, opens.is_none(), opens)
    }

    async fn user(&self) -> Result<NewUser, Violation> {
        let email = format!("{}@example.test", SystemRandom.uuid_v7(epoch()).simple());
        let user = new_user(&email);
        self.users.create_user(&user, &Effects::none()).await?;
        Ok(user)
    }

    async fn request(&self, id: &UserId) -> Result<(), Violation> {
        let outcome = self.store.request_deletion(&asked(id), &Effects::none(), epoch()).await?;
        rule("a deletion can be asked for", outcome == DeletionRequest::Scheduled, outcome)
    }

    /// A user whose account is due, and was taken at the end of the grace.
    async fn taken(&self) -> Result<(NewUser, DueDeletion), Violation> {
        let user = self.user().await?;
        self.request(user.account.id()).await?;
        let due = self.store.claim_deletions(at(GRACE), LEASE, 1_000).await?;
        let ours = due.into_iter().find(|due| due.user == *user.account.id());
        let missing = Violation { rule: "what is due is taken", seen: format!("{user:?}") };
        Ok((user, ours.ok_or(missing)?))
    }

    async fn last_event(&self) -> Result<i64, Violation> {
        let mut last = 0;
        loop {
            let events = self.sessions.session_events(last, 1_000).await?;
            match events.last() {
                Some(event) => last = event.sequence,
                None => return Ok(last),
            }
        }
    }
}

fn asked(id: &UserId) -> NewDeletion {
    NewDeletion { user: id.clone(), at: at(GRACE), keep: None }
}

/// A mail and where to find it.
fn mail() -> (Uuid, Effects) {
    let mail = new_delivery();
    (mail.id, mail.into())
}
