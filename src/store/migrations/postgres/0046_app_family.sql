-- What all refresh tokens of one session of an app have in common: of those that were replaced nothing
-- else needs to be kept. Those that are there have none until they are replaced.
ALTER TABLE donjon_app_refresh_tokens ADD COLUMN family BYTEA;
CREATE INDEX donjon_app_refresh_tokens_family ON donjon_app_refresh_tokens (family);
