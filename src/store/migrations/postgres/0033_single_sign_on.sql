-- What follows the @ of a user's address: by it single sign-on is enforced, and its users found.
ALTER TABLE donjon_users ADD COLUMN email_domain TEXT
    GENERATED ALWAYS AS (split_part(email, '@', 2)) STORED;
CREATE INDEX donjon_users_email_domain ON donjon_users (email_domain);

-- The domains that the host has found to be an organization's, and where their users log in.
CREATE TABLE donjon_sso_domains (
    domain           TEXT   NOT NULL PRIMARY KEY,
    organization_id  UUID   NOT NULL REFERENCES donjon_organizations (id) ON DELETE CASCADE,
    login_path       TEXT   NOT NULL,
    mode             TEXT   NOT NULL,
    created_at       BIGINT NOT NULL
);
CREATE INDEX donjon_sso_domains_organization ON donjon_sso_domains (organization_id);

-- A member who comes in by a password where single sign-on is enforced.
ALTER TABLE donjon_memberships ADD COLUMN break_glass BOOLEAN NOT NULL DEFAULT FALSE;
