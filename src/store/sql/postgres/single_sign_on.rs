use async_trait::async_trait;
use sqlx::{query_as, query_scalar};

use super::audit::{along, effects};
use super::organization::{permitted, role_names};
use super::{PostgresStore, SESSION_EVENTS_LOCK, domain_link};
use crate::scope::{Account, OrganizationId, SessionEnd, UserId};
use crate::store::sql::account::{AccountRow, account};
use crate::store::sql::convert::micros;
use crate::store::sql::single_sign_on::{
    BREAK_GLASS_OF, DomainRow, OWNERS_OF, SSO_DOMAINS, SSO_OF, an_owner_comes_in, domain, fit,
};
use crate::store::{
    Authority, BreakGlassChange, DomainGrant, Effects, Linking, NewIdentity, NewSsoMode, Result,
    SsoChange, SsoDomain, SsoStore, StoreError,
};

const GRANT: &str = concat!(
    "WITH there AS MATERIALIZED (
         SELECT id FROM donjon_organizations WHERE id = $1 AND deleted_at IS NULL
         FOR NO KEY UPDATE
     ), granted AS (
         INSERT INTO donjon_sso_domains AS d (domain, organization_id, login_path, mode, created_at)
         SELECT $2, id, $3, $4, $5 FROM there
         ON CONFLICT (domain) DO UPDATE SET login_path = excluded.login_path
         WHERE d.organization_id = excluded.organization_id
         RETURNING NULL::text AS user_id
     ), ",
    along!("granted", "$6"),
    " SELECT EXISTS (SELECT 1 FROM granted), EXISTS (SELECT 1 FROM there)"
);

/// It follows a lock on the organization, under which its domains and owners are changed. Sessions
/// are locked in one order, so that two who end the same ones do not wait in a circle.
const CHANGE: &str = concat!(
    "WITH allowed AS MATERIALIZED (
         SELECT id FROM donjon_organizations WHERE id = $1 AND deleted_at IS NULL AND ",
    permitted!("$4", "$5"),
    "), present AS MATERIALIZED (
         SELECT d.domain, d.login_path FROM donjon_sso_domains d, allowed
         WHERE d.organization_id = allowed.id AND d.domain = $2
     ), done AS (
         UPDATE donjon_sso_domains d SET mode = $3::text FROM present
         WHERE d.domain = present.domain
           AND ($3::text <> 'enforced' OR coalesce(d.login_path = $6::text, FALSE) OR ",
    an_owner_comes_in!(),
    ") RETURNING d.domain, d.login_path, NULL::text AS user_id
     ), ending AS MATERIALIZED (
         SELECT s.id FROM donjon_sessions s JOIN donjon_users u ON u.id = s.user_id
         JOIN done ON done.domain = u.email_domain
         WHERE $3::text = 'enforced' AND s.impersonator_id IS NULL
           AND coalesce(s.authentication ->> 'login_path', '') <> done.login_path
         ORDER BY s.id FOR UPDATE OF s
     ), ended AS (
         DELETE FROM donjon_sessions s USING ending WHERE s.id = ending.id
         RETURNING s.id, s.user_id
     ), locked AS MATERIALIZED (
         SELECT pg_advisory_xact_lock($9)
         FROM (SELECT count(*) AS logins FROM ended) AS counted WHERE logins > 0
     ), noted AS (
         INSERT INTO donjon_session_events (session_id, user_id, reason, at)
         SELECT ended.id, ended.user_id, $7::text, $8::bigint FROM locked, ended
     ), ",
    along!("done", "$10"),
    " SELECT EXISTS (SELECT 1 FROM allowed), EXISTS (SELECT 1 FROM present),
       EXISTS (SELECT 1 FROM done)"
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
         WHERE m.organization_id = $1 AND m.user_id = member.user_id AND (NOT $3
             OR EXISTS (SELECT 1 FROM donjon_users u WHERE u.id = $2 AND ",
    fit!(),
    ")) RETURNING m.user_id
     ), ",
    along!("done", "$6"),
    " SELECT EXISTS (SELECT 1 FROM allowed), EXISTS (SELECT 1 FROM member),
       EXISTS (SELECT 1 FROM done)"
);

#[async_trait]
impl SsoStore for PostgresStore {
    async fn grant_domain(&self, new: &SsoDomain, along: &Effects) -> Result<DomainGrant> {
        let (granted, there): (bool, bool) = query_as(GRANT)
            .bind(new.organization.0)
            .bind(&new.domain)
            .bind(&new.login_path)
            .bind(new.mode.as_str())
            .bind(micros(new.created_at))
            .bind(effects(along))
            .fetch_one(self.pool())
            .await?;
        Ok(match (granted, there) {
            (true, _) => DomainGrant::Granted,
            (false, true) => DomainGrant::Taken,
            (false, false) => DomainGrant::NoOrganization,
        })
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
            let told = query_as(CHANGE)
                .bind(new.organization.0)
                .bind(&new.domain)
                .bind(new.mode.as_str())
                .bind(by.map(|by| by.user.as_str()))
                .bind(role_names(by))
                .bind(new.came_by.as_deref())
                .bind(SessionEnd::Revoked.as_str())
                .bind(micros(new.at))
                .bind(SESSION_EVENTS_LOCK)
                .bind(effects(along))
                .fetch_one(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok::<_, StoreError>(told)
        };
        let told = self.pool().transition(work).await?;
        Ok(match told {
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
    ) -> Result<BreakGlassChange> {
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
        transaction.commit().await?;
        Ok(match told {
            (_, _, true) => BreakGlassChange::Done,
            (true, true, false) => BreakGlassChange::Unfit,
            (true, false, false) => BreakGlassChange::NotAMember,
            (false, ..) => BreakGlassChange::Refused,
        })
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
