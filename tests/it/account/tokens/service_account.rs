//! Programs with credentials of their own.

use donjon::account::token::CreateTokenError;
use donjon::audit::AuditActor;
use donjon::scope::{Actor, OrganizationId};
use donjon::store::{Device, TokenPage};
use http::StatusCode;

use super::layer::call;
use super::*;

#[tokio::test]
async fn credentials_rotate_without_a_pause() {
    each_token_world(async |world, tokens| {
        let accounts =
            tokens.by(AuditActor::User(UserId::new("admin").unwrap())).service_accounts();
        let organization = Some(OrganizationId(uuid::Uuid::from_u128(7)));
        let robot = accounts.create(" Deploy robot ", organization).await.unwrap();
        assert_eq!(robot.name, "Deploy robot");
        let ask = request(&["api:write"], 90);
        let (old, first) = accounts.create_credential(&robot.id, &ask).await.unwrap();
        let (new, _) = accounts.create_credential(&robot.id, &ask).await.unwrap();
        let tokens = tokens_over(&world.store, world.clock.clone());
        for text in [&old, &new] {
            let (status, _, body) = call(&tokens, "api:write", text.expose()).await;
            let expected = "- ServiceAccount ServiceAccount api:write";
            assert_eq!((status, body.as_str()), (StatusCode::OK, expected));
        }
        assert!(accounts.revoke_credential(&robot.id, first.id).await.unwrap());
        assert!(!accounts.revoke_credential(&robot.id, first.id).await.unwrap());
        assert_eq!(call(&tokens, "api:write", old.expose()).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(call(&tokens, "api:write", new.expose()).await.0, StatusCode::OK);

        let verified = tokens.verify(new.expose(), &Device::default()).await.unwrap();
        assert_eq!(verified.scope.actor(), &Actor::ServiceAccount);
        assert_eq!(verified.scope.account().unwrap().id(), &robot.id);
        assert_eq!(verified.credential.organization, organization);
        for (action, times) in
            [("service_account.create", 1), ("api.token_create", 2), ("api.token_revoke", 1)]
        {
            let entries = told(&world, action).await;
            assert_eq!(entries.len(), times, "{action}");
            assert!(entries.iter().all(|entry| entry.organization == organization));
            assert!(entries.iter().all(|entry| entry.actor.as_ref().unwrap().as_str() == "admin"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_disabled_service_account_opens_nothing_until_it_is_enabled() {
    each_token_world(async |_, tokens| {
        let accounts = tokens.service_accounts();
        let robot = accounts.create("robot", None).await.unwrap();
        let ask = request(&["api:read"], 90);
        let (text, _) = accounts.create_credential(&robot.id, &ask).await.unwrap();
        assert_eq!(call(&tokens, "api:read", text.expose()).await.0, StatusCode::OK);
        accounts.disable(&robot.id).await.unwrap();
        assert!(!accounts.disable(&robot.id).await.unwrap());
        assert_eq!(call(&tokens, "api:read", text.expose()).await.0, StatusCode::UNAUTHORIZED);
        let refused = accounts.create_credential(&robot.id, &ask).await.unwrap_err();
        assert!(matches!(refused, CreateTokenError::NoOwner), "{refused}");
        accounts.enable(&robot.id).await.unwrap();
        assert_eq!(call(&tokens, "api:read", text.expose()).await.0, StatusCode::OK);
        assert_eq!(accounts.revoke_all(&robot.id).await.unwrap(), 1);
        assert_eq!(call(&tokens, "api:read", text.expose()).await.0, StatusCode::UNAUTHORIZED);
        let held = accounts.credentials(&robot.id, TokenPage::default()).await.unwrap();
        assert!(held.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_user_is_no_service_account_and_a_service_account_no_user() {
    each_token_world(async |world, tokens| {
        let accounts = tokens.service_accounts();
        let robot = accounts.create("robot", None).await.unwrap();
        let ask = request(&["api:read"], 1);
        let refused = tokens.create(&robot.id, &ask).await.unwrap_err();
        assert!(matches!(refused, CreateTokenError::NoOwner), "{refused}");
        world.user("a@example.test").await;
        let user = id_of(&world, "a@example.test").await;
        let refused = accounts.create_credential(&user, &ask).await.unwrap_err();
        assert!(matches!(refused, CreateTokenError::NoOwner), "{refused}");
        let (_, token) = accounts.create_credential(&robot.id, &ask).await.unwrap();
        assert!(!tokens.revoke(&robot.id, token.id).await.unwrap());
        accounts.create("", None).await.unwrap_err();
    })
    .await;
}
