//! What is written of passkeys in the audit log is announced.

use super::*;
use crate::support::heard::Ears;

#[tokio::test]
async fn a_copied_passkey_and_a_strange_login_by_it_are_announced() {
    each_world(async |world| {
        let ears = Ears::open();
        let mut passkey = user_with_passkey(&world, ALICE).await;
        for (address, count) in [("192.0.2.1", 7), ("203.0.113.7", 3)] {
            world.clock.advance(Duration::SECOND);
            passkey.set_sign_count(count);
            let mut browser = world.browser();
            browser.peer = Some(address.parse().unwrap());
            let page = come_in(&mut browser, &mut passkey).await;
            assert_eq!(page.body, format!("hello {ALICE} at /"));
        }
        assert_eq!(ears.count("passkey.suspect"), 1);
        assert_eq!(ears.count("session.suspicious"), 2);
        ears.have_heard_all(&world.store).await;
    })
    .await;
}

#[tokio::test]
async fn attempts_with_passkeys_that_lock_are_announced() {
    each_world(async |world| {
        let ears = Ears::open();
        user_with_passkey(&world, ALICE).await;
        let mut stranger = SoftPasskey::at(ORIGIN);
        world.user("bob@example.test").await;
        give(&world, "bob@example.test", &mut stranger).await;
        let mut thief = world.browser();
        for _ in 0..Policy::default().second_factor_lockout.attempts + 2 {
            let page = pending(&mut thief, ALICE).await;
            let options = options_on(&page);
            let answer = stranger.get(&options.replace("allowCredentials", "x")).unwrap();
            thief.post(VERIFY, &[("credential", &answer)]).await;
        }
        assert_eq!(ears.count("mfa.lock"), 1);
        ears.have_heard_all(&world.store).await;
    })
    .await;
}

/// Whoever looks for removals, such as a webhook, finds this one too.
#[tokio::test]
async fn a_passkey_that_is_revoked_as_copied_is_told_as_removed() {
    let passkeys = Passkeys::default().sign_count(SignCountPolicy::Revoke);
    each_world_with(passkeys, async |world| {
        let ears = Ears::open();
        let mut passkey = user_with_passkey(&world, ALICE).await;
        passkey.set_sign_count(7);
        come_in(&mut world.browser(), &mut passkey).await;
        assert_eq!(ears.count("passkey.remove"), 0);
        passkey.set_sign_count(3);
        come_in(&mut world.browser(), &mut passkey).await;
        assert_eq!((ears.count("passkey.suspect"), ears.count("passkey.remove")), (1, 1));
        ears.have_heard_all(&world.store).await;
    })
    .await;
}
