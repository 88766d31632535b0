//! How both backends read a delivery.

use time::OffsetDateTime;
use uuid::Uuid;

use super::convert::time;
use crate::crypto::Sealed;
use crate::store::{DeadLetter, Delivery, Result};

pub(super) const DEAD: &str = "SELECT id, payload, attempts, created_at, tries_before \
     FROM donjon_outbox WHERE due_at IS NULL AND kind = $1 \
     ORDER BY created_at DESC, id DESC LIMIT $2";

/// `id, payload, attempts, created_at, tries_before` of a delivery.
pub(super) type DeliveryRow = (Uuid, Vec<u8>, i64, i64, i64);

/// Deliveries that were claimed until then, oldest first.
pub(super) fn deliveries(mut rows: Vec<DeliveryRow>, due_at: OffsetDateTime) -> Vec<Delivery> {
    rows.sort_by_key(|(_, _, _, created_at, _)| *created_at);
    rows.into_iter()
        .map(|(id, payload, attempts, _, before)| Delivery {
            id,
            payload: Sealed::from_bytes(payload),
            attempt: number(attempts),
            attempt_of_round: number(attempts - before),
            due_at,
        })
        .collect()
}

pub(super) fn dead_letter(
    (id, payload, attempts, created_at, _): DeliveryRow,
) -> Result<DeadLetter> {
    let (payload, created_at) = (Sealed::from_bytes(payload), time(created_at)?);
    Ok(DeadLetter { id, payload, attempts: number(attempts), created_at })
}

fn number(tries: i64) -> u32 {
    u32::try_from(tries).unwrap_or(u32::MAX)
}
