//! Inviting somebody: the same for members and for the host.

use super::InvitationLink;
use crate::account::Email;
use crate::account::site::Site;
use crate::audit::{Action, Entry};
use crate::crypto::RandomExt as _;
use crate::scope::{MemberRole, UserId};
use crate::store::{
    Authority, InvitationId, InvitationLimits, Invited, NewInvitation, Organization, StoreError,
};

/// Who is invited, to what, as what.
pub(in crate::account) struct Guest<'a> {
    pub(in crate::account) organization: &'a Organization,
    pub(in crate::account) email: &'a Email,
    pub(in crate::account) role: &'a MemberRole,
}

/// Who invites: a user and the name that the mail gives them, or the host.
pub(in crate::account) type Inviter<'a> = Option<(&'a UserId, &'a str)>;

/// Writes the invitation with its mail.
pub(in crate::account) async fn invite(
    site: &Site,
    guest: &Guest<'_>,
    inviter: Inviter<'_>,
    (limits, by): (Option<InvitationLimits>, Option<&Authority>),
    entry: Entry,
) -> Result<Invited, StoreError> {
    let Guest { organization, email, role } = guest;
    let now = site.now();
    let id = InvitationId(site.random.uuid_v7(now));
    let link = InvitationLink::new(id, &*site.random);
    let new = NewInvitation {
        id,
        organization: organization.id,
        email: email.as_str().to_owned(),
        role: (*role).clone(),
        secret: link.hash(&site.letters.keyring, organization.id, email.as_str()),
        inviter: inviter.map(|(user, _)| user.clone()),
        created_at: now,
        expires_at: now + site.organizations.invite_for,
    };
    let path = format!("{}?token={}", site.paths.invitation, link.expose());
    let who = (organization.name.as_str(), inviter.map(|(_, name)| name));
    let mail = site.letters.invitation(email, &path, who, now);
    let entry = entry.in_organization(organization.id).to("invitation", id.0);
    let entry = entry.with("email", email.as_str()).with("role", role.as_str());
    let along = site.effects(entry).and_delivery(mail);
    let told = site.store.invite(&new, limits, by, &along).await?;
    if told == Invited::Sent {
        along.announce();
    }
    Ok(told)
}

/// The entry of the host itself.
pub(super) fn by_host(action: Action) -> Entry {
    Entry::new(action).by(crate::audit::AuditActor::System)
}
