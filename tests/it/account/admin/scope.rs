//! Administrators who may look at some accounts only.

use super::*;

const ANN: &str = "ann@north.test";
const STRANGER: &str = "stan@south.test";

/// Those who look after the users of the north, and read no audit log if they are interns.
#[derive(Debug)]
struct Regional;

#[async_trait]
impl AdminAuthorizer for Regional {
    async fn may(&self, who: &CurrentScope, act: AdminAct, account: Option<&Account>) -> bool {
        let Some(staff) = who.account().filter(|staff| is_staff(staff)) else { return false };
        let reads = staff.email() != Some(BOSS) || act != AdminAct::ReadAudit;
        let email = account.map(|account| account.email().unwrap_or_default());
        reads && email.is_none_or(|email| email.ends_with("@north.test"))
    }
}

/// Tells the story with an administrator of the north, and an intern.
async fn each_region(story: impl AsyncFn(World, Browser, Browser)) {
    each_world_with(
        |builder| builder.administrators(Regional),
        async |world| {
            for (email, staff) in [(ROOT, true), (BOSS, true), (ANN, false), (STRANGER, false)] {
                let attributes = [("staff".to_owned(), json!(staff))].into_iter().collect();
                let accounts = world.accounts.accounts();
                accounts.create(email, Some(PASSWORD), attributes, true).await.unwrap();
            }
            let (root, intern) = (world.logged_in(ROOT).await, world.logged_in(BOSS).await);
            for email in [ANN, STRANGER] {
                world.logged_in(email).await;
            }
            story(world, root, intern).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_list_shows_no_account_that_is_out_of_reach_and_goes_on_behind_it() {
    each_region(async |world, mut root, _| {
        let page = root.get("/admin").await;
        assert!(page.body.contains(ANN) && !page.body.contains(STRANGER), "{}", page.body);
        assert!(!root.get("/admin?email=stan").await.body.contains("south"));
        // Sixty who are out of reach are between two who are not.
        for number in 0..60 {
            world.user(&format!("s{number}@south.test")).await;
        }
        world.user("new@north.test").await;
        let page = root.get("/admin").await;
        assert!(page.body.contains(ANN) && page.body.contains("new@north.test"));
        assert!(!page.body.contains("south.test"), "{}", page.body);
        assert!(!page.has("next"));
    })
    .await;
}

#[tokio::test]
async fn the_audit_log_tells_of_whom_an_administrator_may_look_at_and_of_nobody_else() {
    each_region(async |world, mut root, mut intern| {
        let (ann, stranger) = (id_of(&world, ANN).await, id_of(&world, STRANGER).await);
        for path in ["/admin/audit", "/admin/audit.csv", "/admin/audit.jsonl"] {
            let page = root.get(path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(page.body.contains(ann.as_str()), "{path}: {}", page.body);
            assert!(!page.body.contains(stranger.as_str()), "{path}: {}", page.body);
            let hidden = root.get(&format!("{path}?user={stranger}")).await;
            let unknown = root.get(&format!("{path}?user=nobody")).await;
            assert_eq!((hidden.status, unknown.status), (StatusCode::NOT_FOUND, hidden.status));
            assert_eq!(hidden.body, unknown.body, "{path}");
            let actor = root.get(&format!("{path}?actor={stranger}")).await;
            assert!(!actor.body.contains("session.log_in"), "{path}: {}", actor.body);
            assert_eq!(intern.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        // Nor does the page about a user, to whoever reads no log.
        let at = page_of(&world, ANN).await;
        assert!(root.get(&at).await.body.contains("session.log_in"));
        let page = intern.get(&at).await;
        assert!(page.status == StatusCode::OK && !page.body.contains("session.log_in"));
    })
    .await;
}

#[tokio::test]
async fn an_export_says_that_somebody_else_acted_and_neither_who_nor_why() {
    each_region(async |world, _, _| {
        let (ann, root_id) = (id_of(&world, ANN).await, id_of(&world, ROOT).await);
        let entry = donjon::audit::Entry::new(donjon::audit::Action::IMPERSONATION_START)
            .by(donjon::audit::AuditActor::User(root_id.clone()))
            .about(&ann)
            .with("reason", "suspected fraud")
            .from(Some([192, 0, 2, 77].into()), Some("Staff Browser 1"))
            .at(donjon::crypto::Clock::now(&*world.clock), &donjon::crypto::SystemRandom);
        world.store.write_audit_entry(&entry).await.unwrap();
        let file = world.logged_in(ANN).await.post("/settings/export", &[]).await;
        assert_eq!(file.status, StatusCode::OK);
        for hidden in [root_id.as_str(), "suspected fraud", "Staff Browser", "192.0.2.77"] {
            assert!(!file.body.contains(hidden), "{hidden}");
        }
        let told: serde_json::Value = serde_json::from_str(&file.body).unwrap();
        let about = told["sections"]["audit_about_you"].as_array().unwrap();
        let one = about.iter().find(|entry| entry["action"] == "impersonation.start").unwrap();
        assert_eq!((&one["actor_kind"], &one["actor"]), (&json!("another"), &json!(null)));
    })
    .await;
}
