-- The host's data of a session may hold any text, U+0000 too, which JSONB does not take. So each key
-- and each value becomes a JSON text of its own, in a string.
UPDATE donjon_session_data SET data = (
    SELECT coalesce(jsonb_object_agg(to_jsonb(key)::text, value::text), '{}')
    FROM jsonb_each(data));

-- A signing key is published for a while before it signs.
ALTER TABLE donjon_provider_keys ADD COLUMN signs_from BIGINT NOT NULL DEFAULT 0;
UPDATE donjon_provider_keys SET signs_from = created_at;
