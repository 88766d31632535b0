-- In which organization a session acts, and who really acts in it.
CREATE TABLE donjon_organizations (
    id          UUID   NOT NULL PRIMARY KEY,
    slug        TEXT   NOT NULL UNIQUE,
    name        TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    deleted_at  BIGINT
);

CREATE TABLE donjon_memberships (
    organization_id  UUID   NOT NULL REFERENCES donjon_organizations (id) ON DELETE CASCADE,
    user_id          TEXT   NOT NULL,
    role             TEXT   NOT NULL,
    created_at       BIGINT NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX donjon_memberships_user ON donjon_memberships (user_id);

ALTER TABLE donjon_sessions ADD COLUMN organization_id UUID;
ALTER TABLE donjon_sessions ADD COLUMN impersonator_id TEXT;
