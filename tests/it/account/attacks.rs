//! What an attacker tries.

use donjon::account::AccountLayer;
use donjon::account::password::{HashCost, PasswordRules, PoolSize};
use donjon::crypto::{Keyring, SystemRandom};
use futures_util::future::join_all;
use http::{Method, StatusCode};
use time::Duration;
use tower::{Layer as _, service_fn};

use super::world::{ALICE, ORIGIN, PASSWORD, World, each_world, each_world_with, log_in};
use crate::support::browser::Browser;
use crate::support::database::Database;

const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
const BUSY: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
const LOGIN: [(&str, &str); 2] = [("email", ALICE), ("password", PASSWORD)];

#[tokio::test]
async fn a_form_cannot_be_posted_from_another_site() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut browser = world.browser();
        let page = browser.post_from("https://evil.example", "/login", &LOGIN).await;
        assert_eq!((page.status, browser.cookies.len()), (StatusCode::FORBIDDEN, 0));
        assert_eq!(page.text_of("error"), "cross_origin");
        // A browser without Fetch Metadata names the scheme and the port, too.
        for origin in ["null", "https://127.0.0.1:3000", "http://127.0.0.1", "http://127.0.0.1:30"]
        {
            let page = browser.post_from(origin, "/login", &LOGIN).await;
            assert_eq!((page.status, browser.cookies.len()), (StatusCode::FORBIDDEN, 0));
        }

        let mut browser = world.logged_in(ALICE).await;
        let page = browser.post_from("https://evil.example", "/logout", &[]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        // A link or an image cannot log out either.
        browser.get("/logout").await;
        assert_eq!(browser.get("/").await.body, "hello alice@example.test at /");
    })
    .await;
}

#[tokio::test]
async fn a_planted_session_is_not_logged_in() {
    each_world(async |world| {
        world.user(ALICE).await;
        world.user("mallory@example.test").await;
        let mut attacker = world.logged_in("mallory@example.test").await;
        let mut victim = world.browser();
        victim.cookies = attacker.cookies.clone();
        let page = victim.get("/login?return_to=%2F&interaction_id=i").await;
        let page = victim.submit(&page, &LOGIN).await;
        assert_eq!(victim.follow(page).await.body, "hello alice@example.test at /");
        assert_eq!(attacker.get("/").await.body, "hello stranger at /");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_followed_once_however_many_follow_it() {
    each_world(async |world| {
        world.user(ALICE).await;
        let link = world.reset_link(ALICE).await;
        let page = world.browser().get(&link).await;
        let tries = (0..8).map(|index| {
            let (mut browser, page) = (world.browser(), page.clone());
            async move {
                let password = format!("new password {index}");
                let answer = browser.submit(&page, &[("password", &password)]).await;
                (answer.status, password)
            }
        });
        let answers = join_all(tries).await;
        let done: Vec<_> =
            answers.iter().filter(|(status, _)| *status == StatusCode::SEE_OTHER).collect();
        assert_eq!(done.len(), 1, "{answers:?}");
        assert!(
            answers
                .iter()
                .all(|(status, _)| { [StatusCode::SEE_OTHER, StatusCode::GONE].contains(status) })
        );
        let page = log_in(&mut world.browser(), ALICE, &done[0].1).await;
        assert_eq!(page.body, "hello alice@example.test at /");
    })
    .await;
}

#[tokio::test]
async fn an_old_made_up_or_misused_link_opens_nothing() {
    each_world(async |world| {
        world.user(ALICE).await;
        let link = world.reset_link(ALICE).await;
        let mut browser = world.browser();
        let page = browser.get(&link).await;
        let token = page.form().fields[0].1.clone();
        let misused = browser.get(&format!("/confirm?token={token}")).await;
        assert_eq!(misused.status, StatusCode::GONE);
        let misused = browser.post("/confirm", &[("token", &token)]).await;
        assert_eq!(misused.status, StatusCode::GONE);

        world.clock.advance(Duration::HOUR);
        let late = browser.submit(&page, &[("password", "a new password")]).await;
        assert_eq!(late.status, StatusCode::GONE);
        assert_eq!(browser.get(&link).await.status, StatusCode::GONE);
        let made_up = "A".repeat(43);
        // Without a secret, there is the page for the code of the mail.
        let empty = browser.get("/confirm?token=").await;
        assert!(empty.status == StatusCode::OK && empty.body.contains("name=\"code\""));
        for token in ["x", &made_up, "%00", &"A".repeat(5000)] {
            for path in ["/confirm", "/reset-password"] {
                let page = browser.get(&format!("{path}?token={token}")).await;
                assert_eq!(page.status, StatusCode::GONE, "{path} {token}");
            }
        }
        world.logged_in(ALICE).await;
    })
    .await;
}

#[tokio::test]
async fn a_confirmation_works_for_two_days() {
    each_world(async |world| {
        let mut browser = world.browser();
        for (email, after, status) in [
            ("a@example.test", Duration::hours(48) - Duration::SECOND, StatusCode::SEE_OTHER),
            ("b@example.test", Duration::hours(48), StatusCode::GONE),
        ] {
            browser.post("/register", &[("email", email), ("password", PASSWORD)]).await;
            let page = browser.get(&world.link_to(email).await).await;
            world.clock.advance(after);
            assert_eq!(browser.submit(&page, &[]).await.status, status);
        }
    })
    .await;
}

#[tokio::test]
async fn no_return_to_leads_away() {
    each_world(async |world| {
        world.user(ALICE).await;
        for evil in [
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "\\\\evil.example",
            "javascript:alert(1)",
            "/ok\r\nSet-Cookie: a=b",
        ] {
            let mut url = url::Url::parse(ORIGIN).unwrap();
            url.query_pairs_mut().append_pair("return_to", evil);
            let query = url.query().unwrap();
            let stays = |page: &crate::support::browser::Page| {
                let target = page.location().unwrap();
                assert_eq!(target.origin(), url.origin(), "{evil}: {target}");
            };
            let mut browser = world.browser();
            let page = browser.get(&format!("/login?{query}")).await;
            assert!(!page.body.contains("evil.example"), "{evil}");
            stays(&browser.post(&format!("/login?{query}"), &LOGIN).await);
            stays(&browser.get(&format!("/login?{query}")).await);
            stays(&browser.post(&format!("/logout?{query}"), &[]).await);
        }
    })
    .await;
}

#[tokio::test]
async fn guessing_locks_the_address_for_a_while_and_again() {
    each_world(async |world| {
        world.user(ALICE).await;
        for _ in 0..2 {
            let mut browser = world.browser();
            for _ in 0..5 {
                log_in(&mut browser, ALICE, "wrong password").await;
            }
            assert!(world.mails_to(ALICE).await.is_empty());
            for _ in 0..3 {
                let page = log_in(&mut browser, ALICE, PASSWORD).await;
                assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
            }
            let mails = world.mails_to(ALICE).await;
            assert_eq!(mails.len(), 1, "one mail for one lock: {mails:?}");
            world.clock.advance(Duration::minutes(15));
            world.logged_in(ALICE).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_cannot_smuggle_headers_or_markup() {
    each_world(async |world| {
        let mut browser = world.browser();
        for email in [
            "a@example.test\r\nBcc: all@example.test",
            "a@example.test,b@example.test",
            "\"><script>alert(1)</script>@example.test",
            "a@127.0.0.1",
            "a@2130706433",
            "a@[::1]",
            "",
        ] {
            for path in ["/register", "/forgot-password"] {
                let fields = [("email", email), ("password", PASSWORD)];
                let page = browser.post(path, &fields).await;
                assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{path} {email:?}");
                assert!(!page.body.contains("<script"), "{path}");
            }
            let page = browser.post("/login", &[("email", email), ("password", "x")]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(!page.body.contains("<script"));
        }
        assert!(world.mails_to("a@example.test").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_domain_in_two_spellings_is_one_account() {
    each_world(async |world| {
        let ascii = "a@xn--mnchen-3ya.example";
        world.user("a@München.example").await;
        let mut browser = world.browser();
        for email in [ascii, "a@mu\u{308}nchen.example"] {
            browser.post("/register", &[("email", email), ("password", "another password")]).await;
            let mails = world.mails_to(ascii).await;
            assert_eq!(mails[0].subject, "You already have an account", "{email}");
            let page = log_in(&mut browser, email, "another password").await;
            assert_eq!(page.status, REFUSED, "{email}");
        }
        let page = log_in(&mut browser, ascii, PASSWORD).await;
        assert_eq!(page.body, format!("hello {ascii} at /"));
    })
    .await;
}

#[tokio::test]
async fn a_password_has_its_limits_and_counts_to_the_last_character() {
    let rules = PasswordRules::default().min_score(None);
    let story = async |world: World| {
        let mut browser = world.browser();
        let long = "é".repeat(127);
        for (password, status) in [
            ("1234567".to_owned(), StatusCode::UNPROCESSABLE_ENTITY),
            (format!("{long}12"), StatusCode::UNPROCESSABLE_ENTITY),
            (format!("{long}1"), StatusCode::OK),
        ] {
            let page =
                browser.post("/register", &[("email", ALICE), ("password", &password)]).await;
            assert_eq!(page.status, status, "{}", password.chars().count());
            assert!(!page.body.contains(&password));
        }
        let page = browser.get(&world.link_to(ALICE).await).await;
        browser.submit(&page, &[]).await;
        let page = log_in(&mut browser, ALICE, &format!("{long}2")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        let page = log_in(&mut browser, ALICE, &format!("{long}1")).await;
        assert_eq!(page.body, "hello alice@example.test at /");
    };
    each_world_with(|builder| builder.password_rules(rules.clone()), story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_logins_is_turned_away_and_then_all_is_well() {
    let slow = HashCost { memory: 8192, passes: 1, lanes: 1 };
    each_world_with(
        |builder| builder.hash_cost(slow).pool_size(PoolSize { workers: 1, queue: 2 }),
        async |world| {
            world.user(ALICE).await;
            // Strangers who try whatever they like, and Alice, who is impatient and right.
            let flood = (0..60).map(|index| {
                let mut browser = world.browser();
                let stranger = format!("user-{index}@example.test");
                async move {
                    if index % 3 > 0 {
                        let fields = [("email", stranger.as_str()), ("password", "x")];
                        return browser.post("/login", &fields).await;
                    }
                    let page = browser.post("/login", &LOGIN).await;
                    assert_ne!(page.status, REFUSED, "Alice was locked out by the flood");
                    page
                }
            });
            let pages = join_all(flood).await;
            let busy: Vec<_> = pages.iter().filter(|page| page.status == BUSY).collect();
            assert!(!busy.is_empty() && busy.len() < 60, "{}", busy.len());
            for page in busy {
                assert!(page.headers.contains_key("retry-after"));
                assert_eq!(page.text_of("error"), "busy");
            }
            world.logged_in(ALICE).await;
        },
    )
    .await;
}

#[tokio::test]
async fn who_is_turned_away_by_a_flood_has_not_tried() {
    let slow = HashCost { memory: 8192, passes: 1, lanes: 1 };
    each_world_with(
        |builder| builder.hash_cost(slow).pool_size(PoolSize { workers: 1, queue: 0 }),
        async |world| {
            let mut browser = world.browser();
            browser.post("/register", &[("email", ALICE), ("password", PASSWORD)]).await;
            let link = world.link_to(ALICE).await;
            let page = world.browser().get(&link).await;
            let token = page.form().fields[0].1.clone();
            let wrong = "wrong password";
            let by_login = [("email", ALICE), ("password", wrong)];
            let by_link = [("token", token.as_str()), ("password", wrong)];
            let flood = (0..12).map(|index| {
                let mut browser = world.browser();
                async move {
                    match index % 2 {
                        0 => browser.post("/login", &by_login).await.status,
                        _ => browser.post("/confirm", &by_link).await.status,
                    }
                }
            });
            let answers = join_all(flood).await;
            let tried = answers.iter().filter(|status| **status == REFUSED).count();
            let busy = answers.iter().filter(|status| **status == BUSY).count();
            assert!(tried < 5 && tried + busy == 12, "{answers:?}");
            // Her own attempts are left to her.
            let page = browser.get(&link).await;
            browser.submit(&page, &[]).await;
            world.logged_in(ALICE).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_strange_request_gets_a_page_that_says_so() {
    each_world(async |world| {
        let mut browser = world.browser();
        let page = browser.request(Method::PUT, "/login", None, Some(ORIGIN)).await;
        assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(page.text_of("error"), "method_not_allowed");
        assert_eq!(page.headers["allow"], "GET, HEAD, POST");
        let page = browser.request(Method::POST, "/login", None, Some(ORIGIN)).await;
        assert_eq!(page.text_of("error"), "invalid_form");
        let twice = [("email", ALICE), ("email", "b@example.test"), ("password", PASSWORD)];
        let page = browser.post("/login", &twice).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        let page = browser.post("/login", &[("password", &"x".repeat(70_000))]).await;
        assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(page.text_of("error"), "request_too_large");
        assert!(page.text_of("error-description").contains("Nothing was changed"));
        let page = browser.request(Method::HEAD, "/login", None, None).await;
        assert_eq!(page.status, StatusCode::OK);
    })
    .await;
}

/// What one database keeps and another does not is no reason to fail.
#[tokio::test]
async fn no_text_is_too_odd_for_the_store() {
    each_world(async |world| {
        let mut browser = world.browser();
        for path in [
            "/login",
            "/register",
            "/forgot-password",
            "/confirm/resend",
            "/confirm",
            "/reset-password",
            "/logout",
        ] {
            for name in ["email", "password", "token", "remember"] {
                for odd in ["\0", "a\0b@example.test", "a@b\0.test", "\u{1}12345678", "\u{fffe}"] {
                    let good = [("email", ALICE), ("password", PASSWORD), ("token", "x")];
                    let fields =
                        good.map(|(key, value)| (key, if key == name { odd } else { value }));
                    for query in ["", "?return_to=%00&interaction_id=%00&login_hint=%00&notice=%00"]
                    {
                        let page = browser.post(&format!("{path}{query}"), &fields).await;
                        assert!(page.status.as_u16() < 500, "{path} {name} {odd:?}: {}", page.body);
                        let page = browser.get(&format!("{path}{query}&token=%00")).await;
                        assert!(page.status.as_u16() < 500, "{path}: {}", page.body);
                    }
                }
            }
        }
        // Nor what the host itself knows of a user.
        let accounts = world.accounts.accounts();
        let odd = serde_json::json!({ "na\0me": "Ann\0", "list": ["\0"] });
        let attributes = odd.as_object().unwrap().clone();
        let account = accounts.create("odd@example.test", Some(PASSWORD), attributes, true).await;
        let account = account.unwrap();
        assert_eq!(account.attributes()["na\u{fffd}me"], "Ann\u{fffd}");
        let claimed = accounts.claim_attribute(account.id(), "x\0", &"y\0".into()).await.unwrap();
        assert_eq!(claimed, Some("y\u{fffd}".into()));
        world.logged_in("odd@example.test").await;
    })
    .await;
}

#[tokio::test]
async fn without_a_session_layer_the_host_is_told() {
    let store = Database::sqlite().store().await;
    let keyring = Keyring::ephemeral(&SystemRandom);
    let accounts = AccountLayer::builder(&store, &keyring, ORIGIN).build().unwrap();
    let mut browser = Browser::new(accounts.layer(service_fn(nothing)), ORIGIN);
    let page = browser.get("/login").await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(page.text_of("error"), "server_error");
}

pub async fn nothing(
    _: http::Request<http_body_util::Full<bytes::Bytes>>,
) -> Result<http::Response<http_body_util::Full<bytes::Bytes>>, std::convert::Infallible> {
    Ok(http::Response::default())
}
