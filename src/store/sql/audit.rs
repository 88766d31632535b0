//! How both backends write and read the audit log.

use sqlx::types::Json;
use sqlx::{Database, Encode, QueryBuilder, Type};
use uuid::Uuid;

use super::convert::{micros, time};
use crate::audit::{Action, AuditEntry, Outcome};
use crate::scope::{OrganizationId, UserId};
use crate::store::{AuditFilter, Result, StoreError};

/// Writing an entry, unless it is there; whether to, says `$14`.
pub(super) const INSERT: &str = "INSERT INTO donjon_audit \
     (id, at, action, outcome, actor_kind, actor_id, user_id, subject_kind, subject_id, \
      organization_id, metadata, address, user_agent) \
     SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 WHERE $14 ON CONFLICT (id) DO NOTHING";

pub(super) type Metadata = Json<serde_json::Map<String, serde_json::Value>>;

/// The columns of an entry.
pub(super) type EntryRow = (
    Uuid,
    i64,
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<Uuid>,
    Metadata,
    Option<String>,
    Option<String>,
);

/// Binds an entry to [`INSERT`], all but the last parameter; `changed` is the user the transition changed.
macro_rules! bind_entry {
    ($entry:expr, $changed:expr) => {{
        let entry: &$crate::audit::AuditEntry = $entry;
        let changed: Option<&$crate::scope::UserId> = $changed;
        let text = |id: &$crate::scope::UserId| id.as_str().to_owned();
        sqlx::query($crate::store::sql::audit::INSERT)
            .bind(entry.id)
            .bind($crate::store::sql::convert::micros(entry.at))
            .bind(entry.action.as_str().to_owned())
            .bind(entry.outcome.as_str())
            .bind(entry.actor_kind.clone())
            .bind(entry.actor.as_ref().map(text))
            .bind(entry.user.as_ref().or(changed).map(text))
            .bind(entry.subject_kind.clone())
            .bind(entry.subject.clone())
            .bind(entry.organization.map(|id| id.0))
            .bind(sqlx::types::Json(entry.metadata.clone()))
            .bind(entry.address.map(|address| address.to_string()))
            .bind(entry.user_agent.clone())
    }};
}
pub(super) use bind_entry;

/// Binds a question of [`ends`](super::ends) about `$whom`, as what this entry tells of; its rows
/// are [entries](EntryRow).
macro_rules! bind_end {
    ($question:expr, $whom:expr, $entry:expr) => {{
        let entry: &$crate::audit::AuditEntry = $entry;
        sqlx::query_as::<_, $crate::store::sql::audit::EntryRow>($question)
            .bind($whom)
            .bind(entry.id)
            .bind($crate::store::sql::convert::micros(entry.at))
            .bind(entry.actor_kind.clone())
            .bind(entry.actor.as_ref().map(|id| id.as_str().to_owned()))
            .bind(entry.address.map(|address| address.to_string()))
            .bind(entry.user_agent.clone())
    }};
}
pub(super) use bind_end;

/// The question for the entries that fit.
pub(super) fn select<D>(filter: &AuditFilter, limit: u32) -> QueryBuilder<D>
where
    D: Database,
    String: for<'q> Encode<'q, D> + Type<D>,
    i64: for<'q> Encode<'q, D> + Type<D>,
    Uuid: for<'q> Encode<'q, D> + Type<D>,
{
    let mut query = QueryBuilder::new(
        "SELECT id, at, action, outcome, actor_kind, actor_id, user_id, subject_kind, subject_id, \
         organization_id, metadata, address, user_agent FROM donjon_audit WHERE TRUE",
    );
    let id = |id: &UserId| id.as_str().to_owned();
    if let Some(action) = &filter.action {
        query.push(" AND action = ").push_bind(action.clone());
    }
    if let Some(prefix) = &filter.prefix {
        query.push(" AND substr(action, 1, length(").push_bind(prefix.clone());
        query.push(")) = ").push_bind(prefix.clone());
    }
    if let Some(outcome) = filter.outcome {
        query.push(" AND outcome = ").push_bind(outcome.as_str().to_owned());
    }
    if let Some(actor) = &filter.actor {
        query.push(" AND actor_id = ").push_bind(id(actor));
    }
    if let Some(user) = &filter.user {
        query.push(" AND user_id = ").push_bind(id(user));
    }
    if let Some(organization) = filter.organization {
        query.push(" AND organization_id = ").push_bind(organization.0);
    }
    if let Some(since) = filter.since {
        query.push(" AND at >= ").push_bind(micros(since));
    }
    if let Some(until) = filter.until {
        query.push(" AND at < ").push_bind(micros(until));
    }
    if let Some(before) = filter.before {
        query.push(" AND (at, id) < (SELECT at, id FROM donjon_audit WHERE id = ");
        query.push_bind(before).push(")");
    }
    query.push(" ORDER BY at DESC, id DESC LIMIT ").push_bind(i64::from(limit));
    query
}

pub(super) fn entry(row: EntryRow) -> Result<AuditEntry> {
    let (id, at, action, outcome, actor_kind, actor, user, subject_kind, subject, ..) = row;
    let (.., organization, Json(metadata), address, user_agent) = row;
    let user_id = |text: Option<String>| {
        text.map(UserId::new).transpose().map_err(|_| StoreError::Corrupt("a user id"))
    };
    let outcome = [Outcome::Success, Outcome::Failure]
        .into_iter()
        .find(|known| known.as_str() == outcome)
        .ok_or(StoreError::Corrupt("an outcome"))?;
    Ok(AuditEntry {
        id,
        at: time(at)?,
        action: Action::stored(action),
        outcome,
        actor_kind,
        actor: user_id(actor)?,
        user: user_id(user)?,
        subject_kind,
        subject,
        organization: organization.map(OrganizationId),
        metadata,
        address: address
            .map(|text| text.parse().map_err(|_| StoreError::Corrupt("an address")))
            .transpose()?,
        user_agent,
    })
}
