//! How uses of a limit are counted.

/// Goes on after `INSERT INTO donjon_rate_limits AS r (key, times, expires_at)` and one use, whose
/// window would end at `expires_at`: counts it in the window there is, if that is not over at the
/// moment which this is given the bind of.
macro_rules! counting_one_more {
    ($now:literal) => {
        concat!(
            " ON CONFLICT (key) DO UPDATE SET
                 times = CASE WHEN r.expires_at <= ",
            $now,
            " THEN 1 ELSE r.times + 1 END,
                 expires_at = CASE WHEN r.expires_at <= ",
            $now,
            " THEN excluded.expires_at ELSE r.expires_at END
             RETURNING times, expires_at"
        )
    };
}

pub(super) use counting_one_more;

use crate::store::IssuerId;

/// What long requests are counted by: of one network, and of all.
pub(super) fn interaction_keys(issuer: &IssuerId, network: &str) -> [String; 2] {
    let issuer = issuer.as_str();
    [format!("interaction:{issuer}:{network}"), format!("interactions:{issuer}")]
}
