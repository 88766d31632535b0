//! How several sessions are ended at once.

/// CTEs that end the sessions `s` of the user in CTE `$done (user_id)`, here called `done`, of which
/// `$which` holds, and tell them in `ended (id, user_id)`. Rows are locked in one order first, so that
/// two who end the same sessions wait for each other and not in a circle; they are deleted by what
/// they are now, not by what they were before.
macro_rules! ended_in_order {
    ($done:literal, $which:expr) => {
        concat!(
            "ending AS MATERIALIZED ( \
                 SELECT s.id FROM donjon_sessions s JOIN ",
            $done,
            " AS done ON s.user_id = done.user_id WHERE ",
            $which,
            " ORDER BY s.id FOR UPDATE OF s \
             ), ended AS ( \
                 DELETE FROM donjon_sessions s USING ",
            $done,
            " AS done WHERE s.user_id = done.user_id AND ",
            $which,
            " AND (SELECT count(*) FROM ending) >= 0 RETURNING s.id, s.user_id \
             )"
        )
    };
}
pub(super) use ended_in_order;
