use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::types::Json;
use time::OffsetDateTime;

use super::PostgresStore;
use super::sweep::sweep;
use crate::audit::AuditEntry;
use crate::scope::UserId;
use crate::store::sql::audit::{EntryRow, bind_entry, entry, select};
use crate::store::sql::convert::micros;
use crate::store::{AuditFilter, AuditStore, Effects, NewDelivery, Result, Sighting};

/// CTEs that write what goes along with a change, bound to parameter `$n` by [`effects`]. They
/// follow a CTE `$done (user_id)` of one row if the change was made, and of none if it was not.
/// An entry that names no user gets that one.
macro_rules! along {
    ($done:literal, $n:literal) => {
        concat!(
            $done,
            "_seen AS ( \
                 INSERT INTO donjon_sightings AS k (user_id, networks, seen_at) \
                 SELECT done.user_id, jsonb_build_array(s.network), s.at FROM ",
            $done,
            " AS done, jsonb_to_recordset(",
            $n,
            "::jsonb -> 'sightings') AS s (network TEXT, at BIGINT) \
                 ON CONFLICT (user_id) DO UPDATE SET \
                     familiar = k.networks ? (excluded.networks ->> 0), \
                     networks = (SELECT jsonb_agg(n.network ORDER BY n.place) FROM ( \
                         SELECT excluded.networks ->> 0 AS network, 0 AS place \
                         UNION ALL SELECT e.network, e.place FROM \
                             jsonb_array_elements_text(k.networks) \
                             WITH ORDINALITY AS e (network, place) \
                         WHERE e.network <> excluded.networks ->> 0 \
                         ORDER BY place LIMIT 32) AS n), \
                     seen_at = excluded.seen_at \
                 RETURNING familiar, \
                     CASE WHEN familiar THEN 'familiar' WHEN NOT familiar THEN 'strange' END \
                     AS how \
             ), ",
            $done,
            "_audit AS ( \
                 INSERT INTO donjon_audit (id, at, action, outcome, actor_kind, actor_id, user_id, \
                     subject_kind, subject_id, organization_id, metadata, address, user_agent) \
                 SELECT a.id, a.at, a.action, a.outcome, a.actor_kind, a.actor_id, \
                     coalesce(a.user_id, done.user_id), a.subject_kind, a.subject_id, \
                     a.organization_id, a.metadata, a.address, a.user_agent \
                 FROM ",
            $done,
            " AS done, jsonb_to_recordset(",
            along!(rows "audit", $done, $n),
            ") AS a (id UUID, at BIGINT, action TEXT, outcome TEXT, \
                     actor_kind TEXT, actor_id TEXT, user_id TEXT, subject_kind TEXT, \
                     subject_id TEXT, organization_id UUID, metadata JSONB, address TEXT, \
                     user_agent TEXT) \
             ), ",
            $done,
            "_outbox AS ( \
                 INSERT INTO donjon_outbox (id, kind, payload, attempts, due_at, created_at) \
                 SELECT o.id, o.kind, decode(o.payload, 'base64'), 0, o.created_at, o.created_at \
                 FROM ",
            $done,
            " AS done, jsonb_to_recordset(",
            along!(rows "outbox", $done, $n),
            ") AS o (id UUID, kind TEXT, payload TEXT, created_at BIGINT) \
             )"
        )
    };
    // What is written in any case, and what depends on where the user was seen.
    (rows $kind:literal, $done:literal, $n:literal) => {
        concat!(
            "(",
            $n,
            "::jsonb -> '",
            $kind,
            "') || coalesce(",
            $n,
            "::jsonb #> ARRAY['seen', (SELECT how FROM ",
            $done,
            "_seen), '",
            $kind,
            "'], '[]'::jsonb)"
        )
    };
}
pub(super) use along;

/// Whether the user was known from where [`along!`] saw them, for [`note_seen`]; null if there was
/// nothing to be seen, or nowhere before.
macro_rules! familiar {
    ($done:literal) => {
        concat!("(SELECT familiar FROM ", $done, "_seen)")
    };
}
pub(super) use familiar;

/// Says what became of the sighting, if there is one.
pub(super) fn note_seen(along: &Effects, is_familiar: Option<bool>) {
    if let Some(seen) = &along.sighting {
        seen.note(is_familiar);
    }
}

/// What [`along!`] writes.
pub(super) fn effects(effects: &Effects) -> Json<Value> {
    let Effects { audit, deliveries, sighting, .. } = effects;
    let sightings: Vec<Value> = sighting.iter().map(sighting_row).collect();
    let seen = sighting
        .as_ref()
        .map(|seen| json!({ "familiar": rows(&seen.familiar), "strange": rows(&seen.strange) }));
    let audit: Vec<Value> = audit.iter().map(audit_row).collect();
    let outbox: Vec<Value> = deliveries.iter().map(outbox_row).collect();
    Json(json!({ "audit": audit, "outbox": outbox, "sightings": sightings, "seen": seen }))
}

/// Says which entries the transition wrote of its own: the rows of [`ends`](crate::store::sql::ends).
pub(super) fn note_derived(along: &Effects, rows: Vec<EntryRow>) -> Result<()> {
    along.receipt.note_derived(rows.into_iter().map(entry).collect::<Result<_>>()?);
    Ok(())
}

fn sighting_row(seen: &Sighting) -> Value {
    json!({ "network": seen.network, "at": micros(seen.at) })
}

fn rows(effects: &Effects) -> Value {
    let audit: Vec<Value> = effects.audit.iter().map(audit_row).collect();
    let outbox: Vec<Value> = effects.deliveries.iter().map(outbox_row).collect();
    json!({ "audit": audit, "outbox": outbox })
}

fn audit_row(entry: &AuditEntry) -> Value {
    json!({
        "id": entry.id,
        "at": micros(entry.at),
        "action": entry.action.as_str(),
        "outcome": entry.outcome.as_str(),
        "actor_kind": entry.actor_kind,
        "actor_id": entry.actor.as_ref().map(UserId::as_str),
        "user_id": entry.user.as_ref().map(UserId::as_str),
        "subject_kind": entry.subject_kind,
        "subject_id": entry.subject,
        "organization_id": entry.organization,
        "metadata": entry.metadata,
        "address": entry.address,
        "user_agent": entry.user_agent,
    })
}

fn outbox_row(delivery: &NewDelivery) -> Value {
    use base64::Engine as _;

    let payload = base64::engine::general_purpose::STANDARD.encode(delivery.payload.as_bytes());
    json!({
        "id": delivery.id,
        "kind": delivery.kind,
        "payload": payload,
        "created_at": micros(delivery.created_at),
    })
}

#[async_trait]
impl AuditStore for PostgresStore {
    async fn write_audit_entry(&self, entry: &AuditEntry) -> Result<()> {
        bind_entry!(entry, None).bind(true).execute(self.pool()).await?;
        Ok(())
    }

    async fn audit_entries(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>> {
        let mut query = select::<sqlx::Postgres>(filter, limit);
        let rows: Vec<EntryRow> = query.build_query_as().fetch_all(self.pool()).await?;
        rows.into_iter().map(entry).collect()
    }

    async fn sweep_audit(&self, before: OffsetDateTime, limit: u32) -> Result<u64> {
        // The trigger lets nothing go but what is older than the setting says; it ends with the
        // statement.
        let over = "WITH said AS MATERIALIZED ( \
                 SELECT set_config('donjon.audit_sweep', CAST($1::bigint AS text), true) AS until) \
             DELETE FROM donjon_audit WHERE id IN (SELECT a.id FROM donjon_audit a, said \
                 WHERE a.at < $1 AND said.until IS NOT NULL \
                 ORDER BY a.at LIMIT $2 FOR UPDATE OF a SKIP LOCKED)";
        sweep(self.pool(), over, before, limit).await
    }
}
