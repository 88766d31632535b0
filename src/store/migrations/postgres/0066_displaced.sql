-- Ends those of a user's sessions beside `kept` that are too many: of those that live, all but the
-- `beside` that were used last. Its statements see what was committed before they begin, and the first
-- one waits for whoever else opens a session of the user: so no two leave one too many. What somebody
-- is about to change or to end is passed over, so that nobody waits for each other.
CREATE FUNCTION donjon_displace_sessions(
    owner TEXT, kept UUID, beside BIGINT, present BIGINT, why TEXT, events BIGINT
) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    over BIGINT;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('donjon_sessions ' || owner, 0));
    SELECT count(*) - beside INTO over FROM donjon_sessions s
    WHERE s.user_id = owner AND s.id <> kept AND s.expires_at > present
      AND (s.idle_expires_at IS NULL OR s.idle_expires_at > present);
    IF over > 0 THEN
        WITH oldest AS MATERIALIZED (
            SELECT s.id FROM donjon_sessions s
            WHERE s.user_id = owner AND s.id <> kept AND s.expires_at > present
              AND (s.idle_expires_at IS NULL OR s.idle_expires_at > present)
            ORDER BY s.last_active_at, s.id LIMIT over FOR UPDATE SKIP LOCKED
        ), ended AS (
            DELETE FROM donjon_sessions s USING oldest WHERE s.id = oldest.id
            RETURNING s.id, s.user_id
        ), locked AS MATERIALIZED (
            SELECT pg_advisory_xact_lock(events)
            FROM (SELECT count(*) AS ends FROM ended) AS counted WHERE ends > 0
        )
        INSERT INTO donjon_session_events (session_id, user_id, reason, at)
        SELECT ended.id, ended.user_id, why, present FROM locked, ended;
    END IF;
END
$$;
