//! Deletions whose time has come.

use super::super::account::LIMIT;
use super::*;
use crate::store::{DeletionExecution, DeletionOutcome, LinkRequest, Registration};

impl Kit {
    pub(super) async fn a_due_deletion_is_taken_by_one(&self) -> Result<(), Violation> {
        const RULE: &str = "a deletion that is due is taken by one worker, with the account";
        let user = self.user().await?;
        let id = user.account.id().clone();
        self.request(&id).await?;
        let early = self.store.claim_deletions(at(GRACE - 1), LEASE, 1_000).await?;
        rule(RULE, early.iter().all(|due| due.user != id), early)?;
        let claims = race(|_| {
            let store = Arc::clone(&self.store);
            async move { store.claim_deletions(at(GRACE), LEASE, 1_000).await }
        })
        .await?;
        let ours: Vec<_> = claims.into_iter().flatten().filter(|due| due.user == id).collect();
        let [due] = ours.as_slice() else { return rule(RULE, false, ours) };
        let whole = due.account.as_ref().map(|account| account.id()) == Some(&id)
            && due.email.as_deref() == user.account.email()
            && due.attempt == 1;
        rule(RULE, whole, due)?;
        let again = self.store.claim_deletions(at(GRACE + 60), LEASE, 1_000).await?;
        let again = again.into_iter().find(|due| due.user == id);
        let attempt = again.as_ref().map(|due| due.attempt);
        rule("what a worker leaves lying is taken by another", attempt == Some(2), again)
    }

    pub(super) async fn a_deletion_is_taken_without_others(&self) -> Result<(), Violation> {
        const RULE: &str = "the deletion of one user is taken by one caller, and no other with it";
        let (one, other) = (self.user().await?, self.user().await?);
        let (one, other) = (one.account.id().clone(), other.account.id().clone());
        for id in [&one, &other] {
            self.request(id).await?;
        }
        let early = self.store.claim_deletion_of(&one, at(GRACE - 1), LEASE).await?;
        rule(RULE, early.is_none(), early)?;
        let taken = race(|_| {
            let (store, one) = (Arc::clone(&self.store), one.clone());
            async move { store.claim_deletion_of(&one, at(GRACE), LEASE).await }
        })
        .await?;
        let taken: Vec<_> = taken.into_iter().flatten().collect();
        let ours = taken.len() == 1 && taken.iter().all(|due| due.user == one && due.attempt == 1);
        rule(RULE, ours, taken)?;
        let rest = self.store.claim_deletions(at(GRACE), LEASE, 1_000).await?;
        let untouched = rest.iter().any(|due| due.user == other && due.attempt == 1);
        rule(RULE, untouched, rest)
    }

    pub(super) async fn an_account_is_deleted_once(&self) -> Result<(), Violation> {
        const RULE: &str = "an account is deleted once, and the last mail is written with it";
        let (user, due) = self.taken().await?;
        let id = user.account.id().clone();
        let outcomes = race(|_| {
            let (store, due) = (Arc::clone(&self.store), due.clone());
            let (_, along) = mail();
            async move { store.execute_deletion(&due, HARD, &along, at(GRACE)).await }
        })
        .await?;
        let done = outcomes.iter().filter(|o| **o == DeletionExecution::Deleted).count();
        rule(RULE, done == 1, outcomes)?;
        let found = self.users.find_account(&id).await?;
        rule(RULE, found.is_none(), found)?;
        // The host is still to be told, whoever does it.
        let next = self.store.claim_deletions(at(GRACE + 60), LEASE, 1_000).await?;
        let next = next.into_iter().find(|due| due.user == id);
        let untold = next.as_ref().is_some_and(|due| due.account.is_none() && due.attempt == 2);
        rule("the host is told of a deletion until it has heard", untold, &next)?;
        let Some(next) = next else { return Ok(()) };
        self.store.finish_deletion(&due, DeletionOutcome::Finished).await?;
        self.store.finish_deletion(&next, DeletionOutcome::Retry { at: at(2 * GRACE) }).await?;
        let later = self.store.claim_deletions(at(2 * GRACE), LEASE, 1_000).await?;
        let later = later.into_iter().find(|due| due.user == id);
        let told = later.as_ref().map(|due| due.attempt);
        rule("a worker that is late finishes nothing", told == Some(3), &later)?;
        let Some(later) = later else { return Ok(()) };
        self.store.finish_deletion(&later, DeletionOutcome::Finished).await?;
        let none = self.store.claim_deletions(at(9 * GRACE), LEASE, 1_000).await?;
        rule("what is finished is forgotten", none.iter().all(|due| due.user != id), none)
    }

    pub(super) async fn what_is_taken_cannot_be_kept(&self) -> Result<(), Violation> {
        const RULE: &str = "it is too late to keep an account that is being deleted";
        let (user, due) = self.taken().await?;
        let by = KeptBy::Administrator(user.account.id().clone());
        // By a clock that is behind.
        let late = self.store.cancel_deletion(&by, COOLDOWN, &Effects::none(), at(1)).await?;
        rule(RULE, late == DeletionCancel::Late, late)?;
        let done = self.store.execute_deletion(&due, HARD, &Effects::none(), at(GRACE)).await?;
        rule(RULE, done == DeletionExecution::Deleted, done)
    }

    pub(super) async fn a_worker_that_is_late_changes_nothing(&self) -> Result<(), Violation> {
        const RULE: &str = "a worker whose lease ran out deletes nothing";
        let (user, first) = self.taken().await?;
        let id = user.account.id().clone();
        let second = self.store.claim_deletions(at(GRACE + 60), LEASE, 1_000).await?;
        rule(RULE, second.iter().any(|due| due.user == id), &second)?;
        let late = self.store.execute_deletion(&first, HARD, &Effects::none(), at(GRACE)).await?;
        rule(RULE, late == DeletionExecution::Late, late)?;
        let found = self.users.find_account(&id).await?;
        rule(RULE, found.is_some(), found)
    }

    pub(super) async fn the_address_is_free_again(&self) -> Result<(), Violation> {
        const RULE: &str = "the address of a deleted account is free, unless the host keeps it";
        for (strategy, stays, free) in [
            (HARD, false, true),
            (DeletionStrategy::Anonymize, true, true),
            (DeletionStrategy::Soft { keeps_address: false }, true, true),
            (DeletionStrategy::Soft { keeps_address: true }, true, false),
        ] {
            let (user, due) = self.taken().await?;
            let (id, email) = (user.account.id(), user.account.email().unwrap_or_default());
            let along = Effects::none();
            self.store.execute_deletion(&due, strategy, &along, at(GRACE)).await?;
            let found = self.users.find_account(id).await?;
            rule(RULE, found.is_some() == stays, (strategy, &found))?;
            let standing = self.store.standing(id).await?;
            let marked = standing.as_ref().and_then(|standing| standing.deleted_at).is_some();
            rule("what is left of a deleted account says so", marked == stays, &standing)?;
            let bare = standing.as_ref().is_none_or(|standing| !standing.has_password);
            rule("nothing is left that logs in", bare, standing)?;
            for purpose in [LinkPurpose::Confirm, LinkPurpose::Reset, LinkPurpose::Login] {
                let link = new_link(purpose);
                let asked = self.users.request_link(email, &link, LIMIT, at(GRACE)).await?;
                let nobody = asked == LinkRequest::NoAccount;
                rule("nothing is mailed to a deleted account", nobody, (purpose, asked))?;
                let found = self.users.load_link(purpose, &link.token, at(GRACE)).await?;
                rule("no link opens a deleted account", found.is_none(), (purpose, found))?;
            }
            let again = self.users.create_user(&new_user(email), &Effects::none()).await?;
            rule(RULE, (again == Registration::Registered) == free, (strategy, again))?;
            let once = self.store.request_deletion(&asked(id), &along, at(GRACE)).await?;
            rule("a deleted account is gone", once == DeletionRequest::NoAccount, once)?;
        }
        Ok(())
    }
}
