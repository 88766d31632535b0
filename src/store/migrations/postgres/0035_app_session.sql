-- Codes by which a user, logged in with a browser, lets an app of the host's own log in.
CREATE TABLE donjon_app_codes (
    code            BYTEA   NOT NULL PRIMARY KEY,
    app_id          TEXT   NOT NULL,
    redirect_uri    TEXT   NOT NULL,
    code_challenge  TEXT   NOT NULL,
    scopes          JSONB  NOT NULL,
    user_id         TEXT   NOT NULL,
    made_in         UUID   NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    redeemed_at     BIGINT,
    session_id      UUID
);
CREATE INDEX donjon_app_codes_user ON donjon_app_codes (user_id);
CREATE INDEX donjon_app_codes_expiry ON donjon_app_codes (expires_at);

-- Sessions that are an app's: no cookie opens them.
CREATE TABLE donjon_app_sessions (
    session_id  UUID   NOT NULL PRIMARY KEY
        REFERENCES donjon_sessions (id) ON DELETE CASCADE ON UPDATE CASCADE,
    user_id     TEXT   NOT NULL,
    app_id      TEXT   NOT NULL,
    scopes      JSONB  NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX donjon_app_sessions_user ON donjon_app_sessions (user_id, created_at);

CREATE TABLE donjon_app_refresh_tokens (
    token             BYTEA   NOT NULL PRIMARY KEY,
    session_id        UUID   NOT NULL
        REFERENCES donjon_app_sessions (session_id) ON DELETE CASCADE ON UPDATE CASCADE,
    issued_at         BIGINT NOT NULL,
    expires_at        BIGINT NOT NULL,
    rotated_at        BIGINT,
    successor         BYTEA,
    successor_sealed  BYTEA
);
CREATE INDEX donjon_app_refresh_tokens_session ON donjon_app_refresh_tokens (session_id);
CREATE INDEX donjon_app_refresh_tokens_expiry ON donjon_app_refresh_tokens (expires_at);
CREATE INDEX donjon_app_refresh_tokens_sealed ON donjon_app_refresh_tokens (rotated_at)
    WHERE successor_sealed IS NOT NULL;

CREATE TABLE donjon_app_access_tokens (
    token       BYTEA   NOT NULL PRIMARY KEY,
    session_id  UUID   NOT NULL
        REFERENCES donjon_app_sessions (session_id) ON DELETE CASCADE ON UPDATE CASCADE,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX donjon_app_access_tokens_session ON donjon_app_access_tokens (session_id);
CREATE INDEX donjon_app_access_tokens_expiry ON donjon_app_access_tokens (expires_at);

INSERT INTO donjon_webhook_actions (action, type) VALUES
    ('session.app_start', 'session.created');
