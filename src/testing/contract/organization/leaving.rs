//! Owners who are about to be deleted, and what becomes of their organizations.

use super::super::webhook::new_endpoint;
use super::invitation::{confirmed, email, followed, invitation};
use super::*;
use crate::audit::AuditEntry;
use crate::store::{
    Acceptance, DeletionRequest, DeletionStrategy, NewDeletion, NewInvitation, WebhookEndpointId,
};

impl Kit {
    pub(super) async fn an_owner_who_leaves_is_none_who_stays(&self) -> Result<(), Violation> {
        const RULE: &str = "an owner who is kept out, or about to be deleted, is none who stays";
        let (none, store) = (Effects::none(), &self.0.store);
        for leaves in [true, false] {
            let (ann, ben) = (self.account().await?, self.account().await?);
            let made = self.owned_by(&ann, &ben).await?;
            if leaves {
                let told = self.leave(&ann).await?;
                rule(
                    "an owner may go while another stays",
                    told == DeletionRequest::Scheduled,
                    told,
                )?;
            } else {
                self.0.lifecycles.disable_account(&ann, &none, at(1)).await?;
            }
            let left = store.remove_member(made.id, &ben, None, &none, epoch()).await?;
            rule(RULE, left == MemberChange::LastOwner, (leaves, left))?;
            let role = becomes(MemberRole::ADMIN);
            let demoted = store.change_role(made.id, &ben, &role, None, &none).await?;
            rule(RULE, demoted == MemberChange::LastOwner, (leaves, demoted))?;
            let told = self.leave(&ben).await?;
            let refused = matches!(told, DeletionRequest::SoleOwner(_));
            rule(RULE, refused, (leaves, told))?;
        }
        // Whoever is first: one goes, the other stays.
        let (ann, ben) = (self.account().await?, self.account().await?);
        let made = self.owned_by(&ann, &ben).await?;
        let gone = race(|caller| {
            let (store, lifecycles) = (Arc::clone(store), Arc::clone(&self.0.lifecycles));
            let (ann, ben, id) = (ann.clone(), ben.clone(), made.id);
            async move {
                let none = Effects::none();
                if caller % 2 == 0 {
                    let told = lifecycles.request_deletion(&asked(&ann), &none, epoch()).await?;
                    return Ok(told == DeletionRequest::Scheduled);
                }
                let told = store.remove_member(id, &ben, None, &none, epoch()).await?;
                Ok(told == MemberChange::Done)
            }
        })
        .await?;
        let gone = gone.into_iter().filter(|gone| *gone).count();
        rule(RULE, gone == 1, gone)
    }

    pub(super) async fn an_organization_that_ends_takes_nobody_along(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "an organization whose owners are about to be deleted takes owners only";
        let (none, store) = (Effects::none(), &self.0.store);
        let ann = self.account().await?;
        let made = self.alone(&ann).await?;
        let guest = confirmed(&email());
        self.0.users.create_user(&guest, &none).await?;
        let new = invitation(&made, guest.account.email().unwrap_or_default());
        let new = NewInvitation { inviter: None, ..new };
        self.send(&new, None).await?;
        self.leave(&ann).await?;
        let (id, sent) = (guest.account.id(), followed(&new));
        let told = self.0.invitations.accept_invitation(&sent, id, &none, at(1)).await?;
        rule(RULE, told == Acceptance::Invalid, told)?;
        let added = store.add_member(made.id, id, &MemberRole::ADMIN, &none, at(1)).await?;
        rule(RULE, added == MemberAddition::NoOrganization, added)?;
        let added = store.add_member(made.id, id, &MemberRole::OWNER, &none, at(1)).await?;
        rule(RULE, added == MemberAddition::Added, added)?;
        // Whoever is first: somebody joins, and the owner stays; or nobody does.
        let ann = self.account().await?;
        let made = self.alone(&ann).await?;
        let outcomes = race(|caller| {
            let (store, lifecycles) = (Arc::clone(store), Arc::clone(&self.0.lifecycles));
            let (ann, id, guest) = (ann.clone(), made.id, user(&fresh("guest")));
            async move {
                let (none, role) = (Effects::none(), MemberRole::MEMBER);
                if caller == CALLERS / 2 {
                    let told = lifecycles.request_deletion(&asked(&ann), &none, epoch()).await?;
                    return Ok((told == DeletionRequest::Scheduled, false));
                }
                let told = store.add_member(id, &guest, &role, &none, epoch()).await?;
                Ok((false, told == MemberAddition::Added))
            }
        })
        .await?;
        let goes = outcomes.iter().any(|(goes, _)| *goes);
        let joined = outcomes.iter().any(|(_, joined)| *joined);
        rule(RULE, goes != joined, outcomes)
    }

    pub(super) async fn whoever_would_be_left_alone_is_told_of(&self) -> Result<(), Violation> {
        const RULE: &str = "it is told which organizations a deletion would leave without an owner";
        let (ann, ben) = (self.account().await?, self.account().await?);
        let (made, none) = (self.alone(&ann).await?, Effects::none());
        let told = self.0.lifecycles.left_alone_by(&ann).await?;
        rule(RULE, told.is_empty(), told)?;
        self.add(&made, &ben, MemberRole::ADMIN).await?;
        let told = self.0.lifecycles.left_alone_by(&ann).await?;
        rule(RULE, told == [format!("The {}", made.slug)], told)?;
        let owner = becomes(MemberRole::OWNER);
        self.0.store.change_role(made.id, &ben, &owner, None, &none).await?;
        // Whoever is disabled owns it all the same: no administrator freezes a deletion by that.
        self.0.lifecycles.disable_account(&ben, &none, at(1)).await?;
        let told = self.0.lifecycles.left_alone_by(&ann).await?;
        rule(RULE, told.is_empty(), told)
    }

    pub(super) async fn every_membership_that_ends_is_told_of(&self) -> Result<(), Violation> {
        const RULE: &str = "every membership that ends with something else is told of";
        const SAID: &str = "a store says which ends it has told of";
        let (made, none) = (self.made().await?, Effects::none());
        let member = user(&fresh("member"));
        self.add(&made, &member, MemberRole::MEMBER).await?;
        let nobody = authority(&member, &[MemberRole::OWNER]);
        for by in [Some(&nobody), None] {
            let (_, along) = self.along();
            self.0.store.delete_organization(made.id, by, &along, at(1)).await?;
            let mut told = self.ends_in(made.id, Action::END_MEMBERSHIP).await?;
            told.sort();
            let mut ended = match by {
                Some(_) => Vec::new(),
                None => vec![Some(made.owner.clone()), Some(member.clone())],
            };
            ended.sort();
            rule(RULE, told == ended, told)?;
            let said = along.receipt.derived();
            rule(SAID, said.len() == ended.len(), &said)?;
            rule(SAID, self.have_written(made.id, &said).await?, said)?;
        }
        // With an account, and the organizations in which it was alone.
        let ann = self.account().await?;
        let (alone, other) = (self.alone(&ann).await?, self.made().await?);
        self.add(&other, &ann, MemberRole::MEMBER).await?;
        let due = NewDeletion { user: ann.clone(), at: epoch(), keep: None };
        self.0.lifecycles.request_deletion(&due, &none, epoch()).await?;
        let lease = time::Duration::HOUR;
        let due = self.0.lifecycles.claim_deletions(epoch(), lease, 1_000).await?;
        let (_, along) = self.along();
        if let Some(due) = due.into_iter().find(|due| due.user == ann) {
            let hard = DeletionStrategy::Hard;
            self.0.lifecycles.execute_deletion(&due, hard, &along, epoch()).await?;
        }
        for id in [alone.id, other.id] {
            let told = self.ends_in(id, Action::END_MEMBERSHIP).await?;
            rule(RULE, told == [Some(ann.clone())], told)?;
        }
        let said = along.receipt.derived();
        rule(SAID, said.len() == 3, &said)?;
        for id in [alone.id, other.id] {
            let of_it = said.iter().filter(|entry| entry.organization == Some(id)).cloned();
            rule(SAID, self.have_written(id, &of_it.collect::<Vec<_>>()).await?, &said)?;
        }
        for (id, expected) in [(alone.id, 1), (other.id, 0)] {
            let told = self.ends_in(id, Action::DELETE_ORGANIZATION).await?;
            rule(
                "an organization that ends with an account is told of",
                told.len() == expected,
                told,
            )?;
        }
        Ok(())
    }

    pub(super) async fn the_endpoints_of_what_ends_are_disabled(&self) -> Result<(), Violation> {
        const RULE: &str =
            "the webhook endpoints of an organization that ends are disabled with it";
        let (webhooks, none) = (&self.0.webhooks, Effects::none());
        let ann = self.account().await?;
        let (deleted, alone, other) =
            (self.made().await?, self.alone(&ann).await?, self.made().await?);
        self.add(&other, &ann, MemberRole::MEMBER).await?;
        let mut endpoints = Vec::new();
        for of in [Some(deleted.id), Some(alone.id), Some(other.id), None] {
            let endpoint = new_endpoint("organization_membership.deleted", of);
            webhooks.create_webhook_endpoint(&endpoint, &none).await?;
            endpoints.push(endpoint.id);
        }
        let nobody = authority(&user("nobody"), &[MemberRole::OWNER]);
        self.0.store.delete_organization(deleted.id, Some(&nobody), &none, at(1)).await?;
        let told = self.enabled(&endpoints).await?;
        rule(RULE, told == [true; 4], told)?;
        let (_, along) = self.along();
        self.0.store.delete_organization(deleted.id, None, &along, at(1)).await?;
        let told = self.enabled(&endpoints).await?;
        rule(RULE, told == [false, true, true, true], told)?;
        // With an account, and the organization in which it was alone.
        let due = NewDeletion { user: ann.clone(), at: epoch(), keep: None };
        self.0.lifecycles.request_deletion(&due, &none, epoch()).await?;
        let lease = time::Duration::HOUR;
        let due = self.0.lifecycles.claim_deletions(epoch(), lease, 1_000).await?;
        if let Some(due) = due.into_iter().find(|due| due.user == ann) {
            let (hard, (_, along)) = (DeletionStrategy::Hard, self.along());
            self.0.lifecycles.execute_deletion(&due, hard, &along, epoch()).await?;
        }
        let told = self.enabled(&endpoints).await?;
        rule(RULE, told == [false, false, true, true], told)?;
        // Nothing is on its way to them, whatever was written before.
        let taken = webhooks.claim_webhooks(at(2), lease, 1_000, 1_000).await?;
        let ended = endpoints.get(..2).unwrap_or_default();
        let taken: Vec<_> = taken.into_iter().map(|delivery| delivery.endpoint).collect();
        rule(RULE, !taken.iter().any(|endpoint| ended.contains(endpoint)), &taken)?;
        for endpoint in endpoints {
            webhooks.delete_webhook_endpoint(endpoint, &none).await?;
        }
        Ok(())
    }

    /// Which of these endpoints are enabled.
    async fn enabled(&self, endpoints: &[WebhookEndpointId]) -> Result<Vec<bool>, Violation> {
        let mut told = Vec::new();
        for endpoint in endpoints {
            let found = self.0.webhooks.find_webhook_endpoint(*endpoint).await?;
            told.push(found.is_some_and(|found| found.enabled));
        }
        Ok(told)
    }

    /// Whether these are entries of the log, in an organization.
    async fn have_written(
        &self,
        id: OrganizationId,
        said: &[AuditEntry],
    ) -> Result<bool, Violation> {
        let filter = AuditFilter { organization: Some(id), ..AuditFilter::default() };
        let written = self.0.audit.audit_entries(&filter, 100).await?;
        Ok(said.iter().all(|entry| written.contains(entry)))
    }

    /// Whom the entries with this action are about, in an organization.
    async fn ends_in(
        &self,
        id: OrganizationId,
        action: Action,
    ) -> Result<Vec<Option<UserId>>, Violation> {
        let (action, organization) = (Some(action.as_str().to_owned()), Some(id));
        let filter = AuditFilter { action, organization, ..AuditFilter::default() };
        let entries = self.0.audit.audit_entries(&filter, 10).await?;
        Ok(entries.into_iter().map(|entry| entry.user).collect())
    }

    async fn account(&self) -> Result<UserId, Violation> {
        let user = new_user(&email());
        self.0.users.create_user(&user, &Effects::none()).await?;
        Ok(user.account.id().clone())
    }

    /// An organization of this owner alone.
    async fn alone(&self, owner: &UserId) -> Result<Made, Violation> {
        let new = new_organization(&fresh("org"), owner);
        self.0.store.create_organization(&new, None, &Effects::none()).await?;
        Ok(Made { id: new.id, slug: new.slug, owner: owner.clone() })
    }

    /// An organization with two owners, and somebody else.
    async fn owned_by(&self, ann: &UserId, ben: &UserId) -> Result<Made, Violation> {
        let made = self.alone(ann).await?;
        self.add(&made, ben, MemberRole::OWNER).await?;
        self.add(&made, &user(&fresh("cid")), MemberRole::MEMBER).await?;
        Ok(made)
    }

    async fn leave(&self, user: &UserId) -> Result<DeletionRequest, Violation> {
        Ok(self.0.lifecycles.request_deletion(&asked(user), &Effects::none(), epoch()).await?)
    }
}

fn asked(user: &UserId) -> NewDeletion {
    NewDeletion { user: user.clone(), at: at(9_000), keep: None }
}
