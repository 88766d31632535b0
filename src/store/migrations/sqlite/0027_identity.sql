-- Who users are at other providers: found by provider and subject, and by nothing else. The address
-- and the name are for people to recognise them by. A user has at most one of each provider.
CREATE TABLE donjon_identities (
    provider          TEXT   NOT NULL,
    subject           TEXT   NOT NULL,
    user_id           TEXT   NOT NULL REFERENCES donjon_users (id) ON DELETE CASCADE,
    email             TEXT,
    name              TEXT,
    tokens            BLOB,
    tokens_version    BIGINT NOT NULL,
    refreshing_until  BIGINT,
    created_at        BIGINT NOT NULL,
    last_used_at      BIGINT NOT NULL,
    PRIMARY KEY (provider, subject),
    UNIQUE (user_id, provider)
);

-- What a provider said of somebody, sealed, until they have said what is to become of it.
CREATE TABLE donjon_parked_identities (
    handle      BLOB   NOT NULL PRIMARY KEY,
    identity    BLOB   NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX donjon_parked_identities_expiry ON donjon_parked_identities (expires_at);
