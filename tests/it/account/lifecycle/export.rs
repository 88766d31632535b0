//! All that is known of a user, as a file.

use async_trait::async_trait;
use donjon::account::{ExportError, ExportSource};
use donjon::scope::Account;
use serde_json::{Value, json};
use time::Duration;

use super::*;
use crate::account::second_factor::App;
use crate::account::world::{each_world_with, log_in};

const EXPORT: &str = "/settings/export";

#[derive(Debug)]
struct Notes;

#[async_trait]
impl ExportSource for Notes {
    fn section(&self) -> &str {
        "notes"
    }

    async fn export(&self, account: &Account) -> Result<Value, ExportError> {
        match account.email() {
            Some(ALICE) => Ok(json!(["milk"])),
            _ => Err("the network is down".into()),
        }
    }
}

#[tokio::test]
async fn a_user_takes_along_all_that_is_known_and_nothing_that_opens_anything() {
    each_world_with(
        |builder| builder.export_source(Notes),
        async |world| {
            let app = App::of(&world, ALICE).await;
            let mut browser = world.browser();
            log_in(&mut browser, ALICE, PASSWORD).await;
            browser.post("/login/verify", &[("code", &app.code(&world))]).await;
            let bob = "bob@example.test";
            world.user(bob).await;
            let mut bobs = world.logged_in(bob).await;

            let page = browser.get(EXPORT).await;
            assert!(page.has("download"));
            let file = browser.post(EXPORT, &[]).await;
            assert_eq!(file.status, StatusCode::OK, "{}", file.body);
            assert_eq!(
                file.headers["content-disposition"],
                "attachment; filename=\"account.json\""
            );
            assert_eq!(file.headers["cache-control"], "no-store");
            let told: Value = serde_json::from_str(&file.body).unwrap();
            assert_eq!(told["schema"], "donjon.account_export");
            assert_eq!(told["version"], 1);
            let sections = &told["sections"];
            assert_eq!(sections["notes"], json!(["milk"]));
            assert_eq!(sections["account"][0]["email"], ALICE);
            assert_eq!(sections["account"][0]["created_at"], "2026-01-01T00:00:00Z");
            assert_eq!(sections["authenticator_app"][0]["backup_codes"], 10);
            let sessions = sections["sessions"].as_array().unwrap();
            assert_eq!(sessions.len(), 2);
            let id = sessions[0]["id"].as_str().unwrap();
            assert!(uuid::Uuid::parse_str(id).is_ok() && id.contains('-'), "{id}");
            let audit = sections["audit_about_you"].as_array().unwrap();
            assert!(audit.iter().any(|entry| entry["action"] == "account.export"));
            let left_out = told["omissions"].as_array().unwrap();
            assert!(left_out.len() > 3 && left_out.iter().all(|item| item["reason"].is_string()));

            for secret in ["argon2id", "token_hash", bob] {
                assert!(!file.body.contains(secret), "{secret}");
            }
            for code in &app.codes {
                assert!(!file.body.contains(code.as_str()));
            }
            // Rather nothing than half of it.
            let page = bobs.post(EXPORT, &[]).await;
            assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);

            world.clock.advance(Duration::minutes(6));
            for mut visitor in [browser, world.browser()] {
                for page in [visitor.get(EXPORT).await, visitor.post(EXPORT, &[]).await] {
                    assert!(page.location().unwrap().path().starts_with("/login"));
                }
            }
        },
    )
    .await;
}
