//! Two people at two browsers (Debian's Chromium, without JavaScript): one invites the other.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::account::world::{ALICE, PASSWORD, each_world_at};
use crate::support::serve::Listener;
use crate::support::{process, tools};

const LIMIT: Duration = Duration::from_secs(300);
const GUEST: &str = "gwen@example.test";
/// Where the pictures of every page are left.
const SCREENSHOTS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/screenshots-invitation");

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_guest_joins_from_another_browser_until_the_owner_removes_them() {
    let Some(chromium) = tools::chromium() else { return };
    if tools::node("invitation.mjs").is_none() {
        return;
    }
    let listener = Listener::bind().await;
    let origin = format!("http://localhost:{}", listener.port());
    let listener = std::cell::RefCell::new(Some(listener));
    let _ = std::fs::remove_dir_all(SCREENSHOTS);
    each_world_at(
        &origin,
        |builder| builder,
        async |world| {
            // One database will do: what differs is proven elsewhere.
            let Some(listener) = listener.borrow_mut().take() else { return };
            let _serving = listener.serve(world.browser());
            world.user(ALICE).await;
            let folder = TempDir::new().unwrap();
            let link = folder.path().join("link");
            let request = json!({
                "chromium": chromium,
                "origin": origin,
                "screenshots": SCREENSHOTS,
                "link": link,
                "owner": {"email": ALICE, "password": PASSWORD},
                "guest": {"email": GUEST, "password": "a password of their own"},
            });
            let playing = async {
                let node = tools::node("invitation.mjs").unwrap();
                process::run::<Value>(node, &request, LIMIT).await
            };
            let mailing = async {
                loop {
                    let mails = world.mails_to(GUEST).await;
                    if let Some(mail) = mails.first().filter(|_| !link.exists()) {
                        let found =
                            mail.text.lines().find(|line| line.starts_with("http")).unwrap();
                        std::fs::write(&link, format!("{found}\n")).unwrap();
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            };
            let report = tokio::select! { report = playing => report, () = mailing => return };

            assert_eq!(report["place"], "/settings/organizations/initech", "{report:#}");
            let lines = |name: &str| -> Vec<String> {
                let list = report[name].as_array().unwrap_or_else(|| panic!("{name}: {report:#}"));
                list.iter().map(|line| line.as_str().unwrap().to_owned()).collect()
            };
            assert!(
                lines("invited").len() == 1 && lines("invited")[0].contains(GUEST),
                "{report:#}"
            );
            assert_eq!(report["guest_reads"], "Join Initech", "{report:#}");
            assert_eq!(report["address"], GUEST, "the address is the invited one: {report:#}");
            assert_eq!(report["guest_greeted"], format!("hello {GUEST} at /"), "{report:#}");
            for name in ["guest_sees", "owner_sees"] {
                assert_eq!(lines(name).len(), 2, "{name}: {report:#}");
            }
            assert_eq!(report["guest_manages"], 0, "{report:#}");
            assert_eq!(report["invitations_left"], 0, "{report:#}");
            let left = lines("owner_sees_then");
            assert!(left.len() == 1 && left[0].contains(ALICE), "{report:#}");
            assert_eq!(report["guest_loses"], 404, "{report:#}");
            assert_eq!(report["guest_has"], 1, "{report:#}");
            assert_eq!(report["link_again"], 410, "{report:#}");
            assert_eq!(
                std::fs::read_dir(SCREENSHOTS).unwrap().count(),
                13,
                "a page has no picture"
            );
        },
    )
    .await;
}
