//! Grants of a user whose organization begins to enforce single sign-on.

use donjon::scope::{Account, OrganizationId, UserId};
use donjon::store::{Effects, NewOrganization, NewSsoMode, NewUser, SsoChange, SsoDomain, SsoMode};
use time::Duration;
use uuid::Uuid;

use super::world::{CHALLENGE, Tokens, USERINFO, World, each_world};

const DOMAIN: &str = "acme.example";
const DOOR: &str = "/saml/acme/login";

/// Alice, her organization, and its domain.
async fn acme(world: &World) -> OrganizationId {
    let (id, none) = (UserId::new("alice").unwrap(), Effects::none());
    let account = Account::new(id.clone()).with_email(format!("alice@{DOMAIN}"), true);
    let user = NewUser { account, password: None, created_at: world.now() };
    world.store.create_user(&user, &none).await.unwrap();
    let organization = NewOrganization {
        id: OrganizationId(Uuid::from_u128(1)),
        slug: "acme".into(),
        name: "Acme".into(),
        owner: id,
        created_at: world.now(),
    };
    world.store.create_organization(&organization, None, &none).await.unwrap();
    grant_domain(world, organization.id, DOOR).await;
    organization.id
}

async fn grant_domain(world: &World, organization: OrganizationId, login_path: &str) {
    let domain = SsoDomain {
        domain: DOMAIN.into(),
        organization,
        login_path: login_path.into(),
        mode: SsoMode::Off,
        created_at: world.now(),
    };
    world.store.grant_domain(&domain, &Effects::none()).await.unwrap();
}

async fn set(world: &World, organization: OrganizationId, mode: SsoMode) {
    let (domain, came_by, at) = (DOMAIN.to_owned(), Some(DOOR.to_owned()), world.now());
    let new = NewSsoMode { organization, domain, mode, came_by, at };
    let told = world.store.change_sso(&new, None, &Effects::none()).await.unwrap();
    assert_eq!(told, SsoChange::Done);
}

/// A code for what alice granted, who had logged in there.
async fn code_by(world: &World, scope: &str, by: Option<&str>) -> String {
    let mut grant = world.grant("spa", scope);
    grant.authentication.login_path = by.map(Box::from);
    world.code_for(grant, Some(CHALLENGE)).await
}

async fn tokens_by(world: &World, by: Option<&str>) -> Tokens {
    let code = code_by(world, "openid offline_access", by).await;
    world.exchange("spa", &code).await.tokens()
}

/// What came by the password ends, offline access and access tokens too; what came by the identity
/// provider goes on, and so does its session, though it was there before.
#[tokio::test]
async fn offline_access_ends_with_the_enforcement_but_that_of_the_providers_users() {
    each_world(async |world| {
        let id = acme(&world).await;
        let (by_password, by_door) =
            (tokens_by(&world, None).await, tokens_by(&world, Some(DOOR)).await);
        let waits = code_by(&world, "openid offline_access", None).await;
        set(&world, id, SsoMode::Enforced).await;
        world.exchange("spa", &waits).await.is_error(400, "invalid_grant");
        world.refresh("spa", by_password.refresh()).await.is_error(400, "invalid_grant");
        world.wait(Duration::SECOND).await;
        for (tokens, status) in [(&by_password, 401), (&by_door, 200)] {
            assert_eq!(world.get(USERINFO, Some(&tokens.access)).await.status, status);
        }
        let by_door = world.refresh("spa", by_door.refresh()).await.tokens();
        tokens_by(&world, Some(DOOR)).await;
        // It does not come back.
        set(&world, id, SsoMode::Off).await;
        world.refresh("spa", by_password.refresh()).await.is_error(400, "invalid_grant");
        // Another provider's users are let in by it, from then on by none but it.
        set(&world, id, SsoMode::Enforced).await;
        world.wait(Duration::SECOND).await;
        grant_domain(&world, id, "/saml/next/login").await;
        world.wait(Duration::SECOND).await;
        assert_eq!(world.get(USERINFO, Some(&by_door.access)).await.status, 401);
        world.refresh("spa", by_door.refresh()).await.is_error(400, "invalid_grant");
    })
    .await;
}
