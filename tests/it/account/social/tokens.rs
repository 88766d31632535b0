//! The tokens of providers, for the host.

use donjon::account::social::{ProviderToken, ProviderTokenError};
use donjon::scope::UserId;

use super::*;
use crate::account::world::each_world_with;

const CALLERS: usize = 32;

async fn token(world: &World, user: &UserId) -> Result<ProviderToken, ProviderTokenError> {
    world.accounts.provider_tokens().access_token(user, "fake").await
}

async fn alice_of(fake: &Fake, world: &World) -> (Browser, UserId) {
    let mut browser = world.browser();
    fake.arrive(&mut browser, alice()).await;
    let account = world.accounts.accounts().find_by_email(ALICE).await.unwrap().unwrap();
    (browser, account.id().clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_need_a_fresh_token_one_asks_and_all_get_it() {
    let fake = Fake::start().await;
    each_world_with(
        |builder| fake.known_as(builder, Provider::keep_tokens),
        async |world| {
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
        },
    )
    .await;
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_no_refresh_token_along() {
    let fake = Fake::start().await;
    each_world_with(
        |builder| fake.known_as(builder, Provider::keep_tokens),
        async |world| {
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
        },
    )
    .await;
}

#[tokio::test]
async fn a_refusal_asks_for_a_login_and_a_fault_can_be_tried_again() {
    let fake = Fake::start().await;
    each_world_with(
        |builder| fake.known_as(builder, Provider::keep_tokens),
        async |world| {
            let (_, user) = alice_of(&fake, &world).await;
            fake.advance(&world, Duration::hours(1));
            fake.provider.answer_at("/token", 503, "{}");
            let failed = token(&world, &user).await.unwrap_err();
            assert!(matches!(failed, ProviderTokenError::Unavailable(_)), "{failed}");
            fake.provider.answer_at("/token", 400, r#"{"error":"invalid_grant"}"#);
            let refused = token(&world, &user).await.unwrap_err();
            assert!(matches!(refused, ProviderTokenError::LoginRequired), "{refused}");
            fake.provider.mend("/token");
            token(&world, &user).await.unwrap();
        },
    )
    .await;
}

#[tokio::test]
async fn tokens_are_sealed_kept_only_if_asked_for_and_gone_with_the_identity() {
    for keeps in [true, false] {
        let fake = Fake::start().await;
        each_world_with(
            |builder| fake.known_as(builder, |c| if keeps { c.keep_tokens() } else { c }),
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
