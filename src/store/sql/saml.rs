//! What both backends' SAML logins share: the statements, and how a row is read.

use super::convert::{hash, time};
use crate::crypto::{Sealed, TokenHash};
use crate::store::{
    AssertionConsumption, IntentSave, LimitCount, LimitUse, LoginIntent, ParkedMessage, Result,
};

/// The columns of an intent, in the order in which they are bound.
macro_rules! intent_columns {
    () => {
        "donjon_saml_intents \
         (relay_state, request_id, connection_id, browser, return_to, expires_at, forced_at)"
    };
}
pub(super) use intent_columns;

/// What became of an intent whose uses were counted so.
pub(super) fn intent_save(uses: &[LimitUse], counts: &[LimitCount]) -> IntentSave {
    let over = uses.iter().zip(counts).find(|(used, count)| count.is_over(used.limit));
    over.map_or(IntentSave::Saved, |(_, count)| IntentSave::Limited { until: count.until })
}

pub(super) const LOAD_INTENT: &str = "SELECT request_id, connection_id, browser, return_to, \
     expires_at, forced_at FROM donjon_saml_intents WHERE relay_state = $1";

pub(super) const PARK: &str =
    "INSERT INTO donjon_saml_messages (handle, message, expires_at) VALUES ($1, $2, $3)";

pub(super) const TAKE: &str = "DELETE FROM donjon_saml_messages WHERE handle = $1 AND expires_at > $2 \
     RETURNING message, expires_at";

/// What there is to sweep: a table, and what its rows are known by.
macro_rules! sweep {
    ($table:literal, $key:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE ",
            $key,
            " IN (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE expires_at <= $1 LIMIT $2)"
        )
    };
}

pub(super) const SWEEPS: [&str; 3] = [
    sweep!("donjon_saml_intents", "relay_state"),
    sweep!("donjon_saml_messages", "handle"),
    sweep!("donjon_saml_replays", "replay_key"),
];

pub(super) type IntentRow = (String, String, Vec<u8>, String, i64, Option<i64>);

pub(super) fn intent(relay_state: &TokenHash, row: IntentRow) -> Result<LoginIntent> {
    let (request_id, connection_id, browser, return_to, expires_at, forced_at) = row;
    Ok(LoginIntent {
        relay_state: *relay_state,
        request_id,
        connection_id,
        browser: hash(&browser)?,
        return_to,
        forced_at: forced_at.map(time).transpose()?,
        expires_at: time(expires_at)?,
    })
}

pub(super) fn parked(handle: &TokenHash, row: (Vec<u8>, i64)) -> Result<ParkedMessage> {
    let (message, expires_at) = row;
    let message = Sealed::from_bytes(message);
    Ok(ParkedMessage { handle: *handle, message, expires_at: time(expires_at)? })
}

/// Why an assertion was not consumed: `intent` is when its intent was consumed, if it was, and
/// when it is over.
pub(super) fn classify(
    replayed: bool,
    intent: Option<(Option<i64>, i64)>,
    now: i64,
) -> Option<AssertionConsumption> {
    match intent {
        _ if replayed => Some(AssertionConsumption::Replayed),
        None => Some(AssertionConsumption::IntentUnknown),
        Some((Some(_), _)) => Some(AssertionConsumption::IntentConsumed),
        Some((None, expires_at)) if expires_at <= now => Some(AssertionConsumption::IntentExpired),
        Some((None, _)) => None,
    }
}
