-- Since when a user has the password, and whether the next login leads to choosing another.
ALTER TABLE donjon_users ADD COLUMN password_set_at BIGINT;
UPDATE donjon_users SET password_set_at = created_at WHERE password IS NOT NULL;
ALTER TABLE donjon_users ADD COLUMN must_change_password BOOLEAN NOT NULL DEFAULT FALSE;

-- The code that a mail carries beside its link, as a keyed hash, and how often one was tried.
ALTER TABLE donjon_links ADD COLUMN code_hash BYTEA;
ALTER TABLE donjon_links ADD COLUMN code_tries BIGINT NOT NULL DEFAULT 0;
