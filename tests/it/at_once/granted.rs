//! Single sign-on is being enforced: whoever logs in before it is committed, and lets an application
//! in, does so in vain.

use donjon::crypto::{RandomExt as _, Sealed, SystemRandom, TokenHash};
use donjon::scope::{Account, Authentication, Method, OrganizationId, SessionId, UserId};
use donjon::store::*;
use time::{Duration, OffsetDateTime};

use super::{connection, is_waited_for, postgres, run};

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const EMAIL: &str = "bob@acme.example";
const DOMAIN: &str = "acme.example";
const DOOR: &str = "/saml/acme/login";
const CLIENT: &str = "client";

fn later() -> OffsetDateTime {
    NOW + Duration::SECOND
}

async fn write_domain(store: &SqlStore, owner: &UserId) -> OrganizationId {
    let id = OrganizationId(SystemRandom.uuid_v7(NOW));
    let (slug, name, owner) = ("acme".to_owned(), "Acme".to_owned(), owner.clone());
    let new = NewOrganization { id, slug, name, owner, created_at: NOW };
    let none = Effects::none();
    store.create_organization(&new, None, &none).await.unwrap();
    let (domain, login_path) = (DOMAIN.to_owned(), DOOR.to_owned());
    let domain =
        SsoDomain { domain, organization: id, login_path, mode: SsoMode::Off, created_at: NOW };
    store.grant_domain(&domain, &none).await.unwrap();
    id
}

async fn write_token(store: &SqlStore, owner: &UserId) {
    let token = NewApiToken {
        id: ApiTokenId(SystemRandom.uuid_v7(NOW)),
        hash: SystemRandom.token().hash(),
        owner: TokenOwner::User(owner.clone()),
        made_in: None,
        by: None,
        name: "n".into(),
        scopes: Vec::new(),
        created_at: NOW,
        expires_at: None,
    };
    store.create_api_token(&token, 1, &Effects::none()).await.unwrap();
}

/// Somebody who logs in after the time of the enforcement, by a password.
async fn log_in(store: &SqlStore, user: &Account) -> NewSession {
    let id = SessionId(SystemRandom.uuid_v7(NOW));
    let authentication = Authentication {
        ends_at: None,
        at: later(),
        methods: vec![Method::PASSWORD],
        context_class: None,
        session_id: id,
        login_path: None,
        fresh_until: None,
    };
    let session = NewSession {
        along: Effects::none(),
        token: SystemRandom.token().hash(),
        id,
        login: Some(Login::new(user.clone(), authentication)),
        data_id: SystemRandom.uuid_v7(NOW),
        device: Device::default(),
        remembered: false,
        created_at: later(),
        last_active_at: later(),
        idle_expires_at: None,
        expires_at: NOW + Duration::DAY,
        beside: None,
    };
    store.create_session(&session).await.unwrap();
    session
}

/// Lets an application in, with offline access; answers its refresh token.
async fn let_in(store: &SqlStore, issuer: &IssuerId, session: &NewSession) -> TokenHash {
    let login = session.login.as_ref().unwrap();
    let grant = Grant {
        id: SystemRandom.uuid_v7(NOW),
        client_id: CLIENT.into(),
        subject: login.account.id().clone(),
        scopes: vec!["openid".into(), "offline_access".into()],
        resources: Vec::new(),
        authentication: login.authentication.clone(),
        offline: true,
        nonce: None,
        auth_time_requested: false,
    };
    let code = NewCode {
        code: SystemRandom.token().hash(),
        interaction_id: grant.id.to_string(),
        grant,
        redirect_uri: "https://client.example/cb".into(),
        code_challenge: None,
        created_at: later(),
        expires_at: NOW + Duration::MINUTE,
        interaction_expires_at: NOW + Duration::MINUTE,
        consent: None,
    };
    assert_eq!(store.issue_code(issuer, &code).await.unwrap(), CodeIssue::Issued);
    let token = SystemRandom.token().hash();
    let redeem = RedeemCode {
        code: code.code,
        client_id: CLIENT.into(),
        refresh: Some(NewRefreshToken { token, expires_at: NOW + Duration::DAY }),
        assertion: None,
        now: later(),
        revocation_expires_at: NOW + Duration::DAY,
    };
    let redeemed = store.redeem_code(issuer, &redeem).await.unwrap();
    assert_eq!(redeemed, CodeRedemption::Redeemed);
    token
}

async fn rotate(store: &SqlStore, issuer: &IssuerId, presented: TokenHash) -> RefreshRotation {
    let token = SystemRandom.token().hash();
    let rotate = RotateRefresh {
        presented,
        client_id: CLIENT.into(),
        successor: NewRefreshToken { token, expires_at: NOW + Duration::DAY },
        successor_sealed: Sealed::from_bytes(vec![7]),
        grace: Duration::ZERO,
        assertion: None,
        now: later(),
        revocation_expires_at: NOW + Duration::DAY,
    };
    store.rotate_refresh(issuer, &rotate).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_access_that_is_granted_while_single_sign_on_is_enforced_ends_with_it() {
    let Some((database, store)) = postgres().await else { return };
    let issuer = IssuerId::new("https://issuer.example");
    let until = NOW + Duration::DAY;
    store.apply_session_events(&issuer, 10, NOW, until).await.unwrap();
    let bob = Account::new(UserId::new("bob").unwrap()).with_email(EMAIL, true);
    let new = NewUser { account: bob.clone(), password: None, created_at: NOW };
    store.create_user(&new, &Effects::none()).await.unwrap();
    let organization = write_domain(&store, bob.id()).await;
    write_token(&store, bob.id()).await;

    // The enforcement has seen which sessions there are, and waits for a token that ends with them.
    let mut holder = connection(&database).await;
    run(&mut holder, "BEGIN; SELECT 1 FROM donjon_api_tokens FOR UPDATE").await;
    let enforcing = tokio::spawn({
        let (store, came_by) = (store.clone(), Some(DOOR.to_owned()));
        let (domain, mode) = (DOMAIN.to_owned(), SsoMode::Enforced);
        let new = NewSsoMode { organization, domain, mode, came_by, at: NOW };
        async move { store.change_sso(&new, None, &Effects::none()).await }
    });
    is_waited_for(&mut holder).await;
    let session = log_in(&store, &bob).await;
    let token = let_in(&store, &issuer, &session).await;
    run(&mut holder, "COMMIT").await;
    assert_eq!(enforcing.await.unwrap().unwrap(), SsoChange::Done);

    // The session is there, and opens nothing; nor does what was granted in it.
    assert_eq!(store.sessions_of(bob.id(), later()).await.unwrap().len(), 1);
    assert!(store.load_session(&session.token, later()).await.unwrap().is_none());
    assert_eq!(rotate(&store, &issuer, token).await, RefreshRotation::Unknown);
    store.apply_session_events(&issuer, 10, NOW, until).await.unwrap();
    let stored = store.load_refresh(&issuer, &token).await.unwrap();
    assert!(stored.unwrap().revoked, "its access tokens live on");
}
