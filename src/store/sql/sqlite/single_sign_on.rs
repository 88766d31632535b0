use async_trait::async_trait;
use sqlx::{SqliteConnection, query, query_as, query_scalar};
use time::OffsetDateTime;

use super::audit::write_effects;
use super::close::close;
use super::organization::{may_change, role_of};
use super::{SqliteStore, domain_link};
use crate::scope::{Account, OrganizationId, UserId};
use crate::store::sql::account::{AccountRow, account};
use crate::store::sql::convert::micros;
use crate::store::sql::single_sign_on::{
    BREAK_GLASS_OF, Closing, DomainRow, OWNERS_OF, SSO_DOMAINS, SSO_OF, an_owner_comes_in, domain,
    fit, last_to_come_in,
};
use crate::store::{
    Authority, BreakGlassChange, DomainGrant, Effects, Linking, NewIdentity, NewSsoMode, Result,
    SsoChange, SsoDomain, SsoMode, SsoStore,
};

#[async_trait]
impl SsoStore for SqliteStore {
    async fn grant_domain(&self, new: &SsoDomain, along: &Effects) -> Result<DomainGrant> {
        let (new, along) = (new.clone(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if !may_change(connection, new.organization, None).await? {
                    return Ok(DomainGrant::NoOrganization);
                }
                let same: bool = query_scalar(
                    "SELECT EXISTS (SELECT 1 FROM donjon_sso_domains
                         WHERE domain = ?1 AND login_path = ?2)",
                )
                .bind(&new.domain)
                .bind(&new.login_path)
                .fetch_one(&mut *connection)
                .await?;
                let written = query(
                    "INSERT INTO donjon_sso_domains AS d
                         (domain, organization_id, login_path, mode, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (domain) DO UPDATE SET login_path = excluded.login_path
                     WHERE d.organization_id = excluded.organization_id",
                )
                .bind(&new.domain)
                .bind(new.organization.0)
                .bind(new.login_path)
                .bind(new.mode.as_str())
                .bind(micros(new.created_at))
                .execute(&mut *connection)
                .await?;
                if written.rows_affected() == 0 {
                    return Ok(DomainGrant::Taken);
                }
                write_effects(connection, &along, None).await?;
                if !same {
                    let closing = Closing::domain(&new.domain, new.organization, new.created_at);
                    close(connection, closing).await?;
                }
                Ok(DomainGrant::Granted)
            })
        })
        .await
    }

    async fn withdraw_domain(
        &self,
        organization: OrganizationId,
        domain: &str,
        along: &Effects,
    ) -> Result<bool> {
        let (domain, along) = (domain.to_owned(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                let gone = query(
                    "DELETE FROM donjon_sso_domains WHERE organization_id = ?1 AND domain = ?2",
                )
                .bind(organization.0)
                .bind(domain)
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

    async fn sso_of(&self, name: &str) -> Result<Option<SsoDomain>> {
        let row: Option<DomainRow> =
            query_as(SSO_OF).bind(name).fetch_optional(self.readers()).await?;
        row.map(domain).transpose()
    }

    async fn sso_domains(&self, organization: OrganizationId) -> Result<Vec<SsoDomain>> {
        let rows: Vec<DomainRow> =
            query_as(SSO_DOMAINS).bind(organization.0).fetch_all(self.readers()).await?;
        rows.into_iter().map(domain).collect()
    }

    async fn change_sso(
        &self,
        new: &NewSsoMode,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<SsoChange> {
        let (new, by, along) = (new.clone(), by.cloned(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move { change(connection, &new, by.as_ref(), &along).await })
        })
        .await
    }

    async fn name_break_glass(
        &self,
        (organization, user): (OrganizationId, &UserId),
        named: bool,
        by: Option<&Authority>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<BreakGlassChange> {
        let (user, by, along) = (user.clone(), by.cloned(), along.clone());
        self.transition(move |connection| {
            Box::pin(async move {
                if !may_change(connection, organization, by.as_ref()).await? {
                    return Ok(BreakGlassChange::Refused);
                }
                if role_of(connection, organization, &user).await?.is_none() {
                    return Ok(BreakGlassChange::NotAMember);
                }
                if !named && is_last(connection, organization, &user).await? {
                    return Ok(BreakGlassChange::LastToComeIn);
                }
                let written = query(concat!(
                    "UPDATE donjon_memberships SET break_glass = ?3
                     WHERE organization_id = ?1 AND user_id = ?2 AND (NOT ?3
                         OR EXISTS (SELECT 1 FROM donjon_users u WHERE u.id = ?2 AND ",
                    fit!(),
                    "))"
                ))
                .bind(organization.0)
                .bind(user.as_str())
                .bind(named)
                .execute(&mut *connection)
                .await?;
                if written.rows_affected() == 0 {
                    return Ok(BreakGlassChange::Unfit);
                }
                write_effects(connection, &along, Some(&user)).await?;
                if !named {
                    close(connection, Closing::member((organization, &user), now)).await?;
                }
                Ok(BreakGlassChange::Done)
            })
        })
        .await
    }

    async fn link_by_domain(
        &self,
        to: (&UserId, &str),
        login_path: &str,
        identity: &NewIdentity,
        along: &Effects,
    ) -> Result<Linking> {
        domain_link::link(self, to, login_path, identity, along).await
    }

    async fn break_glass_of(&self, organization: OrganizationId) -> Result<Vec<Account>> {
        let rows: Vec<AccountRow> =
            query_as(BREAK_GLASS_OF).bind(organization.0).fetch_all(self.readers()).await?;
        rows.into_iter().map(account).collect()
    }

    async fn owners_of(&self, organization: OrganizationId) -> Result<Vec<Account>> {
        let rows: Vec<AccountRow> =
            query_as(OWNERS_OF).bind(organization.0).fetch_all(self.readers()).await?;
        rows.into_iter().map(account).collect()
    }
}

/// Whether nobody else is the owner who comes in all the same where this organization enforces single
/// sign-on.
pub(super) async fn is_last(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    user: &UserId,
) -> Result<bool> {
    let last = query_scalar(concat!("SELECT ", last_to_come_in!("?2", "m.organization_id = ?1")))
        .bind(organization.0)
        .bind(user.as_str())
        .fetch_one(connection)
        .await?;
    Ok(last)
}

async fn change(
    connection: &mut SqliteConnection,
    new: &NewSsoMode,
    by: Option<&Authority>,
    along: &Effects,
) -> Result<SsoChange> {
    if !may_change(connection, new.organization, by).await? {
        return Ok(SsoChange::Refused);
    }
    let present: Option<(String, String)> = query_as(
        "SELECT login_path, mode FROM donjon_sso_domains
         WHERE organization_id = ?1 AND domain = ?2",
    )
    .bind(new.organization.0)
    .bind(&new.domain)
    .fetch_optional(&mut *connection)
    .await?;
    let Some((login_path, mode)) = present else { return Ok(SsoChange::NoDomain) };
    let enforces = new.mode == SsoMode::Enforced;
    if enforces && new.came_by.as_ref() != Some(&login_path) {
        let comes_in: bool = query_scalar(concat!("SELECT ", an_owner_comes_in!()))
            .bind(new.organization.0)
            .fetch_one(&mut *connection)
            .await?;
        if !comes_in {
            return Ok(SsoChange::LocksOut);
        }
    }
    query("UPDATE donjon_sso_domains SET mode = ?2 WHERE domain = ?1")
        .bind(&new.domain)
        .bind(new.mode.as_str())
        .execute(&mut *connection)
        .await?;
    if enforces && mode != new.mode.as_str() {
        close(connection, Closing::domain(&new.domain, new.organization, new.at)).await?;
    }
    write_effects(connection, along, None).await?;
    Ok(SsoChange::Done)
}
