use async_trait::async_trait;
use sqlx::{query_as, query_scalar};
use time::OffsetDateTime;

use super::audit::{along, effects};
use super::close::close;
use super::organization::{permitted, role_names};
use super::{PostgresStore, domain_link};
use crate::scope::{Account, OrganizationId, UserId};
use crate::store::sql::account::{AccountRow, account};
use crate::store::sql::convert::micros;
use crate::store::sql::single_sign_on::{
    BREAK_GLASS_OF, Closing, DomainRow, OWNERS_OF, SSO_DOMAINS, SSO_OF, an_owner_comes_in, domain,
    fit, last_to_come_in,
};
use crate::store::{
    Authority, BreakGlassChange, DomainGrant, Effects, Linking, NewIdentity, NewSsoMode, Result,
    SsoChange, SsoDomain, SsoStore, StoreError,
};

const GRANT: &str = concat!(
    "WITH there AS MATERIALIZED (
         SELECT id FROM donjon_organizations WHERE id = $1 AND deleted_at IS NULL
         FOR NO KEY UPDATE
     ), same AS MATERIALIZED (
         SELECT domain FROM donjon_sso_domains WHERE domain = $2 AND login_path = $3
     ), granted AS (
         INSERT INTO donjon_sso_domains AS d (domain, organization_id, login_path, mode, created_at)
         SELECT $2, id, $3, $4, $5 FROM there
         ON CONFLICT (domain) DO UPDATE SET login_path = excluded.login_path
         WHERE d.organization_id = excluded.organization_id
         RETURNING NULL::text AS user_id
     ), ",
    along!("granted", "$6"),
    " SELECT EXISTS (SELECT 1 FROM granted), EXISTS (SELECT 1 FROM there),
       EXISTS (SELECT 1 FROM same)"
);

/// It follows a lock on the organization, under which its domains and owners are changed.
const CHANGE: &str = concat!(
    "WITH allowed AS MATERIALIZED (
         SELECT id FROM donjon_organizations WHERE id = $1 AND deleted_at IS NULL AND ",
    permitted!("$4", "$5"),
    "), present AS MATERIALIZED (
         SELECT d.domain, d.login_path, d.mode FROM donjon_sso_domains d, allowed
         WHERE d.organization_id = allowed.id AND d.domain = $2
     ), done AS (
         UPDATE donjon_sso_domains d SET mode = $3::text FROM present
         WHERE d.domain = present.domain
           AND ($3::text <> 'enforced' OR coalesce(d.login_path = $6::text, FALSE) OR ",
    an_owner_comes_in!(),
    ") RETURNING NULL::text AS user_id
     ), ",
    along!("done", "$7"),
    " SELECT EXISTS (SELECT 1 FROM allowed), EXISTS (SELECT 1 FROM present),
       EXISTS (SELECT 1 FROM done),
       EXISTS (SELECT 1 FROM present WHERE $3::text = 'enforced' AND mode <> 'enforced')"
);

const NAME: &str = concat!(
    "WITH allowed AS MATERIALIZED (
         SELECT id FROM donjon_organizations WHERE id = $1 AND deleted_at IS NULL AND ",
    permitted!("$4", "$5"),
    "), member AS MATERIALIZED (
         SELECT m.user_id FROM donjon_memberships m, allowed
         WHERE m.organization_id = allowed.id AND m.user_id = $2
     ), done AS (
         UPDATE donjon_memberships m SET break_glass = $3 FROM member
         WHERE m.organization_id = $1 AND m.user_id = member.user_id AND CASE WHEN $3
             THEN EXISTS (SELECT 1 FROM donjon_users u WHERE u.id = $2 AND ",
    fit!(),
    ") ELSE NOT ",
    last_to_come_in!("$2", "m.organization_id = $1"),
    " END RETURNING m.user_id
     ), ",
    along!("done", "$6"),
    " SELECT EXISTS (SELECT 1 FROM allowed), EXISTS (SELECT 1 FROM member),
       EXISTS (SELECT 1 FROM done)"
);

#[async_trait]
impl SsoStore for PostgresStore {
    async fn grant_domain(&self, new: &SsoDomain, along: &Effects) -> Result<DomainGrant> {
        let work = || async {
            let mut transaction = self.lock_organization(new.organization).await?;
            let (granted, there, same): (bool, bool, bool) = query_as(GRANT)
                .bind(new.organization.0)
                .bind(&new.domain)
                .bind(&new.login_path)
                .bind(new.mode.as_str())
                .bind(micros(new.created_at))
                .bind(effects(along))
                .fetch_one(&mut *transaction)
                .await?;
            if granted && !same {
                close(
                    &mut transaction,
                    Closing::domain(&new.domain, new.organization, new.created_at),
                )
                .await?;
            }
            transaction.commit().await?;
            Ok(match (granted, there) {
                (true, _) => DomainGrant::Granted,
                (false, true) => DomainGrant::Taken,
                (false, false) => DomainGrant::NoOrganization,
            })
        };
        self.pool().transition(work).await
    }

    async fn withdraw_domain(
        &self,
        organization: OrganizationId,
        domain: &str,
        along: &Effects,
    ) -> Result<bool> {
        let gone = query_scalar(concat!(
            "WITH gone AS (
                 DELETE FROM donjon_sso_domains WHERE organization_id = $1 AND domain = $2
                 RETURNING NULL::text AS user_id
             ), ",
            along!("gone", "$3"),
            " SELECT EXISTS (SELECT 1 FROM gone)"
        ))
        .bind(organization.0)
        .bind(domain)
        .bind(effects(along))
        .fetch_one(self.pool())
        .await?;
        Ok(gone)
    }

    async fn sso_of(&self, name: &str) -> Result<Option<SsoDomain>> {
        let row: Option<DomainRow> =
            query_as(SSO_OF).bind(name).fetch_optional(self.pool()).await?;
        row.map(domain).transpose()
    }

    async fn sso_domains(&self, organization: OrganizationId) -> Result<Vec<SsoDomain>> {
        let rows: Vec<DomainRow> =
            query_as(SSO_DOMAINS).bind(organization.0).fetch_all(self.pool()).await?;
        rows.into_iter().map(domain).collect()
    }

    async fn change_sso(
        &self,
        new: &NewSsoMode,
        by: Option<&Authority>,
        along: &Effects,
    ) -> Result<SsoChange> {
        let work = || async {
            let mut transaction = self.lock_organization(new.organization).await?;
            let told: (bool, bool, bool, bool) = query_as(CHANGE)
                .bind(new.organization.0)
                .bind(&new.domain)
                .bind(new.mode.as_str())
                .bind(by.map(|by| by.user.as_str()))
                .bind(role_names(by))
                .bind(new.came_by.as_deref())
                .bind(effects(along))
                .fetch_one(&mut *transaction)
                .await?;
            if let (.., true, true) = told {
                let closing = Closing::domain(&new.domain, new.organization, new.at);
                close(&mut transaction, closing).await?;
            }
            transaction.commit().await?;
            Ok::<_, StoreError>(told)
        };
        let (allowed, present, done, _) = self.pool().transition(work).await?;
        Ok(match (allowed, present, done) {
            (_, _, true) => SsoChange::Done,
            (true, true, false) => SsoChange::LocksOut,
            (true, false, false) => SsoChange::NoDomain,
            (false, ..) => SsoChange::Refused,
        })
    }

    async fn name_break_glass(
        &self,
        (organization, user): (OrganizationId, &UserId),
        named: bool,
        by: Option<&Authority>,
        along: &Effects,
        now: OffsetDateTime,
    ) -> Result<BreakGlassChange> {
        let work = || async {
            let mut transaction = self.lock_organization(organization).await?;
            let told: (bool, bool, bool) = query_as(NAME)
                .bind(organization.0)
                .bind(user.as_str())
                .bind(named)
                .bind(by.map(|by| by.user.as_str()))
                .bind(role_names(by))
                .bind(effects(along))
                .fetch_one(&mut *transaction)
                .await?;
            if told.2 && !named {
                close(&mut transaction, Closing::member((organization, user), now)).await?;
            }
            transaction.commit().await?;
            Ok(match told {
                (_, _, true) => BreakGlassChange::Done,
                (true, true, false) if named => BreakGlassChange::Unfit,
                (true, true, false) => BreakGlassChange::LastToComeIn,
                (true, false, false) => BreakGlassChange::NotAMember,
                (false, ..) => BreakGlassChange::Refused,
            })
        };
        self.pool().transition(work).await
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
            query_as(BREAK_GLASS_OF).bind(organization.0).fetch_all(self.pool()).await?;
        rows.into_iter().map(account).collect()
    }

    async fn owners_of(&self, organization: OrganizationId) -> Result<Vec<Account>> {
        let rows: Vec<AccountRow> =
            query_as(OWNERS_OF).bind(organization.0).fetch_all(self.pool()).await?;
        rows.into_iter().map(account).collect()
    }
}
