-- Who signed up, and was not made by the host: such an account goes again if nobody confirms it.
ALTER TABLE donjon_users ADD COLUMN signed_up INTEGER NOT NULL DEFAULT 0;
CREATE INDEX donjon_users_unconfirmed ON donjon_users (created_at) WHERE email_verified = 0 AND signed_up = 1;
