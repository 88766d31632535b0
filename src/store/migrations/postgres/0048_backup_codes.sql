-- Backup codes of who has passkeys and no app: a row without a secret. Codes are no factor by
-- themselves, and go with the last one.
ALTER TABLE donjon_totp ALTER COLUMN secret DROP NOT NULL;
