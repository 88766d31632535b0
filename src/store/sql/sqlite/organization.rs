use async_trait::async_trait;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::types::Json;
use sqlx::{Sqlite, SqliteConnection};
use time::OffsetDateTime;

use super::SqliteStore;
use super::audit::{tell_of_ends, write_effects};
use super::close::close;
use super::single_sign_on::is_last;
use super::steps::count_against_limit;
use crate::scope::{MemberRole, Membership, OrganizationId, UserId};
use crate::store::sql::convert::micros;
use crate::store::sql::ends::ends;
use crate::store::sql::organization::{
    FIND, FIND_OF, MEMBERS_OF, MEMBERSHIP, MEMBERSHIPS_OF, MemberRow, MembershipRow,
    OrganizationRow, creation_key, is_owned, list, member, member_role, membership, organization,
    organization_of, stays,
};
use crate::store::sql::single_sign_on::Closing;
use crate::store::sql::webhook::SILENCE;
use crate::store::{
    Authority, Effects, Member, MemberAddition, MemberChange, NewOrganization, NewRole,
    Organization, OrganizationChange, OrganizationCreation, OrganizationFilter, OrganizationStore,
    RateLimit, Result, reaches,
};

const LIST: &str = list!("lower(o.name)");

const ENDS_OF_MEMBERS: &str = ends!(members, "CAST(substr($2, 1, 8) || randomblob(8) AS BLOB)");

#[async_trait]
impl OrganizationStore for SqliteStore {
    async fn create_organization(
        &self,
        organization: &NewOrganization,
        limit: Option<RateLimit>,
        along: &Effects,
    ) -> Result<OrganizationCreation> {
        let (new, along) = (organization.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if let Some(limit) = limit {
                    let (key, now) = (creation_key(&new.owner), new.created_at);
                    let made = count_against_limit(connection, &key, limit, now, true).await?;
                    if made > i64::from(limit.times) {
                        return Ok(OrganizationCreation::Limited);
                    }
                }
                let written = sqlx::query(
                    "INSERT INTO donjon_organizations (id, slug, name, created_at)
                     VALUES (?1, ?2, ?3, ?4) ON CONFLICT (slug) DO NOTHING",
                )
                .bind(new.id.0)
                .bind(new.slug)
                .bind(new.name)
                .bind(micros(new.created_at))
                .execute(&mut *connection)
                .await?;
                if written.rows_affected() == 0 {
                    return Ok(OrganizationCreation::SlugTaken);
                }
                let owner = &MemberRole::OWNER;
                insert_member(connection, new.id, &new.owner, owner, new.created_at).await?;
                write_effects(connection, &along, Some(&new.owner)).await?;
                Ok(OrganizationCreation::Created)
            })
        })
        .await
    }

    async fn find_organization(&self, id: OrganizationId) -> Result<Option<Organization>> {
        let row: Option<OrganizationRow> =
            sqlx::query_as(FIND).bind(id.0).fetch_optional(self.readers()).await?;
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
            .bind(limit)
            .fetch_all(self.readers())
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
            .fetch_optional(self.readers())
            .await?;
        row.map(organization_of).transpose()
    }

    async fn memberships_of(&self, user: &UserId) -> Result<Vec<Membership>> {
        let rows: Vec<MembershipRow> =
            sqlx::query_as(MEMBERSHIPS_OF).bind(user.as_str()).fetch_all(self.readers()).await?;
        rows.into_iter().map(membership).collect()
    }

    async fn membership(&self, id: OrganizationId, user: &UserId) -> Result<Option<Membership>> {
        let row: Option<MembershipRow> = sqlx::query_as(MEMBERSHIP)
            .bind(id.0)
            .bind(user.as_str())
            .fetch_optional(self.readers())
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
            .bind(limit)
            .fetch_all(self.readers())
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
        let change = sqlx::query("UPDATE donjon_organizations SET name = ?2 WHERE id = ?1");
        self.change(id, change.bind(id.0).bind(name.to_owned()), by, along).await
    }

    async fn require_second_factor(
        &self,
        id: OrganizationId,
        requires: bool,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<OrganizationChange> {
        let change = sqlx::query(
            "UPDATE donjon_organizations SET requires_second_factor = ?2 WHERE id = ?1",
        );
        self.change(id, change.bind(id.0).bind(requires), by, along).await
    }

    async fn delete_organization(
        &self,
        id: OrganizationId,
        by: Option<&Authority>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<OrganizationChange> {
        let (by, along) = (by.cloned(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if !may_change(connection, id, by.as_ref()).await? {
                    return Ok(OrganizationChange::Refused);
                }
                sqlx::query("UPDATE donjon_organizations SET deleted_at = ?2 WHERE id = ?1")
                    .bind(id.0)
                    .bind(micros(now))
                    .execute(&mut *connection)
                    .await?;
                let ends = tell_of_ends(connection, ENDS_OF_MEMBERS, id.0, &along).await?;
                along.receipt.note_derived(ends);
                for statement in [
                    "UPDATE donjon_sessions SET organization_id = NULL WHERE organization_id = ?1",
                    "DELETE FROM donjon_memberships WHERE organization_id = ?1",
                    "DELETE FROM donjon_invitations WHERE organization_id = ?1",
                    "DELETE FROM donjon_sso_domains WHERE organization_id = ?1",
                ] {
                    sqlx::query(statement).bind(id.0).execute(&mut *connection).await?;
                }
                write_effects(&mut *connection, &along, None).await?;
                // Afterwards: they are told of the end itself.
                sqlx::query(SILENCE).bind(id.0).execute(&mut *connection).await?;
                Ok(OrganizationChange::Done)
            })
        })
        .await
    }

    async fn add_member(
        &self,
        id: OrganizationId,
        user: &UserId,
        role: &MemberRole,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<MemberAddition> {
        let (user, role, along) = (user.clone(), role.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let there = may_change(connection, id, None).await?;
                if !there || (role != MemberRole::OWNER && !is_owned(connection, id).await?) {
                    return Ok(MemberAddition::NoOrganization);
                }
                if !insert_member(connection, id, &user, &role, now).await? {
                    return Ok(MemberAddition::AlreadyMember);
                }
                write_effects(connection, &along, Some(&user)).await?;
                Ok(MemberAddition::Added)
            })
        })
        .await
    }

    async fn remove_member(
        &self,
        id: OrganizationId,
        user: &UserId,
        by: Option<&Authority>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<MemberChange> {
        self.change_member((id, user), Err(now), by, along).await
    }

    async fn change_role(
        &self,
        id: OrganizationId,
        user: &UserId,
        role: &NewRole,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<MemberChange> {
        self.change_member((id, user), Ok(role), by, along).await
    }
}

impl SqliteStore {
    /// Changes an organization by one statement, if whoever asks may.
    async fn change(
        &self,
        id: OrganizationId,
        change: Query<'static, Sqlite, SqliteArguments>,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<OrganizationChange> {
        let (by, along) = (by.cloned(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if !may_change(connection, id, by.as_ref()).await? {
                    return Ok(OrganizationChange::Refused);
                }
                change.execute(&mut *connection).await?;
                write_effects(connection, &along, None).await?;
                Ok(OrganizationChange::Done)
            })
        })
        .await
    }

    /// Gives a member another role, or removes the member at a moment.
    async fn change_member(
        &self,
        (id, user): (OrganizationId, &UserId),
        change: std::result::Result<&NewRole, OffsetDateTime>,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<MemberChange> {
        let (user, removed_at) = (user.clone(), change.err());
        let role = change.ok().cloned();
        let (by, along) = (by.cloned(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if !may_change(connection, id, by.as_ref()).await? {
                    let is_ours = by.is_some();
                    let denied = MemberChange::NotAllowed;
                    return Ok(if is_ours { denied } else { MemberChange::NotAMember });
                }
                let Some(present) = role_of(connection, id, &user).await? else {
                    return Ok(MemberChange::NotAMember);
                };
                if let Some(by) = &by {
                    let own = role_of(connection, id, &by.user).await?;
                    let given = role.as_ref().map_or(&present, |new| &new.role);
                    let reached = own.is_some_and(|own| {
                        reaches(&by.ranks, &own, &present) && reaches(&by.ranks, &own, given)
                    });
                    if !reached {
                        return Ok(MemberChange::NotAllowed);
                    }
                }
                let steps_down = present == MemberRole::OWNER
                    && role.as_ref().is_none_or(|new| new.role != MemberRole::OWNER);
                if steps_down && !is_owned_by_others(connection, id, &user).await? {
                    return Ok(MemberChange::LastOwner);
                }
                if steps_down && is_last(connection, id, &user).await? {
                    return Ok(MemberChange::LastToComeIn);
                }
                let named: bool = sqlx::query_scalar(
                    "SELECT break_glass FROM donjon_memberships
                     WHERE organization_id = ?1 AND user_id = ?2",
                )
                .bind(id.0)
                .bind(user.as_str())
                .fetch_one(&mut *connection)
                .await?;
                let statement = match &role {
                    Some(_) => {
                        "UPDATE donjon_memberships SET role = ?3
                         WHERE organization_id = ?1 AND user_id = ?2"
                    }
                    None => {
                        "DELETE FROM donjon_memberships
                         WHERE organization_id = ?1 AND user_id = ?2 AND ?3 IS NULL"
                    }
                };
                sqlx::query(statement)
                    .bind(id.0)
                    .bind(user.as_str())
                    .bind(role.as_ref().map(|new| new.role.as_str()))
                    .execute(&mut *connection)
                    .await?;
                let gives = role.iter().flat_map(|new| &new.gives).map(MemberRole::as_str);
                sqlx::query(
                    "DELETE FROM donjon_invitations
                     WHERE organization_id = ?1 AND inviter_id = ?2
                       AND role NOT IN (SELECT value FROM json_each(?3))",
                )
                .bind(id.0)
                .bind(user.as_str())
                .bind(Json(gives.collect::<Vec<_>>()))
                .execute(&mut *connection)
                .await?;
                write_effects(connection, &along, Some(&user)).await?;
                if let Some(now) = removed_at.filter(|_| named) {
                    close(connection, Closing::member((id, &user), now)).await?;
                }
                Ok(MemberChange::Done)
            })
        })
        .await
    }
}

/// Whether the organization is there, and whoever asks has a role that allows a change.
pub(super) async fn may_change(
    connection: &mut SqliteConnection,
    id: OrganizationId,
    by: Option<&Authority>,
) -> Result<bool> {
    let there: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM donjon_organizations WHERE id = ?1 AND deleted_at IS NULL",
    )
    .bind(id.0)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(by) = by.filter(|_| there.is_some()) else { return Ok(there.is_some()) };
    let role = role_of(connection, id, &by.user).await?;
    Ok(role.is_some_and(|role| by.roles.contains(&role)))
}

pub(super) async fn role_of(
    connection: &mut SqliteConnection,
    id: OrganizationId,
    user: &UserId,
) -> Result<Option<MemberRole>> {
    let role: Option<String> = sqlx::query_scalar(
        "SELECT role FROM donjon_memberships WHERE organization_id = ?1 AND user_id = ?2",
    )
    .bind(id.0)
    .bind(user.as_str())
    .fetch_optional(connection)
    .await?;
    role.map(member_role).transpose()
}

/// What a member is who is neither disabled, nor deleted, nor going to be.
pub(super) async fn staying_role(
    connection: &mut SqliteConnection,
    id: OrganizationId,
    user: &UserId,
) -> Result<Option<MemberRole>> {
    let role: Option<String> = sqlx::query_scalar(concat!(
        "SELECT m.role FROM donjon_memberships m LEFT JOIN donjon_users u ON u.id = m.user_id
         WHERE m.organization_id = ?1 AND m.user_id = ?2 AND ",
        stays!("u")
    ))
    .bind(id.0)
    .bind(user.as_str())
    .fetch_optional(connection)
    .await?;
    role.map(member_role).transpose()
}

async fn is_owned_by_others(
    connection: &mut SqliteConnection,
    id: OrganizationId,
    user: &UserId,
) -> Result<bool> {
    let other: Option<i64> = sqlx::query_scalar(concat!(
        "SELECT 1 FROM donjon_memberships m LEFT JOIN donjon_users u ON u.id = m.user_id
             WHERE m.organization_id = ?1 AND m.role = 'owner' AND m.user_id <> ?2 AND ",
        stays!("u"),
        " LIMIT 1"
    ))
    .bind(id.0)
    .bind(user.as_str())
    .fetch_optional(connection)
    .await?;
    Ok(other.is_some())
}

/// Whether it has an owner who is not about to be deleted.
pub(super) async fn is_owned(
    connection: &mut SqliteConnection,
    id: OrganizationId,
) -> Result<bool> {
    let owned: i64 = sqlx::query_scalar(concat!("SELECT ", is_owned!("?1")))
        .bind(id.0)
        .fetch_one(connection)
        .await?;
    Ok(owned != 0)
}

/// Makes a user a member; `false` if the user is one.
pub(super) async fn insert_member(
    connection: &mut SqliteConnection,
    id: OrganizationId,
    user: &UserId,
    role: &MemberRole,
    now: OffsetDateTime,
) -> Result<bool> {
    let written = sqlx::query(
        "INSERT INTO donjon_memberships (organization_id, user_id, role, created_at)
         VALUES (?1, ?2, ?3, ?4) ON CONFLICT (organization_id, user_id) DO NOTHING",
    )
    .bind(id.0)
    .bind(user.as_str())
    .bind(role.as_str())
    .bind(micros(now))
    .execute(connection)
    .await?;
    Ok(written.rows_affected() > 0)
}
