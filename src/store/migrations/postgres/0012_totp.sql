-- The authenticator app of a user: the sealed secret, the last step that a code was accepted for,
-- and the backup codes that are left, as keyed hashes in hexadecimal. One row, so that there is no app
-- without codes, and whoever uses a code of either kind waits for whoever is before them.
CREATE TABLE donjon_totp (
    user_id       TEXT   NOT NULL PRIMARY KEY REFERENCES donjon_users (id) ON DELETE CASCADE,
    secret        BYTEA  NOT NULL,
    last_step     BIGINT NOT NULL,
    backup_codes  JSONB  NOT NULL,
    created_at    BIGINT NOT NULL
);
