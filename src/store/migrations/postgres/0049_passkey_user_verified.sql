-- Whether a passkey has ever verified its user, without which it logs nobody in by itself. Of those
-- that are there nobody knows: they are taken for what they were taken for before.
ALTER TABLE donjon_passkeys ADD COLUMN user_verified BOOLEAN NOT NULL DEFAULT TRUE;
