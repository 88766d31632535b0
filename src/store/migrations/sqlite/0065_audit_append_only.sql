-- The audit log is added to. Whoever writes to it, a row is not changed, but that what may be personal
-- in it goes: then the address, the user agent and who somebody is at another provider are null, and
-- the metadata is empty. And no row goes but while it is said in this table until when the log is swept,
-- and it is older: a row is here only inside the transaction of a sweep. That is a guard against
-- mistakes and against statements that were meant for something else, not against the owner of the
-- file, who may always drop the triggers.
CREATE TABLE donjon_audit_sweep (until INTEGER NOT NULL);

CREATE TRIGGER donjon_audit_update BEFORE UPDATE ON donjon_audit
WHEN NEW.rowid IS NOT OLD.rowid OR NEW.id IS NOT OLD.id OR NEW.at IS NOT OLD.at
    OR NEW.action IS NOT OLD.action OR NEW.outcome IS NOT OLD.outcome
    OR NEW.actor_kind IS NOT OLD.actor_kind OR NEW.actor_id IS NOT OLD.actor_id
    OR NEW.user_id IS NOT OLD.user_id OR NEW.subject_kind IS NOT OLD.subject_kind
    OR NEW.organization_id IS NOT OLD.organization_id
    OR (NEW.address IS NOT NULL AND NEW.address IS NOT OLD.address)
    OR (NEW.user_agent IS NOT NULL AND NEW.user_agent IS NOT OLD.user_agent)
    OR (NEW.metadata IS NOT OLD.metadata AND NEW.metadata IS NOT '{}')
    OR (NEW.subject_id IS NOT OLD.subject_id
        AND (NEW.subject_id IS NOT NULL OR OLD.subject_kind IS NOT 'identity'))
BEGIN
    SELECT RAISE(ABORT, 'a row of donjon_audit is not changed');
END;

-- REPLACE takes rows away without asking the trigger below. An entry that is written twice is there once.
CREATE TRIGGER donjon_audit_insert BEFORE INSERT ON donjon_audit
WHEN EXISTS (SELECT 1 FROM donjon_audit WHERE id = NEW.id)
BEGIN
    SELECT RAISE(IGNORE);
END;

CREATE TRIGGER donjon_audit_delete BEFORE DELETE ON donjon_audit
WHEN NOT EXISTS (SELECT 1 FROM donjon_audit_sweep WHERE OLD.at < until)
BEGIN
    SELECT RAISE(ABORT, 'a row of donjon_audit goes only when it is swept');
END;
