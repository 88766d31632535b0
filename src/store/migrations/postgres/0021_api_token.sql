-- Programs of the host's or of an organization's.
CREATE TABLE donjon_service_accounts (
    id               TEXT   NOT NULL PRIMARY KEY,
    organization_id  UUID,
    name             TEXT   NOT NULL,
    created_at       BIGINT NOT NULL,
    disabled_at      BIGINT
);
CREATE INDEX donjon_service_accounts_organization ON donjon_service_accounts (organization_id, id);

-- API tokens of users, and credentials of service accounts: each is one's or the other's.
CREATE TABLE donjon_api_tokens (
    id                  UUID   NOT NULL PRIMARY KEY,
    token_hash          BYTEA  NOT NULL UNIQUE,
    user_id             TEXT   REFERENCES donjon_users (id) ON DELETE CASCADE,
    service_account_id  TEXT   REFERENCES donjon_service_accounts (id) ON DELETE CASCADE,
    name                TEXT   NOT NULL,
    scopes              JSONB  NOT NULL,
    created_at          BIGINT NOT NULL,
    expires_at          BIGINT,
    last_used_at        BIGINT,
    revoked_at          BIGINT,
    CHECK ((user_id IS NULL) <> (service_account_id IS NULL))
);
CREATE INDEX donjon_api_tokens_user ON donjon_api_tokens (user_id, id);
CREATE INDEX donjon_api_tokens_service_account ON donjon_api_tokens (service_account_id, id);
CREATE INDEX donjon_api_tokens_expiry ON donjon_api_tokens (expires_at);
CREATE INDEX donjon_api_tokens_revoked ON donjon_api_tokens (revoked_at);
