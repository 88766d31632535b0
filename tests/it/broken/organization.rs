use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use donjon::scope::{MemberRole, Membership, OrganizationId, UserId};
use donjon::store::*;
use donjon::testing::contract;
use time::OffsetDateTime;

use crate::account::organizations::store::parts;
use crate::support::database::Database;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Tells everybody who asks for a slug that it is theirs.
    GivesASlugTwice,
    /// Does not mind the limit for organizations.
    ForgetsTheLimit,
    /// Begins each page of the list anew.
    ForgetsTheCursor,
    /// Minds the case of what is looked for.
    MindsTheCase,
    /// Lists what was deleted.
    ListsTheDeleted,
    /// Shows an organization to everybody.
    ShowsStrangers,
    /// Tells everybody who adds a member that they did.
    AddsTwice,
    /// Reads who asks, and looks no further.
    BelievesEverybody,
    /// Says that a role was changed, and keeps it.
    ChangesNoRole,
    /// Keeps the members of what is deleted.
    KeepsTheDeleted,
    /// Changes something, and tells nobody.
    ForgetsWhatGoesAlong,
    /// Tells everybody who follows an invitation that they joined.
    AcceptsTwice,
    /// Does not mind the limits for invitations.
    InvitesWithoutEnd,
    /// Looks at the id of an invitation, and not at its secret.
    IgnoresTheSecret,
    /// Keeps the invitations of those who may not invite any more.
    KeepsInvitations,
    /// Looks at the link, and not at who sent it.
    TrustsTheInviter,
    /// Does not mind who stands above whom.
    ForgetsRanks,
    /// Counts owners who are about to be deleted among those who stay.
    CountsTheLeaving,
    /// Lets members join what ends with its owner.
    JoinsTheEnding,
    /// Deletes an organization, and tells nobody what else ended.
    EndsInSilence,
    /// Lets the endpoints of what is deleted be told of more.
    KeepsEndpoints,
    /// Writes what else ended, and does not say so.
    KeepsEndsToItself,
    /// Lets an owner go who must come in all the same.
    LetsTheLastGo,
    /// Removes no invitation.
    NeverSweeps,
}

/// A store that lets an owner go who must come in all the same.
pub fn letting_go(store: &SqlStore) -> Arc<dyn OrganizationStore> {
    Arc::new(Broken::new(store, Fault::LetsTheLastGo))
}

#[derive(Debug)]
struct Broken {
    good: Arc<dyn OrganizationStore>,
    invitations: Arc<dyn InvitationStore>,
    webhooks: Arc<dyn WebhookStore>,
    fault: Fault,
    deleted: Mutex<HashSet<OrganizationId>>,
}

impl Broken {
    fn new(store: &SqlStore, fault: Fault) -> Self {
        let (good, invitations, webhooks) = (store.into(), store.into(), store.into());
        Self { good, invitations, webhooks, fault, deleted: Mutex::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn by<'a>(&self, by: Option<&'a Authority>) -> Option<&'a Authority> {
        by.filter(|_| !self.is(Fault::BelievesEverybody))
    }

    /// Somebody in whose order nobody stands above anybody.
    fn unranked(&self, by: Option<&Authority>) -> Option<Authority> {
        let ranks = |by: &Authority| match self.is(Fault::ForgetsRanks) {
            true => Vec::new(),
            false => by.ranks.clone(),
        };
        by.map(|by| Authority { ranks: ranks(by), ..by.clone() })
    }

    /// What is told of an owner who would leave, if there are others, whether they stay or not.
    async fn counting(&self, id: OrganizationId, told: MemberChange) -> Result<MemberChange> {
        if self.is(Fault::LetsTheLastGo) && told == MemberChange::LastToComeIn {
            return Ok(MemberChange::Done);
        }
        if !self.is(Fault::CountsTheLeaving) || told != MemberChange::LastOwner {
            return Ok(told);
        }
        let members = self.good.members_of(id, None, 100).await?;
        let owners = members.iter().filter(|member| member.role == MemberRole::OWNER).count();
        Ok(if owners > 1 { MemberChange::Done } else { told })
    }
}

#[async_trait]
impl OrganizationStore for Broken {
    async fn create_organization(
        &self,
        organization: &NewOrganization,
        limit: Option<RateLimit>,
        along: &Effects,
    ) -> Result<OrganizationCreation> {
        let limit = limit.filter(|_| !self.is(Fault::ForgetsTheLimit));
        let told = self.good.create_organization(organization, limit, along).await?;
        let lies = self.is(Fault::GivesASlugTwice);
        Ok(if lies { OrganizationCreation::Created } else { told })
    }

    async fn find_organization(&self, id: OrganizationId) -> Result<Option<Organization>> {
        self.good.find_organization(id).await
    }

    async fn list_organizations(
        &self,
        filter: &OrganizationFilter,
        limit: u32,
    ) -> Result<Vec<Organization>> {
        let mut filter = filter.clone();
        filter.before = filter.before.filter(|_| !self.is(Fault::ForgetsTheCursor));
        if self.is(Fault::MindsTheCase) && filter.prefix.bytes().any(|b| b.is_ascii_uppercase()) {
            return Ok(Vec::new());
        }
        let mut found = self.good.list_organizations(&filter, limit).await?;
        if self.is(Fault::ListsTheDeleted) && filter.prefix.starts_with("gone") {
            let (id, prefix) = (OrganizationId(uuid::Uuid::nil()), filter.prefix);
            found.push(Organization::new(id, prefix.clone(), prefix, OffsetDateTime::UNIX_EPOCH));
        }
        Ok(found)
    }

    async fn organization_of(
        &self,
        slug: &str,
        user: &UserId,
    ) -> Result<Option<(Organization, MemberRole)>> {
        let found = self.good.organization_of(slug, user).await?;
        if self.is(Fault::ShowsStrangers) && found.is_none() {
            let id = OrganizationId(uuid::Uuid::nil());
            let shown = Organization::new(id, slug, "?", OffsetDateTime::UNIX_EPOCH);
            return Ok(Some((shown, MemberRole::MEMBER)));
        }
        Ok(found)
    }

    async fn memberships_of(&self, user: &UserId) -> Result<Vec<Membership>> {
        self.good.memberships_of(user).await
    }

    async fn membership(&self, id: OrganizationId, user: &UserId) -> Result<Option<Membership>> {
        self.good.membership(id, user).await
    }

    async fn members_of(
        &self,
        id: OrganizationId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<Member>> {
        self.good.members_of(id, after, limit).await
    }

    async fn rename_organization(
        &self,
        id: OrganizationId,
        name: &str,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<OrganizationChange> {
        self.good.rename_organization(id, name, self.by(by), along).await
    }

    async fn require_second_factor(
        &self,
        id: OrganizationId,
        requires: bool,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<OrganizationChange> {
        self.good.require_second_factor(id, requires, self.by(by), along).await
    }

    async fn delete_organization(
        &self,
        id: OrganizationId,
        by: Option<&Authority>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<OrganizationChange> {
        if self.is(Fault::KeepsTheDeleted) && by.is_none() {
            let first = self.deleted.lock().unwrap().insert(id);
            let told = [OrganizationChange::Refused, OrganizationChange::Done];
            return Ok(told[usize::from(first)]);
        }
        let silent = self.is(Fault::EndsInSilence);
        let along = if silent { &Effects::none() } else { along };
        let unheard = Effects { receipt: Receipt::default(), ..along.clone() };
        let along = if self.is(Fault::KeepsEndsToItself) { &unheard } else { along };
        let told = self.good.delete_organization(id, by, along, now).await?;
        if self.is(Fault::KeepsEndpoints) {
            for endpoint in self.webhooks.webhook_endpoints(Some(id), 10).await? {
                let none = Effects::none();
                self.webhooks.enable_webhook_endpoint(endpoint.id, true, &none).await?;
            }
        }
        Ok(told)
    }

    async fn add_member(
        &self,
        id: OrganizationId,
        user: &UserId,
        role: &MemberRole,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<MemberAddition> {
        let kept = if self.is(Fault::ForgetsWhatGoesAlong) { &Effects::none() } else { along };
        let told = self.good.add_member(id, user, role, kept, now).await?;
        let twice = self.is(Fault::AddsTwice) && told == MemberAddition::AlreadyMember;
        let ends = self.is(Fault::JoinsTheEnding) && told == MemberAddition::NoOrganization;
        let lies = twice || (ends && self.good.find_organization(id).await?.is_some());
        Ok(if lies { MemberAddition::Added } else { told })
    }

    async fn remove_member(
        &self,
        id: OrganizationId,
        user: &UserId,
        by: Option<&Authority>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<MemberChange> {
        let by = self.unranked(by);
        let told = self.good.remove_member(id, user, by.as_ref(), along, now).await?;
        self.counting(id, told).await
    }

    async fn change_role(
        &self,
        id: OrganizationId,
        user: &UserId,
        role: &NewRole,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<MemberChange> {
        if self.is(Fault::ChangesNoRole) && by.is_some_and(|by| by.roles.len() == 1) {
            return Ok(MemberChange::Done);
        }
        let keeps = self.is(Fault::KeepsInvitations);
        let mut role = role.clone();
        if keeps {
            role.gives = vec![MemberRole::OWNER, MemberRole::ADMIN, MemberRole::MEMBER];
        }
        let by = self.unranked(by);
        let told = self.good.change_role(id, user, &role, by.as_ref(), along).await?;
        self.counting(id, told).await
    }
}

#[async_trait]
impl InvitationStore for Broken {
    async fn invite(
        &self,
        invitation: &NewInvitation,
        limits: Option<InvitationLimits>,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<Invited> {
        let limits = limits.filter(|_| !self.is(Fault::InvitesWithoutEnd));
        self.invitations.invite(invitation, limits, by, along).await
    }

    async fn find_invitation(
        &self,
        id: InvitationId,
        now: OffsetDateTime,
    ) -> Result<Option<Invitation>> {
        self.invitations.find_invitation(id, now).await
    }

    async fn invitations_to(
        &self,
        id: OrganizationId,
        now: OffsetDateTime,
    ) -> Result<Vec<Invitation>> {
        self.invitations.invitations_to(id, now).await
    }

    async fn revoke_invitation(
        &self,
        organization: OrganizationId,
        id: InvitationId,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<bool> {
        self.invitations.revoke_invitation(organization, id, by, along).await
    }

    async fn accept_invitation(
        &self,
        invitation: &FollowedInvitation,
        user: &UserId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<Acceptance> {
        let mut followed = invitation.clone();
        let found = self.invitations.find_invitation(followed.id, now).await?;
        if let Some(found) = found {
            if self.is(Fault::IgnoresTheSecret) {
                followed.secret = found.secret;
            }
            if self.is(Fault::TrustsTheInviter)
                && let Some(inviter) = &found.inviter
            {
                let member = self.good.membership(found.organization.id, inviter).await?;
                followed.givers.extend(member.map(|member| member.role));
            }
        }
        let told = self.invitations.accept_invitation(&followed, user, along, now).await?;
        let lies = self.is(Fault::AcceptsTwice) && told == Acceptance::Invalid;
        Ok(if lies { Acceptance::Joined } else { told })
    }

    async fn register_invited(
        &self,
        invitation: &FollowedInvitation,
        user: &NewUser,
        along: &Effects,
    ) -> Result<Acceptance> {
        self.invitations.register_invited(invitation, user, along).await
    }

    async fn sweep_invitations(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        if self.is(Fault::NeverSweeps) {
            return Ok(0);
        }
        self.invitations.sweep_invitations(now, limit).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kit_names_the_rule_that_a_store_of_organizations_breaks() {
    for (fault, rule) in [
        (Fault::GivesASlugTwice, "a slug belongs to one organization"),
        (Fault::ForgetsTheLimit, "organizations are limited exactly"),
        (Fault::ForgetsTheCursor, "organizations are listed page by page, by how they are called"),
        (Fault::MindsTheCase, "organizations are listed page by page, by how they are called"),
        (Fault::ListsTheDeleted, "an organization that was deleted is not listed"),
        (Fault::ShowsStrangers, "an organization is shown to its members only"),
        (Fault::AddsTwice, "a user becomes a member once"),
        (
            Fault::BelievesEverybody,
            "an organization is changed by those who may, at that very moment",
        ),
        (
            Fault::KeepsTheDeleted,
            "a deleted organization is gone for everybody, and its slug is not free",
        ),
        (
            Fault::ChangesNoRole,
            "two owners who demote or remove each other at once leave exactly one",
        ),
        (
            Fault::ForgetsWhatGoesAlong,
            "what goes along is written if the change was made, and names its user",
        ),
        (Fault::AcceptsTwice, "an invitation is followed once"),
        (
            Fault::InvitesWithoutEnd,
            "invitations are limited exactly, by inviter and by organization",
        ),
        (
            Fault::IgnoresTheSecret,
            "an invitation is for its address and its secret, until it is over",
        ),
        (Fault::KeepsInvitations, "an invitation ends with what it rests on"),
        (
            Fault::TrustsTheInviter,
            "an invitation is followed only while its sender may give its role",
        ),
        (Fault::ForgetsRanks, "nobody changes who stands above them, or gives a role that does"),
        (
            Fault::CountsTheLeaving,
            "an owner who is kept out, or about to be deleted, is none who stays",
        ),
        (
            Fault::JoinsTheEnding,
            "an organization whose owners are about to be deleted takes owners only",
        ),
        (Fault::EndsInSilence, "every membership that ends with something else is told of"),
        (
            Fault::KeepsEndpoints,
            "the webhook endpoints of an organization that ends are disabled with it",
        ),
        (Fault::KeepsEndsToItself, "a store says which ends it has told of"),
        (Fault::NeverSweeps, "the sweeper removes invitations that are over and nothing else"),
    ] {
        let store = Database::sqlite().store().await;
        let broken = Arc::new(Broken::new(&store, fault));
        let mut parts = parts(&store);
        parts.store = broken.clone();
        parts.invitations = broken;
        let seen = contract::organizations(parts).await;
        assert_eq!(seen.unwrap_err().rule, rule, "{fault:?}");
    }
}
