//! The testing kit: users in each state, as an application sees them.

use donjon::crypto::Clock as _;
use donjon::testing::{Scenario, ScenarioError};
use http::StatusCode;
use time::Duration;

use super::world::{PASSWORD, each_world, log_in};

const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

#[tokio::test]
async fn each_state_is_what_an_application_sees() {
    each_world(async |world| {
        for (name, scenario, path, status) in [
            ("fresh", Scenario::new("fresh@example.test"), "/", StatusCode::OK),
            (
                "unconfirmed",
                Scenario::new("unconfirmed@example.test").unconfirmed(),
                "/login",
                REFUSED,
            ),
            ("locked", Scenario::new("locked@example.test").locked(), "/login", REFUSED),
            ("totp", Scenario::new("totp@example.test").totp(), "/login/verify", StatusCode::OK),
            ("disabled", Scenario::new("disabled@example.test").disabled(), "/login", REFUSED),
            (
                "leaving",
                Scenario::new("leaving@example.test").leaving(),
                "/keep-account",
                StatusCode::OK,
            ),
        ] {
            let persona = scenario.seed(&world.accounts).await.unwrap();
            let email = persona.account.email().unwrap();
            let page = log_in(&mut world.browser(), email, PASSWORD).await;
            assert_eq!((page.url.path(), page.status), (path, status), "{name}: {}", page.body);
        }
    })
    .await;
}

#[tokio::test]
async fn a_locked_unconfirmed_user_with_an_app_takes_one_line() {
    each_world(async |world| {
        let dave = Scenario::new("dave@example.test").locked().unconfirmed().totp();
        let dave = dave.seed(&world.accounts).await.unwrap();
        assert_eq!(dave.backup_codes.len(), 10);
        assert!(!format!("{dave:?}").contains(PASSWORD));
        let email = dave.account.email().unwrap();
        let mut browser = world.browser();
        assert_eq!(log_in(&mut browser, email, PASSWORD).await.status, REFUSED, "locked");
        world.clock.advance(Duration::minutes(15));
        let page = log_in(&mut browser, email, PASSWORD).await;
        assert_eq!(page.status, REFUSED, "unconfirmed: {}", page.body);
        let subjects: Vec<_> =
            world.mails_to(email).await.into_iter().map(|mail| mail.subject).collect();
        assert!(subjects.contains(&"Confirm your email address".to_owned()), "{subjects:?}");

        let tess = Scenario::new("tess@example.test").totp().password("another good one");
        let tess = tess.seed(&world.accounts).await.unwrap();
        let page = log_in(&mut browser, "tess@example.test", "another good one").await;
        assert_eq!(page.url.path(), "/login/verify");
        let code = tess.code_at(world.clock.now()).unwrap();
        let page = browser.post("/login/verify", &[("code", &code)]).await;
        assert_eq!(browser.follow(page).await.body, "hello tess@example.test at /");
    })
    .await;
}

#[tokio::test]
async fn no_scenario_is_seeded_where_it_would_be_dangerous() {
    use donjon::account::AccountLayer;
    use donjon::crypto::{Keyring, SystemRandom};

    let store = crate::support::database::Database::sqlite().store().await;
    let keyring = Keyring::ephemeral(&SystemRandom);
    let real = AccountLayer::builder(&store, &keyring, "https://acme.com").build().unwrap();
    let refused = Scenario::new("dave@example.test").seed(&real).await;
    assert!(matches!(refused, Err(ScenarioError::Dangerous(_))), "{refused:?}");
    assert!(real.accounts().find_by_email("dave@example.test").await.unwrap().is_none());
}

#[tokio::test]
async fn a_login_to_a_disabled_account_is_noted() {
    each_world(async |world| {
        let kept_out = Scenario::new("disabled@example.test").disabled();
        let kept_out = kept_out.seed(&world.accounts).await.unwrap();
        let page = log_in(&mut world.browser(), "disabled@example.test", PASSWORD).await;
        assert_eq!(page.status, REFUSED);
        let user = Some(kept_out.account.id().clone());
        let outcome = Some(donjon::audit::Outcome::Failure);
        let filter = donjon::store::AuditFilter { user, outcome, ..Default::default() };
        let entries = world.store.audit_entries(&filter, 10).await.unwrap();
        assert_eq!(entries.len(), 1, "{entries:?}");
        assert_eq!(entries[0].metadata["disabled"], true);
    })
    .await;
}
