//! How both backends read how an account stands, and the statements they share.

use serde_json::Value;
use sqlx::types::Json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::account::{account, user_id};
use super::convert::{micros, time};
use super::organization::stays;
use crate::scope::{Attributes, OrganizationId};
use crate::store::user_data::{Export, Fate, Kind, USER_DATA, UserData};
use crate::store::{
    DeletionRequest, DeletionStrategy, DueDeletion, EnforcedSso, FollowedLink, KeptBy, Result,
    Standing, UserSection,
};

pub(super) const STANDING: &str = "SELECT u.disabled_at, u.deletion_at, u.deleted_at, \
     u.password IS NOT NULL, d.organization_id, d.login_path, coalesce(m.break_glass, FALSE) \
     FROM donjon_users u \
     LEFT JOIN donjon_sso_domains d ON d.domain = u.email_domain AND d.mode = 'enforced' \
     LEFT JOIN donjon_memberships m \
         ON m.organization_id = d.organization_id AND m.user_id = u.id WHERE u.id = $1";

pub(super) type StandingRow =
    (Option<i64>, Option<i64>, Option<i64>, bool, Option<Uuid>, Option<String>, bool);

pub(super) fn standing(row: StandingRow) -> Result<Standing> {
    let (disabled, deletion, deleted, has_password, organization, login_path, break_glass) = row;
    let sso = organization.zip(login_path).map(|(organization, login_path)| EnforcedSso {
        organization: OrganizationId(organization),
        login_path,
        break_glass,
    });
    Ok(Standing {
        sso,
        disabled_at: disabled.map(time).transpose()?,
        deletion_at: deletion.map(time).transpose()?,
        deleted_at: deleted.map(time).transpose()?,
        has_password,
    })
}

/// The organizations of user `$1` that have other members, and no other owner of this kind.
macro_rules! sole_owner {
    ($kind:expr) => {
        concat!(
            "SELECT o.name FROM donjon_memberships m \
             JOIN donjon_organizations o ON o.id = m.organization_id AND o.deleted_at IS NULL \
             WHERE m.user_id = $1 AND m.role = 'owner' \
             AND EXISTS (SELECT 1 FROM donjon_memberships x \
                 WHERE x.organization_id = m.organization_id AND x.user_id <> $1) \
             AND NOT EXISTS (SELECT 1 FROM donjon_memberships x \
                 LEFT JOIN donjon_users u ON u.id = x.user_id \
                 WHERE x.organization_id = m.organization_id AND x.user_id <> $1 \
                 AND x.role = 'owner' AND ",
            $kind,
            ") ORDER BY o.name LIMIT 20"
        )
    };
}

/// What speaks against asking for a deletion: no other owner stays.
pub(super) const SOLE_OWNER: &str = sole_owner!(stays!("u"));

/// What speaks against bringing it about. An owner who was disabled meanwhile is one all the same:
/// whoever disables somebody freezes nobody else's deletion.
pub(super) const LEFT_ALONE: &str = sole_owner!("u.deletion_at IS NULL AND u.deleted_at IS NULL");

/// Nobody follows what a user sent who is kept out.
pub(super) const VOID_INVITATIONS: &str = "DELETE FROM donjon_invitations WHERE inviter_id = $1";

/// The domains of organizations that have ended with user `$1` are nobody's.
pub(super) const END_DOMAINS: &str = "DELETE FROM donjon_sso_domains WHERE organization_id IN \
     (SELECT o.id FROM donjon_organizations o \
      JOIN donjon_memberships m ON m.organization_id = o.id \
      WHERE m.user_id = $1 AND o.deleted_at IS NOT NULL)";

/// The webhook endpoints of organizations that have ended with user `$1` are told of nothing more.
pub(super) const END_ENDPOINTS: &str = "UPDATE donjon_webhook_endpoints SET enabled = FALSE \
     WHERE enabled AND organization_id IN \
     (SELECT o.id FROM donjon_organizations o \
      JOIN donjon_memberships m ON m.organization_id = o.id \
      WHERE m.user_id = $1 AND o.deleted_at IS NOT NULL)";

/// Organizations in which user `$1` is alone end with them.
pub(super) const END_ORGANIZATIONS: &str = "UPDATE donjon_organizations SET deleted_at = $2 \
     WHERE deleted_at IS NULL AND EXISTS (SELECT 1 FROM donjon_memberships m \
         WHERE m.organization_id = donjon_organizations.id AND m.user_id = $1) \
     AND NOT EXISTS (SELECT 1 FROM donjon_memberships x \
         WHERE x.organization_id = donjon_organizations.id AND x.user_id <> $1)";

pub(super) const COOLS: &str = "SELECT cools_until FROM donjon_deletions WHERE user_id = $1";

pub(super) const REQUEST: &str = "INSERT INTO donjon_deletions \
     (user_id, email, requested_at, due_at, attempts) \
     SELECT id, email, $2, $3, 0 FROM donjon_users WHERE id = $1 \
     ON CONFLICT (user_id) DO UPDATE SET email = excluded.email, \
         requested_at = excluded.requested_at, due_at = excluded.due_at, attempts = 0, \
         executed_at = NULL, cools_until = NULL";

pub(super) const CLOSE: &str = "UPDATE donjon_users SET deletion_at = $2, \
     device_epoch = device_epoch + 1 WHERE id = $1";

pub(super) const KEEP_LINK: &str = "INSERT INTO donjon_links \
     (user_id, purpose, token_hash, email, expires_at, binding) \
     SELECT id, $2, $3, email, $4, $5 FROM donjon_users WHERE id = $1 AND email = $6";

pub(super) const EXECUTING: &str = "UPDATE donjon_deletions SET executed_at = $2, email = NULL \
     WHERE user_id = $1 AND attempts = $3 AND executed_at IS NULL AND due_at IS NOT NULL";

pub(super) const FINISH: &str = "DELETE FROM donjon_deletions WHERE user_id = $1 AND attempts = $2";

pub(super) const RETRY: &str =
    "UPDATE donjon_deletions SET due_at = $3 WHERE user_id = $1 AND attempts = $2";

pub(super) const DISABLE: &str = "UPDATE donjon_users SET disabled_at = $2, \
     device_epoch = device_epoch + 1 \
     WHERE id = $1 AND disabled_at IS NULL AND deleted_at IS NULL RETURNING id";

pub(super) const ATTRIBUTES: &str =
    "SELECT attributes, attributes_version FROM donjon_users WHERE id = $1";

/// Why a deletion cannot be asked for, if anything speaks against it.
pub(super) fn refusal(
    standing: Option<Standing>,
    cools_until: Option<i64>,
    sole_owner_of: Vec<String>,
    now: OffsetDateTime,
) -> Result<Option<DeletionRequest>> {
    Ok(match (standing, cools_until) {
        (None | Some(Standing { deleted_at: Some(_), .. }), _) => Some(DeletionRequest::NoAccount),
        (Some(Standing { deletion_at: Some(_), .. }), _) => Some(DeletionRequest::AlreadyScheduled),
        (_, Some(until)) if until > micros(now) => {
            Some(DeletionRequest::CoolingDown { until: time(until)? })
        }
        _ if !sole_owner_of.is_empty() => Some(DeletionRequest::SoleOwner(sole_owner_of)),
        _ => None,
    })
}

/// What becomes of the user's own row, `$1`, at `$2`.
pub(super) fn end_of_user(strategy: DeletionStrategy) -> &'static str {
    match strategy {
        DeletionStrategy::Hard => {
            "DELETE FROM donjon_users WHERE id = $1 AND CAST($2 AS BIGINT) IS NOT NULL"
        }
        DeletionStrategy::Anonymize => {
            "UPDATE donjon_users SET email = NULL, email_verified = FALSE, attributes = '{}', \
             password = NULL, passkeys = 0, former_email = NULL, deletion_at = NULL, deleted_at = $2 \
             WHERE id = $1"
        }
        DeletionStrategy::Soft { keeps_address: true } => {
            "UPDATE donjon_users SET password = NULL, passkeys = 0, deletion_at = NULL, deleted_at = $2 \
             WHERE id = $1"
        }
        DeletionStrategy::Soft { keeps_address: false } => {
            "UPDATE donjon_users SET password = NULL, passkeys = 0, former_email = email, email = NULL, \
             email_verified = FALSE, deletion_at = NULL, deleted_at = $2 WHERE id = $1"
        }
    }
}

/// Whether user `u` signed up before `$1`, and nothing came of it by `$2`.
macro_rules! is_abandoned {
    () => {
        "u.signed_up AND NOT u.email_verified AND u.created_at <= $1 \
         AND u.passkeys = 0 AND CAST(u.attributes AS TEXT) = '{}' \
         AND u.disabled_at IS NULL AND u.deletion_at IS NULL AND u.deleted_at IS NULL \
         AND NOT EXISTS (SELECT 1 FROM donjon_links x \
                         WHERE x.user_id = u.id AND x.expires_at > $2) \
         AND NOT EXISTS (SELECT 1 FROM donjon_sightings x WHERE x.user_id = u.id) \
         AND NOT EXISTS (SELECT 1 FROM donjon_sessions x WHERE x.user_id = u.id) \
         AND NOT EXISTS (SELECT 1 FROM donjon_memberships x WHERE x.user_id = u.id) \
         AND NOT EXISTS (SELECT 1 FROM donjon_identities x WHERE x.user_id = u.id) \
         AND NOT EXISTS (SELECT 1 FROM donjon_totp x WHERE x.user_id = u.id) \
         AND NOT EXISTS (SELECT 1 FROM donjon_api_tokens x WHERE x.user_id = u.id)"
    };
}

/// At most `$3` of them.
pub(super) const ABANDONED: &str = concat!(
    "SELECT u.id FROM donjon_users u WHERE ",
    is_abandoned!(),
    " ORDER BY u.created_at LIMIT $3"
);

/// User `$3`, if they are one.
pub(super) const REMOVE_ABANDONED: &str =
    concat!("DELETE FROM donjon_users AS u WHERE u.id = $3 AND ", is_abandoned!());

/// The statements that remove what opens something for user `$1`.
pub(super) fn ends() -> impl Iterator<Item = String> {
    removals(|data| data.fate == Fate::Ends)
}

/// The statements that remove all that goes with user `$1`.
pub(super) fn goes() -> impl Iterator<Item = String> {
    removals(|data| matches!(data.fate, Fate::Ends | Fate::Goes))
}

/// By the columns that hold an id: addresses are in rows that have one, too.
fn removals(wanted: impl Fn(&UserData) -> bool) -> impl Iterator<Item = String> {
    let of_id = |data: &&UserData| !data.column.ends_with("email");
    let rows = USER_DATA.iter().filter(of_id).filter(move |data| wanted(data));
    rows.map(|data| format!("DELETE FROM {} WHERE {} = $1", data.table, data.column))
}

/// Id, epoch and the hash of a link.
/// A user and their epoch, or a link.
pub(super) fn kept_by(by: &KeptBy) -> (Option<&str>, Option<i64>, Option<&FollowedLink>) {
    match by {
        KeptBy::Login(user, epoch) => (Some(user.as_str()), Some(*epoch), None),
        KeptBy::Link(link) => (None, None, Some(link)),
        KeptBy::Administrator(user) => (Some(user.as_str()), None, None),
    }
}

/// `user_id, email, attempts, executed_at` of a deletion, then `email, email_verified, attributes`
/// of its user.
pub(super) type DueRow = (
    String,
    Option<String>,
    i64,
    Option<i64>,
    Option<String>,
    Option<bool>,
    Option<Json<Attributes>>,
);

pub(super) fn due(row: DueRow) -> Result<DueDeletion> {
    let (user, email, attempts, executed, address, verified, attributes) = row;
    let account = match (executed, verified, attributes) {
        (None, Some(verified), Some(attributes)) => {
            Some(account((user.clone(), address, verified, attributes))?)
        }
        _ => None,
    };
    let attempt = u32::try_from(attempts).unwrap_or(u32::MAX);
    Ok(DueDeletion { user: user_id(user)?, account, email, attempt })
}

/// A question for what one table holds about user `$1`, at most `$2` rows, each as one object.
pub(super) struct SectionQuery {
    pub(super) name: &'static str,
    pub(super) sql: String,
    columns: &'static [(&'static str, Kind)],
}

/// The questions for everything, each column as this backend makes it JSON.
pub(super) fn sections(
    object: &'static str,
    value: fn(&str, Kind) -> String,
) -> impl Iterator<Item = SectionQuery> {
    USER_DATA.iter().filter_map(move |data| {
        let (name, only, columns) = match data.export {
            Export::Section(name, columns) => (name, "TRUE", columns),
            Export::SectionOf(name, only, columns) => (name, only, columns),
            Export::Omitted(_) => return None,
        };
        let pairs: Vec<_> = columns
            .iter()
            .map(|(column, kind)| format!("'{column}', {}", value(column, *kind)))
            .collect();
        let (pairs, table, user) = (pairs.join(", "), data.table, data.column);
        let sql =
            format!("SELECT {object}({pairs}) FROM {table} WHERE {user} = $1 AND {only} LIMIT $2");
        Some(SectionQuery { name, sql, columns })
    })
}

impl SectionQuery {
    /// The section of these rows, of which one too many was asked for.
    pub(super) fn section(&self, mut rows: Vec<Json<Row>>, limit: u32) -> UserSection {
        let truncated = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let rows = rows.into_iter().map(|Json(row)| self.told(row)).collect();
        UserSection { name: self.name, rows, truncated }
    }

    /// Times and ids as texts.
    fn told(&self, mut row: Row) -> Row {
        for (column, kind) in self.columns {
            let Some(value) = row.get_mut(*column) else { continue };
            let text = match (kind, &*value) {
                (Kind::Time, Value::Number(micros)) => {
                    let at = micros.as_i64().and_then(|micros| time(micros).ok());
                    at.and_then(|at| at.format(&Rfc3339).ok())
                }
                (Kind::Uuid, Value::String(text)) => {
                    Uuid::parse_str(text).ok().map(|id| id.to_string())
                }
                _ => None,
            };
            if let Some(text) = text {
                *value = Value::String(text);
            }
        }
        row
    }
}

pub(super) type Row = serde_json::Map<String, Value>;
