//! Where the store holds something about a user: what becomes of it when the account is deleted, and
//! how its owner is told of it. A test reads the schema, and asks for an entry for each table.

/// What a table holds about users.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UserData {
    /// The table.
    pub(crate) table: &'static str,
    /// The column that names the user.
    pub(crate) column: &'static str,
    /// What becomes of it.
    pub(crate) fate: Fate,
    /// How it is told of.
    pub(crate) export: Export,
}

/// What becomes of rows when the account of their user is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They end when the deletion is asked for: they open something.
    Ends,
    /// They go with the account.
    Goes,
    /// The rows stay; this is blanked, unless the strategy keeps it.
    Blanked,
    /// They stay, or go otherwise.
    Stays(&'static str),
}

/// How the owner is told of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Export {
    /// By these columns, as a section of this name.
    Section(&'static str, &'static [(&'static str, Kind)]),
    /// The same, of rows for which a condition holds: others are about somebody else.
    SectionOf(&'static str, &'static str, &'static [(&'static str, Kind)]),
    /// Not, and why.
    Omitted(&'static str),
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Uuid,
    /// Microseconds since 1970.
    Time,
    Flag,
    Json,
    /// Of an array in JSON, how many items it has.
    Count,
}

use Export::{Omitted, Section, SectionOf};
use Fate::{Blanked, Ends, Goes, Stays};
use Kind::{Count, Flag, Json, Text, Time, Uuid};

const ELSEWHERE: &str = "told of in another section";
const WITH_ROW: &str = "goes with its row";
const UNKNOWN: &str = "swept when it is over; nothing says whose it is";
const COUNTER: &str = "counters of what may happen only so often, which end by themselves";
const SEALED: &str = "sealed, and on its way";
const COPIED: &str = "a copy of what was done, on its way to who asked for it";

/// Every column that names a user, and every one that tells of one: addresses, programs, networks, and
/// what is kept as a whole.
pub(crate) const USER_DATA: &[UserData] = &[
    of(
        "donjon_users",
        "id",
        Stays("the strategy decides"),
        Section(
            "account",
            &[
                ("id", Text),
                ("email", Text),
                ("email_verified", Flag),
                ("attributes", Json),
                ("created_at", Time),
                ("disabled_at", Time),
                ("deletion_at", Time),
            ],
        ),
    ),
    of("donjon_users", "email", Stays("the strategy decides"), Omitted(ELSEWHERE)),
    of(
        "donjon_users",
        "former_email",
        Stays("the strategy decides"),
        Omitted("only of accounts that are deleted"),
    ),
    of(
        "donjon_sessions",
        "user_id",
        Goes,
        SectionOf(
            "sessions",
            "impersonator_id IS NULL",
            &[
                ("id", Uuid),
                ("address", Text),
                ("user_agent", Text),
                ("remembered", Flag),
                ("authentication", Json),
                ("organization_id", Uuid),
                ("created_at", Time),
                ("last_active_at", Time),
                ("expires_at", Time),
            ],
        ),
    ),
    of(
        "donjon_app_sessions",
        "user_id",
        Goes,
        Section(
            "app_sessions",
            &[("session_id", Uuid), ("app_id", Text), ("scopes", Json), ("created_at", Time)],
        ),
    ),
    of(
        "donjon_app_codes",
        "user_id",
        Ends,
        Omitted("codes that opened sessions of apps, or never will"),
    ),
    of(
        "donjon_sessions",
        "impersonator_id",
        Goes,
        Omitted("sessions in other users' names; the audit log tells of them"),
    ),
    of(
        "donjon_impersonations",
        "administrator_id",
        Stays("goes with the session, at most half an hour old"),
        Omitted("sessions in other users' names; the audit log tells of them"),
    ),
    of(
        "donjon_session_events",
        "user_id",
        Stays("swept after a week"),
        Omitted("ends of sessions, kept for a week for the applications that rest on them"),
    ),
    of("donjon_links", "user_id", Ends, Omitted("secrets in mails that were sent")),
    of("donjon_links", "email", Ends, Omitted("secrets in mails that were sent")),
    of(
        "donjon_totp",
        "user_id",
        Goes,
        Section("authenticator_app", &[("created_at", Time), ("backup_codes", Count)]),
    ),
    of(
        "donjon_sightings",
        "user_id",
        Goes,
        Section("networks", &[("networks", Json), ("seen_at", Time)]),
    ),
    of(
        "donjon_memberships",
        "user_id",
        Goes,
        Section("memberships", &[("organization_id", Uuid), ("role", Text), ("created_at", Time)]),
    ),
    of(
        "donjon_identities",
        "user_id",
        Goes,
        Section(
            "identities",
            &[
                ("provider", Text),
                ("subject", Text),
                ("email", Text),
                ("name", Text),
                ("created_at", Time),
                ("last_used_at", Time),
            ],
        ),
    ),
    of(
        "donjon_passkeys",
        "user_id",
        Goes,
        Section(
            "passkeys",
            &[
                ("id", Uuid),
                ("name", Text),
                ("rp_id", Text),
                ("backed_up", Flag),
                ("created_at", Time),
                ("last_used_at", Time),
            ],
        ),
    ),
    of(
        "donjon_api_tokens",
        "user_id",
        Ends,
        Section(
            "api_tokens",
            &[
                ("id", Uuid),
                ("name", Text),
                ("scopes", Json),
                ("created_at", Time),
                ("expires_at", Time),
                ("last_used_at", Time),
                ("revoked_at", Time),
            ],
        ),
    ),
    of(
        "donjon_api_tokens",
        "service_account_id",
        Stays("programs are no users"),
        Omitted("programs are no users"),
    ),
    of(
        "donjon_invitations",
        "email",
        Stays("the organization's, and over after a while"),
        Omitted("invitations that were not followed yet are the organization's"),
    ),
    of(
        "donjon_invitations",
        "inviter_id",
        Ends,
        Omitted("invitations name others; the audit log tells of them"),
    ),
    of("donjon_identities", "subject", Stays("goes with its user's row"), Omitted(ELSEWHERE)),
    of("donjon_identities", "email", Stays("goes with its user's row"), Omitted(ELSEWHERE)),
    of(
        "donjon_user_epochs",
        "user_id",
        Stays("a number that must never come again"),
        Omitted("a counter of the host's changes"),
    ),
    of(
        "donjon_deletions",
        "user_id",
        Stays("goes when the host has been told"),
        Section("deletion", &[("requested_at", Time), ("due_at", Time), ("cools_until", Time)]),
    ),
    of("donjon_deletions", "email", Stays("goes with the deletion"), Omitted(ELSEWHERE)),
    of("donjon_audit", "actor_id", Stays("what was done is never undone"), Omitted(ELSEWHERE)),
    of("donjon_audit", "user_id", Stays("what was done is never undone"), Omitted(ELSEWHERE)),
    of("donjon_audit", "address", Blanked, Omitted(ELSEWHERE)),
    of("donjon_audit", "user_agent", Blanked, Omitted(ELSEWHERE)),
    of("donjon_audit", "metadata", Blanked, Omitted(ELSEWHERE)),
    // Of an identity at another provider, who the user is there; others are ids of ours.
    of("donjon_audit", "subject_id", Blanked, Omitted(ELSEWHERE)),
    of("donjon_webhook_events", "subject_id", Blanked, Omitted(COPIED)),
    of(
        "donjon_webhook_events",
        "payload",
        Stays("what the host says of itself, swept a month after it happened"),
        Omitted(COPIED),
    ),
    of("donjon_sessions", "address", Stays(WITH_ROW), Omitted(ELSEWHERE)),
    of("donjon_sessions", "user_agent", Stays(WITH_ROW), Omitted(ELSEWHERE)),
    of("donjon_sessions", "account", Stays(WITH_ROW), Omitted(ELSEWHERE)),
    of(
        "donjon_session_data",
        "data",
        Stays("goes with its session"),
        Omitted("the host's own, while a session lasts"),
    ),
    of("donjon_sightings", "networks", Stays(WITH_ROW), Omitted(ELSEWHERE)),
    of("donjon_login_attempts", "key", Stays(UNKNOWN), Omitted(COUNTER)),
    of("donjon_rate_limits", "key", Stays(UNKNOWN), Omitted(COUNTER)),
    of(
        "donjon_outbox",
        "payload",
        Stays("sealed; goes when it is sent, or after a month"),
        Omitted(SEALED),
    ),
    of("donjon_parked_identities", "identity", Stays(UNKNOWN), Omitted(SEALED)),
    of("donjon_saml_messages", "message", Stays(UNKNOWN), Omitted(SEALED)),
    of("donjon_provider_interactions", "state", Stays(UNKNOWN), Omitted(SEALED)),
    of(
        "donjon_webhook_events",
        "user_id",
        Stays("swept a month after it happened"),
        Omitted(COPIED),
    ),
    of(
        "donjon_webhook_events",
        "actor_id",
        Stays("swept a month after it happened"),
        Omitted(COPIED),
    ),
    of(
        "donjon_provider_grants",
        "subject",
        Stays("revoked at once, and swept when over"),
        Section(
            "application_grants",
            &[
                ("issuer_id", Text),
                ("client_id", Text),
                ("offline", Flag),
                ("authenticated_at", Time),
                ("expires_at", Time),
                ("revoked_at", Time),
            ],
        ),
    ),
    of(
        "donjon_provider_consents",
        "subject",
        Goes,
        Section(
            "application_consents",
            &[
                ("issuer_id", Text),
                ("client_id", Text),
                ("resources", Json),
                ("scopes", Json),
                ("granted_at", Time),
            ],
        ),
    ),
];

const fn of(table: &'static str, column: &'static str, fate: Fate, export: Export) -> UserData {
    UserData { table, column, fate, export }
}

/// What the export of a user's data leaves out, and why.
#[cfg(feature = "accounts")]
pub(crate) fn omissions() -> impl Iterator<Item = (String, &'static str)> {
    USER_DATA.iter().filter_map(|data| match data.export {
        Omitted(reason) if reason != ELSEWHERE => {
            Some((format!("{}.{}", data.table, data.column), reason))
        }
        _ => None,
    })
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use std::collections::BTreeSet;

    use sqlx::SqlitePool;

    use super::*;
    use crate::store::SqlStore;

    /// Whether a column of this name says whose a row is, or tells of them.
    fn tells_of_a_user(column: &str) -> bool {
        let words = ["user", "user_id", "subject", "email", "owner", "owner_id", "member_id"];
        let tells = [
            "address",
            "user_agent",
            "metadata",
            "subject_id",
            "networks",
            "payload",
            "key",
            "identity",
            "message",
            "account",
            "data",
        ];
        words.contains(&column)
            || tells.contains(&column)
            || [
                "_user_id",
                "_email",
                "_by",
                "actor_id",
                "impersonator_id",
                "administrator_id",
                "account_id",
                "inviter_id",
            ]
            .iter()
            .any(|end| column.ends_with(end))
    }

    #[tokio::test]
    async fn every_table_that_names_a_user_is_told_of_and_has_a_fate() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("schema.db").display());
        let _store = SqlStore::connect(&url).await.unwrap();
        let pool = SqlitePool::connect(&url).await.unwrap();
        let columns: Vec<(String, String)> = sqlx::query_as(
            "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c
             WHERE t.type = 'table' AND t.name LIKE 'donjon_%'",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        let keys: Vec<(String, String)> = sqlx::query_as(
            "SELECT t.name, k.\"from\" FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) k
             WHERE t.type = 'table' AND k.\"table\" = 'donjon_users'",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        let mut found: BTreeSet<_> =
            columns.into_iter().filter(|(_, column)| tells_of_a_user(column)).chain(keys).collect();
        found.insert(("donjon_users".into(), "id".into()));
        found.insert(("donjon_provider_interactions".into(), "state".into()));
        let known: BTreeSet<_> =
            USER_DATA.iter().map(|data| (data.table.to_owned(), data.column.to_owned())).collect();
        let unknown: Vec<_> = found.difference(&known).collect();
        assert!(unknown.is_empty(), "say in src/store/user_data.rs what becomes of {unknown:?}");
        let gone: Vec<_> = known.difference(&found).collect();
        assert!(gone.is_empty(), "{gone:?} are in no table");

        // And no column that is told of holds what opens something.
        for data in USER_DATA {
            let (Section(_, columns) | SectionOf(_, _, columns)) = data.export else { continue };
            for (column, _) in columns {
                let secret = ["hash", "secret", "password", "token", "key", "sealed"]
                    .iter()
                    .any(|word| column.contains(word));
                assert!(!secret, "{}.{column} looks like a secret", data.table);
            }
        }
    }
}
