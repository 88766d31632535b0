-- The application's own users. An email address is always the normalised one.
CREATE TABLE donjon_users (
    id              TEXT    NOT NULL PRIMARY KEY,
    email           TEXT    UNIQUE,
    email_verified  BOOLEAN NOT NULL,
    attributes      JSONB   NOT NULL,
    password        TEXT,
    created_at      BIGINT  NOT NULL
);

-- The mailed links that work: one per user and purpose.
CREATE TABLE donjon_links (
    user_id     TEXT   NOT NULL REFERENCES donjon_users (id) ON DELETE CASCADE,
    purpose     TEXT   NOT NULL,
    token_hash  BYTEA  NOT NULL UNIQUE,
    email       TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (user_id, purpose)
);
CREATE INDEX donjon_links_expiry ON donjon_links (expires_at);

-- Logins tried per address since the last success, whether or not anybody has the address.
CREATE TABLE donjon_login_attempts (
    email       TEXT   NOT NULL PRIMARY KEY,
    attempts    BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX donjon_login_attempts_expiry ON donjon_login_attempts (expires_at);

-- What may happen only so often in a window.
CREATE TABLE donjon_rate_limits (
    key         TEXT   NOT NULL PRIMARY KEY,
    times       BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX donjon_rate_limits_expiry ON donjon_rate_limits (expires_at);
