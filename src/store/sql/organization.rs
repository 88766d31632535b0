//! How both backends read organizations and their members.

use sqlx::types::Json;
use uuid::Uuid;

use super::account::{account, user_id};
use super::convert::time;
use crate::scope::{Account, Attributes, MemberRole, Membership, OrganizationId, UserId};
use crate::store::{Member, Organization, Result, StoreError};

/// `id, slug, name, requires_second_factor, created_at` of an organization.
pub(super) type OrganizationRow = (Uuid, String, String, bool, i64);

/// `id, slug, name, role` of a membership, whether a second factor is asked for, and whether it is
/// missing.
pub(super) type MembershipRow = (Uuid, String, String, String, bool, bool);

/// `user_id, email, email_verified, attributes, role, created_at` of a member, of whom only the
/// id is known if the host keeps the user.
pub(super) type MemberRow =
    (String, Option<String>, Option<bool>, Option<Json<Attributes>>, String, i64);

/// Selects [`MembershipRow`]s of those that are there.
macro_rules! select_membership {
    ($condition:literal) => {
        concat!(
            "SELECT o.id, o.slug, o.name, m.role, o.requires_second_factor, \
                 o.requires_second_factor AND NOT EXISTS \
                 (SELECT 1 FROM donjon_totp t \
                  WHERE t.user_id = m.user_id AND t.secret IS NOT NULL) \
                 AND NOT EXISTS (SELECT 1 FROM donjon_passkeys p WHERE p.user_id = m.user_id) \
             FROM donjon_memberships m JOIN donjon_organizations o \
                 ON o.id = m.organization_id AND o.deleted_at IS NULL WHERE ",
            $condition
        )
    };
}
#[cfg(feature = "postgres")]
pub(super) use select_membership;

/// Whether user `$alias` stays: one whom the host keeps has no row, and does.
macro_rules! stays {
    ($alias:literal) => {
        concat!(
            $alias,
            ".deletion_at IS NULL AND ",
            $alias,
            ".deleted_at IS NULL AND ",
            $alias,
            ".disabled_at IS NULL"
        )
    };
}
pub(super) use stays;

/// Whether an organization has an owner who is not about to be deleted, though disabled perhaps.
macro_rules! is_owned {
    ($organization:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM donjon_memberships w LEFT JOIN donjon_users wu ON wu.id = w.user_id \
             WHERE w.organization_id = ",
            $organization,
            " AND w.role = 'owner' AND wu.deletion_at IS NULL AND wu.deleted_at IS NULL)"
        )
    };
}
pub(super) use is_owned;

pub(super) const FIND: &str = "SELECT id, slug, name, requires_second_factor, created_at \
     FROM donjon_organizations WHERE id = $1 AND deleted_at IS NULL";

/// Lists [`OrganizationRow`]s by how a slug, a domain or `$name`, a name in lower case, begins; by
/// the time they were made, then by id, so that a page goes on after the last one before.
macro_rules! list {
    ($name:literal) => {
        concat!(
            "SELECT o.id, o.slug, o.name, o.requires_second_factor, o.created_at \
             FROM donjon_organizations o WHERE o.deleted_at IS NULL \
             AND (substr(o.slug, 1, length($1)) = $1 OR substr(",
            $name,
            ", 1, length($1)) = $1 OR EXISTS (SELECT 1 FROM donjon_sso_domains d \
                 WHERE d.organization_id = o.id AND substr(d.domain, 1, length($1)) = $1)) \
             AND ($2 IS NULL OR (o.created_at, o.id) < \
                 ((SELECT created_at FROM donjon_organizations WHERE id = $2), $2)) \
             ORDER BY o.created_at DESC, o.id DESC LIMIT $3"
        )
    };
}
pub(super) use list;

pub(super) const FIND_OF: &str = "SELECT o.id, o.slug, o.name, o.requires_second_factor, \
     o.created_at, m.role FROM donjon_organizations o JOIN donjon_memberships m \
         ON m.organization_id = o.id AND m.user_id = $2 \
     WHERE o.slug = $1 AND o.deleted_at IS NULL";

pub(super) const MEMBERSHIPS_OF: &str =
    select_membership!("m.user_id = $1 ORDER BY o.name, o.id LIMIT 100");

pub(super) const MEMBERSHIP: &str = select_membership!("m.organization_id = $1 AND m.user_id = $2");

pub(super) const MEMBERS_OF: &str = "SELECT m.user_id, u.email, u.email_verified, u.attributes, \
     m.role, m.created_at FROM donjon_memberships m \
     JOIN donjon_organizations o ON o.id = m.organization_id AND o.deleted_at IS NULL \
     LEFT JOIN donjon_users u ON u.id = m.user_id \
     WHERE m.organization_id = $1 AND ($2 IS NULL OR m.user_id > $2) \
     ORDER BY m.user_id LIMIT $3";

pub(super) fn organization(row: OrganizationRow) -> Result<Organization> {
    let (id, slug, name, requires, created_at) = row;
    let organization = Organization::new(OrganizationId(id), slug, name, time(created_at)?);
    Ok(organization.requiring_second_factor(requires))
}

pub(super) fn organization_of(
    (id, slug, name, requires, created_at, role): (Uuid, String, String, bool, i64, String),
) -> Result<(Organization, MemberRole)> {
    Ok((organization((id, slug, name, requires, created_at))?, member_role(role)?))
}

pub(super) fn membership(row: MembershipRow) -> Result<Membership> {
    let (id, slug, name, role, requires, lacks) = row;
    let membership = Membership::new(OrganizationId(id), slug, name, member_role(role)?);
    Ok(membership.requiring_second_factor(requires).lacking_second_factor(lacks))
}

pub(super) fn member((id, email, verified, attributes, role, since): MemberRow) -> Result<Member> {
    let account = match (verified, attributes) {
        (Some(verified), Some(attributes)) => account((id, email, verified, attributes))?,
        _ => Account::new(user_id(id)?),
    };
    Ok(Member::new(account, member_role(role)?, time(since)?))
}

pub(super) fn member_role(name: String) -> Result<MemberRole> {
    MemberRole::new(name).map_err(|_| StoreError::Corrupt("a role"))
}

/// Where the organizations that a user makes are counted.
pub(super) fn creation_key(user: &UserId) -> String {
    format!("organizations:{user}")
}
