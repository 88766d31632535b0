//! Entries of the audit log about what ends along with something else: one for each, by whoever ended
//! that.

/// Writes one entry for each row of a question about `$1`. `$2` is the id of the entry that they go
/// along with, of which `$id` makes theirs; `$3` its time, `$4` to `$7` kind and id of who did it,
/// address and program. Answers what it wrote.
macro_rules! ends {
    // Of the memberships in an organization.
    (members, $id:literal) => {
        ends!(
            $id,
            "organization.membership_end",
            "m.user_id",
            "donjon_memberships m WHERE m.organization_id = $1"
        )
    };
    // Of the memberships of a user.
    (memberships, $id:literal) => {
        ends!(
            $id,
            "organization.membership_end",
            "m.user_id",
            "donjon_memberships m WHERE m.user_id = $1"
        )
    };
    // Of the organizations in which a user is alone.
    (organizations, $id:literal) => {
        ends!(
            $id,
            "organization.delete",
            "CAST(NULL AS TEXT)",
            "donjon_memberships m JOIN donjon_organizations o \
                 ON o.id = m.organization_id AND o.deleted_at IS NULL \
             WHERE m.user_id = $1 AND NOT EXISTS (SELECT 1 FROM donjon_memberships x \
                 WHERE x.organization_id = m.organization_id AND x.user_id <> $1)"
        )
    };
    ($id:literal, $action:literal, $user:literal, $from:literal) => {
        concat!(
            "INSERT INTO donjon_audit (id, at, action, outcome, actor_kind, actor_id, user_id, \
                 organization_id, metadata, address, user_agent) SELECT ",
            $id,
            ", $3, '",
            $action,
            "', 'success', $4, $5, ",
            $user,
            ", m.organization_id, '{}', $6, $7 FROM ",
            $from,
            " RETURNING id, at, action, outcome, actor_kind, actor_id, user_id, subject_kind, \
                 subject_id, organization_id, metadata, address, user_agent"
        )
    };
}
pub(super) use ends;
