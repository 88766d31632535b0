//! Debian's Chromium, without JavaScript, clicks through the demo as README tells people to.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::Mutex;

use super::agent::Agent;
use super::host::example;
use crate::support::process::{self, Server};
use crate::support::tools;

/// Where the pictures of every page are left.
const SCREENSHOTS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/screenshots");

/// Held by the one test at a time that has the demo's addresses.
pub static DEMO: Mutex<()> = Mutex::const_new(());

/// The demo's fixed addresses: the host, the third-party application, the identity provider, the
/// OpenID Provider.
const PORTS: [u16; 4] = [3000, 3001, 3002, 3003];

#[tokio::test]
async fn chromium_clicks_the_whole_trip() {
    let Some(chromium) = tools::chromium() else { return };
    let Some(node) = tools::node("browser.mjs") else { return };
    let _alone = DEMO.lock().await;
    let folder = TempDir::new().unwrap();
    let _demo = demo(folder.path()).await;

    let alice = json!({"email": "alice@acme.example", "password": "correct horse battery staple"});
    let request = json!({
        "chromium": chromium,
        "host": "http://localhost:3000",
        "app": "http://127.0.0.1:3001",
        "screenshots": SCREENSHOTS,
        "user": {"email": "robin@example.test", "password": "a password of their own"},
        "demo_user": alice,
        "employee": "alice",
        "colleague": "bruno",
    });
    let _ = std::fs::remove_dir_all(SCREENSHOTS);
    let report: Value = process::run(node, &request, Duration::from_secs(180)).await;

    assert_eq!(report["registered"]["mailed"], true, "{report:#}");
    let denied = report["denied"].as_str().unwrap();
    assert!(denied.contains("access_denied"), "{report:#}");
    let first = &report["by_password"];
    assert_eq!(first["stations"], json!(["consent"]), "a refusal was remembered: {report:#}");
    assert_eq!(first["api"]["sub"], first["sub"], "{report:#}");
    assert_eq!(report["again"]["stations"], json!([]), "session or consent was forgotten");
    assert_eq!(report["again"]["sub"], first["sub"]);
    assert_eq!(report["logged_out"], true, "{report:#}");

    assert_eq!(std::fs::read_dir(SCREENSHOTS).unwrap().count(), 40, "a page has no picture");

    let alice = &report["demo_user"];
    assert_ne!(alice["sub"], first["sub"], "two people are one");
    assert!(alice["greeting"].as_str().unwrap().contains("Alice"), "{report:#}");
    let by_saml = &report["by_saml"];
    assert_eq!(by_saml["stations"], json!([]), "the SAML session did not count: {report:#}");
    assert_eq!(by_saml["sub"], alice["sub"], "the same person has two subjects");
    let by_door = &report["by_door"];
    assert_eq!(by_door["greeting"], "Hello, Bruno Keller", "{report:#}");
    assert_ne!(by_door["api"]["sub"], alice["sub"], "two people are one");
}

/// What a newcomer reads: the addresses, and what to click; nothing of how the demo was made up. From
/// then on the log tells of everything.
#[tokio::test]
async fn the_demo_says_where_to_go_before_anything_else() {
    const END: &str = "Ctrl-C stops everything.";
    let _alone = DEMO.lock().await;
    let folder = TempDir::new().unwrap();
    let _demo = demo(folder.path()).await;
    let said = async || std::fs::read_to_string(folder.path().join("demo.log")).unwrap();
    for _ in 0..600 {
        if said().await.contains(END) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let start = said().await;
    let first = start.lines().find(|line| !line.is_empty()).unwrap_or_default();
    assert_eq!(first.trim(), "Donjon demo           http://localhost:3000", "{start}");
    assert_eq!(start.trim_end().lines().last().map(str::trim), Some(END), "{start}");

    let mut somebody = Agent::default();
    let page = somebody.get("http://localhost:3000/login").await;
    let alice = [("email", "alice@acme.example"), ("password", "correct horse battery staple")];
    let page = somebody.submit(&page, "submit", &alice).await;
    assert_eq!(page.status, http::StatusCode::SEE_OTHER, "{}", page.body);
    assert!(said().await[start.len()..].contains("session.log_in"), "{}", said().await);
}

/// The demo as `cargo run --example full_stack` starts it.
pub async fn demo(folder: &Path) -> Server {
    for port in PORTS {
        process::is_free(port).await;
    }
    let mut command = Command::new(example());
    command.current_dir(folder).env_remove("DONJON_KEYRING");
    let mut server = Server::start(command, &folder.join("demo.log"));
    for port in PORTS {
        server.listens(port).await;
    }
    server
}
