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

/// Counts one use in a CTE `$name`, if there is a key and nothing before it is over its limit.
#[cfg(feature = "postgres")]
macro_rules! counting_use {
    ($name:literal, $key:literal, $until:literal, $before:expr) => {
        concat!(
            $name,
            " AS (
                 INSERT INTO donjon_rate_limits AS r (key, times, expires_at)
                 SELECT ",
            $key,
            "::text, 1, ",
            $until,
            "::bigint WHERE ",
            $key,
            "::text IS NOT NULL",
            $before,
            $crate::store::sql::rate_limit::counting_one_more!("$1"),
            ")"
        )
    };
}

#[cfg(feature = "postgres")]
macro_rules! not_over {
    ($name:literal, $times:literal) => {
        concat!(" AND NOT EXISTS (SELECT FROM ", $name, " WHERE times > ", $times, "::bigint)")
    };
}

/// CTEs that count up to four uses in `$1` (now) to `$13`, bound by [`bind_uses!`], with a CTE
/// `passes` of one row if none is over its limit.
#[cfg(feature = "postgres")]
macro_rules! counting_uses {
    () => {
        concat!(
            "WITH ",
            $crate::store::sql::rate_limit::counting_use!("u1", "$2", "$3", ""),
            ", ",
            $crate::store::sql::rate_limit::counting_use!(
                "u2",
                "$5",
                "$6",
                $crate::store::sql::rate_limit::not_over!("u1", "$4")
            ),
            ", ",
            $crate::store::sql::rate_limit::counting_use!(
                "u3",
                "$8",
                "$9",
                concat!(
                    $crate::store::sql::rate_limit::not_over!("u1", "$4"),
                    $crate::store::sql::rate_limit::not_over!("u2", "$7")
                )
            ),
            ", ",
            $crate::store::sql::rate_limit::counting_use!(
                "u4",
                "$11",
                "$12",
                concat!(
                    $crate::store::sql::rate_limit::not_over!("u1", "$4"),
                    $crate::store::sql::rate_limit::not_over!("u2", "$7"),
                    $crate::store::sql::rate_limit::not_over!("u3", "$10")
                )
            ),
            ", passes AS (SELECT 1 AS one WHERE TRUE",
            $crate::store::sql::rate_limit::not_over!("u1", "$4"),
            $crate::store::sql::rate_limit::not_over!("u2", "$7"),
            $crate::store::sql::rate_limit::not_over!("u3", "$10"),
            $crate::store::sql::rate_limit::not_over!("u4", "$13"),
            ")"
        )
    };
}

/// Selects what [`counting_uses!`] counted, in order.
#[cfg(feature = "postgres")]
macro_rules! counted_uses {
    () => {
        " SELECT times, expires_at FROM (
             SELECT 1 AS place, times, expires_at FROM u1
             UNION ALL SELECT 2, times, expires_at FROM u2
             UNION ALL SELECT 3, times, expires_at FROM u3
             UNION ALL SELECT 4, times, expires_at FROM u4
         ) AS counted ORDER BY place"
    };
}

/// The same as one value: an array of arrays, or null.
#[cfg(feature = "postgres")]
macro_rules! counted_uses_json {
    () => {
        concat!(
            "(SELECT jsonb_agg(jsonb_build_array(times, expires_at)) FROM (",
            $crate::store::sql::rate_limit::counted_uses!(),
            ") AS counted_in_order)"
        )
    };
}

/// Binds `$1` to `$13` of [`counting_uses!`].
#[cfg(feature = "postgres")]
macro_rules! bind_uses {
    ($query:expr, $uses:expr, $now:expr) => {{
        let (uses, now): (&[$crate::store::LimitUse], time::OffsetDateTime) = ($uses, $now);
        let mut query = $query.bind($crate::store::sql::convert::micros(now));
        for place in 0..$crate::store::MAX_LIMITS {
            let used = uses.get(place);
            query = query
                .bind(used.map(|used| used.key.clone()))
                .bind(used.map(|used| $crate::store::sql::convert::micros(now + used.limit.window)))
                .bind(used.map(|used| i64::from(used.limit.times)));
        }
        query
    }};
}
#[cfg(feature = "postgres")]
pub(super) use {
    bind_uses, counted_uses, counted_uses_json, counting_use, counting_uses, not_over,
};

use super::convert::time;
use crate::store::{IssuerId, LimitCount, Result};

/// Reads what [`counted_uses_json!`] selects.
#[cfg(feature = "postgres")]
pub(super) fn limit_counts(
    rows: Option<sqlx::types::Json<Vec<(i64, i64)>>>,
) -> Result<Vec<LimitCount>> {
    let rows = rows.map_or_else(Vec::new, |sqlx::types::Json(rows)| rows);
    rows.into_iter().map(limit_count).collect()
}

/// Reads a row `times, expires_at`.
pub(super) fn limit_count((times, until): (i64, i64)) -> Result<LimitCount> {
    Ok(LimitCount { times: u32::try_from(times).unwrap_or(u32::MAX), until: time(until)? })
}

/// Where a client's wrong secrets from one network are counted.
pub(super) fn client_failure_key(issuer: &IssuerId, client: &str, network: &str) -> String {
    format!("client:{}:{network}:{client}", issuer.as_str())
}

/// What long requests are counted by: of one network, and of all.
pub(super) fn interaction_keys(issuer: &IssuerId, network: &str) -> [String; 2] {
    let issuer = issuer.as_str();
    [format!("interaction:{issuer}:{network}"), format!("interactions:{issuer}")]
}
