-- Login requests sent to identity providers. Times are microseconds since 1970 in UTC.
CREATE TABLE donjon_saml_intents (
    relay_state    BYTEA  NOT NULL PRIMARY KEY,
    request_id     TEXT   NOT NULL,
    connection_id  TEXT   NOT NULL,
    browser        BYTEA  NOT NULL,
    return_to      TEXT   NOT NULL,
    expires_at     BIGINT NOT NULL,
    consumed_at    BIGINT
);
CREATE INDEX donjon_saml_intents_expiry ON donjon_saml_intents (expires_at);

-- Messages that wait for the browser that brought them.
CREATE TABLE donjon_saml_messages (
    handle      BYTEA  NOT NULL PRIMARY KEY,
    message     BYTEA  NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX donjon_saml_messages_expiry ON donjon_saml_messages (expires_at);

-- Responses and assertions that were used.
CREATE TABLE donjon_saml_replays (
    replay_key  BYTEA  NOT NULL PRIMARY KEY,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX donjon_saml_replays_expiry ON donjon_saml_replays (expires_at);
