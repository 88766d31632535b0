-- Since when a passkey is refused, as one that may have been copied.
ALTER TABLE donjon_passkeys ADD COLUMN suspended_at INTEGER;
