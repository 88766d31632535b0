-- Sessions in which an administrator acts as a user, with the session that they are led from: they
-- are alive only while that one is.
CREATE TABLE donjon_impersonations (
    session_id                BLOB   NOT NULL PRIMARY KEY
        REFERENCES donjon_sessions (id) ON DELETE CASCADE ON UPDATE CASCADE,
    administrator_session_id  BLOB   NOT NULL,
    administrator_id          TEXT   NOT NULL,
    reason                    TEXT   NOT NULL,
    begun_at                  BIGINT NOT NULL
);
