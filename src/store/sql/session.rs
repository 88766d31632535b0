//! What both backends' sessions share: how a row is read, and the reading statements.

use sqlx::types::Json;
use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::account::user_id;
use super::convert::time;
use super::organization::membership;
use super::single_sign_on::{leader_let_in, let_in};
use crate::scope::{Account, Attributes, Authentication, OrganizationId, SessionEvent, SessionId};
use crate::store::{
    Device, IssuerId, LONGEST_ACCESS_TOKEN, Login, Result, StoreError, StoredSession, UserEpoch,
};

/// What [`select!`] selects.
pub(super) struct SessionRow {
    id: Uuid,
    data_id: Uuid,
    device: (Option<String>, Option<String>),
    remembered: bool,
    /// Created, last active, idle end, end.
    times: (i64, i64, Option<i64>, i64),
    snapshot: Option<Json<Account>>,
    authentication: Option<Json<Authentication>>,
    account: (Option<String>, Option<bool>, Option<Json<Attributes>>),
    epochs: (Option<i64>, Option<i64>),
    acting: (Option<Uuid>, Option<String>),
    membership: MembershipRow,
}

/// The organization's slug and name, and the role in it; whether it demands a second factor, and
/// whether the user lacks one.
type MembershipRow = (Option<String>, Option<String>, Option<String>, Option<bool>, Option<bool>);

/// The columns in their order, for both databases: a tuple has too few places for them.
impl<'r, R> FromRow<'r, R> for SessionRow
where
    R: Row,
    usize: ColumnIndex<R>,
    Uuid: Decode<'r, R::Database> + Type<R::Database>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    bool: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    Json<Account>: Decode<'r, R::Database> + Type<R::Database>,
    Json<Authentication>: Decode<'r, R::Database> + Type<R::Database>,
    Json<Attributes>: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        let get = Columns(row);
        Ok(Self {
            id: get.at(0)?,
            data_id: get.at(1)?,
            device: (get.at(2)?, get.at(3)?),
            remembered: get.at(4)?,
            times: (get.at(5)?, get.at(6)?, get.at(7)?, get.at(8)?),
            snapshot: get.at(9)?,
            authentication: get.at(10)?,
            account: (get.at(11)?, get.at(12)?, get.at(13)?),
            epochs: (get.at(14)?, get.at(15)?),
            acting: (get.at(16)?, get.at(17)?),
            membership: (get.at(18)?, get.at(19)?, get.at(20)?, get.at(21)?, get.at(22)?),
        })
    }
}

/// A row, whose columns are read by their places.
pub(super) struct Columns<'r, R>(pub(super) &'r R);

impl<'r, R: Row> Columns<'r, R>
where
    usize: ColumnIndex<R>,
{
    pub(super) fn at<T>(&self, index: usize) -> sqlx::Result<T>
    where
        T: Decode<'r, R::Database> + Type<R::Database>,
    {
        self.0.try_get(index)
    }
}

/// Selects [`SessionRow`]s, with the present state of the account if it is one of ours, with the
/// present epoch of its user if not, and with the membership in the organization they act in; `a` is
/// the session that an impersonation is led from, if that is alive.
macro_rules! rows {
    () => {
        concat!(
            "SELECT s.id, s.data_id, s.address, s.user_agent, s.remembered, s.created_at, \
             s.last_active_at, s.idle_expires_at, s.expires_at, s.account, s.authentication, \
             u.email, u.email_verified, u.attributes, s.account_epoch, \
             CASE WHEN u.id IS NULL AND s.user_id IS NOT NULL THEN COALESCE(e.epoch, 0) END, \
             s.organization_id, s.impersonator_id, o.slug, o.name, m.role, \
             o.requires_second_factor, o.requires_second_factor AND NOT EXISTS \
                 (SELECT 1 FROM donjon_totp t \
                  WHERE t.user_id = s.user_id AND t.secret IS NOT NULL) \
                 AND NOT EXISTS (SELECT 1 FROM donjon_passkeys k WHERE k.user_id = s.user_id) \
             FROM donjon_sessions s LEFT JOIN donjon_users u ON u.id = s.user_id \
             LEFT JOIN donjon_user_epochs e ON e.user_id = s.user_id \
             LEFT JOIN donjon_memberships m \
                 ON m.organization_id = s.organization_id AND m.user_id = s.user_id \
             LEFT JOIN donjon_organizations o \
                 ON o.id = m.organization_id AND o.deleted_at IS NULL \
             LEFT JOIN donjon_impersonations i ON i.session_id = s.id \
             LEFT JOIN donjon_sessions a ON a.id = i.administrator_session_id \
                 AND a.user_id = i.administrator_id AND a.expires_at > $2 \
                 AND (a.idle_expires_at IS NULL OR a.idle_expires_at > $2) AND ",
            leader_let_in!(),
        )
    };
}

/// The same, but for impersonations that nobody leads any more.
macro_rules! select {
    ($condition:literal) => {
        concat!(rows!(), " WHERE (i.session_id IS NULL OR a.id IS NOT NULL) AND ", $condition)
    };
}

pub(super) const LOAD: &str = concat!(
    select!(
        "s.token_hash = $1 AND s.expires_at > $2 \
         AND (s.idle_expires_at IS NULL OR s.idle_expires_at > $2) \
         AND u.disabled_at IS NULL AND u.deletion_at IS NULL AND u.deleted_at IS NULL"
    ),
    " AND ",
    let_in!(),
);

pub(super) const LOAD_BY_ID: &str = concat!(
    select!(
        "s.id = $1 AND s.expires_at > $2 \
         AND (s.idle_expires_at IS NULL OR s.idle_expires_at > $2) \
         AND u.disabled_at IS NULL AND u.deletion_at IS NULL AND u.deleted_at IS NULL"
    ),
    " AND ",
    let_in!(),
);

/// The live session `$1`, whether or not it is led from one that is alive.
pub(super) const LOAD_LED: &str = concat!(
    rows!(),
    " WHERE s.id = $1 AND s.expires_at > $2 \
     AND (s.idle_expires_at IS NULL OR s.idle_expires_at > $2)"
);

/// The live session `$1`, of its user in person.
pub(super) const LOAD_IN_PERSON: &str = concat!(
    select!(
        "s.id = $1 AND s.expires_at > $2 \
         AND (s.idle_expires_at IS NULL OR s.idle_expires_at > $2) AND s.impersonator_id IS NULL \
         AND u.disabled_at IS NULL AND u.deletion_at IS NULL AND u.deleted_at IS NULL"
    ),
    " AND ",
    let_in!(),
);

/// What links are for by which somebody comes in, or takes an account over. One that confirms an address
/// does neither, and one that keeps an account is all that its user has left.
macro_rules! pending_links {
    () => {
        "('login', 'reset', 'change_email')"
    };
}
pub(super) use pending_links;

pub(super) const LIST: &str = select!(
    "s.user_id = $1 AND s.expires_at > $2 \
     AND (s.idle_expires_at IS NULL OR s.idle_expires_at > $2) \
     AND u.disabled_at IS NULL AND u.deletion_at IS NULL AND u.deleted_at IS NULL \
     ORDER BY s.last_active_at DESC, s.id DESC"
);

pub(super) const USER_EPOCH: &str = "SELECT CASE \
     WHEN NOT EXISTS (SELECT 1 FROM donjon_users WHERE id = $1) \
     THEN COALESCE((SELECT epoch FROM donjon_user_epochs WHERE user_id = $1), 0) END";

pub(super) const USER_CHANGED: &str = "INSERT INTO donjon_user_epochs AS known (user_id, epoch) \
     VALUES ($1, 1) ON CONFLICT (user_id) DO UPDATE SET epoch = known.epoch + 1 RETURNING epoch";

pub(super) const REFRESH: &str = "UPDATE donjon_sessions SET account = $3, account_epoch = $4 \
     WHERE id = $1 AND user_id = $2 AND (account_epoch IS NULL OR account_epoch < $4)";

pub(super) const EVENTS: &str = "SELECT sequence, session_id, user_id, reason, at, spares \
     FROM donjon_session_events WHERE sequence > $1 ORDER BY sequence LIMIT $2";

/// At most `$2` issuers that have yet to read one of the `$2` oldest events that happened before
/// `$1`.
pub(super) const LATE_ISSUERS: &str = "SELECT issuer_id FROM donjon_provider_cursors \
     WHERE session_event < (SELECT max(sequence) FROM \
         (SELECT sequence, at FROM donjon_session_events ORDER BY sequence LIMIT $2) AS oldest \
         WHERE at <= $1) \
     LIMIT $2";

pub(super) fn session(row: SessionRow) -> Result<StoredSession> {
    let (address, user_agent) = row.device;
    let (created, active, idle, expires) = row.times;
    let (as_of, epoch) = row.epochs;
    let (organization, impersonator) = row.acting;
    let login = match (&row.snapshot, row.authentication) {
        (Some(Json(snapshot)), Some(Json(authentication))) => Some(Login {
            account: match &row.account {
                (_, None, _) => snapshot.clone(),
                (email, Some(verified), attributes) => {
                    present_state(snapshot, email, *verified, attributes)
                }
            },
            as_of: as_of.map(UserEpoch),
            authentication,
            organization: organization.map(OrganizationId),
            impersonator: impersonator.map(user_id).transpose()?,
        }),
        _ => None,
    };
    let membership = match (organization, row.membership) {
        (Some(id), (Some(slug), Some(name), Some(role), Some(requires), Some(lacks))) => {
            Some(membership((id, slug, name, role, requires, lacks))?)
        }
        _ => None,
    };
    let address = match address {
        Some(text) => Some(text.parse().map_err(|_| StoreError::Corrupt("an address"))?),
        None => None,
    };
    Ok(StoredSession {
        id: SessionId(row.id),
        login,
        user_epoch: epoch.map(UserEpoch),
        membership,
        data_id: row.data_id,
        device: Device { address, user_agent },
        remembered: row.remembered,
        created_at: time(created)?,
        last_active_at: time(active)?,
        idle_expires_at: idle.map(time).transpose()?,
        expires_at: time(expires)?,
    })
}

fn present_state(
    snapshot: &Account,
    email: &Option<String>,
    verified: bool,
    attributes: &Option<Json<Attributes>>,
) -> Account {
    let attributes = attributes.as_ref().map(|Json(object)| object.clone()).unwrap_or_default();
    let account = Account::new(snapshot.id().clone()).with_attributes(attributes);
    match email {
        Some(email) => account.with_email(email, verified),
        None => account,
    }
}

pub(super) const LOAD_DATA: &str = "SELECT data FROM donjon_session_data WHERE id = $1";

/// An issuer whose events are applied on its behalf.
pub(super) fn late_issuer(issuer: String) -> IssuerId {
    tracing::warn!(issuer, "has not read the ends of sessions for a week; they are applied for it");
    IssuerId::new(issuer)
}

/// Until when a revocation on behalf of an issuer, whose lifetimes nobody knows, is remembered.
pub(super) fn remembered_until(now: OffsetDateTime) -> OffsetDateTime {
    now + LONGEST_ACCESS_TOKEN + Duration::MINUTE
}

/// The columns that [`EVENTS`] selects.
pub(super) type EventRow = (i64, Option<Uuid>, String, String, i64, Option<String>);

pub(super) fn event(row: EventRow) -> Result<SessionEvent> {
    let (sequence, session_id, user, reason, at, spares) = row;
    Ok(SessionEvent {
        sequence,
        session_id: session_id.map(SessionId),
        user_id: super::account::user_id(user)?,
        end: reason.parse().map_err(|()| StoreError::Corrupt("a session's end"))?,
        spares,
        at: time(at)?,
    })
}
