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

/// Whatever page it is, it says so, and is no page of somebody who is not logged in.
#[tokio::test]
async fn every_page_of_ours_says_who_is_acted_as() {
    each_office(async |world, mut root| {
        let mut bob = world.logged_in(BOB).await;
        act_as(&world, &mut root, BOB).await;
        let banner = format!("You are acting as {BOB}.");
        let denied = [
            "/settings/password",
            "/settings/two-factor",
            "/settings/two-factor/setup",
            "/settings/export",
            "/settings/delete",
            "/login/again",
            "/admin",
            "/admin/audit",
        ];
        let shown = [
            "/settings",
            "/settings/sessions",
            "/settings/organizations",
            "/logout",
            "/forgot-password",
            "/register",
        ];
        let all = denied.map(|path| (path, StatusCode::FORBIDDEN)).into_iter();
        for (path, status) in all.chain(shown.map(|path| (path, StatusCode::OK))) {
            let page = root.get(path).await;
            assert_eq!(page.status, status, "{path}: {}", page.body);
            assert_eq!(page.body.matches(&banner).count(), 1, "{path}: {}", page.body);
            assert!(page.has("stop-impersonation") && page.body.starts_with("<!doctype"));
            if status == StatusCode::FORBIDDEN {
                assert_eq!(page.text_of("error"), "impersonation_forbidden", "{path}");
            }
            let own = bob.get(path).await;
            assert!(!own.has("stop-impersonation"), "{path}");
        }
        let mut program = root.clone();
        program.accept = "application/json";
        let told = program.get("/settings/delete").await;
        assert_eq!(told.status, StatusCode::FORBIDDEN);
        let told: serde_json::Value = serde_json::from_str(&told.body).unwrap();
        assert_eq!(told["error"], "impersonation_forbidden");
    })
    .await;
}

/// The authorization server knows of nobody who is there in person, and sends them to log in.
#[tokio::test]
async fn who_acts_as_a_user_is_told_that_they_let_no_application_in() {
    each_office(async |world, mut root| {
        act_as(&world, &mut root, BOB).await;
        let way = "/login?return_to=%2Foauth%2Fauthorize%3Fclient_id%3Dx&interaction_id=i-1";
        let page = root.get(way).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
        assert_eq!(page.text_of("error"), "impersonation_forbidden");
        assert!(page.has("stop-impersonation"));
        assert_eq!(world.logged_in(BOB).await.get(way).await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_changed_for_a_user_by_who_acts_as_them() {
    each_office(async |world, mut root| {
        act_as(&world, &mut root, BOB).await;
        let fields = [("password", PASSWORD), ("code", "000000"), ("current", PASSWORD)];
        for path in [
            "/settings/password",
            "/settings/two-factor/setup",
            "/settings/two-factor/disable",
            "/settings/two-factor/backup-codes",
            "/settings/organizations",
            "/settings/export",
            "/settings/delete",
            "/settings/sessions/revoke",
            "/settings/sessions/revoke-others",
            "/settings/sessions/forget-browsers",
            "/settings/sessions/sign-out",
            "/login/again",
        ] {
            world.clock.advance(Duration::SECOND);
            let page = root.post(path, &fields).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}: {}", page.body);
            assert_eq!(page.text_of("error"), "impersonation_forbidden", "{path}");
            assert_eq!(entry(&world, "impersonation.denied").await.metadata["path"], path);
        }
        assert_eq!(root.get("/").await.body, format!("hello {BOB} at /"));
    })
    .await;
}

/// Makes somebody an administrator, or no longer one.
async fn staff(world: &World, email: &str, is_staff: bool) {
    let id = id_of(world, email).await;
    let change = |attributes: &mut serde_json::Value| attributes["staff"] = json!(is_staff);
    world.accounts.accounts().change_attributes(&id, change).await.unwrap();
}

#[tokio::test]
async fn who_may_no_longer_act_as_a_user_is_stopped_within_a_minute() {
    each_office(async |world, mut root| {
        let mut boss = world.logged_in(BOSS).await;
        act_as(&world, &mut root, BOB).await;
        act_as(&world, &mut boss, BOB).await;
        assert_eq!(world.accounts.end_unpermitted_impersonations().await.unwrap(), 0);
        staff(&world, ROOT, false).await;
        assert_eq!(world.accounts.end_unpermitted_impersonations().await.unwrap(), 1);
        assert_eq!(world.accounts.end_unpermitted_impersonations().await.unwrap(), 0);
        let stopped = entry(&world, "impersonation.stop").await;
        assert_eq!((stopped.actor_kind.as_str(), stopped.actor), ("system", None));
        assert_eq!(stopped.user, Some(id_of(&world, BOB).await));
        let metadata = stopped.metadata;
        assert_eq!(metadata["reason"], "not_permitted");
        assert_eq!(metadata["administrator"], id_of(&world, ROOT).await.as_str());
        assert_eq!(root.get("/").await.body, "hello stranger at /");
        assert_eq!(boss.get("/").await.body, format!("hello {BOB} at /"), "the other goes on");
        // They are who they were, and no administrator.
        root.post("/admin/stop", &[]).await;
        assert_eq!(root.get("/").await.body, format!("hello {ROOT} at /"));
        assert_eq!(root.get("/admin").await.status, StatusCode::FORBIDDEN);

        // Nor may anybody go on who acts as somebody who has become an administrator.
        staff(&world, BOB, true).await;
        assert_eq!(world.accounts.end_unpermitted_impersonations().await.unwrap(), 1);
        assert_eq!(boss.get("/").await.body, "hello stranger at /");
    })
    .await;
}

/// An organization that enforces single sign-on for administrators, too.
async fn enforced(world: &World) {
    use donjon::store::{Effects, NewSsoMode, SsoMode};

    let organizations = world.accounts.organizations();
    let boss = id_of(world, BOSS).await;
    let id = organizations.create(&"Acme".parse().unwrap(), None, &boss).await.unwrap().id;
    let (domain, door) = ("example.test".to_owned(), "/saml/acme/login".to_owned());
    organizations.grant_domain(id, &domain, &door).await.unwrap();
    let at = donjon::crypto::Clock::now(&*world.clock);
    let new =
        NewSsoMode { organization: id, domain, mode: SsoMode::Enforced, came_by: Some(door), at };
    world.store.change_sso(&new, None, &Effects::none()).await.unwrap();
}

#[tokio::test]
async fn an_impersonation_ends_whose_administrator_is_let_in_no_more() {
    use crate::account::single_sign_on::with_sso;

    each_world_with(
        |builder| with_sso(staffed(builder)),
        async |world| {
            for (email, staff) in [(ROOT, true), (BOSS, true), (BOB, false)] {
                let attributes = [("staff".to_owned(), json!(staff))].into_iter().collect();
                let accounts = world.accounts.accounts();
                accounts.create(email, Some(PASSWORD), attributes, true).await.unwrap();
            }
            let mut root = world.logged_in(ROOT).await;
            let mut boss = world.browser();
            boss.get(&format!("/vouched?{BOSS}")).await;
            act_as(&world, &mut root, BOB).await;
            act_as(&world, &mut boss, BOB).await;
            enforced(&world).await;
            assert_eq!(root.get("/").await.body, "hello stranger at /");
            assert_eq!(boss.get("/").await.body, format!("hello {BOB} at /"));
            assert_eq!(world.accounts.end_unpermitted_impersonations().await.unwrap(), 1);
            assert_eq!(world.accounts.end_unpermitted_impersonations().await.unwrap(), 0);
            let stopped = entry(&world, "impersonation.stop").await;
            assert_eq!(stopped.metadata["reason"], "administrators_session_over");
            let administrator = id_of(&world, ROOT).await;
            assert_eq!(stopped.metadata["administrator"], administrator.as_str());
            let session = stopped.subject.unwrap();
            let events = world.store.session_events(0, 100).await.unwrap();
            let is_it = |event: &donjon::scope::SessionEvent| {
                event.session_id.is_some_and(|id| id.to_string() == session)
            };
            assert_eq!(events.iter().filter(|event| is_it(event)).count(), 1);
            assert_eq!(boss.get("/").await.body, format!("hello {BOB} at /"));
        },
    )
    .await;
}

#[tokio::test]
async fn what_a_user_takes_along_names_no_administrator_however_it_ended() {
    each_office(async |world, mut root| {
        act_as(&world, &mut root, BOB).await;
        staff(&world, ROOT, false).await;
        assert_eq!(world.accounts.end_unpermitted_impersonations().await.unwrap(), 1);
        let file = world.logged_in(BOB).await.post("/settings/export", &[]).await;
        assert!(file.body.contains("impersonation.stop"), "{}", file.body);
        let root = id_of(&world, ROOT).await;
        for told in [root.as_str(), "\"administrator\"", "not_permitted"] {
            assert!(!file.body.contains(told), "{told}: {}", file.body);
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_has_to_ask_whether_an_impersonation_may_go_on() {
    each_office(async |world, mut root| {
        act_as(&world, &mut root, BOB).await;
        staff(&world, ROOT, false).await;
        tokio::time::pause();
        tokio::time::advance(std::time::Duration::from_secs(60)).await;
        tokio::time::resume();
        for _ in 0..200 {
            if root.get("/").await.body == "hello stranger at /" {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("it goes on");
    })
    .await;
}

#[tokio::test]
async fn a_host_that_fails_to_say_who_may_lets_nobody_go_on() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[derive(Debug, Clone, Default)]
    struct Moody(Arc<AtomicBool>);

    #[async_trait]
    impl AdminAuthorizer for Moody {
        async fn may(&self, who: &CurrentScope, _: AdminAct, _: Option<&Account>) -> bool {
            assert!(!self.0.load(Ordering::SeqCst), "asked to");
            who.account().and_then(Account::email) == Some(ROOT)
        }

        async fn is_administrator(&self, _: &Account) -> bool {
            false
        }
    }

    let mood = Moody::default();
    each_world_with(
        |builder| builder.administrators(mood.clone()),
        async |world| {
            world.user(ROOT).await;
            world.user(BOB).await;
            let mut root = world.logged_in(ROOT).await;
            act_as(&world, &mut root, BOB).await;
            mood.0.store(true, Ordering::SeqCst);
            let ended = world.accounts.end_unpermitted_impersonations().await.unwrap();
            mood.0.store(false, Ordering::SeqCst);
            assert_eq!(ended, 1);
            assert_eq!(root.get("/").await.body, "hello stranger at /");
        },
    )
    .await;
}

#[tokio::test]
async fn who_logs_in_over_an_impersonation_does_not_inherit_the_administrator() {
    each_office(async |world, mut root| {
        act_as(&world, &mut root, BOB).await;
        let page = root.post("/login", &[("email", BOB), ("password", PASSWORD)]).await;
        assert_eq!(root.follow(page).await.body, format!("hello {BOB} at /"));
        assert!(!root.cookies.contains_key("impersonator"));
        assert!(!root.get("/settings").await.has("stop-impersonation"));
        root.post("/logout", &[]).await;
        root.post("/admin/stop", &[]).await;
        assert_eq!(root.get("/").await.body, "hello stranger at /");
    })
    .await;
}

#[tokio::test]
async fn what_waits_behind_an_impersonation_ends_with_a_login_a_logout_and_the_time() {
    each_office(async |world, mut root| {
        let boss = id_of(&world, ROOT).await;
        let alive = async || {
            let now = donjon::crypto::Clock::now(&*world.clock);
            world.store.sessions_of(&boss, now).await.unwrap().len()
        };
        // A login: also for whoever kept the cookie.
        act_as(&world, &mut root, BOB).await;
        let mut kept = root.clone();
        root.post("/login", &[("email", BOB), ("password", PASSWORD)]).await;
        assert_eq!(alive().await, 0);
        kept.cookies.remove("session");
        kept.post("/admin/stop", &[]).await;
        assert_eq!(kept.get("/").await.body, "hello stranger at /");

        // It ran out, and whoever is there logs out, of nothing.
        let mut root = world.logged_in(ROOT).await;
        act_as(&world, &mut root, BOB).await;
        world.clock.advance(Duration::minutes(16));
        root.post("/logout", &[]).await;
        assert_eq!(alive().await, 0);
        root.post("/admin/stop", &[]).await;
        assert_eq!(root.get("/").await.body, "hello stranger at /");

        // The administrator's own session would live for days; not for whoever comes by.
        let mut root = world.browser();
        let page = root.get("/login").await;
        let fields = [("email", ROOT), ("password", PASSWORD), ("remember", "1")];
        root.submit(&page, &fields).await;
        act_as(&world, &mut root, BOB).await;
        world.clock.advance(Duration::minutes(30));
        assert_eq!(alive().await, 1);
        let page = root.post("/admin/stop", &[]).await;
        assert_eq!(page.location().unwrap().path(), "/login");
        assert_eq!(root.get("/").await.body, "hello stranger at /");
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
            ends_at: None,
            at: OffsetDateTime::UNIX_EPOCH,
            methods: vec![Method::PASSWORD],
            context_class: None,
            session_id: SessionId(uuid::Uuid::nil()),
            login_path: None,
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
