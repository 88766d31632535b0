use std::fmt;
use std::sync::Arc;

use super::invite::{Guest, by_host, invite};
use super::{Became, InvalidSlug, OrganizationName, Slug, to_member};
use crate::account::site::Site;
use crate::account::{Email, InvalidEmail};
use crate::audit::{Action, Entry};
use crate::crypto::RandomExt as _;
use crate::scope::{MemberRole, Membership, OrganizationId, UserId};
use crate::store::{
    Effects, Invitation, InvitationId, Invited, Member, MemberAddition, MemberChange,
    NewOrganization, NewRole, Organization, OrganizationChange, OrganizationCreation, StoreError,
};

/// How many slugs are tried for a name.
const TRIES: usize = 5;

/// The organizations, for the host's own code: what it does here, nobody is asked for. Made by
/// [`AccountLayer::organizations`](crate::account::AccountLayer::organizations). Cheap to clone.
///
/// Changes are in the audit log, as done by the system. An organization has an owner, always: the
/// last one can be neither removed nor demoted.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use donjon::account::AccountLayer;
/// # use donjon::crypto::{Keyring, SystemRandom};
/// # use donjon::scope::MemberRole;
/// # use donjon::store::SqlStore;
/// # let store = SqlStore::connect("sqlite::memory:").await?;
/// # let keyring = Keyring::ephemeral(&SystemRandom);
/// # let layer = AccountLayer::builder(&store, &keyring, "https://app.example").build()?;
/// let alice = layer.accounts().create("alice@acme.example", None, Default::default(), true).await?;
/// let organizations = layer.organizations();
/// let acme = organizations.create(&"Acme".parse()?, None, alice.id()).await?;
/// assert_eq!(acme.slug, "acme");
/// organizations.invite(acme.id, "bob@acme.example", &MemberRole::MEMBER).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Organizations(pub(super) Arc<Site>);

/// Why an organization was not made, or nobody invited.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrganizationError {
    /// The slug cannot be chosen.
    #[error(transparent)]
    Slug(#[from] InvalidSlug),
    /// Another organization has the slug, or had it.
    #[error("another organization has this name in URLs")]
    SlugTaken,
    /// The address is none.
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    /// The address is that of a member.
    #[error("this is the address of a member")]
    AlreadyMember,
    /// The domain is none.
    #[error(transparent)]
    Domain(#[from] super::InvalidEmailDomain),
    /// The domain is another organization's.
    #[error("the domain is another organization's")]
    DomainTaken,
    /// It is no plain path of the application's.
    #[error("{0:?} is not an absolute path of plain characters")]
    LoginPath(String),
    /// It leads to this provider, which never says that the owner of a domain is behind an address, as
    /// those at Apple, GitHub and Facebook, and at Microsoft without a tenant of its own: nobody of
    /// the domain could log in.
    #[error("{0} speaks for nobody's domain: no user of one could log in there")]
    LoginWithoutDomains(String),
    /// [`OrganizationPolicy::single_sign_on`](super::OrganizationPolicy::single_sign_on) is not set.
    #[error("no page leads to single sign-on: set OrganizationPolicy::single_sign_on")]
    NoSingleSignOn,
    /// There is no such organization.
    #[error("there is no such organization")]
    NotFound,
    /// The store failed; nothing changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Organizations {
    pub(in crate::account) fn new(site: Arc<Site>) -> Self {
        Self(site)
    }

    /// Makes an organization, which `owner` owns. Without a `slug` it gets one after its name.
    ///
    /// # Errors
    /// [`OrganizationError::Slug`], [`OrganizationError::SlugTaken`], [`OrganizationError::Store`].
    pub async fn create(
        &self,
        name: &OrganizationName,
        slug: Option<&str>,
        owner: &UserId,
    ) -> Result<Organization, OrganizationError> {
        let entry = by_host(Action::CREATE_ORGANIZATION).about(owner);
        match create(&self.0, name, slug, owner, (false, entry)).await? {
            Made::Organization(made) => Ok(made),
            Made::SlugTaken | Made::Limited => Err(OrganizationError::SlugTaken),
        }
    }

    /// The organization with this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, id: OrganizationId) -> Result<Option<Organization>, StoreError> {
        self.0.store.find_organization(id).await
    }

    /// What a user is, and where; at most 100.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn memberships_of(&self, user: &UserId) -> Result<Vec<Membership>, StoreError> {
        self.0.store.memberships_of(user).await
    }

    /// The members, by their ids, from the one after `after` on; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn members(
        &self,
        id: OrganizationId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<Member>, StoreError> {
        self.0.store.members_of(id, after, limit).await
    }

    /// Gives an organization another name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rename(
        &self,
        id: OrganizationId,
        name: &OrganizationName,
    ) -> Result<OrganizationChange, StoreError> {
        let along = self.along(id, by_host(Action::RENAME_ORGANIZATION));
        let told = self.0.store.rename_organization(id, name.as_str(), None, &along).await?;
        Ok(announced(told, told == OrganizationChange::Done, &along))
    }

    /// Says whether members act in it with a second factor only.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn require_second_factor(
        &self,
        id: OrganizationId,
        requires: bool,
    ) -> Result<OrganizationChange, StoreError> {
        let entry = by_host(Action::REQUIRE_SECOND_FACTOR).with("required", requires);
        let along = self.along(id, entry);
        let told = self.0.store.require_second_factor(id, requires, None, &along).await?;
        Ok(announced(told, told == OrganizationChange::Done, &along))
    }

    /// Deletes an organization: nobody acts in it any more, from the next request on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(&self, id: OrganizationId) -> Result<OrganizationChange, StoreError> {
        let along = self.along(id, by_host(Action::DELETE_ORGANIZATION));
        let told = self.0.store.delete_organization(id, None, &along, self.0.now()).await?;
        Ok(announced(told, told == OrganizationChange::Done, &along))
    }

    /// Makes a user a member.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_member(
        &self,
        id: OrganizationId,
        user: &UserId,
        role: &MemberRole,
    ) -> Result<MemberAddition, StoreError> {
        let entry = by_host(Action::ADD_MEMBER).about(user).with("role", role.as_str());
        let along = self.along(id, entry);
        let told = self.0.store.add_member(id, user, role, &along, self.0.now()).await?;
        Ok(announced(told, told == MemberAddition::Added, &along))
    }

    /// Ends a membership. The member is told by mail.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_member(
        &self,
        id: OrganizationId,
        user: &UserId,
    ) -> Result<MemberChange, StoreError> {
        let mut along = self.along(id, by_host(Action::REMOVE_MEMBER).about(user));
        if let Some(found) = self.find(id).await? {
            along.deliveries.extend(to_member(&self.0, &found, user, Became::Removed).await?);
        }
        let told = self.0.store.remove_member(id, user, None, &along, self.0.now()).await?;
        Ok(announced(told, told == MemberChange::Done, &along))
    }

    /// Gives a member another role; the member is told by mail. The invitations that they sent as a role which they may not give
    /// in it, and that nobody followed yet, are void.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change_role(
        &self,
        id: OrganizationId,
        user: &UserId,
        role: &MemberRole,
    ) -> Result<MemberChange, StoreError> {
        let entry = by_host(Action::CHANGE_ROLE).about(user).with("role", role.as_str());
        let mut along = self.along(id, entry);
        if let Some(found) = self.find(id).await? {
            along.deliveries.extend(to_member(&self.0, &found, user, Became::Role(role)).await?);
        }
        let new = NewRole { role: role.clone(), gives: self.0.organizations.may_give(role) };
        let told = self.0.store.change_role(id, user, &new, None, &along).await?;
        Ok(announced(told, told == MemberChange::Done, &along))
    }

    /// Invites somebody by mail, in the place of an older invitation to the same address. No limit
    /// is counted.
    ///
    /// # Errors
    /// [`OrganizationError::Email`], [`OrganizationError::AlreadyMember`],
    /// [`OrganizationError::NotFound`], [`OrganizationError::Store`].
    pub async fn invite(
        &self,
        id: OrganizationId,
        email: &str,
        role: &MemberRole,
    ) -> Result<(), OrganizationError> {
        let email = Email::parse(email)?;
        let found = self.find(id).await?.ok_or(OrganizationError::NotFound)?;
        let guest = Guest { organization: &found, email: &email, role };
        let entry = by_host(Action::INVITE);
        match invite(&self.0, &guest, None, (None, None), entry).await? {
            Invited::Sent => Ok(()),
            Invited::AlreadyMember => Err(OrganizationError::AlreadyMember),
            _ => Err(OrganizationError::NotFound),
        }
    }

    /// The invitations that nobody has followed yet, the newest first; at most 100.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn invitations(&self, id: OrganizationId) -> Result<Vec<Invitation>, StoreError> {
        self.0.store.invitations_to(id, self.0.now()).await
    }

    /// Takes an invitation back; `false` if there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke(
        &self,
        id: OrganizationId,
        invitation: InvitationId,
    ) -> Result<bool, StoreError> {
        let entry = by_host(Action::REVOKE_INVITATION).to("invitation", invitation.0);
        let along = self.along(id, entry);
        let revoked = self.0.store.revoke_invitation(id, invitation, None, &along).await?;
        Ok(announced(revoked, revoked, &along))
    }

    pub(super) fn along(&self, id: OrganizationId, entry: Entry) -> Effects {
        self.0.effects(entry.in_organization(id))
    }
}

impl fmt::Debug for Organizations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Organizations").finish_non_exhaustive()
    }
}

pub(super) fn announced<T>(told: T, done: bool, along: &Effects) -> T {
    if done {
        along.announce();
    }
    told
}

/// How it ended to make an organization.
pub(in crate::account) enum Made {
    Organization(Organization),
    SlugTaken,
    Limited,
}

/// Makes an organization, under the slug that was chosen, or the first free one after its name. A
/// user's attempts are `counted`, once for all the slugs that are tried.
pub(in crate::account) async fn create(
    site: &Site,
    name: &OrganizationName,
    slug: Option<&str>,
    owner: &UserId,
    (counted, entry): (bool, Entry),
) -> Result<Made, OrganizationError> {
    let rules = &site.organizations.slugs;
    let now = site.now();
    let slugs: Vec<Slug> = match slug {
        Some(slug) => vec![rules.choose(slug)?],
        None => {
            let number = u64::from_be_bytes(site.random.bytes());
            let any = Slug::parse(&format!("org-{number:016x}"));
            rules.suggest(name.as_str()).take(TRIES).chain(any).collect()
        }
    };
    let mut limit = site.organizations.creations.filter(|_| counted);
    for slug in slugs {
        let id = OrganizationId(site.random.uuid_v7(now));
        let slug = slug.as_str().to_owned();
        let (name, owner) = (name.as_str().to_owned(), owner.clone());
        let new = NewOrganization { id, slug, name, owner, created_at: now };
        let entry = entry.clone().in_organization(id).with("slug", new.slug.as_str());
        let along = site.effects(entry);
        match site.store.create_organization(&new, limit.take(), &along).await? {
            OrganizationCreation::Created => {
                along.announce();
                return Ok(Made::Organization(Organization::new(id, new.slug, new.name, now)));
            }
            OrganizationCreation::SlugTaken => {}
            OrganizationCreation::Limited => return Ok(Made::Limited),
        }
    }
    Ok(Made::SlugTaken)
}
