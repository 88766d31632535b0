use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// The migrations of one backend. A migration that was released never changes; what follows gets
/// the next number.
macro_rules! migrations {
    ($name:ident, $directory:literal) => {
        pub(super) fn $name() -> Migrator {
            migrator(&[
                (
                    1,
                    "session",
                    include_str!(concat!("../migrations/", $directory, "/0001_session.sql")),
                ),
                (
                    2,
                    "account",
                    include_str!(concat!("../migrations/", $directory, "/0002_account.sql")),
                ),
                (
                    3,
                    "provider",
                    include_str!(concat!("../migrations/", $directory, "/0003_provider.sql")),
                ),
                (4, "saml", include_str!(concat!("../migrations/", $directory, "/0004_saml.sql"))),
                (
                    5,
                    "outbox",
                    include_str!(concat!("../migrations/", $directory, "/0005_outbox.sql")),
                ),
            ])
        }
    };
}

#[cfg(feature = "sqlite")]
migrations!(sqlite, "sqlite");
#[cfg(feature = "postgres")]
migrations!(postgres, "postgres");

fn migrator(migrations: &[(i64, &'static str, &'static str)]) -> Migrator {
    let migrations = migrations
        .iter()
        .map(|(version, name, sql)| {
            let sql = sql.into_sql_str();
            Migration::new(*version, (*name).into(), MigrationType::Simple, sql, false)
        })
        .collect();
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.dangerous_set_table_name("donjon_migrations");
    migrator
}
