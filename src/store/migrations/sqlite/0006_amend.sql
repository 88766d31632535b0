-- A signing key is published for a while before it signs.
ALTER TABLE donjon_provider_keys ADD COLUMN signs_from BIGINT NOT NULL DEFAULT 0;
UPDATE donjon_provider_keys SET signs_from = created_at;
