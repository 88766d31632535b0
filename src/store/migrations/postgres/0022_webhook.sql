-- Who is told of what happens, and where.
CREATE TABLE donjon_webhook_endpoints (
    id               UUID    NOT NULL PRIMARY KEY,
    url              TEXT    NOT NULL,
    event_types      JSONB   NOT NULL,
    secrets          BYTEA   NOT NULL,
    organization_id  UUID,
    enabled          BOOLEAN NOT NULL,
    created_at       BIGINT  NOT NULL
);

-- What somebody is to be told of; nothing that nobody asked for is here.
CREATE TABLE donjon_webhook_events (
    id               UUID   NOT NULL PRIMARY KEY,
    type             TEXT   NOT NULL,
    action           TEXT   NOT NULL,
    at               BIGINT NOT NULL,
    user_id          TEXT,
    subject_kind     TEXT,
    subject_id       TEXT,
    organization_id  UUID,
    actor_kind       TEXT,
    actor_id         TEXT
);
CREATE INDEX donjon_webhook_events_time ON donjon_webhook_events (at);

-- An event on its way to an endpoint: 'waiting', 'delivered' or 'dead'. Of the attempts, `spent` were
-- made before it was last sent again by hand.
CREATE TABLE donjon_webhook_deliveries (
    event_id     UUID   NOT NULL REFERENCES donjon_webhook_events (id) ON DELETE CASCADE,
    endpoint_id  UUID   NOT NULL REFERENCES donjon_webhook_endpoints (id) ON DELETE CASCADE,
    state        TEXT   NOT NULL,
    attempts     BIGINT NOT NULL,
    spent        BIGINT NOT NULL,
    due_at       BIGINT,
    leased_until BIGINT,
    PRIMARY KEY (endpoint_id, event_id)
);
CREATE INDEX donjon_webhook_deliveries_due ON donjon_webhook_deliveries (endpoint_id, due_at);
CREATE INDEX donjon_webhook_deliveries_event ON donjon_webhook_deliveries (event_id);

-- How each attempt ended; rows are added, never changed.
CREATE TABLE donjon_webhook_attempts (
    event_id     UUID   NOT NULL,
    endpoint_id  UUID   NOT NULL,
    number       BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    status       BIGINT,
    fault        TEXT,
    PRIMARY KEY (endpoint_id, event_id, number),
    FOREIGN KEY (endpoint_id, event_id)
        REFERENCES donjon_webhook_deliveries (endpoint_id, event_id) ON DELETE CASCADE
);

-- Which actions of the audit log, when they were done, are events of which type.
CREATE TABLE donjon_webhook_actions (
    action  TEXT NOT NULL PRIMARY KEY,
    type    TEXT NOT NULL
);
INSERT INTO donjon_webhook_actions (action, type) VALUES
    ('account.register', 'user.created'),
    ('account.create', 'user.created'),
    ('account.email_confirm', 'user.updated'),
    ('account.email_change', 'user.updated'),
    ('account.password_change', 'user.updated'),
    ('account.password_reset', 'user.updated'),
    ('account.password_set', 'user.updated'),
    ('account.attributes_change', 'user.updated'),
    ('account.disable', 'user.updated'),
    ('account.enable', 'user.updated'),
    ('mfa.enroll', 'user.updated'),
    ('mfa.disable', 'user.updated'),
    ('identity.link', 'user.updated'),
    ('identity.unlink', 'user.updated'),
    ('account.delete', 'user.deleted'),
    ('session.log_in', 'session.created'),
    ('organization.member_add', 'organization_membership.created'),
    ('organization.invitation_accept', 'organization_membership.created'),
    ('organization.role_change', 'organization_membership.updated'),
    ('organization.member_remove', 'organization_membership.deleted'),
    ('organization.leave', 'organization_membership.deleted'),
    ('service_account.create', 'service_account.created'),
    ('service_account.disable', 'service_account.revoked');

-- Events are written in the transaction of what they tell of, by whichever statement; without
-- endpoints, one look at an empty table is all it costs.
CREATE FUNCTION donjon_webhook_of_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO donjon_webhook_events (id, type, action, at, user_id, subject_kind, subject_id,
        organization_id, actor_kind, actor_id)
    SELECT NEW.id, a.type, NEW.action, NEW.at, NEW.user_id, NEW.subject_kind, NEW.subject_id,
        NEW.organization_id, NEW.actor_kind, NEW.actor_id
    FROM donjon_webhook_actions a WHERE a.action = NEW.action AND EXISTS (
        SELECT 1 FROM donjon_webhook_endpoints e
        WHERE e.enabled AND e.event_types ? a.type
          AND (e.organization_id IS NULL OR e.organization_id = NEW.organization_id))
    ON CONFLICT (id) DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER donjon_webhook_of_audit AFTER INSERT ON donjon_audit
    FOR EACH ROW WHEN (NEW.outcome = 'success') EXECUTE FUNCTION donjon_webhook_of_audit();

CREATE FUNCTION donjon_webhook_of_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO donjon_webhook_events (id, type, action, at, user_id, subject_kind, subject_id)
    SELECT NEW.session_id, 'session.revoked', NEW.reason, NEW.at, NEW.user_id, 'session',
        NEW.session_id::text
    WHERE EXISTS (
        SELECT 1 FROM donjon_webhook_endpoints e
        WHERE e.enabled AND e.event_types ? 'session.revoked' AND e.organization_id IS NULL)
    ON CONFLICT (id) DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER donjon_webhook_of_session AFTER INSERT ON donjon_session_events
    FOR EACH ROW WHEN (NEW.session_id IS NOT NULL AND NEW.reason <> 'expired') EXECUTE FUNCTION donjon_webhook_of_session();

CREATE FUNCTION donjon_webhook_deliver() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO donjon_webhook_deliveries (event_id, endpoint_id, state, attempts, spent, due_at)
    SELECT NEW.id, e.id, 'waiting', 0, 0, NEW.at FROM donjon_webhook_endpoints e
    WHERE e.enabled AND e.event_types ? NEW.type
      AND (e.organization_id IS NULL OR e.organization_id = NEW.organization_id);
    RETURN NULL;
END $$;
CREATE TRIGGER donjon_webhook_deliver AFTER INSERT ON donjon_webhook_events
    FOR EACH ROW EXECUTE FUNCTION donjon_webhook_deliver();
