use async_trait::async_trait;
use time::OffsetDateTime;

use super::PostgresStore;
use super::audit::{along, effects, note_derived};
use super::close::close;
use super::transaction::Transaction;
use crate::scope::{MemberRole, Membership, OrganizationId, UserId};
use crate::store::sql::audit::bind_end;
use crate::store::sql::convert::micros;
use crate::store::sql::ends::ends;
use crate::store::sql::organization::{
    FIND, FIND_OF, MEMBERS_OF, MEMBERSHIP, MEMBERSHIPS_OF, MemberRow, MembershipRow,
    OrganizationRow, creation_key, is_owned, list, member, membership, organization,
    organization_of, stays,
};
use crate::store::sql::rate_limit::counting_one_more;
use crate::store::sql::single_sign_on::{Closing, last_to_come_in};
use crate::store::sql::webhook::SILENCE;
use crate::store::{
    Authority, Effects, Member, MemberAddition, MemberChange, NewOrganization, NewRole,
    Organization, OrganizationChange, OrganizationCreation, OrganizationFilter, OrganizationStore,
    RateLimit, Result,
};

/// Under this lock an organization is changed, and who belongs to it: whoever comes second sees what
/// the first did, their own role included.
pub(super) const LOCK: &str = "SELECT id FROM donjon_organizations WHERE id = $1 FOR NO KEY UPDATE";

/// Whether whoever asks has a role in organization `$1` that allows it.
macro_rules! permitted {
    ($user:literal, $roles:literal) => {
        concat!(
            "(",
            $user,
            "::text IS NULL OR EXISTS (SELECT 1 FROM donjon_memberships a \
                 WHERE a.organization_id = $1 AND a.user_id = ",
            $user,
            " AND a.role = ANY(",
            $roles,
            "::text[])))"
        )
    };
}
pub(super) use permitted;

/// Where a role stands in the order `$8`; below the last if it is not there.
macro_rules! rank {
    ($role:literal) => {
        concat!("coalesce(array_position($8::text[], ", $role, "), cardinality($8::text[]) + 1)")
    };
}

/// Changes a member whom whoever asks reaches, unless nobody else would own the organization, or come
/// in all the same. It follows a lock on the organization, under which all owners are changed, so that its snapshot is the present state.
macro_rules! change_member {
    ($change:literal) => {
        concat!(
            "WITH allowed AS MATERIALIZED (
                 SELECT o.id, a.role AS own FROM donjon_organizations o
                 LEFT JOIN donjon_memberships a
                     ON a.organization_id = o.id AND a.user_id = $4::text
                 WHERE o.id = $1 AND o.deleted_at IS NULL
                   AND ($4::text IS NULL OR a.role = ANY($5::text[]))
             ), member AS MATERIALIZED (
                 SELECT m.user_id, m.role FROM donjon_memberships m, allowed
                 WHERE m.organization_id = allowed.id AND m.user_id = $2
             ), reached AS MATERIALIZED (
                 SELECT member.user_id, member.role FROM member, allowed
                 WHERE $4::text IS NULL OR ",
            rank!("allowed.own"),
            " <= least(",
            rank!("member.role"),
            ", ",
            rank!("coalesce($3::text, member.role)"),
            ")
             ), owned AS MATERIALIZED (
                 SELECT user_id FROM reached WHERE role <> 'owner' OR $3::text = 'owner'
                     OR EXISTS (SELECT 1 FROM donjon_memberships other
                                LEFT JOIN donjon_users u ON u.id = other.user_id
                                WHERE other.organization_id = $1 AND other.role = 'owner'
                                  AND other.user_id <> $2 AND ",
            stays!("u"),
            ") ), guarded AS MATERIALIZED (
                 SELECT user_id FROM owned WHERE coalesce($3::text = 'owner', FALSE) OR NOT ",
            last_to_come_in!("$2", "m.organization_id = $1"),
            "), done AS (",
            $change,
            " RETURNING m.user_id, m.break_glass), void AS (
                 DELETE FROM donjon_invitations i USING done
                 WHERE i.organization_id = $1 AND i.inviter_id = done.user_id
                   AND NOT (i.role = ANY($6::text[]))
             ), ",
            along!("done", "$7"),
            " SELECT EXISTS (SELECT 1 FROM allowed), EXISTS (SELECT 1 FROM member), \
              EXISTS (SELECT 1 FROM reached), EXISTS (SELECT 1 FROM owned), \
              (SELECT break_glass FROM done)"
        )
    };
}

const REMOVE: &str = change_member!(
    "DELETE FROM donjon_memberships m USING guarded
     WHERE m.organization_id = $1 AND m.user_id = guarded.user_id"
);

const CHANGE_ROLE: &str = change_member!(
    "UPDATE donjon_memberships m SET role = $3 FROM guarded
     WHERE m.organization_id = $1 AND m.user_id = guarded.user_id"
);

const LIST: &str = list!("lower(o.name COLLATE \"C\")");

/// Told before they end, and undone with what is refused.
const ENDS_OF_MEMBERS: &str = ends!(
    members,
    "CAST(substr(CAST($2 AS TEXT), 1, 19) || substr(md5(CAST($2 AS TEXT) || m.user_id \
         || m.organization_id), 1, 4) || '-' || substr(md5(CAST($2 AS TEXT) || m.user_id \
         || m.organization_id), 5, 12) AS UUID)"
);

/// Changes an organization that is there, if whoever asks may.
macro_rules! change {
    ($change:literal, $more:expr) => {
        concat!(
            "WITH done AS (
                 UPDATE donjon_organizations SET ",
            $change,
            " WHERE id = $1 AND deleted_at IS NULL AND ",
            permitted!("$3", "$4"),
            " RETURNING id, NULL::text AS user_id), ",
            $more,
            along!("done", "$5"),
            " SELECT EXISTS (SELECT 1 FROM done)"
        )
    };
}

const RENAME: &str = change!("name = $2", "");

const REQUIRE_SECOND_FACTOR: &str = change!("requires_second_factor = $2", "");

const DELETE: &str = change!(
    "deleted_at = $2",
    "leaving AS MATERIALIZED (
         SELECT s.id FROM donjon_sessions s JOIN done ON s.organization_id = done.id
         ORDER BY s.id FOR NO KEY UPDATE OF s
     ), left_alone AS (
         UPDATE donjon_sessions s SET organization_id = NULL FROM done
         WHERE s.organization_id = done.id AND (SELECT count(*) FROM leaving) >= 0
     ), dismissed AS (
         DELETE FROM donjon_memberships m USING done WHERE m.organization_id = done.id
     ), uninvited AS (
         DELETE FROM donjon_invitations i USING done WHERE i.organization_id = done.id
     ), nobodys AS (
         DELETE FROM donjon_sso_domains d USING done WHERE d.organization_id = done.id
     ), "
);

#[async_trait]
impl OrganizationStore for PostgresStore {
    async fn create_organization(
        &self,
        organization: &NewOrganization,
        limit: Option<RateLimit>,
        along: &Effects,
    ) -> Result<OrganizationCreation> {
        let (created, limited): (bool, bool) = sqlx::query_as(concat!(
            "WITH counted AS (
                 INSERT INTO donjon_rate_limits AS r (key, times, expires_at)
                 SELECT $8, 1, $9 WHERE $10 ",
            counting_one_more!("$4"),
            "), admitted AS MATERIALIZED (
                 SELECT coalesce((SELECT times FROM counted), 0) <= $11 AS admitted
             ), fresh AS (
                 INSERT INTO donjon_organizations (id, slug, name, created_at)
                 SELECT $1, $2, $3, $4 FROM admitted WHERE admitted
                 ON CONFLICT (slug) DO NOTHING RETURNING id
             ), owner AS (
                 INSERT INTO donjon_memberships (organization_id, user_id, role, created_at)
                 SELECT id, $5, $6, $4 FROM fresh RETURNING user_id
             ), ",
            along!("owner", "$7"),
            " SELECT EXISTS (SELECT 1 FROM owner), NOT admitted FROM admitted"
        ))
        .bind(organization.id.0)
        .bind(&organization.slug)
        .bind(&organization.name)
        .bind(micros(organization.created_at))
        .bind(organization.owner.as_str())
        .bind(MemberRole::OWNER.as_str())
        .bind(effects(along))
        .bind(creation_key(&organization.owner))
        .bind(limit.map(|limit| micros(organization.created_at + limit.window)))
        .bind(limit.is_some())
        .bind(limit.map_or(0, |limit| i64::from(limit.times)))
        .fetch_one(self.pool())
        .await?;
        Ok(match (created, limited) {
            (true, _) => OrganizationCreation::Created,
            (false, true) => OrganizationCreation::Limited,
            (false, false) => OrganizationCreation::SlugTaken,
        })
    }

    async fn find_organization(&self, id: OrganizationId) -> Result<Option<Organization>> {
        let row: Option<OrganizationRow> =
            sqlx::query_as(FIND).bind(id.0).fetch_optional(self.pool()).await?;
        row.map(organization).transpose()
    }

    async fn list_organizations(
        &self,
        filter: &OrganizationFilter,
        limit: u32,
    ) -> Result<Vec<Organization>> {
        let rows: Vec<OrganizationRow> = sqlx::query_as(LIST)
            .bind(filter.prefix.to_ascii_lowercase())
            .bind(filter.before.map(|before| before.0))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(organization).collect()
    }

    async fn organization_of(
        &self,
        slug: &str,
        user: &UserId,
    ) -> Result<Option<(Organization, MemberRole)>> {
        let row = sqlx::query_as(FIND_OF)
            .bind(slug)
            .bind(user.as_str())
            .fetch_optional(self.pool())
            .await?;
        row.map(organization_of).transpose()
    }

    async fn memberships_of(&self, user: &UserId) -> Result<Vec<Membership>> {
        let rows: Vec<MembershipRow> =
            sqlx::query_as(MEMBERSHIPS_OF).bind(user.as_str()).fetch_all(self.pool()).await?;
        rows.into_iter().map(membership).collect()
    }

    async fn membership(&self, id: OrganizationId, user: &UserId) -> Result<Option<Membership>> {
        let row: Option<MembershipRow> = sqlx::query_as(MEMBERSHIP)
            .bind(id.0)
            .bind(user.as_str())
            .fetch_optional(self.pool())
            .await?;
        row.map(membership).transpose()
    }

    async fn members_of(
        &self,
        id: OrganizationId,
        after: Option<&UserId>,
        limit: u32,
    ) -> Result<Vec<Member>> {
        let rows: Vec<MemberRow> = sqlx::query_as(MEMBERS_OF)
            .bind(id.0)
            .bind(after.map(UserId::as_str))
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(member).collect()
    }

    async fn rename_organization(
        &self,
        id: OrganizationId,
        name: &str,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<OrganizationChange> {
        let change = || {
            sqlx::query_as(RENAME)
                .bind(id.0)
                .bind(name)
                .bind(by.map(|by| by.user.as_str()))
                .bind(role_names(by))
                .bind(effects(along))
        };
        let (done,) = self.under_lock((LOCK, id.0), change).await?;
        Ok(changed(done))
    }

    async fn require_second_factor(
        &self,
        id: OrganizationId,
        requires: bool,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<OrganizationChange> {
        let change = || {
            sqlx::query_as(REQUIRE_SECOND_FACTOR)
                .bind(id.0)
                .bind(requires)
                .bind(by.map(|by| by.user.as_str()))
                .bind(role_names(by))
                .bind(effects(along))
        };
        let (done,) = self.under_lock((LOCK, id.0), change).await?;
        Ok(changed(done))
    }

    async fn delete_organization(
        &self,
        id: OrganizationId,
        by: Option<&Authority>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<OrganizationChange> {
        let work = || async {
            let mut transaction = self.lock_organization(id).await?;
            let mut ends = Vec::new();
            if let Some(entry) = along.audit.first() {
                ends = bind_end!(ENDS_OF_MEMBERS, id.0, entry).fetch_all(&mut *transaction).await?;
            }
            let done = sqlx::query_scalar(DELETE)
                .bind(id.0)
                .bind(micros(now))
                .bind(by.map(|by| by.user.as_str()))
                .bind(role_names(by))
                .bind(effects(along))
                .fetch_one(&mut *transaction)
                .await?;
            if done {
                sqlx::query(SILENCE).bind(id.0).execute(&mut *transaction).await?;
                note_derived(along, ends)?;
                transaction.commit().await?;
            }
            Ok(changed(done))
        };
        self.pool().transition(work).await
    }

    async fn add_member(
        &self,
        id: OrganizationId,
        user: &UserId,
        role: &MemberRole,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<MemberAddition> {
        let add = || {
            sqlx::query_as(concat!(
                "WITH there AS MATERIALIZED (
                 SELECT o.id FROM donjon_organizations o WHERE o.id = $1 AND o.deleted_at IS NULL
                   AND ($3::text = 'owner' OR ",
                is_owned!("o.id"),
                ") ), added AS (
                 INSERT INTO donjon_memberships (organization_id, user_id, role, created_at)
                 SELECT id, $2, $3, $4 FROM there
                 ON CONFLICT (organization_id, user_id) DO NOTHING RETURNING user_id
             ), ",
                along!("added", "$5"),
                " SELECT EXISTS (SELECT 1 FROM added), EXISTS (SELECT 1 FROM there)"
            ))
            .bind(id.0)
            .bind(user.as_str())
            .bind(role.as_str())
            .bind(micros(now))
            .bind(effects(along))
        };
        let (added, there) = self.under_lock((LOCK, id.0), add).await?;
        Ok(match (added, there) {
            (true, _) => MemberAddition::Added,
            (false, true) => MemberAddition::AlreadyMember,
            (false, false) => MemberAddition::NoOrganization,
        })
    }

    async fn remove_member(
        &self,
        id: OrganizationId,
        user: &UserId,
        by: Option<&Authority>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<MemberChange> {
        let work = || async {
            let (told, mut transaction) =
                self.change_member(REMOVE, (id, user, None), by, along).await?;
            if told.named() {
                close(&mut transaction, Closing::member((id, user), now)).await?;
            }
            transaction.commit().await?;
            Ok(told.change(by))
        };
        self.pool().transition(work).await
    }

    async fn change_role(
        &self,
        id: OrganizationId,
        user: &UserId,
        role: &NewRole,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<MemberChange> {
        let work = || async {
            let (told, transaction) =
                self.change_member(CHANGE_ROLE, (id, user, Some(role)), by, along).await?;
            transaction.commit().await?;
            Ok(told.change(by))
        };
        self.pool().transition(work).await
    }
}

impl PostgresStore {
    /// Begins a change under the [`LOCK`].
    pub(super) async fn lock_organization(&self, id: OrganizationId) -> Result<Transaction> {
        let work = || async {
            let mut transaction = self.pool().begin().await?;
            sqlx::query(LOCK).bind(id.0).execute(&mut *transaction).await?;
            Ok(transaction)
        };
        self.pool().transition(work).await
    }

    async fn change_member(
        &self,
        statement: &'static str,
        (id, user, role): (OrganizationId, &UserId, Option<&NewRole>),
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<(Told, Transaction)> {
        let mut transaction = self.lock_organization(id).await?;
        let ranks: Vec<_> = by.into_iter().flat_map(|by| names(&by.ranks)).collect();
        let told = sqlx::query_as(statement)
            .bind(id.0)
            .bind(user.as_str())
            .bind(role.map(|new| new.role.as_str()))
            .bind(by.map(|by| by.user.as_str()))
            .bind(role_names(by))
            .bind(role.map_or_else(Vec::new, |new| names(&new.gives)))
            .bind(effects(along))
            .bind(ranks)
            .fetch_one(&mut *transaction)
            .await?;
        Ok((Told(told), transaction))
    }
}

/// What a change of a member came to: whether whoever asks may, the member is there, and reached, and
/// another one stays an owner; and if it is done, whether the member was let in all the same.
struct Told((bool, bool, bool, bool, Option<bool>));

impl Told {
    fn named(&self) -> bool {
        self.0.4.unwrap_or_default()
    }

    fn change(self, by: Option<&Authority>) -> MemberChange {
        match self.0 {
            (.., Some(_)) => MemberChange::Done,
            (true, true, true, true, None) => MemberChange::LastToComeIn,
            (true, true, true, false, None) => MemberChange::LastOwner,
            (true, true, false, ..) => MemberChange::NotAllowed,
            (false, ..) if by.is_some() => MemberChange::NotAllowed,
            (true, false, ..) | (false, ..) => MemberChange::NotAMember,
        }
    }
}

fn changed(done: bool) -> OrganizationChange {
    if done { OrganizationChange::Done } else { OrganizationChange::Refused }
}

/// The names of the roles that allow a change.
pub(super) fn role_names(by: Option<&Authority>) -> Vec<String> {
    by.into_iter().flat_map(|by| names(&by.roles)).collect()
}

pub(super) fn names(roles: &[MemberRole]) -> Vec<String> {
    roles.iter().map(|role| role.as_str().to_owned()).collect()
}
