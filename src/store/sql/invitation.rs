//! How both backends read invitations.

use uuid::Uuid;

use super::account::user_id;
use super::convert::time;
use super::organization::{member_role, organization};
use crate::crypto::KeyedHash;
use crate::scope::{OrganizationId, UserId};
use crate::store::{Invitation, InvitationId, Result, StoreError};

/// An organization, and `id, email, role, secret, inviter_id, created_at, expires_at` of an
/// invitation to it.
pub(super) type InvitationRow =
    (Uuid, String, String, bool, i64, Uuid, String, String, Vec<u8>, Option<String>, i64, i64);

/// Selects [`InvitationRow`]s of those to organizations that are there.
macro_rules! select_invitation {
    ($condition:literal) => {
        concat!(
            "SELECT o.id, o.slug, o.name, o.requires_second_factor, o.created_at, \
                 i.id, i.email, i.role, i.secret, i.inviter_id, i.created_at, i.expires_at \
             FROM donjon_invitations i JOIN donjon_organizations o \
                 ON o.id = i.organization_id AND o.deleted_at IS NULL WHERE ",
            $condition
        )
    };
}

pub(super) const FIND: &str = select_invitation!("i.id = $1 AND i.expires_at > $2");

pub(super) const INVITATIONS_TO: &str = select_invitation!(
    "i.organization_id = $1 AND i.expires_at > $2 ORDER BY i.created_at DESC, i.id LIMIT 100"
);

pub(super) fn invitation(row: InvitationRow) -> Result<Invitation> {
    let (organization_id, slug, name, requires, made_at, ..) = row;
    let (.., id, email, role, secret, inviter, created_at, expires_at) = row;
    let secret =
        secret.try_into().map_err(|_| StoreError::Corrupt("the secret of an invitation"))?;
    Ok(Invitation {
        id: InvitationId(id),
        organization: organization((organization_id, slug, name, requires, made_at))?,
        email,
        role: member_role(role)?,
        secret: KeyedHash::from_bytes(secret),
        inviter: inviter.map(user_id).transpose()?,
        created_at: time(created_at)?,
        expires_at: time(expires_at)?,
    })
}

/// Where the invitations of a user are counted.
pub(super) fn inviter_key(user: &UserId) -> String {
    format!("invitations-by:{user}")
}

/// Where the invitations to an organization are counted.
pub(super) fn organization_key(id: OrganizationId) -> String {
    format!("invitations-to:{id}")
}
