//! How both backends read a delivery.

use uuid::Uuid;

use crate::crypto::Sealed;
use crate::store::Delivery;

/// `id, payload, attempts, created_at` of a delivery.
pub(super) type DeliveryRow = (Uuid, Vec<u8>, i64, i64);

/// Claimed deliveries, oldest first.
pub(super) fn deliveries(mut rows: Vec<DeliveryRow>) -> Vec<Delivery> {
    rows.sort_by_key(|(_, _, _, created_at)| *created_at);
    rows.into_iter()
        .map(|(id, payload, attempts, _)| Delivery {
            id,
            payload: Sealed::from_bytes(payload),
            attempt: u32::try_from(attempts).unwrap_or(u32::MAX),
        })
        .collect()
}
