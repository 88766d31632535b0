//! Debian's Chromium is each persona of the demo, in light and dark, on wide screens and narrow ones;
//! every page is looked at with the eyes of a screen reader and walked with the Tab key.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::browser::{self, DEMO};
use crate::support::{process, tools};

/// Where the pictures of every page are left.
const SCREENSHOTS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/personas");

#[tokio::test]
async fn chromium_is_each_persona_in_every_light() {
    let Some(chromium) = tools::chromium() else { return };
    let Some(node) = tools::node("personas.mjs") else { return };
    let _alone = DEMO.lock().await;
    let folder = TempDir::new().unwrap();
    let _demo = browser::demo(folder.path()).await;

    let request = json!({
        "chromium": chromium,
        "host": "http://localhost:3000",
        "app": "http://127.0.0.1:3001",
        "password": "correct horse battery staple",
        "screenshots": SCREENSHOTS,
        "settings": [
            "/settings",
            "/settings/password",
            "/settings/two-factor",
            "/settings/two-factor/setup",
            "/settings/passkeys",
            "/settings/sessions",
            "/settings/connections",
            "/settings/organizations",
            "/settings/tokens",
            "/settings/export",
            "/settings/delete",
        ],
    });
    let _ = std::fs::remove_dir_all(SCREENSHOTS);
    let report: Value = process::run(node, &request, Duration::from_secs(420)).await;

    assert_eq!(report["faults"], json!([]), "{report:#}");
    let stories = &report["stories"];
    assert_ne!(stories["unconfirmed"]["at"], "/", "{report:#}");
    assert_eq!(stories["locked"]["at"], "/login", "{report:#}");
    assert_eq!(stories["totp"]["at"], "/settings/two-factor", "{report:#}");
    assert_eq!(stories["passkey"]["added"], "/settings/passkeys", "{report:#}");
    assert_eq!(stories["passkey"]["greeting"], "Hello, Pia Voss", "{report:#}");
    assert_eq!(stories["newcomer"]["greeting"], "Hello, nora@lantern.example", "{report:#}");
    assert_eq!(stories["newcomer"]["told"], true, "{report:#}");
    assert_eq!(stories["owner"]["payout"], "Payouts of Northwind", "{report:#}");
    assert_eq!(stories["single_sign_on"]["at"], "/team", "{report:#}");
    assert_eq!(stories["single_sign_on"]["team"], "Helix", "{report:#}");
    assert_eq!(stories["step_up"]["asked"], "/login/again", "{report:#}");
    assert_eq!(stories["step_up"]["trusted"], "/team", "{report:#}");
    assert_eq!(stories["admin"]["acting"], "Hello, Olivia Park", "{report:#}");
    assert_eq!(stories["admin"]["back"], true, "{report:#}");

    let pictures = walk(SCREENSHOTS.as_ref());
    assert_eq!(pictures, report["pages"], "a page has no picture");
    assert!(pictures > 80, "only {pictures} pages were seen");
}

/// How many pictures there are.
fn walk(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { walk(&path) } else { 1 }).sum()
}
