-- A member of an organization that says so acts in it with a second factor only.
ALTER TABLE donjon_organizations ADD COLUMN requires_second_factor INTEGER NOT NULL DEFAULT FALSE;

-- The sessions that act in an organization.
CREATE INDEX donjon_sessions_organization ON donjon_sessions (organization_id)
    WHERE organization_id IS NOT NULL;
