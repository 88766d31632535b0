-- What else changes a user.
INSERT INTO donjon_webhook_actions (action, type) VALUES
    ('account.password_remove', 'user.updated');
