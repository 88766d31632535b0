//! A passkey that is lost: what an administrator can do for its user.

use async_trait::async_trait;
use donjon::account::{AdminAct, AdminAuthorizer};
use donjon::scope::{Account, CurrentScope};

use super::*;
use crate::account::second_factor::App;

const ROOT: &str = "root@example.test";
const BOB: &str = "bob@example.test";

#[derive(Debug)]
struct Root;

#[async_trait]
impl AdminAuthorizer for Root {
    async fn may(&self, who: &CurrentScope, _: AdminAct, _: Option<&Account>) -> bool {
        who.account().and_then(Account::email) == Some(ROOT)
    }
}

#[tokio::test]
async fn an_administrator_takes_a_lost_second_factor_away_with_its_passkeys() {
    let change =
        |builder: AccountLayerBuilder| builder.passkeys(Passkeys::default()).administrators(Root);
    each_world_at(ORIGIN, change, async |world| {
        let mut lost = user_with_passkey(&world, ALICE).await;
        let mut alice = world.browser();
        come_in(&mut alice, &mut lost).await;
        App::set_up(&world, &mut alice).await;
        let mut other = SoftPasskey::at(ORIGIN);
        give(&world, ALICE, &mut other).await;
        world.mails_to(ALICE).await;
        world.user(ROOT).await;
        let mut root = world.logged_in(ROOT).await;
        let id_of = async |email: &str| {
            let found = world.accounts.accounts().find_by_email(email).await.unwrap();
            found.unwrap().id().clone()
        };
        let id = id_of(ALICE).await;
        let at = format!("/admin/users/{id}");
        let remove = format!("{at}/remove-second-factor");
        assert!(root.get(&at).await.has("remove-second-factor"));
        root.post(&remove, &[]).await;
        assert!(!root.get(&at).await.has("remove-second-factor"));
        let mails = world.mails_to(ALICE).await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert_eq!(mails[0].subject, "Two-step login was turned off");
        assert!(world.store.passkeys_of(&id).await.unwrap().is_empty());
        assert_eq!(come_in(&mut world.browser(), &mut lost).await.status, REFUSED);
        world.logged_in(ALICE).await;
        let log = donjon::audit::AuditLog::new(&world.store);
        let entries = log.query().user(&id).newest(50).await.unwrap().entries;
        let removed: Vec<_> =
            entries.iter().filter(|entry| entry.action.as_str() == "passkey.remove").collect();
        assert_eq!(removed.len(), 2, "{entries:?}");
        let boss = id_of(ROOT).await;
        assert!(removed.iter().all(|entry| entry.actor.as_ref() == Some(&boss)));

        // Passkeys alone: the last of two goes, and the only one of somebody who has no password stays.
        give(&world, ALICE, &mut other).await;
        assert!(root.get(&at).await.has("remove-second-factor"));
        root.post(&remove, &[]).await;
        assert_eq!(world.mails_to(ALICE).await[0].subject, "Two-step login was turned off");
        let accounts = world.accounts.accounts();
        accounts.create(BOB, None, Default::default(), true).await.unwrap();
        let mut only = SoftPasskey::at(ORIGIN);
        give(&world, BOB, &mut only).await;
        let bob = id_of(BOB).await;
        let page = root.post(&format!("/admin/users/{bob}/remove-second-factor"), &[]).await;
        assert_eq!(page.status, http::StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.body.contains("only way in"), "{}", page.body);
        assert_eq!(come_in(&mut world.browser(), &mut only).await.body, hello(BOB));
        assert!(world.mails_to(BOB).await.is_empty());
    })
    .await;
}
