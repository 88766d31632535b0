-- The audit log is added to. Whoever writes to it, a row is not changed, but that what may be personal
-- in it goes: then the address, the user agent and who somebody is at another provider are null, and
-- the metadata is empty. And no row goes but in the transaction of whoever has said until when the log
-- is swept, and is older: `SELECT set_config('donjon.audit_sweep', MICROSECONDS, true)`. That is a guard
-- against mistakes and against statements that were meant for something else, not against the owner of
-- the table, who may always say ALTER TABLE donjon_audit DISABLE TRIGGER USER.
CREATE FUNCTION donjon_audit_update() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may_go CONSTANT text[] := ARRAY['address', 'user_agent', 'metadata', 'subject_id'];
BEGIN
    IF to_jsonb(NEW) - may_go IS DISTINCT FROM to_jsonb(OLD) - may_go
        OR (NEW.address IS NOT NULL AND NEW.address IS DISTINCT FROM OLD.address)
        OR (NEW.user_agent IS NOT NULL AND NEW.user_agent IS DISTINCT FROM OLD.user_agent)
        OR (NEW.metadata IS DISTINCT FROM OLD.metadata AND NEW.metadata IS DISTINCT FROM '{}'::jsonb)
        OR (NEW.subject_id IS DISTINCT FROM OLD.subject_id
            AND (NEW.subject_id IS NOT NULL OR OLD.subject_kind IS DISTINCT FROM 'identity'))
    THEN
        RAISE EXCEPTION 'a row of donjon_audit is not changed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER donjon_audit_update BEFORE UPDATE ON donjon_audit
    FOR EACH ROW EXECUTE FUNCTION donjon_audit_update();

CREATE FUNCTION donjon_audit_delete() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- An empty text where it was set for a transaction that is over.
    swept CONSTANT bigint := nullif(current_setting('donjon.audit_sweep', true), '')::bigint;
BEGIN
    IF swept IS NULL OR OLD.at >= swept THEN
        RAISE EXCEPTION 'a row of donjon_audit goes only when it is swept';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER donjon_audit_delete BEFORE DELETE ON donjon_audit
    FOR EACH ROW EXECUTE FUNCTION donjon_audit_delete();

CREATE FUNCTION donjon_audit_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'donjon_audit is not truncated';
END $$;
CREATE TRIGGER donjon_audit_truncate BEFORE TRUNCATE ON donjon_audit
    FOR EACH STATEMENT EXECUTE FUNCTION donjon_audit_truncate();
