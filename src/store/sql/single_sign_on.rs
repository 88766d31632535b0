//! How both backends read what is known of single sign-on.

use time::OffsetDateTime;
use uuid::Uuid;

use super::convert::time;
use crate::scope::{OrganizationId, UserId};
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

/// Whether a login by `$path` of user `$user`, whose address is in `$domain`, is let in.
macro_rules! comes_in {
    ($path:literal, $user:literal, $domain:literal) => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM donjon_sso_domains d WHERE d.domain = ",
            $domain,
            " AND d.mode = 'enforced' AND ",
            $path,
            " <> d.login_path AND NOT (",
            $path,
            " = 'break-glass' AND EXISTS (SELECT 1 FROM donjon_memberships b \
                 WHERE b.organization_id = d.organization_id AND b.user_id = ",
            $user,
            " AND b.break_glass)))"
        )
    };
}
pub(super) use comes_in;

/// Whether session `s` of user `u` is let in.
macro_rules! let_in {
    () => {
        concat!(
            "(s.impersonator_id IS NOT NULL OR ",
            $crate::store::sql::single_sign_on::comes_in!(
                "coalesce(s.authentication ->> 'login_path', '')",
                "s.user_id",
                "u.email_domain"
            ),
            ")"
        )
    };
}
pub(super) use let_in;

/// Whether session `a`, of an administrator, is let in.
macro_rules! leader_let_in {
    () => {
        $crate::store::sql::single_sign_on::comes_in!(
            "coalesce(a.authentication ->> 'login_path', '')",
            "a.user_id",
            "(SELECT v.email_domain FROM donjon_users v WHERE v.id = a.user_id)"
        )
    };
}
pub(super) use leader_let_in;

/// Whether token `t` of user `u` is let in: one that the host makes is its word.
macro_rules! token_let_in {
    () => {
        $crate::store::sql::single_sign_on::comes_in!("t.login_path", "t.user_id", "u.email_domain")
    };
}
pub(super) use token_let_in;

/// The users for whom organization `$1` enforces single sign-on, with where they log in: of its domain
/// `$2`, or of all; or only user `$3`.
macro_rules! affected {
    () => {
        "SELECT u.id, d.login_path FROM donjon_users u \
         JOIN donjon_sso_domains d ON d.domain = u.email_domain AND d.mode = 'enforced' \
         WHERE d.organization_id = $1 AND (CAST($2 AS TEXT) IS NULL OR d.domain = $2) \
         AND (CAST($3 AS TEXT) IS NULL OR u.id = $3)"
    };
}
pub(super) use affected;

/// Whether user `$user` is the only owner who comes in all the same, in an organization `m` like this
/// that enforces single sign-on. They are it, too, if their second factor is suspended, and they have
/// only backup codes beside it; but no other owner is safe to go for their sake.
macro_rules! last_to_come_in {
    ($user:literal, $organization:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM donjon_memberships m JOIN donjon_users u ON u.id = m.user_id \
             WHERE m.user_id = ",
            $user,
            " AND ",
            $organization,
            " AND m.role = 'owner' AND m.break_glass AND ",
            $crate::store::sql::single_sign_on::fit!(suspended),
            " AND EXISTS (SELECT 1 FROM donjon_sso_domains d \
                 WHERE d.organization_id = m.organization_id AND d.mode = 'enforced') \
             AND NOT EXISTS (SELECT 1 FROM donjon_memberships x \
                 JOIN donjon_users u ON u.id = x.user_id \
                 WHERE x.organization_id = m.organization_id AND x.user_id <> m.user_id \
                 AND x.role = 'owner' AND x.break_glass AND ",
            $crate::store::sql::single_sign_on::fit!(),
            "))"
        )
    };
}
pub(super) use last_to_come_in;

/// Whether user `$user` has an app and no passkey that is good for anything, and would not come in all the same without it,
/// though nobody else does.
macro_rules! app_is_needed {
    ($user:literal) => {
        concat!(
            "(NOT EXISTS (SELECT 1 FROM donjon_passkeys f \
                 WHERE f.suspended_at IS NULL AND f.user_id = ",
            $user,
            ") AND ",
            $crate::store::sql::single_sign_on::last_to_come_in!($user, "TRUE"),
            ")"
        )
    };
}
pub(super) use app_is_needed;

/// The same of passkey `$passkey`, of a user who has no app and no other one that is good for anything.
macro_rules! passkey_is_needed {
    ($user:literal, $passkey:literal) => {
        concat!(
            "(NOT EXISTS (SELECT 1 FROM donjon_passkeys f \
                 WHERE f.suspended_at IS NULL AND f.id <> ",
            $passkey,
            " AND f.user_id = ",
            $user,
            ") AND NOT EXISTS (SELECT 1 FROM donjon_totp f \
                 WHERE f.secret IS NOT NULL AND f.user_id = ",
            $user,
            ") AND ",
            $crate::store::sql::single_sign_on::last_to_come_in!($user, "TRUE"),
            ")"
        )
    };
}
pub(super) use passkey_is_needed;

/// Whom a change has closed something for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closing<'a> {
    pub(super) organization: OrganizationId,
    /// A domain, or all of them.
    pub(super) domain: Option<&'a str>,
    /// A user, or everybody.
    pub(super) user: Option<&'a UserId>,
    /// Whether tokens end, too, that the host made before.
    pub(super) with_hosts: bool,
    pub(super) at: OffsetDateTime,
}

impl<'a> Closing<'a> {
    /// A domain whose users log in somewhere else from now on.
    pub(super) fn domain(name: &'a str, organization: OrganizationId, at: OffsetDateTime) -> Self {
        Self { organization, domain: Some(name), user: None, with_hosts: true, at }
    }

    /// A user who is not let in all the same any more.
    pub(super) fn member(
        (organization, user): (OrganizationId, &'a UserId),
        at: OffsetDateTime,
    ) -> Self {
        Self { organization, domain: None, user: Some(user), with_hosts: false, at }
    }
}

/// Whether a member of organization `$1` in row `m`, user `u`, comes in by a password and a second
/// factor; or would, were it not suspended.
macro_rules! fit {
    () => {
        $crate::store::sql::single_sign_on::fit!(
            by "(EXISTS (SELECT 1 FROM donjon_passkeys f \
                 WHERE f.user_id = u.id AND f.suspended_at IS NULL) \
             OR EXISTS (SELECT 1 FROM donjon_totp t \
                 WHERE t.user_id = u.id AND t.secret IS NOT NULL))"
        )
    };
    (suspended) => {
        $crate::store::sql::single_sign_on::fit!(
            by $crate::store::sql::account::has_second_factor!()
        )
    };
    (by $($factor:tt)+) => {
        concat!(
            "u.password IS NOT NULL AND u.email IS NOT NULL AND u.email_verified AND ",
            $($factor)+,
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
