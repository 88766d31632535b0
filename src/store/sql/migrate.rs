use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// The migrations of both backends. One that was released never changes; what follows gets the
/// next number.
macro_rules! migrations {
    ($($version:literal $file:literal,)*) => {
        #[cfg(feature = "sqlite")]
        pub(super) fn sqlite() -> Migrator {
            migrator(&[$((
                $version,
                $file,
                include_str!(concat!("../migrations/sqlite/", $file, ".sql")),
            ),)*])
        }

        #[cfg(feature = "postgres")]
        pub(super) fn postgres() -> Migrator {
            migrator(&[$((
                $version,
                $file,
                include_str!(concat!("../migrations/postgres/", $file, ".sql")),
            ),)*])
        }
    };
}

migrations! {
    1 "0001_session",
    2 "0002_account",
    3 "0003_provider",
    4 "0004_saml",
    5 "0005_outbox",
    6 "0006_amend",
    7 "0007_device",
    8 "0008_user_epoch",
    9 "0009_audit",
    10 "0010_acting",
    11 "0011_saml_forced",
    12 "0012_totp",
    13 "0013_password",
    15 "0015_sighting",
    18 "0018_organization",
    19 "0019_invitation",
    21 "0021_api_token",
    22 "0022_webhook",
    23 "0023_webhook_actions",
    25 "0025_passkey",
    27 "0027_identity",
    29 "0029_lifecycle",
    30 "0030_impersonation",
    33 "0033_single_sign_on",
    35 "0035_app_session",
    39 "0039_webhook_host",
    40 "0040_outbox_dead",
    41 "0041_signed_up",
    43 "0043_ends",
    44 "0044_token_login",
    45 "0045_spares",
    46 "0046_app_family",
    48 "0048_backup_codes",
    49 "0049_passkey_user_verified",
    54 "0054_outbox_revived",
    55 "0055_passkey_suspended",
    63 "0063_link_binding",
    64 "0064_audit_email",
    65 "0065_audit_append_only",
    66 "0066_displaced",
    67 "0067_password_remove",
}

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
