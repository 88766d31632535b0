//! An administrator acts as a user.

use donjon::audit::AuditLog;
use donjon::scope::SessionEnd;
use donjon::session::ForbidDuringImpersonationLayer;
use time::Duration;

use super::*;

/// Acts as this user.
async fn act_as(world: &World, browser: &mut Browser, email: &str) {
    let at = page_of(world, email).await;
    let page = browser.post(&format!("{at}/impersonate"), &[("reason", "ticket 17")]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
    assert_eq!(browser.follow(page).await.body, format!("hello {email} at /"));
}

#[tokio::test]
async fn stopping_leads_back_to_the_administrators_own_session() {
    each_office(async |world, mut root| {
        let before = root.cookies["session"].clone();
        act_as(&world, &mut root, BOB).await;
        let told = entry(&world, "impersonation.start").await;
        let (boss, bob) = (id_of(&world, ROOT).await, id_of(&world, BOB).await);
        assert_eq!((told.actor, told.user), (Some(boss.clone()), Some(bob.clone())));
        assert_eq!(told.metadata["reason"], "ticket 17");
        let page = root.get("/settings").await;
        assert!(page.body.contains(&format!("You are acting as {BOB}.")), "{}", page.body);
        assert!(page.has("stop-impersonation"));

        let page = root.post("/admin/stop", &[]).await;
        assert_eq!(page.location().unwrap().path(), format!("/admin/users/{bob}"));
        assert_eq!(root.get("/").await.body, format!("hello {ROOT} at /"));
        assert_ne!(root.cookies["session"], before, "under a new token");
        assert!(!root.cookies.contains_key("impersonator"));
        assert_eq!(entry(&world, "impersonation.stop").await.actor, Some(boss));
        let sessions = world.store.sessions_of(&bob, donjon::crypto::Clock::now(&*world.clock));
        assert!(sessions.await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn it_takes_a_reason_and_a_user_who_is_no_administrator_and_is_not_nested() {
    each_office(async |world, mut root| {
        let at = page_of(&world, BOB).await;
        let long = "x".repeat(501);
        for reason in ["", "  ", &long] {
            let page = root.post(&format!("{at}/impersonate"), &[("reason", reason)]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{reason:?}");
        }
        let boss = page_of(&world, BOSS).await;
        let page = root.post(&format!("{boss}/impersonate"), &[("reason", "x")]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert_eq!(root.get("/").await.body, format!("hello {ROOT} at /"), "nothing happened");

        act_as(&world, &mut root, BOB).await;
        let page = root.post(&format!("{boss}/impersonate"), &[("reason", "x")]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "from within another");
        assert_eq!(root.get("/admin").await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn what_only_the_user_may_do_is_refused_and_noted() {
    each_office(async |world, mut root| {
        act_as(&world, &mut root, BOB).await;
        for path in ["/settings/delete", "/settings/export", "/settings/two-factor"] {
            assert_eq!(root.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
            let denied = entry(&world, "impersonation.denied").await;
            assert_eq!(denied.actor, Some(id_of(&world, ROOT).await), "{path}");
            assert_eq!(denied.user, Some(id_of(&world, BOB).await));
        }
    })
    .await;
}

#[tokio::test]
async fn it_ends_with_the_administrators_session_or_account() {
    each_office(async |world, mut root| {
        let (boss, now) = (id_of(&world, ROOT).await, donjon::crypto::Clock::now(&*world.clock));
        for by_account in [false, true] {
            act_as(&world, &mut root, BOB).await;
            let stopped = root.clone();
            if by_account {
                let none = donjon::store::Effects::none();
                world.store.disable_account(&boss, &none, now).await.unwrap();
            } else {
                let end = SessionEnd::Revoked;
                world.store.end_sessions_of(&boss, None, end, now).await.unwrap();
            }
            let mut late = stopped.clone();
            assert_eq!(late.get("/").await.body, "hello stranger at /");
            let mut late = stopped;
            let page = late.post("/admin/stop", &[]).await;
            assert_eq!(page.location().unwrap().path(), "/login", "there is nothing to go back to");
            if !by_account {
                root = world.logged_in(ROOT).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn it_is_short_and_then_the_administrator_is_there_again() {
    each_office(async |world, mut root| {
        act_as(&world, &mut root, BOB).await;
        world.clock.advance(Duration::minutes(16));
        let page = root.clone().get("/").await;
        assert_eq!(page.body, "hello stranger at /");
        let page = root.post("/admin/stop", &[]).await;
        assert_eq!(page.location().unwrap().path(), "/admin");
        assert_eq!(root.get("/").await.body, format!("hello {ROOT} at /"));
    })
    .await;
}

#[tokio::test]
async fn logging_out_leaves_nothing_for_whoever_comes_next() {
    each_office(async |world, mut root| {
        act_as(&world, &mut root, BOB).await;
        root.post("/logout", &[]).await;
        assert_eq!(root.get("/").await.body, format!("hello {ROOT} at /"), "one step back");
        root.post("/logout", &[]).await;
        let page = root.post("/admin/stop", &[]).await;
        assert_eq!(page.location().unwrap().path(), "/login");
        assert_eq!(root.get("/").await.body, "hello stranger at /");
        world.logged_in(BOB).await;
    })
    .await;
}

#[tokio::test]
async fn a_cookie_of_another_administrator_opens_nothing() {
    each_office(async |world, mut root| {
        act_as(&world, &mut root, BOB).await;
        let stolen = root.cookies["impersonator"].clone();
        let mut boss = world.logged_in(BOSS).await;
        act_as(&world, &mut boss, BOB).await;
        boss.cookies.insert("impersonator".into(), stolen);
        let page = boss.post("/admin/stop", &[]).await;
        assert_eq!(page.location().unwrap().path(), "/login");
        assert_eq!(boss.get("/").await.body, "hello stranger at /");
    })
    .await;
}

#[tokio::test]
async fn a_layer_keeps_administrators_out_who_act_as_a_user() {
    use donjon::http::Body;
    use donjon::scope::{Authentication, Method, SessionId};
    use http::Request;
    use time::OffsetDateTime;
    use tower::{Layer as _, ServiceExt as _, service_fn};

    for database in databases().await {
        let store = database.store().await;
        let layer = ForbidDuringImpersonationLayer::new(AuditLog::new(&store));
        let inner = service_fn(|_: Request<Body>| async {
            Ok::<_, std::convert::Infallible>(http::Response::new(Body::from("paid")))
        });
        let guarded = layer.layer(inner);
        let account = Account::new(UserId::new("ann").unwrap());
        let authentication = Authentication {
            at: OffsetDateTime::UNIX_EPOCH,
            methods: vec![Method::PASSWORD],
            context_class: None,
            session_id: SessionId(uuid::Uuid::nil()),
            fresh_until: None,
        };
        let scope = CurrentScope::user(account, authentication);
        let acting = scope.clone().impersonated_by(UserId::new("root").unwrap());
        for (scope, expected) in [(scope, StatusCode::OK), (acting, StatusCode::FORBIDDEN)] {
            let request = Request::get("/pay").extension(scope).body(Body::empty()).unwrap();
            let answer = guarded.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), expected, "{}", database.name);
        }
        let bare = Request::get("/pay").body(Body::empty()).unwrap();
        let answer = guarded.oneshot(bare).await.unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let log = AuditLog::new(&store);
        let denied = log.query().action("impersonation.denied").newest(9).await.unwrap().entries;
        assert_eq!(denied.len(), 1);
        assert_eq!(denied[0].actor, Some(UserId::new("root").unwrap()));
        assert_eq!(denied[0].metadata["path"], "/pay");
    }
}
