//! What is forgotten of a user whose account is deleted without a trace, but for what happened: which
//! action, when, by and about which id, and how it ended.

use crate::store::DeletionStrategy;

/// In the audit log. Where it was done from is about whoever did it, or, if that is nobody who was
/// logged in, about the user; what else was noted is about the user. So neither is taken away from
/// somebody else who did something to user `$1`, or to whom they did something. What others did to
/// their address, such as inviting it, is found by it, if it was proven to be theirs. (SQLite seeks in the
/// index what has no affinity, and a column has one.)
const AUDIT: &str = "UPDATE donjon_audit SET \
     address = CASE WHEN coalesce(actor_id, user_id) = $1 THEN NULL ELSE address END, \
     user_agent = CASE WHEN coalesce(actor_id, user_id) = $1 THEN NULL ELSE user_agent END, \
     metadata = CASE WHEN coalesce(user_id, actor_id) = $1 \
         OR (metadata ->> 'email') IN (SELECT email FROM donjon_users \
             WHERE id = $1 AND email_verified) THEN '{}' ELSE metadata END, \
     subject_id = CASE WHEN coalesce(user_id, actor_id) = $1 AND subject_kind = 'identity' \
         THEN NULL ELSE subject_id END \
     WHERE id IN (SELECT id FROM donjon_audit WHERE user_id = $1 \
         UNION SELECT id FROM donjon_audit WHERE actor_id = $1 \
         UNION SELECT a.id FROM donjon_users u JOIN donjon_audit a \
             ON (a.metadata ->> 'email') = (u.email || '') WHERE u.id = $1 AND u.email_verified)";

/// Who they were at another provider, in what is on its way to webhooks.
const EVENTS: &str = "UPDATE donjon_webhook_events SET subject_id = NULL \
     WHERE user_id = $1 AND subject_kind = 'identity'";

/// The statements that forget user `$1`, whose row is still there for their address.
pub(super) const ERASE: [&str; 2] = [AUDIT, EVENTS];

/// Whether nothing personal stays.
pub(super) fn erases(strategy: DeletionStrategy) -> bool {
    match strategy {
        DeletionStrategy::Hard | DeletionStrategy::Anonymize => true,
        DeletionStrategy::Soft { .. } => false,
    }
}
