//! The pages of administrators.

use donjon::account::By;
use donjon::store::AuditFilter;
use time::Duration;

use super::*;
use crate::account::second_factor::App;
use crate::account::world::{each_world, log_in};
use crate::support::statements::counted;

const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

#[tokio::test]
async fn nobody_is_an_administrator_unless_the_host_says_so() {
    #[derive(Debug)]
    struct Silent;
    impl AdminAuthorizer for Silent {}

    each_world(async |world| {
        world.user(BOB).await;
        let page = world.logged_in(BOB).await.get("/admin").await;
        assert_eq!(page.body, format!("hello {BOB} at /admin"), "there are no such pages");
    })
    .await;
    each_world_with(
        |builder| builder.administrators(Silent),
        async |world| {
            world.user(BOB).await;
            let mut browser = world.logged_in(BOB).await;
            for path in ["/admin", "/admin/audit", "/admin/audit.csv", "/admin/users/x"] {
                assert_eq!(browser.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
            }
        },
    )
    .await;
    each_office(async |world, _| {
        let mut bob = world.logged_in(BOB).await;
        let target = page_of(&world, ROOT).await;
        for path in ["/admin", &target, "/admin/audit", "/admin/audit.jsonl"] {
            assert_eq!(bob.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        let page = bob.post(&format!("{target}/disable"), &[]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        let denied = entry(&world, "admin.denied").await;
        assert_eq!(denied.actor, Some(id_of(&world, BOB).await));
        let stranger = world.browser().get("/admin").await;
        assert_eq!(stranger.location().unwrap().path(), "/login");
        world.logged_in(ROOT).await;
    })
    .await;
}

#[tokio::test]
async fn who_may_not_look_does_not_fill_the_log_by_looking() {
    each_office(async |world, _| {
        let mut bob = world.logged_in(BOB).await;
        for index in 0..62 {
            let expected =
                if index < 60 { StatusCode::FORBIDDEN } else { StatusCode::TOO_MANY_REQUESTS };
            assert_eq!(bob.get("/admin").await.status, expected, "{index}");
        }
        let filter = AuditFilter { action: Some("admin.denied".into()), ..AuditFilter::default() };
        assert_eq!(world.store.audit_entries(&filter, 100).await.unwrap().len(), 60);
        world.clock.advance(Duration::minutes(10));
        assert_eq!(bob.get("/admin").await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn users_are_found_by_how_their_addresses_begin() {
    each_office(async |world, mut root| {
        for index in 0..55 {
            world.user(&format!("many-{index}@example.test")).await;
        }
        let page = root.get("/admin?email=bo").await;
        assert!(page.body.contains(BOB) && page.body.contains(BOSS), "{}", page.body);
        assert_eq!(page.body.matches(ROOT).count(), 1, "in the frame only");
        let page = root.get("/admin?email=many-").await;
        assert_eq!(page.body.matches("many-").count(), 52, "fifty, the field and the next page");
        let next = page.link("More");
        let page = root.get(&next).await;
        assert_eq!(page.body.matches("many-").count(), 6);
        assert!(!page.has("next"));

        world.user("hidden@example.test").await;
        let hidden = root.get(&page_of(&world, "hidden@example.test").await).await;
        let nobody = root.get("/admin/users/nobody").await;
        assert_eq!((hidden.status, nobody.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
        assert_eq!(hidden.body, nobody.body);
    })
    .await;
}

#[tokio::test]
async fn each_action_does_what_it_says_and_is_written_down() {
    each_office(async |world, mut root| {
        let at = page_of(&world, BOB).await;
        let mut bob = world.logged_in(BOB).await;
        App::set_up(&world, &mut bob).await;
        assert!(root.get(&at).await.has("remove-second-factor"));
        let act = async |root: &mut Browser, name: &str| {
            let page = root.post(&format!("{at}/{name}"), &[]).await;
            assert_eq!(page.location().unwrap().path(), at, "{name}: {}", page.body);
            root.follow(page).await
        };
        act(&mut root, "remove-second-factor").await;
        assert_eq!(world.mails_to(BOB).await[0].subject, "Two-step login was turned off");
        assert_eq!(entry(&world, "mfa.disable").await.actor, Some(id_of(&world, ROOT).await));

        act(&mut root, "revoke-sessions").await;
        assert_eq!(bob.get("/").await.body, "hello stranger at /");
        let told = entry(&world, "admin.sessions_revoke").await;
        assert_eq!(told.user, Some(id_of(&world, BOB).await));

        act(&mut root, "send-reset").await;
        assert_eq!(world.mails_to(BOB).await[0].subject, "Choose a new password");

        let mut bob = world.logged_in(BOB).await;
        let page = act(&mut root, "disable").await;
        assert_eq!(page.text_of("state"), "Disabled");
        assert_eq!(bob.get("/").await.body, "hello stranger at /", "at once");
        let refused = log_in(&mut bob, BOB, PASSWORD).await;
        let wrong = log_in(&mut world.browser(), BOB, "wrong").await;
        assert_eq!((refused.status, &refused.body), (REFUSED, &wrong.body));
        act(&mut root, "enable").await;
        world.logged_in(BOB).await;

        let page = act(&mut root, "delete").await;
        assert_eq!(page.text_of("state"), "Going to be deleted");
        assert_eq!(world.mails_to(BOB).await[0].subject, "Your account will be deleted");
        assert_eq!(act(&mut root, "keep").await.text_of("state"), "Open");
        world.logged_in(BOB).await;
        let told = entry(&world, "account.deletion_cancel").await;
        assert_eq!(
            (told.actor, told.user),
            (Some(id_of(&world, ROOT).await), Some(id_of(&world, BOB).await),)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_administrator_does_is_written_down_in_the_transition_that_does_it() {
    each_office(async |world, mut root| {
        let at = page_of(&world, BOB).await;
        let _bob = world.logged_in(BOB).await;
        let bob = id_of(&world, BOB).await;
        world.accounts.accounts().disable(&bob, &By::system()).await.unwrap();
        for act in ["revoke-sessions", "enable"] {
            let (page, cost) = counted(root.post(&format!("{at}/{act}"), &[])).await;
            assert_eq!(page.status, StatusCode::SEE_OTHER, "{act}");
            assert_eq!(cost.transitions(), 2, "{act}: the count of what they do, and it");
        }
    })
    .await;
}

#[tokio::test]
async fn an_administrator_has_a_user_choose_another_password() {
    each_office(async |world, mut root| {
        let (at, mut bob) = (page_of(&world, BOB).await, world.logged_in(BOB).await);
        let page = root.get(&at).await;
        assert!(page.has("require-password-change"));
        let page = root.post(&format!("{at}/require-password-change"), &[]).await;
        assert_eq!(page.location().unwrap().path(), at);
        let told = entry(&world, "account.password_change_require").await;
        assert_eq!(told.actor, Some(id_of(&world, ROOT).await));
        assert_eq!(told.user, Some(id_of(&world, BOB).await));
        assert_eq!(bob.get("/").await.body, "hello stranger at /", "at once");

        let page = log_in(&mut bob, BOB, PASSWORD).await;
        assert_eq!(page.url.path(), "/login/password");
        assert_eq!(bob.get("/").await.body, "hello stranger at /", "not before");
        let page = bob.submit(&page, &[("password", "another one, and a good one")]).await;
        assert_eq!(bob.follow(page).await.body, format!("hello {BOB} at /"));

        let accounts = world.accounts.accounts();
        accounts.create("none@example.test", None, Default::default(), true).await.unwrap();
        let page = root.get(&page_of(&world, "none@example.test").await).await;
        assert!(!page.has("require-password-change"), "there is no password");
    })
    .await;
}

#[tokio::test]
async fn an_action_takes_a_fresh_login_our_own_page_and_moderation() {
    each_office(async |world, mut root| {
        let at = page_of(&world, BOB).await;
        let own = page_of(&world, ROOT).await;
        for act in ["disable", "delete", "impersonate", "remove-second-factor"] {
            let page = root.post(&format!("{own}/{act}"), &[("reason", "x")]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{act}: nobody shuts themselves out");
        }
        let elsewhere = root.post_from("https://evil.example", &format!("{at}/disable"), &[]).await;
        assert_eq!(elsewhere.status, StatusCode::FORBIDDEN);
        // To be refused to give one’s own second factor away counts, too.
        for _ in 1..60 {
            let page = root.post(&format!("{at}/enable"), &[]).await;
            assert_eq!(page.status, REFUSED, "it was not disabled, and counts all the same");
        }
        let page = root.post(&format!("{at}/enable"), &[]).await;
        assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
        world.clock.advance(Duration::minutes(10));
        let page = root.post(&format!("{at}/disable"), &[]).await;
        assert_eq!(page.location().unwrap().path(), "/login/again", "no longer fresh");
        world.logged_in(BOB).await;
    })
    .await;
}

#[tokio::test]
async fn the_audit_log_is_read_page_by_page_and_taken_along() {
    each_office(async |world, mut root| {
        let bob = id_of(&world, BOB).await;
        let page = root.get(&format!("/admin/audit?user={bob}&action=account.")).await;
        assert!(page.body.contains("account.create"), "{}", page.body);
        assert!(!page.body.contains("session.log_in"));
        let at = "<time datetime=\"2026-01-01T00:00:00Z\">2026-01-01 00:00:00 UTC</time>";
        assert!(page.body.contains(at), "{}", page.body);
        world.clock.advance(Duration::microseconds(1_234_567));
        root.get(&format!("/admin/users/{bob}")).await;
        root.post(&format!("/admin/users/{bob}/send-reset"), &[]).await;
        let later = root.get(&format!("/admin/audit?user={bob}")).await;
        let at = "<time datetime=\"2026-01-01T00:00:01Z\">2026-01-01 00:00:01 UTC</time>";
        assert!(later.body.contains(at), "{}", later.body);
        let csv = root.get(&page.link("CSV")).await;
        assert!(csv.body.starts_with("id,at,action,"), "{}", csv.body);
        let actions: Vec<_> = csv.body.lines().map(|line| line.split(',').nth(2)).collect();
        assert_eq!(actions, [Some("action"), Some("account.link_request"), Some("account.create")]);
        assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
        let lines = root.get("/admin/audit.jsonl?outcome=success").await;
        let all: Vec<serde_json::Value> =
            lines.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(all.iter().any(|entry| entry["action"] == "admin.audit_export"));
        world.clock.advance(Duration::minutes(6));
        let page = root.get("/admin/audit.csv").await;
        assert_eq!(page.location().unwrap().path(), "/login/again");
    })
    .await;
}

#[tokio::test]
async fn nobody_takes_the_second_factor_of_the_last_owner_who_comes_in_all_the_same() {
    use crate::account::single_sign_on::{OLGA, acme, set, with_sso};
    use donjon::store::SsoMode;

    each_world_with(
        |builder| with_sso(staffed(builder)),
        async |world| {
            let attributes = [("staff".to_owned(), json!(true))].into_iter().collect();
            let accounts = world.accounts.accounts();
            accounts.create(ROOT, Some(PASSWORD), attributes, true).await.unwrap();
            App::of(&world, OLGA).await;
            let id = acme(&world).await;
            let olga = id_of(&world, OLGA).await;
            world.accounts.organizations().name_break_glass(id, &olga, true).await.unwrap();
            set(&world, id, SsoMode::Enforced).await;
            let mut root = world.logged_in(ROOT).await;
            let remove = format!("{}/remove-second-factor", page_of(&world, OLGA).await);
            let page = root.post(&remove, &[]).await;
            assert_eq!(page.status, REFUSED);
            assert!(page.body.contains("the only owner who comes in"), "{}", page.body);
            assert!(world.store.find_second_factor(&olga).await.unwrap().is_some());
            set(&world, id, SsoMode::Offered).await;
            assert!(root.post(&remove, &[]).await.location().is_some());
            assert!(world.store.find_second_factor(&olga).await.unwrap().is_none());
        },
    )
    .await;
}
