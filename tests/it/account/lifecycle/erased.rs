//! What is left of somebody in the whole database, whichever tables and columns there are.

use std::collections::BTreeSet;

use donjon::account::{DeletionPolicy, DeletionStrategy, Policy};
use donjon::audit::{Action, AuditActor, AuditEntry, Entry};
use donjon::crypto::{Clock as _, SystemRandom};
use donjon::delivery::webhook::{EventType, WebhookEndpoints};
use donjon::scope::UserId;
use donjon::store::AuditFilter;
use sqlx::Connection as _;
use time::Duration;

use super::*;
use crate::account::organizations::{acme, invite};
use crate::account::world::log_in;
use crate::support::database::{Database, shared_databases};

const ADDRESS: &str = "203.0.113.77";
const AGENT: &str = "Netscape of Alice";
/// Who they are at another provider.
const SUBJECT: &str = "108204268033311374519";
const BOB: &str = "bob@example.test";
const BOBS_ADDRESS: &str = "198.51.100.9";
const BOBS_AGENT: &str = "Lynx of Bob";
/// An address that is asked for, and another that is invited.
const WANTED: &str = "alice@new.example.test";
const INVITED: &str = "carol@example.test";
const TRACES: [&str; 6] = [ALICE, ADDRESS, AGENT, SUBJECT, WANTED, INVITED];

#[tokio::test]
async fn nothing_is_left_of_whoever_is_forgotten_in_any_column_of_any_table() {
    for strategy in [
        DeletionStrategy::Hard,
        DeletionStrategy::Anonymize,
        DeletionStrategy::Soft { keeps_address: false },
        DeletionStrategy::Soft { keeps_address: true },
    ] {
        for database in shared_databases().await {
            let name = format!("{strategy:?} on {}", database.name);
            let deletion = DeletionPolicy { strategy, ..DeletionPolicy::default() };
            let policy = || {
                let even_answers = Duration::ZERO;
                Policy { deletion, even_answers, ..Policy::default() }
            };
            let world = World::over(database, &|builder| builder.policy(policy())).await;
            let alice = traces(&world).await;
            let before = entries(&world, &alice).await;
            for trace in TRACES {
                let found = holding(&world.database, trace).await;
                assert!(found.iter().any(|column| column.starts_with("donjon_audit.")), "{trace}");
            }

            world.clock.advance(Duration::days(14));
            assert_eq!(world.accounts.execute_due_deletions().await.unwrap(), 1, "{name}");
            world.clock.advance(Duration::days(31));
            world.all_mails().await;
            sweep(&world).await;
            let mut left = BTreeSet::new();
            for trace in TRACES {
                left.extend(holding(&world.database, trace).await);
            }
            if matches!(strategy, DeletionStrategy::Soft { .. }) {
                for column in ["address", "user_agent", "metadata", "subject_id"] {
                    assert!(left.contains(&format!("donjon_audit.{column}")), "{name}: {left:?}");
                }
                continue;
            }
            assert!(left.is_empty(), "{name}: {left:?}");

            // What happened is told all the same, and what is somebody else's is still there.
            let after = entries(&world, &alice).await;
            let left: Vec<_> = after.iter().map(bones).collect();
            for entry in &before {
                assert!(left.contains(&bones(entry)), "{name}: {entry:?}");
            }
            let bob = world.account(BOB).await.id().clone();
            let bobs: Vec<_> = after.iter().filter(|e| e.actor.as_ref() == Some(&bob)).collect();
            assert!(!bobs.is_empty(), "{name}: {after:?}");
            for entry in bobs {
                assert_eq!(entry.address, BOBS_ADDRESS.parse().ok(), "{name}");
                assert_eq!(entry.user_agent.as_deref(), Some(BOBS_AGENT), "{name}");
                assert!(entry.metadata.is_empty(), "{name}: {entry:?}");
            }
            for (trace, column) in
                [(BOB, "donjon_users.email"), (BOBS_ADDRESS, "donjon_audit.address")]
            {
                let kept = holding(&world.database, trace).await;
                assert!(kept.contains(column), "{name}: {trace} in {kept:?}");
            }
        }
    }
}

/// Whoever never confirmed an address, and is removed, is forgotten as well.
#[tokio::test]
async fn nothing_is_left_of_an_account_of_which_nothing_came() {
    for database in shared_databases().await {
        let world = World::over(database, &|builder| builder).await;
        let mut browser = browser(&world);
        browser.post("/register", &[("email", ALICE), ("password", PASSWORD)]).await;
        assert!(holding(&world.database, AGENT).await.contains("donjon_audit.user_agent"));
        world.all_mails().await;
        world.clock.advance(Duration::days(400));
        assert_eq!(world.accounts.remove_abandoned().await.unwrap(), 1);
        sweep(&world).await;
        for trace in [ALICE, ADDRESS, AGENT] {
            let left = holding(&world.database, trace).await;
            assert!(left.is_empty(), "{}: {trace} in {left:?}", world.database.name);
        }
    }
}

/// What an entry tells of what happened.
fn bones(entry: &AuditEntry) -> impl PartialEq + std::fmt::Debug + use<> {
    let AuditEntry { id, at, action, outcome, actor_kind, actor, user, organization, .. } = entry;
    let who = (actor_kind.clone(), actor.clone(), user.clone());
    (*id, *at, action.to_string(), *outcome, who, *organization, entry.subject_kind.clone())
}

async fn entries(world: &World, user: &UserId) -> Vec<AuditEntry> {
    let filter = AuditFilter { user: Some(user.clone()), ..AuditFilter::default() };
    world.store.audit_entries(&filter, 100).await.unwrap()
}

/// Alice’s browser.
fn browser(world: &World) -> Browser {
    let mut browser = world.browser();
    (browser.peer, browser.user_agent) = (ADDRESS.parse().ok(), AGENT);
    browser
}

/// Alice, who has been here, done this and that, and wants to be forgotten.
async fn traces(world: &World) -> UserId {
    let webhooks = WebhookEndpoints::new(&world.store, &world.keyring).clock(world.clock.clone());
    let told = EventType::ALL;
    webhooks.create("https://hooks.example.test/", &told, None).await.unwrap();
    world.user(ALICE).await;
    let alice = world.account(ALICE).await.id().clone();
    // Bob has invited her, and has done something to her account.
    acme(world, BOB).await;
    let mut bob = world.browser();
    (bob.peer, bob.user_agent) = (BOBS_ADDRESS.parse().ok(), BOBS_AGENT);
    log_in(&mut bob, BOB, PASSWORD).await;
    invite(world, &mut bob, ALICE, "member").await;
    let id = world.account(BOB).await.id().clone();
    let entry = Entry::new(Action::host("desk.flag").unwrap()).with("why", ALICE);
    let from = (BOBS_ADDRESS.parse().ok(), Some(BOBS_AGENT));
    write(world, entry.by(AuditActor::User(id)).about(&alice).from(from.0, from.1)).await;

    // Refused, let in; forgotten the password; another address; somebody invited.
    let mut browser = browser(world);
    log_in(&mut browser, ALICE, "wrong").await;
    log_in(&mut browser, ALICE, PASSWORD).await;
    browser.another().post("/forgot-password", &[("email", ALICE)]).await;
    browser.post("/settings/email", &[("email", WANTED)]).await;
    let name = "Umbrella".parse().unwrap();
    world.accounts.organizations().create(&name, Some("umbrella"), &alice).await.unwrap();
    let fields = [("email", INVITED), ("role", "member")];
    let page = browser.post("/settings/organizations/umbrella/invite", &fields).await;
    assert!(page.location().is_some(), "{}", page.body);
    let peer = browser.peer;
    let entry = Entry::new(Action::LINK_IDENTITY).by(AuditActor::User(alice.clone()));
    let entry = entry.about(&alice).to("identity", format!("google:{SUBJECT}"));
    write(world, entry.with("provider", "google").from(peer, Some(AGENT))).await;
    let entry = Entry::new(Action::host("note.made").unwrap()).about(&alice).with("for", ALICE);
    write(world, entry.from(peer, Some(AGENT))).await;
    let page = ask(&mut browser).await;
    assert!(page.has("leaving"), "{}", page.body);
    world.all_mails().await;
    alice
}

async fn write(world: &World, entry: Entry) {
    let entry = entry.at(world.clock.now(), &SystemRandom);
    world.store.write_audit_entry(&entry).await.unwrap();
}

/// All that is over goes, but for the audit log.
async fn sweep(world: &World) {
    let (store, now) = (&world.store, world.clock.now());
    store.sweep_sessions(now, 1_000).await.unwrap();
    store.sweep_session_events(now, 1_000).await.unwrap();
    store.sweep_accounts(now, 1_000).await.unwrap();
    store.sweep_api_tokens(now, 1_000).await.unwrap();
    store.sweep_deletions(now, 1_000).await.unwrap();
    store.sweep_invitations(now, 1_000).await.unwrap();
    store.sweep_parked_identities(now, 1_000).await.unwrap();
    store.sweep_app_sessions(now, 1_000).await.unwrap();
    store.sweep_dead_letters(now, 1_000).await.unwrap();
}

/// The columns in which this is somewhere, of all tables there are.
async fn holding(database: &Database, needle: &str) -> BTreeSet<String> {
    #[cfg(feature = "postgres")]
    if database.name == "postgres" {
        return on_postgres(&database.url, needle).await;
    }
    on_sqlite(&database.url, needle).await
}

async fn on_sqlite(url: &str, needle: &str) -> BTreeSet<String> {
    let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_xinfo(t.name) c
         WHERE t.type = 'table'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert!(columns.len() > 100, "{columns:?}");
    let mut found = BTreeSet::new();
    for (table, column) in columns {
        let rows = format!(
            "SELECT count(*) FROM \"{table}\"
             WHERE instr(CAST(\"{column}\" AS BLOB), CAST(?1 AS BLOB)) > 0"
        );
        let rows = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(rows)).bind(needle);
        if rows.fetch_one(&mut connection).await.unwrap() > 0 {
            found.insert(format!("{table}.{column}"));
        }
    }
    found
}

#[cfg(feature = "postgres")]
async fn on_postgres(url: &str, needle: &str) -> BTreeSet<String> {
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    let columns: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text, data_type::text
         FROM information_schema.columns WHERE table_schema = current_schema()",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert!(columns.len() > 100, "{columns:?}");
    let mut found = BTreeSet::new();
    for (table, column, kind) in columns {
        let holds = if kind == "bytea" {
            format!("position(convert_to($1, 'UTF8') IN \"{column}\") > 0")
        } else {
            format!("position($1 IN \"{column}\"::text) > 0")
        };
        let rows = format!("SELECT count(*) FROM \"{table}\" WHERE {holds}");
        let rows = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(rows)).bind(needle);
        if rows.fetch_one(&mut connection).await.unwrap() > 0 {
            found.insert(format!("{table}.{column}"));
        }
    }
    found
}
