-- Backup codes of who has passkeys and no app: a row without a secret. Codes are no factor by
-- themselves, and go with the last one.
CREATE TABLE donjon_factors (
    user_id       TEXT   NOT NULL PRIMARY KEY REFERENCES donjon_users (id) ON DELETE CASCADE,
    secret        BLOB,
    last_step     BIGINT NOT NULL,
    backup_codes  TEXT   NOT NULL,
    created_at    BIGINT NOT NULL
);
INSERT INTO donjon_factors SELECT user_id, secret, last_step, backup_codes, created_at FROM donjon_totp;
DROP TABLE donjon_totp;
ALTER TABLE donjon_factors RENAME TO donjon_totp;
