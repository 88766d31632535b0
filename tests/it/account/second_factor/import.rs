//! The app that a user has set up in another system.

use donjon::account::mfa::TotpSecret;
use donjon::audit::{Action, AuditLog};

use super::*;
use crate::account::world::{ALICE, each_world};

#[tokio::test]
async fn an_app_from_another_system_works_here_and_replaces_none() {
    each_world(async |world| {
        let accounts = world.accounts.accounts();
        world.user(ALICE).await;
        let alice = accounts.find_by_email(ALICE).await.unwrap().unwrap();
        let secret = TotpSecret::from_bytes(*b"from the old system!");
        let codes = accounts.import_totp(alice.id(), &secret).await.unwrap().unwrap();

        let mut browser = world.browser();
        pending(&mut browser, ALICE).await;
        let page = verify(&mut browser, &secret.code_at(world.clock.now())).await;
        assert_eq!(page.body, format!("hello {ALICE} at /"));
        let mut other = world.browser();
        pending(&mut other, ALICE).await;
        assert_eq!(verify(&mut other, &codes[0]).await.body, format!("hello {ALICE} at /"));

        let another = TotpSecret::from_bytes([7; 20]);
        assert_eq!(accounts.import_totp(alice.id(), &another).await.unwrap(), None);
        let nobody = "nobody".to_owned().try_into().unwrap();
        assert_eq!(accounts.import_totp(&nobody, &another).await.unwrap(), None);
        let log = AuditLog::new(&world.store);
        let entries = log.query().action(Action::ENROLL.as_str()).newest(10).await.unwrap().entries;
        let told: Vec<_> =
            entries.iter().map(|one| (one.user.as_ref(), one.actor_kind.as_str())).collect();
        assert_eq!(told, [(Some(alice.id()), "system")]);
    })
    .await;
}

/// Systems made secrets of 10, 16, 20, 32 and 64 bytes; their codes are what other apps show.
#[tokio::test]
async fn secrets_of_other_lengths_come_along() {
    each_world(async |world| {
        let accounts = world.accounts.accounts();
        for length in [10, 15, 16, 20, 32, 64] {
            let email = format!("user-{length}@example.test");
            world.user(&email).await;
            let user = accounts.find_by_email(&email).await.unwrap().unwrap();
            let bytes = vec![length as u8; length];
            let secret = match length {
                10 | 15 => {
                    assert!(TotpSecret::imported(&bytes).is_err(), "RFC 4226, section 4, R6");
                    TotpSecret::danger_imported_short(&bytes).unwrap()
                }
                _ => TotpSecret::imported(&bytes).unwrap(),
            };
            accounts.import_totp(user.id(), &secret).await.unwrap().unwrap();
            let mut browser = world.browser();
            pending(&mut browser, &email).await;
            assert_eq!(verify(&mut browser, "000000").await.status, REFUSED);
            let page = verify(&mut browser, &secret.code_at(world.clock.now())).await;
            assert_eq!(page.body, format!("hello {email} at /"), "{length}");
        }
        for length in [0, 9, 65, 1_000] {
            let bytes = vec![7; length];
            assert!(TotpSecret::imported(&bytes).is_err(), "{length}");
            assert!(TotpSecret::danger_imported_short(&bytes).is_err(), "{length}");
        }
    })
    .await;
}
