//! In which organization a session acts.

use sqlx::query_as;
use time::OffsetDateTime;
use uuid::Uuid;

use super::audit::{along, effects};
use crate::crypto::TokenHash;
use crate::scope::{Membership, OrganizationId, SessionId};
use crate::store::sql::convert::micros;
use crate::store::sql::organization::{MembershipRow, membership, select_membership};
use crate::store::sql::postgres::pool::Pool;
use crate::store::{Effects, Result};

const ACT_IN: &str = concat!(
    "WITH acting AS (
         UPDATE donjon_sessions s SET organization_id = $3, token_hash = $2
         WHERE s.token_hash = $1 AND s.expires_at > $4
           AND (s.idle_expires_at IS NULL OR s.idle_expires_at > $4)
           AND EXISTS (SELECT 1 FROM donjon_memberships m JOIN donjon_organizations o
                           ON o.id = m.organization_id AND o.deleted_at IS NULL
                       WHERE m.organization_id = $3 AND m.user_id = s.user_id)
         RETURNING s.user_id
     ), ",
    along!("acting", "$5"),
    select_membership!("m.organization_id = $3 AND m.user_id = (SELECT user_id FROM acting)")
);

/// Two who come at once both see the stale organization, and one of them changes it: the other
/// finds the row changed, and answers as if there were nothing.
const RESELECT: &str = concat!(
    "WITH stale AS MATERIALIZED (
         SELECT s.id, s.user_id FROM donjon_sessions s
         WHERE s.id = $1 AND s.organization_id = $2
           AND NOT EXISTS (SELECT 1 FROM donjon_memberships m JOIN donjon_organizations o
                               ON o.id = m.organization_id AND o.deleted_at IS NULL
                           WHERE m.organization_id = $2 AND m.user_id = s.user_id)
         FOR UPDATE OF s
     ), left_over AS MATERIALIZED (
         SELECT m.organization_id FROM donjon_memberships m JOIN donjon_organizations o
             ON o.id = m.organization_id AND o.deleted_at IS NULL
         WHERE m.user_id = (SELECT user_id FROM stale) LIMIT 2
     ), sole AS MATERIALIZED (
         SELECT organization_id FROM left_over WHERE (SELECT count(*) FROM left_over) = 1
     ), moved AS (
         UPDATE donjon_sessions s SET organization_id = (SELECT organization_id FROM sole)
         FROM stale WHERE s.id = stale.id RETURNING s.user_id
     ), ",
    along!("moved", "$3"),
    select_membership!(
        "m.organization_id = (SELECT organization_id FROM sole) \
         AND m.user_id = (SELECT user_id FROM moved)"
    )
);

const PRESENT: &str = select_membership!(
    "(m.organization_id, m.user_id) = \
     (SELECT s.organization_id, s.user_id FROM donjon_sessions s WHERE s.id = $1)"
);

pub(super) async fn act_in(
    pool: &Pool,
    (current, next): (&TokenHash, &TokenHash),
    organization: OrganizationId,
    along: &Effects,
    now: OffsetDateTime,
) -> Result<Option<Membership>> {
    let row: Option<MembershipRow> = query_as(ACT_IN)
        .bind(current.as_bytes())
        .bind(next.as_bytes())
        .bind(organization.0)
        .bind(micros(now))
        .bind(effects(along))
        .fetch_optional(pool)
        .await?;
    row.map(membership).transpose()
}

pub(super) async fn reselect(
    pool: &Pool,
    SessionId(id): SessionId,
    OrganizationId(stale): OrganizationId,
    along: &Effects,
) -> Result<Option<Membership>> {
    let moved: Option<MembershipRow> =
        query_as(RESELECT).bind(id).bind(stale).bind(effects(along)).fetch_optional(pool).await?;
    let row = match moved {
        Some(moved) => Some(moved),
        None => present(pool, id).await?,
    };
    row.map(membership).transpose()
}

/// As what the user acts, if somebody else has moved the session.
async fn present(pool: &Pool, id: Uuid) -> Result<Option<MembershipRow>> {
    Ok(query_as(PRESENT).bind(id).fetch_optional(pool).await?)
}
