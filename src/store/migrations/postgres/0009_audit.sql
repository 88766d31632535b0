-- Who did what: written with what it tells of, never changed.
CREATE TABLE donjon_audit (
    id               UUID   NOT NULL PRIMARY KEY,
    at               BIGINT NOT NULL,
    action           TEXT   NOT NULL,
    outcome          TEXT   NOT NULL,
    actor_kind       TEXT   NOT NULL,
    actor_id         TEXT,
    user_id          TEXT,
    subject_kind     TEXT,
    subject_id       TEXT,
    organization_id  UUID,
    metadata         JSONB  NOT NULL,
    address          TEXT,
    user_agent       TEXT
);
CREATE INDEX donjon_audit_time ON donjon_audit (at, id);
CREATE INDEX donjon_audit_user ON donjon_audit (user_id, at, id);
CREATE INDEX donjon_audit_actor ON donjon_audit (actor_id, at, id);
CREATE INDEX donjon_audit_organization ON donjon_audit (organization_id, at, id);
