-- What must leave the application, written with what caused it. A dead letter is due never.
CREATE TABLE donjon_outbox (
    id          UUID   NOT NULL PRIMARY KEY,
    kind        TEXT   NOT NULL,
    payload     BYTEA  NOT NULL,
    attempts    BIGINT NOT NULL,
    due_at      BIGINT,
    created_at  BIGINT NOT NULL
);
CREATE INDEX donjon_outbox_due ON donjon_outbox (kind, due_at);
