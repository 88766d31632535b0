mod acting;
mod authority;
mod invitation;
mod inviter;
mod leaving;
mod listed;
mod owners;

use std::sync::Arc;

use super::account::{LIMIT, new_user};
use super::{CALLERS, Violation, at, epoch, race, rule};
use crate::audit::{Action, Entry};
use crate::crypto::{RandomExt as _, SystemRandom};
use crate::scope::{MemberRole, OrganizationId, UserId};
use crate::store::{
    AuditFilter, AuditStore, Authority, Effects, InvitationStore, LifecycleStore, MemberAddition,
    MemberChange, MfaStore, NewOrganization, NewRole, OrganizationChange, OrganizationCreation,
    OrganizationStore, SessionStore, UserStore, WebhookStore,
};

/// What the kit of [`organizations`] works with: parts of one backend.
#[derive(Clone, Debug)]
pub struct OrganizationParts {
    /// What is proven.
    pub store: Arc<dyn OrganizationStore>,
    /// The invitations.
    pub invitations: Arc<dyn InvitationStore>,
    /// The sessions that act in organizations.
    pub sessions: Arc<dyn SessionStore>,
    /// The users.
    pub users: Arc<dyn UserStore>,
    /// Their second factors.
    pub factors: Arc<dyn MfaStore>,
    /// What entries go to.
    pub audit: Arc<dyn AuditStore>,
    /// The end of users.
    pub lifecycles: Arc<dyn LifecycleStore>,
    /// Who is told of what happens.
    pub webhooks: Arc<dyn WebhookStore>,
}

/// Proves the contract of an [`OrganizationStore`], an [`InvitationStore`], and of what a
/// [`SessionStore`] has to do with organizations.
///
/// # Errors
/// The first [`Violation`].
pub async fn organizations(parts: OrganizationParts) -> Result<(), Violation> {
    let kit = Kit(parts);
    kit.a_slug_belongs_to_one_organization().await?;
    kit.organizations_are_limited_exactly().await?;
    kit.organizations_are_listed_page_by_page().await?;
    kit.members_are_listed_and_found().await?;
    kit.a_user_becomes_a_member_once().await?;
    kit.only_who_may_changes_an_organization().await?;
    kit.a_deleted_organization_is_gone().await?;
    kit.a_deleted_organization_is_not_listed().await?;
    kit.every_membership_that_ends_is_told_of().await?;
    kit.the_endpoints_of_what_ends_are_disabled().await?;
    kit.two_owners_who_demote_each_other_leave_one().await?;
    kit.the_last_owner_stays().await?;
    kit.nobody_reaches_who_stands_above().await?;
    kit.an_owner_made_at_this_moment_is_out_of_reach().await?;
    kit.an_owner_who_leaves_is_none_who_stays().await?;
    kit.whoever_would_be_left_alone_is_told_of().await?;
    kit.what_goes_along_with_a_session_is_written_with_it().await?;
    kit.a_session_acts_where_its_user_is_a_member().await?;
    kit.a_session_begins_in_the_only_organization().await?;
    kit.a_stale_organization_is_reselected_once().await?;
    kit.a_missing_second_factor_is_told().await?;
    kit.what_goes_along_is_written_once().await?;
    kit.an_invitation_is_followed_once().await?;
    kit.an_invitation_takes_the_place_of_the_older().await?;
    kit.invitations_are_limited_exactly().await?;
    kit.an_invitation_is_for_its_address_and_secret().await?;
    kit.an_invitation_makes_a_user_once().await?;
    kit.invitations_end_with_what_they_rest_on().await?;
    kit.an_invitation_rests_on_whoever_sent_it().await?;
    kit.an_organization_that_ends_takes_nobody_along().await?;
    kit.the_sweeper_removes_invitations_that_are_over().await
}

struct Kit(OrganizationParts);

/// An organization with its owner.
struct Made {
    id: OrganizationId,
    slug: String,
    owner: UserId,
}

impl Kit {
    async fn a_slug_belongs_to_one_organization(&self) -> Result<(), Violation> {
        const RULE: &str = "a slug belongs to one organization";
        let slug = fresh("slug");
        let outcomes = race(|caller| {
            let store = Arc::clone(&self.0.store);
            let new = new_organization(&slug, &user(&format!("{slug}-{caller}")));
            async move {
                let outcome = store.create_organization(&new, None, &Effects::none()).await?;
                Ok((outcome == OrganizationCreation::Created).then_some(new))
            }
        })
        .await?;
        let made: Vec<_> = outcomes.into_iter().flatten().collect();
        rule(RULE, made.len() == 1, made.len())?;
        let Some(new) = made.first() else { return Ok(()) };
        let found = self.0.store.organization_of(&slug, &new.owner).await?;
        let same = found.as_ref().is_some_and(|(found, role)| {
            found.id == new.id && found.name == new.name && *role == MemberRole::OWNER
        });
        rule("whoever makes an organization owns it", same, &found)?;
        let stranger = self.0.store.organization_of(&slug, &user("stranger")).await?;
        rule("an organization is shown to its members only", stranger.is_none(), stranger)
    }

    async fn organizations_are_limited_exactly(&self) -> Result<(), Violation> {
        const RULE: &str = "organizations are limited exactly";
        let owner = user(&fresh("busy"));
        let make =
            |now| NewOrganization { created_at: now, ..new_organization(&fresh("o"), &owner) };
        let outcomes = race(|_| {
            let (store, new) = (Arc::clone(&self.0.store), make(epoch()));
            async move { store.create_organization(&new, Some(LIMIT), &Effects::none()).await }
        })
        .await?;
        let created = outcomes.iter().filter(|o| **o == OrganizationCreation::Created).count();
        let limited = outcomes.iter().filter(|o| **o == OrganizationCreation::Limited).count();
        let granted = LIMIT.times as usize;
        rule(RULE, created == granted && limited == CALLERS - granted, &outcomes)?;
        let all = self.0.store.memberships_of(&owner).await?.len();
        rule(RULE, all == granted, all)?;
        let new = make(epoch() + LIMIT.window);
        let later = self.0.store.create_organization(&new, Some(LIMIT), &Effects::none()).await?;
        rule("a limit ends with its window", later == OrganizationCreation::Created, later)
    }

    async fn members_are_listed_and_found(&self) -> Result<(), Violation> {
        const RULE: &str = "members are listed in order, page by page";
        let made = self.made().await?;
        let known = new_user(&format!("{}@example.test", fresh("known")));
        self.0.users.create_user(&known, &Effects::none()).await?;
        let mut ids = vec![made.owner.clone(), known.account.id().clone(), user(&fresh("host"))];
        for id in ids.iter().skip(1) {
            self.add(&made, id, MemberRole::MEMBER).await?;
        }
        ids.sort();
        let first = self.0.store.members_of(made.id, None, 2).await?;
        let last = first.last().map(|member| member.account.id().clone());
        let rest = self.0.store.members_of(made.id, last.as_ref(), 2).await?;
        let listed: Vec<_> = first.iter().chain(&rest).collect();
        let order = listed.iter().map(|member| member.account.id()).eq(&ids);
        rule(RULE, first.len() == 2 && order, &listed)?;
        let shown = listed.iter().find(|member| member.account.id() == known.account.id());
        let whole = shown.is_some_and(|member| {
            member.account == known.account && member.role == MemberRole::MEMBER
        });
        rule("a member is shown with the account", whole, shown)?;
        let one = self.0.store.membership(made.id, known.account.id()).await?;
        let same = one.as_ref().is_some_and(|one| {
            one.organization == made.id && one.slug == made.slug && one.role == MemberRole::MEMBER
        });
        rule("a membership is found", same, &one)?;
        let many = self.0.store.memberships_of(known.account.id()).await?;
        rule("a membership is found", many.first() == one.as_ref() && many.len() == 1, many)
    }

    async fn a_user_becomes_a_member_once(&self) -> Result<(), Violation> {
        const RULE: &str = "a user becomes a member once";
        let (made, id) = (self.made().await?, user(&fresh("joins")));
        let outcomes =
            race(|_| {
                let (store, id, organization) = (Arc::clone(&self.0.store), id.clone(), made.id);
                let role = MemberRole::MEMBER;
                async move {
                    store.add_member(organization, &id, &role, &Effects::none(), epoch()).await
                }
            })
            .await?;
        let added = outcomes.iter().filter(|o| **o == MemberAddition::Added).count();
        let again = outcomes.iter().filter(|o| **o == MemberAddition::AlreadyMember).count();
        rule(RULE, added == 1 && again == CALLERS - 1, outcomes)?;
        let nowhere = OrganizationId(SystemRandom.uuid_v7(epoch()));
        let none = Effects::none();
        let role = MemberRole::MEMBER;
        let lost = self.0.store.add_member(nowhere, &id, &role, &none, epoch()).await?;
        rule(RULE, lost == MemberAddition::NoOrganization, lost)
    }

    async fn only_who_may_changes_an_organization(&self) -> Result<(), Violation> {
        const RULE: &str = "an organization is changed by those who may, at that very moment";
        let (made, none) = (self.made().await?, Effects::none());
        let member = user(&fresh("member"));
        self.add(&made, &member, MemberRole::MEMBER).await?;
        let roles = vec![MemberRole::OWNER, MemberRole::ADMIN];
        let by = |user: &UserId| authority(user, &roles);
        let store = &self.0.store;
        for (who, expected) in [
            (Some(by(&member)), OrganizationChange::Refused),
            (Some(by(&user("stranger"))), OrganizationChange::Refused),
            (Some(by(&made.owner)), OrganizationChange::Done),
            (None, OrganizationChange::Done),
        ] {
            let name = fresh("Name ");
            let renamed = store.rename_organization(made.id, &name, who.as_ref(), &none).await?;
            rule(RULE, renamed == expected, (&who, renamed))?;
            let told = store.require_second_factor(made.id, true, who.as_ref(), &none).await?;
            rule(RULE, told == expected, (&who, told))?;
            let found = store.find_organization(made.id).await?;
            let is_named = found.as_ref().is_some_and(|found| found.name == name);
            let demands = found.as_ref().is_some_and(|found| found.requires_second_factor);
            let done = expected == OrganizationChange::Done;
            rule(RULE, is_named == done && demands == done, &found)?;
            store.require_second_factor(made.id, false, None, &none).await?;
        }
        let target = user(&fresh("target"));
        self.add(&made, &target, MemberRole::MEMBER).await?;
        for who in [&member, &user("stranger"), &target] {
            let authority = Some(by(who));
            let removed =
                store.remove_member(made.id, &target, authority.as_ref(), &none, epoch()).await?;
            rule(RULE, removed == MemberChange::NotAllowed, removed)?;
            let role = becomes(MemberRole::OWNER);
            let raised =
                store.change_role(made.id, &target, &role, authority.as_ref(), &none).await?;
            rule(RULE, raised == MemberChange::NotAllowed, raised)?;
            let gone =
                store.delete_organization(made.id, authority.as_ref(), &none, epoch()).await?;
            rule(RULE, gone == OrganizationChange::Refused, gone)?;
        }
        let owner = Some(by(&made.owner));
        let removed = store.remove_member(made.id, &target, owner.as_ref(), &none, epoch()).await?;
        rule(RULE, removed == MemberChange::Done, removed)?;
        let again = store.remove_member(made.id, &target, owner.as_ref(), &none, epoch()).await?;
        rule("nobody is removed twice", again == MemberChange::NotAMember, again)
    }

    async fn a_deleted_organization_is_gone(&self) -> Result<(), Violation> {
        const RULE: &str = "a deleted organization is gone for everybody, and its slug is not free";
        let (made, none) = (self.made().await?, Effects::none());
        let outcomes = race(|_| {
            let (store, id) = (Arc::clone(&self.0.store), made.id);
            async move { store.delete_organization(id, None, &Effects::none(), at(1)).await }
        })
        .await?;
        let done = outcomes.iter().filter(|o| **o == OrganizationChange::Done).count();
        rule(RULE, done == 1, outcomes)?;
        let store = &self.0.store;
        let found = store.find_organization(made.id).await?;
        rule(RULE, found.is_none(), found)?;
        let left = store.memberships_of(&made.owner).await?;
        rule(RULE, left.is_empty(), left)?;
        let member = store.membership(made.id, &made.owner).await?;
        rule(RULE, member.is_none(), member)?;
        let members = store.members_of(made.id, None, 10).await?;
        rule(RULE, members.is_empty(), members)?;
        let role = MemberRole::MEMBER;
        let added = store.add_member(made.id, &user("late"), &role, &none, at(2)).await?;
        rule(RULE, added == MemberAddition::NoOrganization, added)?;
        let again = new_organization(&made.slug, &user("another"));
        let taken = store.create_organization(&again, None, &none).await?;
        rule(RULE, taken == OrganizationCreation::SlugTaken, taken)
    }

    async fn what_goes_along_is_written_once(&self) -> Result<(), Violation> {
        const RULE: &str = "what goes along is written if the change was made, and names its user";
        let (store, now) = (&self.0.store, epoch());
        let (slug, owner, other) = (fresh("along"), user(&fresh("owner")), user(&fresh("other")));
        let new = new_organization(&slug, &owner);
        for expected in [1, 0] {
            let (name, along) = self.along();
            store.create_organization(&new, None, &along).await?;
            rule(RULE, self.wrote(&name, Some(&owner)).await? == expected, "a creation")?;
        }
        for expected in [1, 0] {
            let (name, along) = self.along();
            store.add_member(new.id, &other, &MemberRole::OWNER, &along, now).await?;
            rule(RULE, self.wrote(&name, Some(&other)).await? == expected, "a member")?;
        }
        let role = becomes(MemberRole::MEMBER);
        for (user, expected) in [(&other, 1), (&owner, 0)] {
            let (name, along) = self.along();
            store.change_role(new.id, user, &role, None, &along).await?;
            rule(RULE, self.wrote(&name, Some(user)).await? == expected, "a role")?;
        }
        for (user, expected) in [(&other, 1), (&other, 0), (&owner, 0)] {
            let (name, along) = self.along();
            store.remove_member(new.id, user, None, &along, epoch()).await?;
            rule(RULE, self.wrote(&name, Some(user)).await? == expected, "a removal")?;
        }
        let nobody = authority(&other, &[MemberRole::OWNER]);
        for (by, expected) in [(Some(&nobody), 0), (None, 1)] {
            let (name, along) = self.along();
            store.rename_organization(new.id, "New", by, &along).await?;
            rule(RULE, self.wrote(&name, None).await? == expected, "a name")?;
            let (name, along) = self.along();
            store.require_second_factor(new.id, true, by, &along).await?;
            rule(RULE, self.wrote(&name, None).await? == expected, "a demand")?;
            let (name, along) = self.along();
            store.delete_organization(new.id, by, &along, now).await?;
            rule(RULE, self.wrote(&name, None).await? == expected, "a deletion")?;
        }
        Ok(())
    }

    /// An entry to be found again.
    fn along(&self) -> (String, Effects) {
        let name = format!("kit.a{}", SystemRandom.uuid_v7(epoch()).simple());
        let action = Action::host(&name).unwrap_or(Action::CREATE);
        (name, Entry::new(action).at(epoch(), &SystemRandom).into())
    }

    /// How often it was written, about this user.
    async fn wrote(&self, name: &str, user: Option<&UserId>) -> Result<usize, Violation> {
        let (action, user) = (Some(name.to_owned()), user.cloned());
        let filter = AuditFilter { action, user, ..AuditFilter::default() };
        Ok(self.0.audit.audit_entries(&filter, 10).await?.len())
    }

    async fn made(&self) -> Result<Made, Violation> {
        let (slug, owner) = (fresh("org"), user(&fresh("owner")));
        let new = new_organization(&slug, &owner);
        let outcome = self.0.store.create_organization(&new, None, &Effects::none()).await?;
        rule("an organization is made", outcome == OrganizationCreation::Created, outcome)?;
        Ok(Made { id: new.id, slug, owner })
    }

    async fn add(&self, to: &Made, user: &UserId, role: MemberRole) -> Result<(), Violation> {
        let none = Effects::none();
        let added = self.0.store.add_member(to.id, user, &role, &none, epoch()).await?;
        rule("a member is added", added == MemberAddition::Added, added)
    }
}

fn new_organization(slug: &str, owner: &UserId) -> NewOrganization {
    NewOrganization {
        id: OrganizationId(SystemRandom.uuid_v7(epoch())),
        slug: slug.to_owned(),
        name: format!("The {slug}"),
        owner: owner.clone(),
        created_at: epoch(),
    }
}

/// A name that nobody has.
fn fresh(prefix: &str) -> String {
    format!("{prefix}{}", SystemRandom.uuid_v7(epoch()).simple())
}

/// The roles of the kit, the mightiest first.
const RANKS: [MemberRole; 3] = [MemberRole::OWNER, MemberRole::ADMIN, MemberRole::MEMBER];

/// What one of these roles may do.
fn authority(user: &UserId, roles: &[MemberRole]) -> Authority {
    Authority { user: user.clone(), roles: roles.to_vec(), ranks: RANKS.to_vec() }
}

/// A role, and the roles that it gives.
fn becomes(role: MemberRole) -> NewRole {
    let gives = match &role {
        role if *role == MemberRole::OWNER => RANKS.to_vec(),
        role if *role == MemberRole::ADMIN => vec![MemberRole::ADMIN, MemberRole::MEMBER],
        _ => Vec::new(),
    };
    NewRole { role, gives }
}

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap_or_else(|_| UserId::from(SystemRandom.uuid_v7(epoch())))
}
