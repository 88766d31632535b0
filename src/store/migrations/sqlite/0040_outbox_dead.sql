-- Dead letters are found by their age, to be removed.
CREATE INDEX donjon_outbox_dead ON donjon_outbox (created_at) WHERE due_at IS NULL;
