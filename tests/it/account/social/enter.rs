//! To the provider and back.

use donjon::account::social::{EmailMismatch, Social, SocialPolicy};
use donjon::account::{Policy, Unconfirmed};
use donjon::crypto::Clock as _;
use donjon::store::{Effects, NewDeletion};
use http::StatusCode;

use super::*;
use crate::account::world::log_in;

#[tokio::test]
async fn somebody_new_signs_up_and_comes_in_again_whatever_the_address_is_by_then() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        let mut browser = world.browser();
        let page = fake.arrive(&mut browser, alice()).await;
        assert_eq!(page.body, greeting(ALICE));
        let account = world.account(ALICE).await;
        assert!(account.email_verified());
        let sessions = world.store.sessions_of(account.id(), world.clock.now()).await.unwrap();
        let login = sessions[0].login.as_ref().unwrap();
        assert_eq!(login.authentication.methods[0].as_str(), "fed");

        // The subject is who it is; the address is not.
        for email in ["alice@elsewhere.test", ALICE] {
            let user = FakeUser::new("alice-1").with_email(email, true);
            let page = fake.arrive(&mut world.browser(), user).await;
            assert_eq!(page.body, greeting(ALICE), "{email}");
        }
        let mut stranger = world.browser();
        let page = fake.arrive(&mut stranger, FakeUser::new("alice-2")).await;
        assert_eq!(page.url.path(), "/login/with/fake/email");
        assert_eq!(who(&mut stranger).await, "hello stranger at /");
        assert!(world.mails_to(ALICE).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn who_changes_the_address_here_comes_in_by_the_provider_as_before() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        fake.arrive(&mut world.browser(), alice()).await;
        let accounts = world.accounts.accounts();
        let account = accounts.find_by_email(ALICE).await.unwrap().unwrap();
        accounts.change_email(account.id(), "alice@new.example.test").await.unwrap();
        let page = fake.arrive(&mut world.browser(), alice()).await;
        assert_eq!(page.body, greeting("alice@new.example.test"));
        assert!(accounts.find_by_email(ALICE).await.unwrap().is_none(), "nobody signed up");
    })
    .await;
}

#[tokio::test]
async fn the_trip_goes_on_and_never_leads_away() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        let trip = "return_to=%2Fwelcome%3Fa%3Db%26c";
        for (path, label) in [("/login", "Log in with Fake"), ("/register", "Sign up with Fake")] {
            let mut browser = world.browser();
            let page = browser.get(&format!("{path}?{trip}")).await;
            assert_eq!(page.link(label), format!("{BEGIN}?{trip}"));
            let page = browser.get(&page.link(label)).await;
            fake.provider.log_in(alice());
            let page = fake.come_back(&mut browser, &page).await;
            let page = browser.follow(page).await;
            assert_eq!(page.body, format!("hello {ALICE} at /welcome?a=b&c"));
        }
        let mut browser = world.browser();
        let page = browser.get(&format!("{BEGIN}?return_to=https://evil.example/")).await;
        let page = fake.come_back(&mut browser, &page).await;
        assert_eq!(page.location().unwrap().path(), "/");
    })
    .await;
}

#[tokio::test]
async fn who_turns_back_is_told_so_and_keeps_the_trip() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        for (error, notice) in [
            ("access_denied", "provider-cancelled"),
            ("server_error", "provider-failed"),
            ("<script>", "provider-failed"),
        ] {
            let mut browser = world.browser();
            let page = browser.get(&format!("{BEGIN}?return_to=/welcome")).await;
            let location = page.location().unwrap();
            let callback = fake.provider.refuse(location.as_str(), error).unwrap();
            let page = browser.get(&callback).await;
            let expected = format!("notice={notice}&return_to=%2Fwelcome");
            assert_eq!(page.location().unwrap().query().unwrap(), expected);
            let page = browser.follow(page).await;
            assert!(page.body.contains("class=\"notice "), "{}", page.body);
            let again = browser.get(&callback).await;
            assert_eq!(again.location().unwrap().query().unwrap(), "notice=timed-out");
        }
        assert_eq!(refusals(&world).await, ["cancelled", "provider_error", "provider_error"]);
    })
    .await;
}

/// Login CSRF: an answer is for the browser that asked, once, for a quarter of an hour.
#[tokio::test]
async fn an_answer_works_in_the_browser_that_asked_once_and_soon() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        fake.provider.log_in(alice());
        let (mut attacker, mut victim) = (world.browser(), world.browser());
        let page = attacker.get(BEGIN).await;
        let callback = fake.callback(&page);
        // The victim has one of their own under way.
        victim.get(BEGIN).await;
        for visitor in [&mut victim, &mut world.browser()] {
            let page = visitor.get(&callback).await;
            assert_eq!(page.location().unwrap().query().unwrap(), "notice=timed-out");
            assert_eq!(who(visitor).await, "hello stranger at /");
        }
        let mut twin = attacker.clone();
        attacker.get(&callback).await;
        assert_eq!(who(&mut attacker).await, greeting(ALICE));
        let page = twin.get(&callback).await;
        assert_eq!(page.location().unwrap().query().unwrap(), "notice=provider-failed");
        assert_eq!(who(&mut twin).await, "hello stranger at /", "the code was used");

        let mut slow = world.browser();
        let page = slow.get(BEGIN).await;
        let callback = fake.callback(&page);
        fake.advance(&world, Duration::minutes(15));
        let page = slow.get(&callback).await;
        assert_eq!(page.location().unwrap().query().unwrap(), "notice=timed-out");
        for bad in ["", "?code=a", "?state=a", "?code=a&state=b&state=c"] {
            let page = slow.get(&format!("{BEGIN}/callback{bad}")).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{bad}");
        }
        assert_eq!(slow.post(&format!("{BEGIN}/callback"), &[]).await.status, 405);
    })
    .await;
}

/// What another site posts comes without our cookies; the browser brings it again as itself.
#[tokio::test]
async fn an_answer_by_form_is_brought_by_the_browser_that_asked() {
    let fake = Fake::start().await;
    fake.each_world_as(
        |client| client.form_post(),
        async |world| {
            fake.provider.log_in(FakeUser::new("alice-1").with_email(ALICE, true));
            let (mut browser, path) = (world.browser(), format!("{BEGIN}/callback"));
            let page = browser.get(BEGIN).await;
            let location = page.location().unwrap();
            assert!(location.query().unwrap().contains("response_mode=form_post"));
            let callback = url::Url::parse(&fake.provider.approve(location.as_str()).unwrap());
            let mut fields: Vec<(String, String)> =
                callback.unwrap().query_pairs().into_owned().collect();
            let user = r#"{"name":{"firstName":"Alice","lastName":"A"}}"#;
            fields.push(("user".into(), user.into()));
            let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let posted = world.browser().post_from("https://fake.example", &path, &fields).await;
            let handle = posted.location().unwrap();
            assert!(handle.query().unwrap().starts_with("handle="), "{handle}");
            assert!(!handle.as_str().contains(fields[0].1), "the state is in the open");
            let page = world.browser().get(handle.as_str()).await;
            assert_eq!(page.location().unwrap().query().unwrap(), "notice=timed-out");
            let page = browser.get(handle.as_str()).await;
            assert_eq!(browser.follow(page).await.body, greeting(ALICE));
            let id = world.account(ALICE).await;
            let ways = world.store.ways_in(id.id(), &open_ways()).await.unwrap();
            assert_eq!(ways.identities[0].name.as_deref(), Some("Alice A"));

            // Whatever else is posted is not even sealed.
            let made_up = [("code", "a"), ("state", "made up")];
            let page = world.browser().post_from("https://evil.example", &path, &made_up).await;
            assert_eq!(page.location().unwrap().query().unwrap(), "notice=timed-out");
            let stale = browser.get(&format!("{path}?handle=AAAA")).await;
            assert_eq!(stale.location().unwrap().query().unwrap(), "notice=timed-out");
        },
    )
    .await;
}

#[tokio::test]
async fn a_second_factor_is_asked_for_unless_the_provider_has_seen_to_it() {
    let fake = Fake::start().await;
    fake.each_world_as(
        |client| client.sufficient_methods(["mfa"]),
        async |world| {
            let mut browser = world.browser();
            fake.arrive(&mut browser, alice()).await;
            crate::account::second_factor::set_up(&world, &mut browser).await;
            for (methods, path) in
                [(vec!["pwd"], "/login/verify"), (vec![], "/login/verify"), (vec!["mfa"], "/")]
            {
                let mut other = world.browser();
                let page = fake.arrive(&mut other, alice().by(methods.clone())).await;
                assert_eq!(page.url.path(), path, "{methods:?}");
                let expected = if path == "/" { greeting(ALICE) } else { greeting("stranger") };
                assert_eq!(who(&mut other).await, expected, "{methods:?}");
            }
        },
    )
    .await;
}

/// Whoever finds the browser of somebody who is logged in at the provider logs out here, and in again.
#[tokio::test]
async fn a_login_that_the_provider_does_not_date_opens_nothing_that_takes_a_fresh_one() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        let mut browser = world.browser();
        fake.provider.change_claims(|claims| drop(claims.remove("auth_time")));
        assert_eq!(fake.arrive(&mut browser, alice()).await.body, greeting(ALICE));
        for path in ["/settings/connections", "/settings/two-factor", "/settings/delete"] {
            let page = browser.get(path).await;
            assert_eq!(page.location().unwrap().path(), "/login/again", "{path}");
        }
        // One that says when, and that it was long ago.
        let long_ago = world.clock.now() - Duration::HOUR;
        fake.provider.change_claims(move |claims| {
            claims.insert("auth_time".into(), long_ago.unix_timestamp().into());
        });
        let mut browser = world.browser();
        assert_eq!(fake.arrive(&mut browser, alice()).await.body, greeting(ALICE));
        let page = browser.get("/settings/connections").await;
        assert_eq!(page.location().unwrap().path(), "/login/again");
        // Nor does it become fresh by keeping an account, which asks for nothing.
        let accounts = world.accounts.accounts();
        let account = accounts.find_by_email(ALICE).await.unwrap().unwrap();
        let deletion = NewDeletion {
            user: account.id().clone(),
            at: world.clock.now() + Duration::DAY,
            keep: None,
        };
        let now = world.clock.now();
        world.store.request_deletion(&deletion, &Effects::none(), now).await.unwrap();
        let mut browser = world.browser();
        let page = fake.arrive(&mut browser, alice()).await;
        assert_eq!(page.url.path(), "/keep-account");
        let page = browser.submit(&page, &[]).await;
        assert_eq!(browser.follow(page).await.body, greeting(ALICE));
        let page = browser.get("/settings/connections").await;
        assert_eq!(page.location().unwrap().path(), "/login/again");
        fake.provider.change_claims(|_| {});
    })
    .await;
}

/// Somebody signed up with her address before, and waits.
#[tokio::test]
async fn an_account_that_nobody_confirmed_is_hers_who_comes_by_a_provider() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        let mut stranger = world.browser();
        let fields = [("email", ALICE), ("password", "the stranger's password")];
        stranger.post("/register", &fields).await;
        let mails = world.mails_to(ALICE).await;
        let link = mails[0].text.lines().find(|line| line.starts_with("http")).unwrap();
        // Whom the provider does not vouch for gets nothing of it.
        let other = FakeUser::new("mallory-1").with_email(ALICE, false);
        let page = fake.arrive(&mut world.browser(), other).await;
        assert_eq!(page.url.path(), format!("{BEGIN}/email"));

        let mut browser = world.browser();
        assert_eq!(fake.arrive(&mut browser, alice()).await.body, greeting(ALICE));
        let account = world.account(ALICE).await;
        assert!(account.email_verified());
        assert_eq!(stranger.get(link).await.status, StatusCode::GONE);
        let page = stranger.post("/login", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(who(&mut stranger).await, "hello stranger at /");
        assert_eq!(fake.arrive(&mut world.browser(), alice()).await.body, greeting(ALICE));
    })
    .await;
}

/// As when the host has seen a thief, who may have linked the identity.
#[tokio::test]
async fn a_provider_is_no_way_around_the_choice_of_another_password() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        fake.arrive(&mut world.browser(), alice()).await;
        let accounts = world.accounts.accounts();
        let account = accounts.find_by_email(ALICE).await.unwrap().unwrap();
        assert!(
            accounts
                .require_password_change(account.id(), &donjon::account::By::system())
                .await
                .unwrap()
        );
        let mut browser = world.browser();
        let page = fake.arrive(&mut browser, alice()).await;
        assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/login/password"));
        assert_eq!(who(&mut browser).await, "hello stranger at /");
        let page = browser.submit(&page, &[("password", "another good password")]).await;
        assert_eq!(browser.follow(page).await.body, greeting(ALICE));
        let page = fake.arrive(&mut world.browser(), alice()).await;
        assert_eq!(page.body, greeting(ALICE), "it was asked for once");
    })
    .await;
}

/// Sudo: who is logged in is asked anew, and only the provider's word that they did counts.
#[tokio::test]
async fn a_login_is_fresh_only_if_the_provider_says_that_it_asked_anew() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        let mut browser = world.browser();
        let page = browser.get(BEGIN).await;
        assert!(!page.location().unwrap().query().unwrap().contains("max_age"));
        fake.arrive(&mut browser, alice()).await;
        fake.advance(&world, Duration::minutes(10));
        let page = browser.get("/settings/connections").await;
        let page = browser.follow(page).await;
        let page = browser.get(&page.link("Log in another way")).await;
        let link = page.link("Log in with Fake");
        let page = browser.get(&link).await;
        let sent = page.location().unwrap();
        assert!(sent.query().unwrap().contains("prompt=login&max_age=0"), "{sent}");
        // A provider that logs in silently has proven nothing.
        fake.provider.change_claims(|claims| drop(claims.remove("auth_time")));
        let page = fake.come_back(&mut browser, &page).await;
        assert!(page.location().unwrap().query().unwrap().contains("provider-failed"));
        fake.provider.change_claims(|_| {});
        let page = browser.get(&link).await;
        let page = fake.come_back(&mut browser, &page).await;
        let page = browser.follow(page).await;
        assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/settings/connections"));
        assert_eq!(refusals(&world).await, ["id_token"]);
    })
    .await;
}

/// Who has neither password nor passkey nor app: the question leads straight to the provider.
#[tokio::test]
async fn who_has_only_a_provider_proves_it_there_again() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        let mut browser = world.browser();
        fake.arrive(&mut browser, alice()).await;
        fake.advance(&world, Duration::minutes(10));
        let page = browser.get("/settings/two-factor/setup").await;
        assert_eq!(page.location().unwrap().path(), "/login/again");
        let page = browser.follow(page).await;
        assert!(page.has("no-way") && page.has("set-password"), "{}", page.body);
        let page = browser.get(&page.link("Log in with Fake")).await;
        let sent = page.location().unwrap();
        assert!(sent.query().unwrap().contains("prompt=login&max_age=0"), "{sent}");
        let page = fake.come_back(&mut browser, &page).await;
        let page = browser.follow(page).await;
        assert_eq!(page.url.path(), "/settings/two-factor/setup");
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    })
    .await;
}

/// The door is there for whom the provider knows, and nobody else.
#[tokio::test]
async fn a_provider_that_does_not_know_the_user_is_no_way_to_prove_it_again() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        let accounts = world.accounts.accounts();
        accounts.create(ALICE, None, Default::default(), true).await.unwrap();
        let mut browser = world.browser();
        browser.get(&format!("/other-door?{ALICE}")).await;
        world.clock.advance(Duration::minutes(10));
        let page = browser.get("/login/again").await;
        assert!(page.has("no-way") && !page.body.contains("Log in with Fake"));
    })
    .await;
}

/// Who signed up with the address of an identity proved nothing, and keeps nobody out.
#[tokio::test]
async fn nobody_stops_anothers_login_by_signing_up_with_the_address_of_their_identity() {
    for unconfirmed in [Unconfirmed::Block, Unconfirmed::Allow] {
        let fake = Fake::start().await;
        let policy = Policy { unconfirmed, even_answers: Duration::ZERO, ..Policy::default() };
        each_world_with(
            |builder| fake.known(builder.policy(policy)),
            async |world| {
                fake.arrive(&mut world.browser(), alice()).await;
                let accounts = world.accounts.accounts();
                let account = accounts.find_by_email(ALICE).await.unwrap().unwrap();
                let hers = "alice@new.example.test";
                accounts.change_email(account.id(), hers).await.unwrap();

                let mut stranger = world.browser();
                let fields = [("email", ALICE), ("password", "the stranger's password")];
                stranger.post("/register", &fields).await;
                let rival = accounts.find_by_email(ALICE).await.unwrap().unwrap();
                assert!(!rival.email_verified() && rival.id() != account.id());
                let page = fake.arrive(&mut world.browser(), alice()).await;
                assert_eq!(page.body, greeting(hers), "{unconfirmed:?}");

                // Who has confirmed it is one.
                let link = world.link_to(ALICE).await;
                let page = stranger.get(&link).await;
                stranger.submit(&page, &[]).await;
                let rival = accounts.find_by_email(ALICE).await.unwrap().unwrap();
                assert!(rival.email_verified());
                let page = fake.arrive(&mut world.browser(), alice()).await;
                assert_eq!(page.url.query().unwrap(), "notice=provider-mismatch");
            },
        )
        .await;
    }
}

/// The subject is Alice's, the address Bob's.
#[tokio::test]
async fn an_identity_of_one_user_with_the_address_of_another_is_refused_or_logs_in_as_its_own() {
    for mismatch in [EmailMismatch::Refuse, EmailMismatch::LogIn] {
        let fake = Fake::start().await;
        let mut policy = SocialPolicy::default();
        policy.email_mismatch = mismatch;
        each_world_with(
            |builder| {
                let social = Social::new([fake.provider.client()]);
                builder.social(social.egress(fake.provider.egress()).policy(policy))
            },
            async |world| {
                let bob = "bob@example.test";
                world.user(bob).await;
                fake.arrive(&mut world.browser(), alice()).await;
                let mut browser = world.browser();
                let as_bob = FakeUser::new("alice-1").with_email(bob, true);
                let page = fake.arrive(&mut browser, as_bob).await;
                if mismatch == EmailMismatch::Refuse {
                    assert_eq!(page.url.query().unwrap(), "notice=provider-mismatch");
                    assert_eq!(who(&mut browser).await, "hello stranger at /");
                } else {
                    assert_eq!(page.body, greeting(ALICE));
                }
                // An address that nobody vouches for is not looked at.
                let claimed = FakeUser::new("alice-1").with_email(bob, false);
                let page = fake.arrive(&mut world.browser(), claimed).await;
                assert_eq!(page.body, greeting(ALICE));
                let page = log_in(&mut world.browser(), bob, crate::account::world::PASSWORD).await;
                assert_eq!(page.body, greeting(bob));
            },
        )
        .await;
    }
}

#[tokio::test]
async fn where_nobody_may_sign_up_nobody_does() {
    let fake = Fake::start().await;
    let mut policy = SocialPolicy::default();
    policy.sign_up = false;
    policy.without_email = donjon::account::social::WithoutEmail::Refuse;
    each_world_with(
        |builder| {
            let social = Social::new([fake.provider.client()]);
            builder.social(social.egress(fake.provider.egress()).policy(policy))
        },
        async |world| {
            for (user, notice) in [
                (alice(), "provider-no-account"),
                (FakeUser::new("x").with_email(ALICE, false), "provider-no-email"),
                (FakeUser::new("x"), "provider-no-email"),
            ] {
                let page = fake.arrive(&mut world.browser(), user).await;
                assert_eq!(page.url.query().unwrap(), format!("notice={notice}"));
                assert!(page.body.contains("role=\"alert\""), "{}", page.body);
            }
            let found = world.accounts.accounts().find_by_email(ALICE).await.unwrap();
            assert!(found.is_none());
        },
    )
    .await;
}
