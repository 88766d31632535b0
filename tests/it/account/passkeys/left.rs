//! A passkey that was suspended since it may have been copied, by somebody who did not live to remove
//! it.

use donjon::scope::UserId;
use donjon::store::{PasskeyProof, PasskeyUse};

use super::*;
use crate::account::second_factor::App;
use crate::support::heard::Ears;

/// Leaves it behind.
async fn suspend(world: &World, user: &UserId) {
    let held = world.store.passkeys_of(user).await.unwrap().remove(0);
    let now = world.clock.now();
    for expected in [PasskeyUse::Done, PasskeyUse::Suspected] {
        let hash = Challenge::generate(&SystemRandom).hash();
        let proof = PasskeyProof {
            user: user.clone(),
            id: held.id,
            challenge: AnsweredChallenge { hash, expires_at: now + Duration::HOUR },
            sign_count: held.sign_count + 1,
            backed_up: false,
            user_verified: true,
            at: now,
            epoch: None,
        };
        let (policy, none) = (SignCountPolicy::Revoke, Effects::none());
        let used = world.store.use_passkey(&proof, policy, &none, &none).await.unwrap();
        assert_eq!(used, expected);
    }
    let held = world.store.passkeys_of(user).await.unwrap();
    assert!(held.len() == 1 && held[0].suspended_at.is_some(), "{held:?}");
}

#[tokio::test]
async fn a_suspended_passkey_that_was_left_behind_goes_at_the_next_login() {
    each_world_with(Passkeys::default().sign_count(SignCountPolicy::Revoke), async |world| {
        user_with_passkey(&world, ALICE).await;
        let alice = world.account(ALICE).await;
        suspend(&world, alice.id()).await;
        let ears = Ears::open();
        let mut browser = world.browser();
        // There was a second step when the password was typed, and now there is none.
        let page = log_in(&mut browser, ALICE, PASSWORD).await;
        assert_eq!((page.status, page.url.path()), (StatusCode::OK, "/login"), "{}", page.body);
        assert_eq!(browser.get("/").await.body, "hello stranger at /");
        assert!(world.store.passkeys_of(alice.id()).await.unwrap().is_empty());
        assert_eq!(ears.count("passkey.remove"), 1);
        assert_eq!(log_in(&mut browser, ALICE, PASSWORD).await.body, hello(ALICE));
        assert_eq!(ears.count("passkey.remove"), 1);
    })
    .await;
}

#[tokio::test]
async fn a_suspended_passkey_that_was_left_behind_leaves_the_other_factor() {
    each_world_with(Passkeys::default().sign_count(SignCountPolicy::Revoke), async |world| {
        let app = App::of(&world, ALICE).await;
        give(&world, ALICE, &mut SoftPasskey::at(ORIGIN)).await;
        let alice = world.account(ALICE).await;
        suspend(&world, alice.id()).await;
        let mut browser = world.browser();
        let page = pending(&mut browser, ALICE).await;
        assert!(!page.has("passkey"), "it is not asked for");
        assert!(world.store.passkeys_of(alice.id()).await.unwrap().is_empty());
        let page = browser.post(VERIFY, &[("code", &app.next_code(&world))]).await;
        assert_eq!(browser.follow(page).await.body, hello(ALICE));
    })
    .await;
}
