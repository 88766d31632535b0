-- Memberships that end with their organization or their member, and organizations that end.
INSERT INTO donjon_webhook_actions (action, type) VALUES
    ('organization.membership_end', 'organization_membership.deleted'),
    ('organization.delete', 'organization.deleted');
