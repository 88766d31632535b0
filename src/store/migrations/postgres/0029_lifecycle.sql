-- Why nobody comes in as a user: since when an administrator has forbidden it, when the account is
-- going to be deleted, since when it is. Nobody comes in while any of them is set.
ALTER TABLE donjon_users ADD COLUMN disabled_at BIGINT;
ALTER TABLE donjon_users ADD COLUMN deletion_at BIGINT;
ALTER TABLE donjon_users ADD COLUMN deleted_at BIGINT;
-- The address of an account that was deleted, and may be wanted back, though the address is free.
ALTER TABLE donjon_users ADD COLUMN former_email TEXT;
-- How often the host's attributes have changed, so that whoever changes them knows what they change.
ALTER TABLE donjon_users ADD COLUMN attributes_version BIGINT NOT NULL DEFAULT 0;

-- Deletions that were asked for. It outlives its user until the host has been told; and, once it was
-- cancelled, for as long as another one may not be asked for. What is due never is neither.
CREATE TABLE donjon_deletions (
    user_id       TEXT   NOT NULL PRIMARY KEY,
    email         TEXT,
    requested_at  BIGINT NOT NULL,
    due_at        BIGINT,
    attempts      BIGINT NOT NULL,
    executed_at   BIGINT,
    cools_until   BIGINT
);
CREATE INDEX donjon_deletions_due ON donjon_deletions (due_at);
CREATE INDEX donjon_deletions_cool ON donjon_deletions (cools_until);
