use async_trait::async_trait;
use sqlx::SqliteConnection;
use time::OffsetDateTime;

use super::SqliteStore;
use super::audit::write_effects;
use super::organization::{insert_member, is_owned, may_change, staying_role};
use super::steps::{count_against_limit, insert_user};
use crate::scope::{OrganizationId, UserId};
use crate::store::sql::convert::micros;
use crate::store::sql::invitation::{
    FIND, INVITATIONS_TO, InvitationRow, invitation, inviter_key, organization_key,
};
use crate::store::{
    Acceptance, Authority, Effects, FollowedInvitation, Invitation, InvitationId, InvitationLimits,
    InvitationStore, Invited, NewInvitation, NewUser, Registration, Result,
};

#[async_trait]
impl InvitationStore for SqliteStore {
    async fn invite(
        &self,
        invitation: &NewInvitation,
        limits: Option<InvitationLimits>,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<Invited> {
        let (new, by, along) = (invitation.clone(), by.cloned(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if !may_change(connection, new.organization, by.as_ref()).await? {
                    return Ok(Invited::Refused);
                }
                if is_member(connection, &new).await? {
                    return Ok(Invited::AlreadyMember);
                }
                if let Some(limits) = limits
                    && let Some(over) = count(connection, &new, limits).await?
                {
                    return Ok(over);
                }
                sqlx::query(
                    "DELETE FROM donjon_invitations WHERE organization_id = ?1 AND email = ?2",
                )
                .bind(new.organization.0)
                .bind(&new.email)
                .execute(&mut *connection)
                .await?;
                sqlx::query(
                    "INSERT INTO donjon_invitations
                         (id, organization_id, email, role, secret, inviter_id, created_at,
                          expires_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )
                .bind(new.id.0)
                .bind(new.organization.0)
                .bind(new.email)
                .bind(new.role.as_str())
                .bind(new.secret.as_bytes().as_slice())
                .bind(new.inviter.as_ref().map(UserId::as_str))
                .bind(micros(new.created_at))
                .bind(micros(new.expires_at))
                .execute(&mut *connection)
                .await?;
                write_effects(connection, &along, new.inviter.as_ref()).await?;
                Ok(Invited::Sent)
            })
        })
        .await
    }

    async fn find_invitation(
        &self,
        id: InvitationId,
        now: OffsetDateTime,
    ) -> Result<Option<Invitation>> {
        let row: Option<InvitationRow> = sqlx::query_as(FIND)
            .bind(id.0)
            .bind(micros(now))
            .fetch_optional(self.readers())
            .await?;
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
            .fetch_all(self.readers())
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
        let (by, along) = (by.cloned(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if !may_change(connection, organization, by.as_ref()).await? {
                    return Ok(false);
                }
                let gone = sqlx::query(
                    "DELETE FROM donjon_invitations WHERE id = ?1 AND organization_id = ?2",
                )
                .bind(id.0)
                .bind(organization.0)
                .execute(&mut *connection)
                .await?;
                if gone.rows_affected() == 0 {
                    return Ok(false);
                }
                write_effects(connection, &along, None).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn accept_invitation(
        &self,
        invitation: &FollowedInvitation,
        user: &UserId,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<Acceptance> {
        let (followed, user, along) = (invitation.clone(), user.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let Some(found) = load(connection, &followed, now).await? else {
                    return Ok(Acceptance::Invalid);
                };
                let address: Option<(Option<String>, bool)> =
                    sqlx::query_as("SELECT email, email_verified FROM donjon_users WHERE id = ?1")
                        .bind(user.as_str())
                        .fetch_optional(&mut *connection)
                        .await?;
                let is_theirs = address.is_none_or(|(email, verified)| {
                    verified && email.as_ref() == Some(&found.email)
                });
                if !is_theirs {
                    return Ok(Acceptance::Invalid);
                }
                join(connection, &found, &user, &along, now).await
            })
        })
        .await
    }

    async fn register_invited(
        &self,
        invitation: &FollowedInvitation,
        user: &NewUser,
        along: &Effects,
    ) -> Result<Acceptance> {
        let (followed, user, along) = (invitation.clone(), user.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let now = user.created_at;
                let found = load(connection, &followed, now).await?;
                let found = found.filter(|found| user.account.email() == Some(&found.email));
                let Some(found) = found else { return Ok(Acceptance::Invalid) };
                if insert_user(connection, &user, false).await? == Registration::EmailTaken {
                    return Ok(Acceptance::EmailTaken);
                }
                join(connection, &found, user.account.id(), &along, now).await
            })
        })
        .await
    }

    async fn sweep_invitations(&self, now: OffsetDateTime, limit: u32) -> Result<u64> {
        let over = "DELETE FROM donjon_invitations WHERE id IN
             (SELECT id FROM donjon_invitations WHERE expires_at <= ?1 LIMIT ?2)";
        self.sweep(over, now, limit).await
    }
}

/// Whether the address is that of a member.
async fn is_member(connection: &mut SqliteConnection, new: &NewInvitation) -> Result<bool> {
    let member: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM donjon_users u JOIN donjon_memberships m ON m.user_id = u.id
         WHERE u.email = ?2 AND m.organization_id = ?1",
    )
    .bind(new.organization.0)
    .bind(&new.email)
    .fetch_optional(connection)
    .await?;
    Ok(member.is_some())
}

/// Counts the invitation; answers which limit refuses it, if any.
async fn count(
    connection: &mut SqliteConnection,
    new: &NewInvitation,
    limits: InvitationLimits,
) -> Result<Option<Invited>> {
    let now = new.created_at;
    if let Some(inviter) = &new.inviter {
        let (key, limit) = (inviter_key(inviter), limits.inviter);
        if count_against_limit(connection, &key, limit, now, true).await? > i64::from(limit.times) {
            return Ok(Some(Invited::InviterLimited));
        }
    }
    let (key, limit) = (organization_key(new.organization), limits.organization);
    let times = count_against_limit(connection, &key, limit, now, true).await?;
    Ok((times > i64::from(limit.times)).then_some(Invited::OrganizationLimited))
}

/// The invitation, if this is its secret, it is not over, and it rests on somebody still.
async fn load(
    connection: &mut SqliteConnection,
    followed: &FollowedInvitation,
    now: OffsetDateTime,
) -> Result<Option<Invitation>> {
    let row: Option<InvitationRow> = sqlx::query_as(FIND)
        .bind(followed.id.0)
        .bind(micros(now))
        .fetch_optional(&mut *connection)
        .await?;
    let found = row.map(invitation).transpose()?.filter(|found| found.secret == followed.secret);
    let Some(found) = found else { return Ok(None) };
    let organization = found.organization.id;
    let rests = match &found.inviter {
        Some(inviter) => {
            let role = staying_role(connection, organization, inviter).await?;
            role.is_some_and(|role| followed.givers.contains(&role))
        }
        None => true,
    };
    Ok((rests && is_owned(connection, organization).await?).then_some(found))
}

/// Uses the invitation up.
async fn join(
    connection: &mut SqliteConnection,
    found: &Invitation,
    user: &UserId,
    along: &Effects,
    now: OffsetDateTime,
) -> Result<Acceptance> {
    sqlx::query("DELETE FROM donjon_invitations WHERE id = ?1")
        .bind(found.id.0)
        .execute(&mut *connection)
        .await?;
    let organization = found.organization.id;
    if !insert_member(connection, organization, user, &found.role, now).await? {
        return Ok(Acceptance::AlreadyMember);
    }
    write_effects(connection, along, Some(user)).await?;
    Ok(Acceptance::Joined)
}
