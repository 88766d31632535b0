//! The tokens of providers, for the host.

use donjon::account::social::{ProviderToken, ProviderTokenError};
use donjon::crypto::Clock as _;
use donjon::scope::UserId;

use super::*;

const CALLERS: usize = 32;

async fn token(world: &World, user: &UserId) -> Result<ProviderToken, ProviderTokenError> {
    world.accounts.provider_tokens().access_token(user, "fake").await
}

async fn alice_of(fake: &Fake, world: &World) -> (Browser, UserId) {
    let mut browser = world.browser();
    fake.arrive(&mut browser, alice()).await;
    let account = world.account(ALICE).await;
    (browser, account.id().clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_need_a_fresh_token_one_asks_and_all_get_it() {
    let fake = Fake::start().await;
    fake.each_world_as(Provider::keep_tokens, async |world| {
        let (_, user) = alice_of(&fake, &world).await;
        let first = token(&world, &user).await.unwrap();
        let asked = fake.provider.requests("/token");
        assert_eq!(token(&world, &user).await.unwrap(), first, "still good");
        assert_eq!(fake.provider.requests("/token"), asked);

        // The refresh token rotates each time: whoever loses it is out.
        for round in 1..=3 {
            fake.advance(&world, Duration::hours(1));
            let tokens = world.accounts.provider_tokens();
            let mut callers = tokio::task::JoinSet::new();
            for _ in 0..CALLERS {
                let (tokens, user) = (tokens.clone(), user.clone());
                callers.spawn(async move { tokens.access_token(&user, "fake").await.unwrap() });
            }
            let got = callers.join_all().await;
            assert!(got.iter().all(|token| *token == got[0] && *token != first), "{got:?}");
            assert_eq!(fake.provider.requests("/token"), asked + round);
        }
        let printed = format!("{first:?}");
        assert!(printed.contains("[redacted]") && !printed.contains("access-"), "{printed}");
    })
    .await;
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_no_refresh_token_along() {
    let fake = Fake::start().await;
    fake.each_world_as(Provider::keep_tokens, async |world| {
        let (_, user) = alice_of(&fake, &world).await;
        fake.advance(&world, Duration::hours(1));
        let asked = fake.provider.requests("/token");
        let tokens = world.accounts.provider_tokens();
        let gone = tokens.access_token(&user, "fake");
        // Polled once, then dropped.
        drop(futures_util::FutureExt::now_or_never(gone));
        token(&world, &user).await.unwrap();
        assert_eq!(fake.provider.requests("/token"), asked + 1);
        fake.advance(&world, Duration::hours(1));
        token(&world, &user).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_refusal_asks_for_a_login_and_a_fault_can_be_tried_again() {
    let fake = Fake::start().await;
    fake.each_world_as(Provider::keep_tokens, async |world| {
        let (_, user) = alice_of(&fake, &world).await;
        fake.advance(&world, Duration::hours(1));
        fake.provider.answer_at("/token", 503, "{}");
        let failed = token(&world, &user).await.unwrap_err();
        assert!(matches!(failed, ProviderTokenError::Unavailable(_)), "{failed}");
        // What the host got wrong, or what is over soon, is not mended by a login.
        for (status, error) in [
            (401, "invalid_client"),
            (400, "unauthorized_client"),
            (400, "invalid_scope"),
            (400, "temporarily_unavailable"),
            (429, "slow_down"),
            (200, "incorrect_client_credentials"),
        ] {
            let body = format!(r#"{{"error":"{error}"}}"#);
            fake.provider.answer_at("/token", status, body);
            let failed = token(&world, &user).await.unwrap_err();
            let told = failed.to_string();
            let expected = matches!(failed, ProviderTokenError::Unavailable(_));
            assert!(expected && told.contains(error), "{told}");
        }
        for (status, error) in [
            (400, "invalid_grant"),
            (200, "bad_refresh_token"),
            (400, "interaction_required"),
            (400, "login_required"),
            (400, "consent_required"),
        ] {
            let body = format!(r#"{{"error":"{error}"}}"#);
            fake.provider.answer_at("/token", status, body);
            let refused = token(&world, &user).await.unwrap_err();
            assert!(matches!(refused, ProviderTokenError::LoginRequired), "{error}: {refused}");
        }
        fake.provider.mend("/token");
        token(&world, &user).await.unwrap();
    })
    .await;
}

/// As Google does, which gives one with the first consent only.
#[tokio::test]
async fn a_login_that_brings_no_refresh_token_goes_on_with_the_one_there_is() {
    let fake = Fake::start().await;
    fake.each_world_as(Provider::keep_tokens, async |world| {
        fake.provider.give_refresh_tokens(true);
        let (_, user) = alice_of(&fake, &world).await;
        fake.provider.give_refresh_tokens(false);
        let first = token(&world, &user).await.unwrap();
        fake.arrive(&mut world.browser(), alice()).await;
        let second = token(&world, &user).await.unwrap();
        assert_ne!(second, first, "the new access token is kept");
        for _ in 0..2 {
            fake.advance(&world, Duration::hours(1));
            token(&world, &user).await.unwrap();
        }
        // While somebody refreshes them, who will bring what takes its place.
        let stored = world.store.provider_tokens(&user, "fake").await.unwrap().unwrap();
        let now = world.clock.now();
        let (version, lease) = (stored.version, (now, now + Duration::seconds(30)));
        assert!(world.store.begin_token_refresh(&user, "fake", version, lease).await.unwrap());
        let page = fake.arrive(&mut world.browser(), alice()).await;
        assert_eq!(page.body, greeting(ALICE));
        let left = world.store.provider_tokens(&user, "fake").await.unwrap().unwrap();
        assert_eq!((left.version, &left.tokens), (version, &stored.tokens));
        let fresh = Some(&stored.tokens);
        assert!(world.store.finish_token_refresh(&user, "fake", version, fresh).await.unwrap());
        // One that brings its own needs no other.
        fake.provider.give_refresh_tokens(true);
        fake.arrive(&mut world.browser(), alice()).await;
        let own = world.store.provider_tokens(&user, "fake").await.unwrap().unwrap();
        assert_eq!(own.version, version + 2);
        fake.advance(&world, Duration::hours(1));
        token(&world, &user).await.unwrap();
    })
    .await;
}

/// Whose tokens never had any.
#[tokio::test]
async fn where_there_never_was_a_refresh_token_each_login_brings_its_own_access() {
    let fake = Fake::start().await;
    fake.each_world_as(Provider::keep_tokens, async |world| {
        fake.provider.give_refresh_tokens(false);
        let (_, user) = alice_of(&fake, &world).await;
        let first = token(&world, &user).await.unwrap();
        fake.advance(&world, Duration::hours(1));
        let over = token(&world, &user).await.unwrap_err();
        assert!(matches!(over, ProviderTokenError::LoginRequired), "{over}");
        fake.arrive(&mut world.browser(), alice()).await;
        assert_ne!(token(&world, &user).await.unwrap(), first);
    })
    .await;
}

#[tokio::test]
async fn tokens_are_sealed_kept_only_if_asked_for_and_gone_with_the_identity() {
    for keeps in [true, false] {
        let fake = Fake::start().await;
        fake.each_world_as(
            |c| if keeps { c.keep_tokens() } else { c },
            async |world| {
                world.user("bob@example.test").await;
                let mut browser = world.logged_in("bob@example.test").await;
                fake.provider.log_in(alice());
                let page =
                    browser.post("/settings/connections/link", &[("provider", "fake")]).await;
                fake.come_back(&mut browser, &page).await;
                let bob =
                    world.accounts.accounts().find_by_email("bob@example.test").await.unwrap();
                let bob = bob.unwrap().id().clone();
                let stored = world.store.provider_tokens(&bob, "fake").await.unwrap();
                assert_eq!(stored.is_some(), keeps);
                assert_eq!(token(&world, &bob).await.is_ok(), keeps);
                if let Some(stored) = stored {
                    let bytes = String::from_utf8_lossy(stored.tokens.as_bytes()).into_owned();
                    assert!(!bytes.contains("access-") && !bytes.contains("refresh-"));
                }
                browser.post("/settings/connections/unlink", &[("provider", "fake")]).await;
                let gone = token(&world, &bob).await.unwrap_err();
                assert!(matches!(gone, ProviderTokenError::NotLinked), "{gone}");
                assert!(world.store.provider_tokens(&bob, "fake").await.unwrap().is_none());
            },
        )
        .await;
    }
}
