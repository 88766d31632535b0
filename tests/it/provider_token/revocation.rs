//! Revocation, introspection, and what ends with a session.

use donjon::scope::SessionEnd;
use serde_json::json;
use time::Duration;

use super::world::{
    API, CHALLENGE, INTROSPECT, ISSUER, Mood, REVOKE, Tokens, USERINFO, World, each_world, peek,
};

async fn revoke(world: &World, client: &str, token: &str) -> u16 {
    let answer = world.post(REVOKE, None, &[("client_id", client), ("token", token)]).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.status.as_u16()
}

#[tokio::test]
async fn revoking_a_refresh_token_takes_its_family_with_it() {
    each_world(async |world| {
        let first = world.tokens("spa", "openid offline_access").await;
        let second = world.refresh("spa", first.refresh()).await.tokens();
        let bystander = world.tokens("spa", "openid offline_access").await;
        let other = world.another_node().await;
        assert_eq!(revoke(&world, "spa", second.refresh()).await, 200);
        for dead in [&first, &second] {
            assert_eq!(world.get(USERINFO, Some(&dead.access)).await.status, 401);
            world.refresh("spa", dead.refresh()).await.is_error(400, "invalid_grant");
        }
        other.server.catch_up().await;
        assert_eq!(other.get(USERINFO, Some(&second.access)).await.status, 401);
        assert_eq!(world.get(USERINFO, Some(&bystander.access)).await.status, 200);
        world.refresh("spa", bystander.refresh()).await.tokens();
    })
    .await;
}

#[tokio::test]
async fn revoking_an_access_token_takes_it_alone() {
    each_world(async |world| {
        let tokens = world.tokens("spa", "openid offline_access").await;
        let other = world.another_node().await;
        assert_eq!(revoke(&world, "spa", &tokens.access).await, 200);
        assert_eq!(world.get(USERINFO, Some(&tokens.access)).await.status, 401);
        other.server.catch_up().await;
        assert_eq!(other.get(USERINFO, Some(&tokens.access)).await.status, 401);
        let next = world.refresh("spa", tokens.refresh()).await.tokens();
        assert_eq!(world.get(USERINFO, Some(&next.access)).await.status, 200);
    })
    .await;
}

/// Without anybody calling: each process follows the log by itself.
#[tokio::test(flavor = "multi_thread")]
async fn every_process_learns_of_a_revocation_within_a_second() {
    each_world(async |world| {
        let tokens = world.tokens("spa", "openid offline_access").await;
        let other = world.another_node().await;
        assert_eq!(revoke(&world, "spa", tokens.refresh()).await, 200);
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert_eq!(other.get(USERINFO, Some(&tokens.access)).await.status, 401);
    })
    .await;
}

#[tokio::test]
async fn nobody_revokes_anothers_token_or_learns_anything() {
    each_world(async |world| {
        let tokens = world.tokens("spa", "openid offline_access").await;
        for token in [tokens.refresh(), &tokens.access, "x", &"A".repeat(43), "a.b.c"] {
            assert_eq!(revoke(&world, "other", token).await, 200);
        }
        assert_eq!(world.get(USERINFO, Some(&tokens.access)).await.status, 200);
        world.refresh("spa", tokens.refresh()).await.tokens();
        world.post(REVOKE, None, &[("token", "x")]).await.is_error(401, "invalid_client");
        world.post(REVOKE, None, &[("client_id", "spa")]).await.is_error(400, "invalid_request");
        let web = [("client_id", "web"), ("token", tokens.refresh())];
        world.post(REVOKE, None, &web).await.is_error(401, "invalid_client");
    })
    .await;
}

#[tokio::test]
async fn an_owner_and_an_audience_may_ask_about_a_token_and_nobody_else() {
    each_world(async |world| {
        let ask = async |client: &str, token: &str| {
            let answer = world.post(INTROSPECT, Some(client), &[("token", token)]).await;
            assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"));
            answer.json
        };
        let mut grant = world.grant("web", "openid api:read offline_access");
        grant.resources = vec![API.into()];
        let code = world.code_for(grant, None).await;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", "https://client.example/cb"),
        ];
        let tokens = world.post("/oauth/token", Some("web"), &fields).await.tokens();
        let claims = peek(&tokens.access);
        let state = ask("web", &tokens.access).await;
        assert_eq!(
            state,
            json!({
                "active": true, "token_type": "Bearer", "iss": ISSUER, "sub": "alice",
                "aud": API, "client_id": "web",
                "scope": "openid api:read offline_access", "iat": claims["iat"],
                "exp": claims["exp"], "jti": claims["jti"], "auth_time": claims["auth_time"],
                "acr": claims["acr"],
            })
        );
        assert_eq!(ask(API, &tokens.access).await, state);
        let refresh = ask("web", tokens.refresh()).await;
        assert_eq!((&refresh["active"], &refresh["sub"]), (&json!(true), &json!("alice")));

        let inactive = json!({ "active": false });
        let id_token = tokens.id.as_deref().unwrap();
        for (client, token) in [
            ("machine", tokens.access.as_str()),
            (API, tokens.refresh()),
            ("machine", tokens.refresh()),
            ("web", id_token),
            ("web", "x"),
            ("web", &"A".repeat(43)),
        ] {
            assert_eq!(ask(client, token).await, inactive, "{client} {token}");
        }
        // The account goes, the grant goes, time goes by.
        world.host.feel(Mood::HasForgotten);
        assert_eq!(ask("web", &tokens.access).await, inactive);
        assert_eq!(ask("web", tokens.refresh()).await, inactive);
        world.host.feel(Mood::Well);
        assert_eq!(ask("web", &tokens.access).await, state);
        world.post(REVOKE, Some("web"), &[("token", tokens.refresh())]).await;
        assert_eq!(ask("web", &tokens.access).await, inactive);
        assert_eq!(ask("web", tokens.refresh()).await, inactive);
    })
    .await;
}

#[tokio::test]
async fn a_public_client_cannot_try_tokens_out() {
    each_world(async |world| {
        let tokens = world.tokens("spa", "openid").await;
        let fields = [("client_id", "spa"), ("token", tokens.access.as_str())];
        world.post(INTROSPECT, None, &fields).await.is_error(401, "invalid_client");
        world.post(INTROSPECT, None, &fields[1..]).await.is_error(401, "invalid_client");
        world.post(INTROSPECT, Some("web"), &[]).await.is_error(400, "invalid_request");
    })
    .await;
}

#[tokio::test]
async fn a_rotated_refresh_token_is_not_active() {
    each_world(async |world| {
        let code = world.code_for(world.grant("web", "offline_access"), None).await;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", "https://client.example/cb"),
        ];
        let tokens = world.post("/oauth/token", Some("web"), &fields).await.tokens();
        let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
        world.post("/oauth/token", Some("web"), &fields).await.tokens();
        let state = world.post(INTROSPECT, Some("web"), &[("token", tokens.refresh())]).await;
        assert_eq!(state.json, json!({ "active": false }));
    })
    .await;
}

async fn tokens_of_session(world: &World, scope: &str) -> (donjon::scope::SessionId, Tokens) {
    let session = world.session().await;
    let mut grant = world.grant("spa", scope);
    grant.authentication.session_id = session;
    let code = world.code_for(grant, Some(CHALLENGE)).await;
    (session, world.exchange("spa", &code).await.tokens())
}

#[tokio::test]
async fn logging_out_ends_what_rests_on_the_session_and_spares_offline_access() {
    each_world(async |world| {
        let (online_session, online) = tokens_of_session(&world, "openid").await;
        let (offline_session, offline) = tokens_of_session(&world, "openid offline_access").await;
        let (_, bystander) = tokens_of_session(&world, "openid").await;
        world.end_session(online_session, SessionEnd::LoggedOut).await;
        world.end_session(offline_session, SessionEnd::LoggedOut).await;
        world.server.catch_up().await;
        assert_eq!(world.get(USERINFO, Some(&online.access)).await.status, 401);
        for alive in [&offline, &bystander] {
            assert_eq!(world.get(USERINFO, Some(&alive.access)).await.status, 200);
        }
        let offline = world.refresh("spa", offline.refresh()).await.tokens();

        world.wait(Duration::SECOND).await;
        let (reset_session, fresh) = tokens_of_session(&world, "openid offline_access").await;
        world.end_session(reset_session, SessionEnd::PasswordReset).await;
        world.server.catch_up().await;
        for dead in [&offline, &fresh, &bystander] {
            assert_eq!(world.get(USERINFO, Some(&dead.access)).await.status, 401);
        }
        world.refresh("spa", offline.refresh()).await.is_error(400, "invalid_grant");
    })
    .await;
}

#[tokio::test]
async fn a_code_does_not_outlive_the_login_it_rests_on() {
    each_world(async |world| {
        let session = world.session().await;
        let mut grant = world.grant("spa", "openid");
        grant.authentication.session_id = session;
        let code = world.code_for(grant, Some(CHALLENGE)).await;
        world.end_session(session, SessionEnd::LoggedOut).await;
        // Nobody has applied the event yet.
        world.exchange("spa", &code).await.is_error(400, "invalid_grant");
    })
    .await;
}

/// Between a password reset and the next look of the worker at the log of ends.
#[tokio::test]
async fn a_refresh_token_does_not_outlive_the_login_it_rests_on() {
    each_world(async |world| {
        world.server.shut_down().await;
        let (session, stolen) = tokens_of_session(&world, "openid offline_access").await;
        let repeated = world.refresh("spa", stolen.refresh()).await.tokens();
        world.end_session(session, SessionEnd::PasswordReset).await;
        // Neither the newest token, nor the one before it within the grace window.
        for tokens in [&repeated, &stolen] {
            world.refresh("spa", tokens.refresh()).await.is_error(400, "invalid_grant");
        }
        world.wait(Duration::minutes(2)).await;
        let (_, fresh) = tokens_of_session(&world, "openid offline_access").await;
        world.refresh("spa", fresh.refresh()).await.tokens();
        world.refresh("spa", repeated.refresh()).await.is_error(400, "invalid_grant");
    })
    .await;
}

/// Nobody looked at the log meanwhile; what ended has ended before the first answer.
#[tokio::test]
async fn a_process_that_starts_has_ended_what_ended_before() {
    each_world(async |world| {
        let (session, tokens) = tokens_of_session(&world, "openid").await;
        world.server.shut_down().await;
        world.end_session(session, SessionEnd::LoggedOut).await;
        let started = world.another_node().await;
        assert_eq!(started.get(USERINFO, Some(&tokens.access)).await.status, 401);
    })
    .await;
}

#[tokio::test]
async fn a_host_can_end_a_grant() {
    each_world(async |world| {
        let grant = world.grant("spa", "openid offline_access");
        let code = world.code_for(grant.clone(), Some(CHALLENGE)).await;
        let tokens = world.exchange("spa", &code).await.tokens();
        assert!(world.server.revoke_grant(grant.id).await.unwrap());
        assert!(!world.server.revoke_grant(grant.id).await.unwrap());
        assert_eq!(world.get(USERINFO, Some(&tokens.access)).await.status, 401);
        world.refresh("spa", tokens.refresh()).await.is_error(400, "invalid_grant");
    })
    .await;
}
