//! Whether the session that something is made in is still alive.

/// CTEs that lock user `$user`, and then, if parameter `$session` is one, the session, and find the
/// user in `permitted (id)` if there is none or it is alive and the user's. Whoever ends sessions
/// holds the user's row, or has deleted the session's: here they are waited for, and what they did
/// is seen, whatever the snapshot says.
macro_rules! permitted {
    ($user:literal, $session:literal) => {
        concat!(
            "holder AS MATERIALIZED ( \
                 SELECT id FROM donjon_users WHERE id = ",
            $user,
            " FOR NO KEY UPDATE \
             ), alive AS MATERIALIZED ( \
                 SELECT s.user_id FROM donjon_sessions s, holder \
                 WHERE s.id = ",
            $session,
            "::uuid AND s.user_id = holder.id FOR KEY SHARE OF s \
             ), permitted AS MATERIALIZED ( \
                 SELECT id FROM holder \
                 WHERE ",
            $session,
            "::uuid IS NULL OR EXISTS (SELECT 1 FROM alive) \
             )"
        )
    };
}
pub(super) use permitted;
