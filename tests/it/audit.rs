//! The audit log on both databases.

use donjon::audit::{Action, AuditActor, Entry};
use donjon::crypto::SystemRandom;
use donjon::scope::UserId;
use donjon::store::{AuditFilter, SqlStore};
use donjon::testing::contract;
use sqlx::Connection as _;
use time::OffsetDateTime;

use crate::support::database::{Database, databases, shared_databases};

#[tokio::test(flavor = "multi_thread")]
async fn each_backend_keeps_the_audit_log() {
    for database in databases().await {
        let outcome = contract::audit(database.store().await.into()).await;
        assert!(outcome.is_ok(), "{}: {outcome:?}", database.name);
    }
}

/// Plain SQL, on a connection of its own, as whoever has one may send.
async fn run(database: &Database, statement: &str) -> Result<u64, sqlx::Error> {
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    #[cfg(feature = "postgres")]
    if database.name == "postgres" {
        let mut connection = sqlx::PgConnection::connect(&database.url).await.unwrap();
        return Ok(sqlx::raw_sql(statement).execute(&mut connection).await?.rows_affected());
    }
    let mut connection = sqlx::SqliteConnection::connect(&database.url).await.unwrap();
    Ok(sqlx::raw_sql(statement).execute(&mut connection).await?.rows_affected())
}

/// An entry of each second from the first on, with all that one may have.
async fn three(store: &SqlStore) {
    for second in 1..=3 {
        let user = UserId::new("alice").unwrap();
        let entry = Entry::new(Action::LINK_IDENTITY).by(AuditActor::User(user.clone()));
        let entry = entry.about(&user).to("identity", "google:1").with("provider", "google");
        let entry = entry.from("192.0.2.1".parse().ok(), Some("agent"));
        let entry = entry.at(OffsetDateTime::from_unix_timestamp(second).unwrap(), &SystemRandom);
        store.write_audit_entry(&entry).await.unwrap();
    }
}

async fn all(store: &SqlStore) -> Vec<donjon::audit::AuditEntry> {
    store.audit_entries(&AuditFilter::default(), 10).await.unwrap()
}

#[tokio::test]
async fn nobody_changes_an_entry_of_the_audit_log_by_plain_sql() {
    for database in shared_databases().await {
        let (name, store) = (database.name, database.store().await);
        three(&store).await;
        let written = all(&store).await;
        let id = match name {
            "postgres" => "'00000000-0000-0000-0000-000000000001'",
            _ => "x'00000000000000000000000000000001'",
        };
        let columns = "id, at, action, outcome, actor_kind, actor_id, user_id, subject_kind, \
             subject_id, organization_id, metadata, address, user_agent";
        let mut statements: Vec<_> = [
            format!("id = {id}"),
            "at = at + 1".into(),
            "action = 'session.log_in'".into(),
            "outcome = 'failure'".into(),
            "actor_kind = 'system'".into(),
            "actor_id = 'bob'".into(),
            "actor_id = NULL".into(),
            "user_id = 'bob'".into(),
            "user_id = NULL".into(),
            "subject_kind = 'passkey'".into(),
            "subject_kind = NULL".into(),
            "subject_id = 'google:2'".into(),
            format!("organization_id = {id}"),
            "metadata = '{\"provider\": \"github\"}'".into(),
            "metadata = '[]'".into(),
            "address = '192.0.2.2'".into(),
            "user_agent = 'another'".into(),
            "address = NULL, outcome = 'failure'".into(),
        ]
        .iter()
        .map(|change: &String| format!("UPDATE donjon_audit SET {change} WHERE at = 2000000"))
        .collect();
        statements.push("DELETE FROM donjon_audit WHERE at = 2000000".into());
        statements.push("DELETE FROM donjon_audit".into());
        statements.push(format!(
            "INSERT INTO donjon_audit ({columns}) SELECT {columns} FROM donjon_audit WHERE TRUE
             ON CONFLICT (id) DO UPDATE SET outcome = 'failure'"
        ));
        match name {
            "postgres" => statements.push("TRUNCATE donjon_audit".into()),
            _ => statements.push("UPDATE donjon_audit SET rowid = rowid + 7".into()),
        }
        for statement in statements {
            let done = run(&database, &statement).await;
            // The other way to have nothing changed is that nothing is done.
            let refused = done.as_ref().is_err_and(|e| e.to_string().contains("donjon_audit"));
            let nothing = name == "sqlite" && statement.starts_with("INSERT");
            assert!(refused || nothing, "{name}: {statement}: {done:?}");
            assert_eq!(all(&store).await, written, "{name}: {statement}");
        }
        if name == "sqlite" {
            let others = columns.replace("outcome", "'failure'");
            let replace =
                format!("REPLACE INTO donjon_audit ({columns}) SELECT {others} FROM donjon_audit");
            run(&database, &replace).await.unwrap();
            assert_eq!(all(&store).await, written, "{name}");
        }

        // What may be personal goes, and does not come back.
        let blank = "UPDATE donjon_audit SET address = NULL, user_agent = NULL, metadata = '{}', \
             subject_id = NULL WHERE at = 2000000";
        assert_eq!(run(&database, blank).await.unwrap(), 1, "{name}");
        for change in ["address = '192.0.2.1'", "user_agent = 'agent'", "subject_id = 'google:1'"] {
            let statement = format!("UPDATE donjon_audit SET {change} WHERE at = 2000000");
            assert!(run(&database, &statement).await.is_err(), "{name}: {statement}");
        }
    }
}

/// But of an identity elsewhere, what was done to something is an id of ours.
#[tokio::test]
async fn the_id_of_what_something_was_done_to_does_not_go() {
    for database in shared_databases().await {
        let store = database.store().await;
        let entry = Entry::new(Action::ADD_PASSKEY).to("passkey", 7);
        let entry = entry.at(OffsetDateTime::UNIX_EPOCH, &SystemRandom);
        store.write_audit_entry(&entry).await.unwrap();
        let done = run(&database, "UPDATE donjon_audit SET subject_id = NULL").await;
        assert!(done.is_err(), "{}", database.name);
    }
}

#[tokio::test]
async fn the_sweep_takes_what_is_old_and_leaves_no_door_open() {
    for database in shared_databases().await {
        let (name, store) = (database.name, database.store().await);
        three(&store).await;
        let second = |n| OffsetDateTime::from_unix_timestamp(n).unwrap();
        assert_eq!(store.sweep_audit(second(3), 1).await.unwrap(), 1, "{name}");
        for _ in 0..20 {
            // Each connection there is has swept, or may have.
            store.sweep_audit(second(2), 10).await.unwrap();
        }
        let left: Vec<_> = all(&store).await.iter().map(|entry| entry.at).collect();
        assert_eq!(left, [second(3), second(2)], "{name}");
        let done = run(&database, "DELETE FROM donjon_audit WHERE at = 2000000").await;
        assert!(done.is_err(), "{name}");
        // Whoever says until when it is swept takes nothing that is younger.
        let (begin, end) = match name {
            "postgres" => ("BEGIN; SELECT set_config('donjon.audit_sweep', '3000000', true)", ""),
            _ => (
                "BEGIN; INSERT INTO donjon_audit_sweep VALUES (3000000)",
                "DELETE FROM donjon_audit_sweep; ",
            ),
        };
        let sweep =
            |at: u32| format!("{begin}; DELETE FROM donjon_audit WHERE at = {at}; {end}COMMIT");
        assert!(run(&database, &sweep(3_000_000)).await.is_err(), "{name}");
        assert_eq!(all(&store).await.len(), 2, "{name}");
        run(&database, &sweep(2_000_000)).await.unwrap();
        assert_eq!(all(&store).await.len(), 1, "{name}");
        assert_eq!(store.sweep_audit(second(9), 10).await.unwrap(), 1, "{name}");
        assert!(all(&store).await.is_empty(), "{name}");
    }
}

/// The log is guarded from mistakes, and not from whom the database belongs to.
#[tokio::test]
async fn the_owner_of_the_tables_is_not_locked_out() {
    for database in shared_databases().await {
        let (name, store) = (database.name, database.store().await);
        three(&store).await;
        let statements: &[&str] = match name {
            "postgres" => &[
                "ALTER TABLE donjon_audit DISABLE TRIGGER USER",
                "DELETE FROM donjon_audit WHERE at = 1000000",
                "ALTER TABLE donjon_audit ENABLE TRIGGER USER",
                "CREATE TABLE copy AS SELECT * FROM donjon_audit",
                "DROP TABLE donjon_audit",
            ],
            _ => &[
                "DROP TRIGGER donjon_audit_delete",
                "DELETE FROM donjon_audit WHERE at = 1000000",
                "CREATE TABLE copy AS SELECT * FROM donjon_audit",
                "DROP TABLE donjon_audit",
            ],
        };
        for statement in statements {
            let done = run(&database, statement).await;
            assert!(done.is_ok(), "{name}: {statement}: {done:?}");
        }
    }
}

/// Who works with the tables needs not own them.
#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_role_that_owns_nothing_sweeps_and_changes_nothing() {
    for database in databases().await {
        if database.name != "postgres" {
            continue;
        }
        let store = database.store().await;
        three(&store).await;
        let role = format!("donjon_worker_{}", std::process::id());
        let schema = database.url.rsplit_once("search_path]=").unwrap().1;
        let setup = format!(
            "CREATE ROLE {role}; GRANT USAGE ON SCHEMA {schema} TO {role};
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}"
        );
        run(&database, &setup).await.unwrap();
        let as_role = |statement: &str| format!("SET ROLE {role}; {statement}");
        let mut done = Vec::new();
        for statement in [
            "DELETE FROM donjon_audit",
            "ALTER TABLE donjon_audit DISABLE TRIGGER USER",
            "UPDATE donjon_audit SET at = 0",
            "UPDATE donjon_audit SET address = NULL",
            "BEGIN; SELECT set_config('donjon.audit_sweep', '2000000', true); \
             DELETE FROM donjon_audit WHERE at < 2000000; COMMIT",
        ] {
            done.push(run(&database, &as_role(statement)).await.is_ok());
        }
        let left = all(&store).await.len();
        run(&database, &format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
        assert_eq!((done, left), (vec![false, false, false, true, true], 2));
    }
}
