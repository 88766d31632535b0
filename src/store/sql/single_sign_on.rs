//! How both backends read what is known of single sign-on.

use uuid::Uuid;

use super::convert::time;
use crate::scope::OrganizationId;
use crate::store::{Result, SsoDomain, StoreError};

/// `domain, organization_id, login_path, mode, created_at` of a domain.
pub(super) type DomainRow = (String, Uuid, String, String, i64);

pub(super) const SSO_OF: &str = "SELECT domain, organization_id, login_path, mode, created_at \
     FROM donjon_sso_domains WHERE domain = $1";

pub(super) const SSO_DOMAINS: &str = "SELECT domain, organization_id, login_path, mode, created_at \
     FROM donjon_sso_domains WHERE organization_id = $1 ORDER BY domain LIMIT 100";

pub(super) const BREAK_GLASS_OF: &str = "SELECT u.id, u.email, u.email_verified, u.attributes \
     FROM donjon_memberships m JOIN donjon_users u ON u.id = m.user_id \
     WHERE m.organization_id = $1 AND m.break_glass ORDER BY u.id LIMIT 100";

pub(super) const OWNERS_OF: &str = "SELECT u.id, u.email, u.email_verified, u.attributes \
     FROM donjon_memberships m JOIN donjon_users u ON u.id = m.user_id \
     WHERE m.organization_id = $1 AND m.role = 'owner' ORDER BY u.id LIMIT 100";

/// User `$1` with address `$2`, for whom single sign-on at `$3` is enforced.
macro_rules! spoken_for {
    () => {
        "SELECT u.id FROM donjon_users u \
         JOIN donjon_sso_domains d ON d.domain = u.email_domain \
         WHERE u.id = $1 AND u.email = $2 AND u.email_verified \
         AND u.disabled_at IS NULL AND u.deleted_at IS NULL \
         AND d.mode = 'enforced' AND d.login_path = $3"
    };
}
pub(super) use spoken_for;

/// Whether the login of session `s` of user `u` is one that the domain of the user's address lets in.
macro_rules! let_in {
    () => {
        "NOT EXISTS (SELECT 1 FROM donjon_sso_domains d \
             WHERE d.domain = u.email_domain AND d.mode = 'enforced' AND s.impersonator_id IS NULL \
             AND coalesce(s.authentication ->> 'login_path', '') <> d.login_path \
             AND NOT (coalesce(s.authentication ->> 'login_path', '') = 'break-glass' \
                 AND EXISTS (SELECT 1 FROM donjon_memberships b \
                     WHERE b.organization_id = d.organization_id AND b.user_id = s.user_id \
                     AND b.break_glass)))"
    };
}
pub(super) use let_in;

/// Whether a member of organization `$1` in row `m`, user `u`, comes in by a password.
macro_rules! fit {
    () => {
        concat!(
            "u.password IS NOT NULL AND u.email IS NOT NULL AND u.email_verified AND ",
            $crate::store::sql::account::has_second_factor!(),
            " AND u.disabled_at IS NULL AND u.deletion_at IS NULL AND u.deleted_at IS NULL"
        )
    };
}
pub(super) use fit;

/// Whether somebody who may lift it again would come in all the same.
macro_rules! an_owner_comes_in {
    () => {
        concat!(
            "EXISTS (SELECT 1 FROM donjon_memberships m JOIN donjon_users u ON u.id = m.user_id \
             WHERE m.organization_id = $1 AND m.role = 'owner' AND m.break_glass AND ",
            $crate::store::sql::single_sign_on::fit!(),
            ")"
        )
    };
}
pub(super) use an_owner_comes_in;

pub(super) fn domain((domain, organization, login_path, mode, at): DomainRow) -> Result<SsoDomain> {
    let mode = mode.parse().map_err(|()| StoreError::Corrupt("a mode of single sign-on"))?;
    let (organization, created_at) = (OrganizationId(organization), time(at)?);
    Ok(SsoDomain { domain, organization, login_path, mode, created_at })
}
