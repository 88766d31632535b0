use async_trait::async_trait;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::audit::{along, effects};
use super::organization::{names, permitted, role_names};
use super::sweep::sweep;
use super::{PostgresStore, organization};
use crate::scope::{OrganizationId, UserId};
use crate::store::sql::convert::micros;
use crate::store::sql::invitation::{
    FIND, INVITATIONS_TO, InvitationRow, invitation, inviter_key, organization_key,
};
use crate::store::sql::organization::{is_owned, stays};
use crate::store::sql::rate_limit::counting_one_more;
use crate::store::{
    Acceptance, Authority, Effects, FollowedInvitation, Invitation, InvitationId, InvitationLimits,
    InvitationStore, Invited, NewInvitation, NewUser, Result,
};

/// Both limits are counted in one order by everybody: the inviter's, then the organization's.
const INVITE: &str = concat!(
    "WITH there AS MATERIALIZED (
         SELECT o.id FROM donjon_organizations o
         WHERE o.id = $1 AND o.deleted_at IS NULL AND ",
    permitted!("$9", "$10"),
    " ), member AS MATERIALIZED (
         SELECT m.user_id FROM there JOIN donjon_memberships m ON m.organization_id = there.id
         JOIN donjon_users u ON u.id = m.user_id WHERE u.email = $3
     ), wanted AS MATERIALIZED (
         SELECT id FROM there WHERE NOT EXISTS (SELECT 1 FROM member)
     ), by_inviter AS (
         INSERT INTO donjon_rate_limits AS r (key, times, expires_at)
         SELECT $11, 1, $12 FROM wanted WHERE $11::text IS NOT NULL ",
    counting_one_more!("$7"),
    " ), passed AS MATERIALIZED (
         SELECT id FROM wanted WHERE coalesce((SELECT times FROM by_inviter), 0) <= $13
     ), to_organization AS (
         INSERT INTO donjon_rate_limits AS r (key, times, expires_at)
         SELECT $14, 1, $15 FROM passed WHERE $14::text IS NOT NULL ",
    counting_one_more!("$7"),
    " ), admitted AS MATERIALIZED (
         SELECT id FROM passed WHERE coalesce((SELECT times FROM to_organization), 0) <= $16
     ), written AS (
         INSERT INTO donjon_invitations
             (id, organization_id, email, role, secret, inviter_id, created_at, expires_at)
         SELECT $2, id, $3, $4, $5, $6, $7, $8 FROM admitted
         ON CONFLICT (organization_id, email) DO UPDATE SET
             id = excluded.id, role = excluded.role, secret = excluded.secret,
             inviter_id = excluded.inviter_id, created_at = excluded.created_at,
             expires_at = excluded.expires_at
         RETURNING inviter_id AS user_id
     ), ",
    along!("written", "$17"),
    " SELECT EXISTS (SELECT 1 FROM there), EXISTS (SELECT 1 FROM member), \
      EXISTS (SELECT 1 FROM passed), EXISTS (SELECT 1 FROM admitted)"
);

/// Whoever follows an invitation comes before or after whatever becomes of those who own the
/// organization or invite to it, and sees it: its snapshot is taken under the lock.
const LOCK: &str = "SELECT o.id FROM donjon_organizations o \
     JOIN donjon_invitations i ON i.organization_id = o.id \
     WHERE i.id = $1 FOR NO KEY UPDATE OF o";

/// A CTE `used`, of one row if the invitation is used up, and `joined (user_id)`. The invitation
/// must rest on somebody: on one of the roles `$givers`, or the host.
macro_rules! accept {
    ($before:literal, $givers:literal, $then:literal, $along:literal) => {
        concat!(
            $before,
            is_owned!("i.organization_id"),
            " AND (i.inviter_id IS NULL OR EXISTS (
                 SELECT 1 FROM donjon_memberships g LEFT JOIN donjon_users gu ON gu.id = g.user_id
                 WHERE g.organization_id = i.organization_id AND g.user_id = i.inviter_id
                   AND g.role = ANY(",
            $givers,
            "::text[]) AND ",
            stays!("gu"),
            "))",
            $then,
            along!("joined", $along),
            " SELECT EXISTS (SELECT 1 FROM used), EXISTS (SELECT 1 FROM joined)"
        )
    };
}

const ACCEPT: &str = accept!(
    "WITH used AS (
         DELETE FROM donjon_invitations i USING donjon_organizations o
         WHERE i.id = $1 AND i.secret = $2 AND i.expires_at > $4
           AND o.id = i.organization_id AND o.deleted_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM donjon_users u WHERE u.id = $3
                           AND (u.email IS DISTINCT FROM i.email OR NOT u.email_verified))
           AND ",
    "$6",
    " RETURNING i.organization_id, i.role
     ), joined AS (
         INSERT INTO donjon_memberships (organization_id, user_id, role, created_at)
         SELECT organization_id, $3, role, $4 FROM used
         ON CONFLICT (organization_id, user_id) DO NOTHING RETURNING user_id
     ), ",
    "$5"
);

/// The invitation is used up only if the user is new.
const REGISTER: &str = accept!(
    "WITH used AS MATERIALIZED (
         SELECT i.id, i.organization_id, i.role
         FROM donjon_invitations i JOIN donjon_organizations o
             ON o.id = i.organization_id AND o.deleted_at IS NULL
         WHERE i.id = $1 AND i.secret = $2 AND i.expires_at > $4 AND i.email = $6 AND ",
    "$10",
    " FOR UPDATE OF i
     ), fresh AS (
         INSERT INTO donjon_users
             (id, email, email_verified, attributes, password, created_at, password_set_at)
         SELECT $3, $6, $7, $8, $9::text, $4::bigint,
             CASE WHEN $9::text IS NULL THEN NULL ELSE $4::bigint END FROM used
         ON CONFLICT (email) DO NOTHING RETURNING id
     ), gone AS (
         DELETE FROM donjon_invitations i USING used, fresh WHERE i.id = used.id
     ), joined AS (
         INSERT INTO donjon_memberships (organization_id, user_id, role, created_at)
         SELECT used.organization_id, fresh.id, used.role, $4 FROM used, fresh
         RETURNING user_id
     ), ",
    "$5"
);

#[async_trait]
impl InvitationStore for PostgresStore {
    async fn invite(
        &self,
        invitation: &NewInvitation,
        limits: Option<InvitationLimits>,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<Invited> {
        let (new, now) = (invitation, invitation.created_at);
        let inviter = limits.and(new.inviter.as_ref()).map(inviter_key);
        let organization = limits.map(|_| organization_key(new.organization));
        let invite = || {
            sqlx::query_as(INVITE)
                .bind(new.organization.0)
                .bind(new.id.0)
                .bind(&new.email)
                .bind(new.role.as_str())
                .bind(new.secret.as_bytes())
                .bind(new.inviter.as_ref().map(UserId::as_str))
                .bind(micros(now))
                .bind(micros(new.expires_at))
                .bind(by.map(|by| by.user.as_str()))
                .bind(role_names(by))
                .bind(inviter.as_deref())
                .bind(limits.map(|limits| micros(now + limits.inviter.window)))
                .bind(limits.map_or(0, |limits| i64::from(limits.inviter.times)))
                .bind(organization.as_deref())
                .bind(limits.map(|limits| micros(now + limits.organization.window)))
                .bind(limits.map_or(0, |limits| i64::from(limits.organization.times)))
                .bind(effects(along))
        };
        let lock = (organization::LOCK, new.organization.0);
        let told: (bool, bool, bool, bool) = self.under_lock(lock, invite).await?;
        Ok(match told {
            (false, ..) => Invited::Refused,
            (_, true, ..) => Invited::AlreadyMember,
            (.., false, _) => Invited::InviterLimited,
            (.., false) => Invited::OrganizationLimited,
            (.., true) => Invited::Sent,
        })
    }

    async fn find_invitation(
        &self,
        id: InvitationId,
        now: OffsetDateTime,
    ) -> Result<Option<Invitation>> {
        let row: Option<InvitationRow> =
            sqlx::query_as(FIND).bind(id.0).bind(micros(now)).fetch_optional(self.pool()).await?;
        row.map(invitation).transpose()
    }

    async fn invitations_to(
        &self,
        id: OrganizationId,
        now: OffsetDateTime,
    ) -> Result<Vec<Invitation>> {
        let rows: Vec<InvitationRow> = sqlx::query_as(INVITATIONS_TO)
            .bind(id.0)
            .bind(micros(now))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(invitation).collect()
    }

    async fn revoke_invitation(
        &self,
        organization: OrganizationId,
        id: InvitationId,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<bool> {
        let revoke = || {
            sqlx::query_as(concat!(
                "WITH revoked AS (
                 DELETE FROM donjon_invitations i USING donjon_organizations o
                 WHERE i.id = $2 AND i.organization_id = $1 AND o.id = $1
                   AND o.deleted_at IS NULL AND ",
                permitted!("$3", "$4"),
                " RETURNING NULL::text AS user_id), ",
                along!("revoked", "$5"),
                " SELECT EXISTS (SELECT 1 FROM revoked)"
            ))
            .bind(organization.0)
            .bind(id.0)
            .bind(by.map(|by| by.user.as_str()))
            .bind(role_names(by))
            .bind(effects(along))
        };
        let (revoked,) = self.under_lock((organization::LOCK, organization.0), revoke).await?;
        Ok(revoked)
    }

    async fn accept_invitation(
        &self,
        invitation: &FollowedInvitation,
        user: &UserId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<Acceptance> {
        let accept = || {
            sqlx::query_as(ACCEPT)
                .bind(invitation.id.0)
                .bind(invitation.secret.as_bytes())
                .bind(user.as_str())
                .bind(micros(now))
                .bind(effects(along))
                .bind(names(&invitation.givers))
        };
        let (used, joined) = self.under_lock((LOCK, invitation.id.0), accept).await?;
        Ok(match (used, joined) {
            (_, true) => Acceptance::Joined,
            (true, false) => Acceptance::AlreadyMember,
            (false, false) => Acceptance::Invalid,
        })
    }

    async fn register_invited(
        &self,
        invitation: &FollowedInvitation,
        user: &NewUser,
        along: &Effects,
    ) -> Result<Acceptance> {
        let register = || {
            sqlx::query_as(REGISTER)
                .bind(invitation.id.0)
                .bind(invitation.secret.as_bytes())
                .bind(user.account.id().as_str())
                .bind(micros(user.created_at))
                .bind(effects(along))
                .bind(user.account.email())
                .bind(user.account.email_verified())
                .bind(Json(user.account.attributes()))
                .bind(user.password.as_ref().map(|hash| &hash.0))
                .bind(names(&invitation.givers))
        };
        let (there, joined) = self.under_lock((LOCK, invitation.id.0), register).await?;
        Ok(match (there, joined) {
            (_, true) => Acceptance::Joined,
            (true, false) => Acceptance::EmailTaken,
            (false, false) => Acceptance::Invalid,
        })
    }

    async fn sweep_invitations(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        let over = "DELETE FROM donjon_invitations WHERE id IN (SELECT id FROM donjon_invitations \
             WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";
        sweep(self.pool(), over, now, limit).await
    }
}
