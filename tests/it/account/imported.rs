//! Users who bring their password hashes along from another system.

use donjon::account::password::{HashCost, ImportLimits, StoredCost, StoredHash};
use donjon::account::{AccountLayerBuilder, ImportError};
use donjon::crypto::Redacted;
use donjon::scope::{Account, UserId};
use donjon::store::{AuditFilter, Effects, NewUser};
use http::StatusCode;
use serde_json::Value;
use time::OffsetDateTime;

use super::world::{World, each_world, each_world_with, log_in};

/// Made by `tests/fixtures/passwords/make_imported.py`.
const IMPORTED: &str = include_str!("../../fixtures/passwords/imported.json");

const PREFIXES: [&str; 6] =
    ["$2a$04", "$2b$04", "$2y$05", "pbkdf2_sha256$1000$", "$pbkdf2-sha256$i", "scrypt$1024"];

/// One of the hashes: its password, and what is stored.
pub fn imported(of: impl Fn(&str, &str) -> bool) -> (String, String) {
    let cases: Vec<Value> = serde_json::from_str(IMPORTED).unwrap();
    let cases = cases.iter().map(|case| {
        (case["password"].as_str().unwrap().to_owned(), case["hash"].as_str().unwrap().to_owned())
    });
    cases.into_iter().find(|(password, hash)| of(password, hash)).unwrap()
}

fn cost_of(hash: &str) -> StoredCost {
    StoredHash::parse(hash, &ImportLimits::default()).unwrap().cost()
}

/// With what all the hashes cost that are imported here.
fn declaring(builder: AccountLayerBuilder) -> AccountLayerBuilder {
    let costs = PREFIXES.map(|prefix| cost_of(&imported(|_, hash| hash.starts_with(prefix)).1));
    builder.stored_as(costs)
}

async fn import(world: &World, email: &str, hash: &str) {
    let accounts = world.accounts.accounts();
    let account = accounts.import(email, hash, Default::default(), true).await.unwrap();
    assert_eq!((account.email(), account.email_verified()), (Some(email), true));
}

/// Written behind the back of [`Accounts::import`](donjon::account::Accounts::import).
async fn write(world: &World, email: &str, hash: &str) {
    let account = Account::new(UserId::new(email).unwrap()).with_email(email, true);
    let password = Some(Redacted(hash.to_owned()));
    let user = NewUser { account, password, created_at: OffsetDateTime::UNIX_EPOCH };
    world.store.create_user(&user, &Effects::none()).await.unwrap();
}

#[tokio::test]
async fn a_user_logs_in_with_the_password_of_the_system_they_come_from() {
    each_world_with(declaring, async |world| {
        for prefix in PREFIXES {
            let (password, hash) =
                imported(|password, hash| password.len() > 8 && hash.starts_with(prefix));
            let email = &format!("{}@example.test", prefix.replace(['$', '_'], "-"));
            import(&world, email, &hash).await;
            let page = log_in(&mut world.browser(), email, "not the password").await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{prefix}");
            for _ in 0..2 {
                let page = log_in(&mut world.browser(), email, &password).await;
                assert_eq!(page.body, format!("hello {email} at /"), "{prefix}");
            }
        }
    })
    .await;
}

/// bcrypt knows 72 bytes of a password. The hash that is stored at the first login knows it all.
#[tokio::test]
async fn the_first_login_replaces_the_imported_hash() {
    each_world_with(declaring, async |world| {
        let (password, hash) = imported(|password, _| password == "y".repeat(128));
        let (email, cut_off) = ("carol@example.test", "y".repeat(72));
        import(&world, email, &hash).await;
        let page = log_in(&mut world.browser(), email, &password).await;
        assert_eq!(page.body, "hello carol@example.test at /");
        let page = log_in(&mut world.browser(), email, &cut_off).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    })
    .await;
}

#[tokio::test]
async fn a_hash_that_cannot_be_verified_lets_nobody_in() {
    each_world(async |world| {
        let bomb = format!("$2b$31${}", "a".repeat(53));
        let stored = ["!unusable", "5f4dcc3b5aa765d61d8327deb882cf99", &bomb];
        for (number, hash) in stored.into_iter().enumerate() {
            let email = &format!("user-{number}@example.test");
            let accounts = world.accounts.accounts();
            let refused = accounts.import(email, hash, Default::default(), true).await;
            assert!(matches!(refused, Err(ImportError::Hash(_))), "{refused:?}");
            write(&world, email, hash).await;
            for password in ["password", "", "!unusable", hash] {
                let page = log_in(&mut world.browser(), email, password).await;
                assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{hash}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_is_imported_once_and_only_if_it_is_one() {
    each_world_with(declaring, async |world| {
        let (_, hash) = imported(|_, hash| hash.starts_with("$2b$04"));
        import(&world, "dora@example.test", &hash).await;
        let accounts = world.accounts.accounts();
        let import = async |email| accounts.import(email, &hash, Default::default(), true).await;
        assert!(matches!(import("Dora@Example.test").await, Err(ImportError::EmailTaken)));
        assert!(matches!(import("dora").await, Err(ImportError::Email(_))));
        let told = world.store.audit_entries(&AuditFilter::default(), 10).await.unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!(
            (told[0].action.as_str(), &told[0].metadata["imported"]),
            ("account.create", &Value::Bool(true))
        );
    })
    .await;
}

/// Its user could be told by the time of a login.
#[tokio::test]
async fn a_hash_of_a_cost_that_is_not_declared_is_not_imported_and_the_error_says_what_to_declare()
{
    let declared = StoredCost::Bcrypt { cost: 5 };
    each_world_with(
        |builder| builder.stored_as([declared]),
        async |world| {
            let accounts = world.accounts.accounts();
            let import = async |email: &str, hash: &str| {
                accounts.import(email, hash, Default::default(), true).await
            };
            for prefix in ["$2b$04", "pbkdf2_sha256$1000$", "scrypt$1024", "$argon2id$v=19$m=256"] {
                let (_, hash) = imported(|_, hash| hash.starts_with(prefix));
                let refused = import("eve@example.test", &hash).await.unwrap_err();
                let ImportError::Undeclared(cost) = &refused else { panic!("{refused:?}") };
                assert_eq!(*cost, cost_of(&hash));
                let told = refused.to_string();
                assert!(told.contains(&format!("StoredCost::{cost:?}")), "{told}");
                assert!(told.contains("AccountLayerBuilder::stored_as"), "{told}");
            }
            let found = accounts.find_by_email("eve@example.test").await.unwrap();
            assert!(found.is_none());
            // What is declared is, and what is hashed as it is here.
            let here = StoredCost::from(HashCost { memory: 64, passes: 1, lanes: 1 });
            for (email, cost) in [("fay@example.test", declared), ("gus@example.test", here)] {
                let (_, hash) = imported(|_, hash| {
                    StoredHash::parse(hash, &ImportLimits::default()).unwrap().cost() == cost
                });
                import(email, &hash).await.unwrap();
            }
        },
    )
    .await;
}
