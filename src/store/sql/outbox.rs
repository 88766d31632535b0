//! How both backends read a delivery.

use uuid::Uuid;

use crate::crypto::Sealed;
use crate::store::Delivery;

/// `id, payload, attempts, created_at, tries_before` of a delivery.
pub(super) type DeliveryRow = (Uuid, Vec<u8>, i64, i64, i64);

/// Claimed deliveries, oldest first.
pub(super) fn deliveries(mut rows: Vec<DeliveryRow>) -> Vec<Delivery> {
    rows.sort_by_key(|(_, _, _, created_at, _)| *created_at);
    let number = |tries: i64| u32::try_from(tries).unwrap_or(u32::MAX);
    rows.into_iter()
        .map(|(id, payload, attempts, _, before)| Delivery {
            id,
            payload: Sealed::from_bytes(payload),
            attempt: number(attempts),
            attempt_of_round: number(attempts - before),
        })
        .collect()
}
