//! The mails that tell of second factors.

use super::*;
use crate::account::world::{ALICE, each_world};

const CODES: &str = "/settings/two-factor/backup-codes";

async fn subjects(world: &World) -> Vec<String> {
    world.mails_to(ALICE).await.into_iter().map(|mail| mail.subject).collect()
}

/// Whoever has the session must not set up an app of their own, or take the codes, unheard.
#[tokio::test]
async fn its_owner_is_told_of_an_app_and_of_new_codes() {
    each_world(async |world| {
        world.user(ALICE).await;
        let mut thief = world.logged_in(ALICE).await;
        let secret = secret_on(&thief.get(SETUP).await);
        assert_eq!(thief.post(SETUP, &[("code", "000000")]).await.status, REFUSED);
        assert!(subjects(&world).await.is_empty());
        thief.post(SETUP, &[("code", &secret.code_at(world.clock.now()))]).await;
        assert_eq!(subjects(&world).await, [ADDED]);

        world.clock.advance(Duration::seconds(30));
        assert_eq!(thief.post(CODES, &[("code", "000000")]).await.status, REFUSED);
        assert!(subjects(&world).await.is_empty());
        thief.post(CODES, &[("code", &secret.code_at(world.clock.now()))]).await;
        let mails = world.mails_to(ALICE).await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert_eq!(mails[0].subject, "Your backup codes were replaced");
        assert!(mails[0].text.contains("/forgot-password"), "{}", mails[0].text);
    })
    .await;
}

#[tokio::test]
async fn its_owner_is_told_of_each_backup_code_that_is_used() {
    each_world(async |world| {
        let app = App::of(&world, ALICE).await;
        for left in [9, 8] {
            let mut browser = world.browser();
            pending(&mut browser, ALICE).await;
            assert_eq!(verify(&mut browser, "AAAA-AAAA").await.status, REFUSED);
            assert!(subjects(&world).await.is_empty());
            let code = &app.codes[9 - left];
            assert_eq!(verify(&mut browser, code).await.status, StatusCode::OK);
            let mails = world.mails_to(ALICE).await;
            assert_eq!(mails.len(), 1, "{mails:?}");
            assert_eq!(mails[0].subject, "A backup code was used");
            assert!(mails[0].text.contains(&format!("You have {left} left")), "{}", mails[0].text);
        }
        // The app is no news.
        let mut browser = world.browser();
        pending(&mut browser, ALICE).await;
        verify(&mut browser, &app.code(&world)).await;
        assert!(subjects(&world).await.is_empty());
    })
    .await;
}
