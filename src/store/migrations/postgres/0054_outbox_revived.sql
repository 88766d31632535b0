-- How often a dead letter had been tried before it was revived: those tries do not count any more.
ALTER TABLE donjon_outbox ADD COLUMN tries_before BIGINT NOT NULL DEFAULT 0;
