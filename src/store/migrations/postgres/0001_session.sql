-- Sessions, and the log of their ends. Times are microseconds since 1970 in UTC.
CREATE TABLE donjon_sessions (
    id               UUID    NOT NULL PRIMARY KEY,
    token_hash       BYTEA    NOT NULL UNIQUE,
    user_id          TEXT,
    account          JSONB,
    authentication   JSONB,
    data_id          UUID    NOT NULL UNIQUE,
    address          TEXT,
    user_agent       TEXT,
    remembered       BOOLEAN NOT NULL,
    created_at       BIGINT  NOT NULL,
    last_active_at   BIGINT  NOT NULL,
    idle_expires_at  BIGINT,
    expires_at       BIGINT  NOT NULL
);
CREATE INDEX donjon_sessions_user ON donjon_sessions (user_id, last_active_at);
CREATE INDEX donjon_sessions_expiry ON donjon_sessions (expires_at);
CREATE INDEX donjon_sessions_idle ON donjon_sessions (idle_expires_at);

CREATE TABLE donjon_session_events (
    sequence    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id  UUID,
    user_id     TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    at          BIGINT NOT NULL
);

-- The host's own data of a session; it goes with the session.
CREATE TABLE donjon_session_data (
    id    UUID  NOT NULL PRIMARY KEY REFERENCES donjon_sessions (data_id) ON DELETE CASCADE,
    data  JSONB NOT NULL
);
