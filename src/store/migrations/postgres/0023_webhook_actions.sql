-- More of what is told: whoever makes an organization is its first member, and passkeys.
INSERT INTO donjon_webhook_actions (action, type) VALUES
    ('organization.create', 'organization_membership.created'),
    ('passkey.add', 'user.updated'),
    ('passkey.remove', 'user.updated');
