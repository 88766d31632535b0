-- The authorization server. Times are microseconds since 1970 in UTC; every key begins with the
-- issuer, so that one database can serve many.
CREATE TABLE donjon_provider_clients (
    issuer_id  TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    document   JSONB NOT NULL,
    PRIMARY KEY (issuer_id, client_id)
);

-- The first key of an algorithm is written by whichever node starts first, and by no other.
CREATE TABLE donjon_provider_keys (
    issuer_id    TEXT    NOT NULL,
    kid          TEXT    NOT NULL,
    algorithm    TEXT    NOT NULL,
    private_key  BYTEA   NOT NULL,
    is_first     BOOLEAN NOT NULL,
    created_at   BIGINT  NOT NULL,
    PRIMARY KEY (issuer_id, kid)
);
CREATE UNIQUE INDEX donjon_provider_keys_first ON donjon_provider_keys (issuer_id, algorithm)
    WHERE is_first;

-- The family that codes and tokens belong to: they live while its row does and is not revoked.
CREATE TABLE donjon_provider_grants (
    issuer_id         TEXT    NOT NULL,
    id                UUID    NOT NULL,
    client_id         TEXT    NOT NULL,
    subject           TEXT    NOT NULL,
    session_id        UUID    NOT NULL,
    offline           BOOLEAN NOT NULL,
    authenticated_at  BIGINT  NOT NULL,
    document          JSONB   NOT NULL,
    expires_at        BIGINT  NOT NULL,
    revoked_at        BIGINT,
    PRIMARY KEY (issuer_id, id)
);
CREATE INDEX donjon_provider_grants_session ON donjon_provider_grants (issuer_id, session_id);
CREATE INDEX donjon_provider_grants_subject ON donjon_provider_grants (issuer_id, subject);
CREATE INDEX donjon_provider_grants_expiry ON donjon_provider_grants (expires_at);

CREATE TABLE donjon_provider_codes (
    issuer_id       TEXT   NOT NULL,
    code            BYTEA  NOT NULL,
    interaction_id  TEXT   NOT NULL,
    grant_id        UUID   NOT NULL,
    redirect_uri    TEXT   NOT NULL,
    code_challenge  TEXT,
    expires_at      BIGINT NOT NULL,
    redeemed_at     BIGINT,
    PRIMARY KEY (issuer_id, code),
    UNIQUE (issuer_id, interaction_id),
    FOREIGN KEY (issuer_id, grant_id) REFERENCES donjon_provider_grants ON DELETE CASCADE
);
CREATE INDEX donjon_provider_codes_grant ON donjon_provider_codes (issuer_id, grant_id);

CREATE TABLE donjon_provider_refresh_tokens (
    issuer_id         TEXT   NOT NULL,
    token             BYTEA  NOT NULL,
    grant_id          UUID   NOT NULL,
    issued_at         BIGINT NOT NULL,
    expires_at        BIGINT NOT NULL,
    rotated_at        BIGINT,
    successor         BYTEA,
    successor_sealed  BYTEA,
    PRIMARY KEY (issuer_id, token),
    FOREIGN KEY (issuer_id, grant_id) REFERENCES donjon_provider_grants ON DELETE CASCADE
);
CREATE INDEX donjon_provider_refresh_tokens_grant
    ON donjon_provider_refresh_tokens (issuer_id, grant_id);
CREATE INDEX donjon_provider_refresh_tokens_expiry ON donjon_provider_refresh_tokens (expires_at);
CREATE INDEX donjon_provider_refresh_tokens_sealed ON donjon_provider_refresh_tokens (rotated_at)
    WHERE successor_sealed IS NOT NULL;

CREATE TABLE donjon_provider_assertions (
    issuer_id   TEXT   NOT NULL,
    client_id   TEXT   NOT NULL,
    jti         BYTEA  NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (issuer_id, client_id, jti)
);
CREATE INDEX donjon_provider_assertions_expiry ON donjon_provider_assertions (expires_at);

-- One consent for each set of resources, told apart by the hash of the set.
CREATE TABLE donjon_provider_consents (
    issuer_id       TEXT   NOT NULL,
    subject         TEXT   NOT NULL,
    client_id       TEXT   NOT NULL,
    resources_hash  BYTEA  NOT NULL,
    resources       JSONB  NOT NULL,
    scopes          JSONB  NOT NULL,
    granted_at      BIGINT NOT NULL,
    PRIMARY KEY (issuer_id, subject, client_id, resources_hash)
);

CREATE TABLE donjon_provider_interactions (
    issuer_id       TEXT   NOT NULL,
    interaction_id  TEXT   NOT NULL,
    state           BYTEA  NOT NULL,
    expires_at      BIGINT NOT NULL,
    PRIMARY KEY (issuer_id, interaction_id)
);
CREATE INDEX donjon_provider_interactions_expiry ON donjon_provider_interactions (expires_at);

-- The log by which every node learns what access tokens are revoked.
CREATE TABLE donjon_provider_revocations (
    sequence    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issuer_id   TEXT   NOT NULL,
    grant_id    UUID,
    token_id    TEXT,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX donjon_provider_revocations_issuer
    ON donjon_provider_revocations (issuer_id, sequence);
CREATE INDEX donjon_provider_revocations_expiry ON donjon_provider_revocations (expires_at);

-- How far each issuer has read the log of session ends.
CREATE TABLE donjon_provider_cursors (
    issuer_id      TEXT   NOT NULL PRIMARY KEY,
    session_event  BIGINT NOT NULL
);
CREATE INDEX donjon_session_events_session ON donjon_session_events (session_id);
CREATE INDEX donjon_session_events_user ON donjon_session_events (user_id);
