-- How often the host has said that one of its users changed, and as of which epoch a session's
-- snapshot of the account is. A user without a row is at epoch 0; a row stays, so that an epoch
-- never comes again.
CREATE TABLE donjon_user_epochs (
    user_id  TEXT   NOT NULL PRIMARY KEY,
    epoch    BIGINT NOT NULL
);
ALTER TABLE donjon_sessions ADD COLUMN account_epoch BIGINT;
