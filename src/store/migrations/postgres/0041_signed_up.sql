-- Who signed up, and was not made by the host: such an account goes again if nobody confirms it.
ALTER TABLE donjon_users ADD COLUMN signed_up BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX donjon_users_unconfirmed ON donjon_users (created_at) WHERE signed_up AND NOT email_verified;
