-- Invitations that nobody has followed yet: one for an organization and an address. What is stored
-- of the secret is keyed, and made of the address too.
CREATE TABLE donjon_invitations (
    id               UUID   NOT NULL PRIMARY KEY,
    organization_id  UUID   NOT NULL REFERENCES donjon_organizations (id) ON DELETE CASCADE,
    email            TEXT   NOT NULL,
    role             TEXT   NOT NULL,
    secret           BYTEA  NOT NULL,
    inviter_id       TEXT,
    created_at       BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    UNIQUE (organization_id, email)
);
CREATE INDEX donjon_invitations_inviter ON donjon_invitations (inviter_id);
CREATE INDEX donjon_invitations_expiry ON donjon_invitations (expires_at);
