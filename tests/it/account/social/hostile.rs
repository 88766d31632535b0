//! Providers that lie, keep silent, or are somebody else.

use donjon::account::AccountLayer;
use donjon::account::BuildError;
use donjon::account::social::Social;
use donjon::crypto::{Keyring, SystemRandom};
use serde_json::{Value, json};

use super::*;
use crate::account::world::ORIGIN;
use crate::support::database::Database;

/// Makes a provider lie.
type Lie = Box<dyn Fn(&FakeOpenIdProvider)>;

/// Each lie, and the reason that the log gives for refusing it.
fn lies() -> Vec<(&'static str, Lie)> {
    fn claim(name: &'static str, value: Value) -> Lie {
        Box::new(move |fake| {
            let value = value.clone();
            fake.change_claims(move |claims| drop(claims.insert(name.into(), value.clone())));
        })
    }
    fn answer(path: &'static str, status: u16, body: String) -> Lie {
        Box::new(move |fake| fake.answer_at(path, status, body.clone()))
    }
    let tokens = |more: Value| {
        let mut tokens = json!({"access_token": "a", "token_type": "Bearer"});
        tokens.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        tokens.to_string()
    };
    vec![
        ("id_token", claim("iss", json!("https://evil.example"))),
        ("id_token", claim("aud", json!("another-client"))),
        ("id_token", claim("aud", json!(["fake-client", "another-client"]))),
        ("id_token", claim("azp", json!("another-client"))),
        ("id_token", claim("nonce", json!("another"))),
        ("id_token", claim("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"))),
        ("id_token", claim("exp", json!(1))),
        ("id_token", claim("iat", json!(1))),
        ("id_token", claim("sub", json!(""))),
        ("id_token", Box::new(FakeOpenIdProvider::sign_nothing)),
        ("id_token", Box::new(|fake| fake.forge().unwrap())),
        ("wrong_issuer", Box::new(|fake| fake.answer_as("https://evil.example"))),
        ("no_id_token", answer("/token", 200, tokens(json!({})))),
        ("id_token", answer("/token", 200, tokens(json!({"id_token": "a.b.c"})))),
        ("no_tokens", answer("/token", 200, tokens(json!({"error": "invalid_grant"})))),
        ("no_tokens", answer("/token", 200, tokens(json!({"token_type": "mac"})))),
        ("no_tokens", answer("/token", 200, "<html>".into())),
        ("unavailable", answer("/token", 200, "a".repeat(300 * 1024))),
        ("unavailable", answer("/token", 503, "{}".into())),
        ("unavailable", Box::new(|fake| fake.keep_silent_at("/token"))),
        ("unavailable", answer("/jwks", 200, "{}".into())),
    ]
}

#[tokio::test]
async fn no_lie_of_a_provider_lets_anybody_in() {
    for (reason, lie) in lies() {
        let fake = Fake::start().await;
        let database = Database::sqlite();
        let world = World::over(database, &|builder| fake.known(builder)).await;
        lie(&fake.provider);
        let mut browser = world.browser();
        let page = fake.arrive(&mut browser, alice()).await;
        assert_eq!(page.url.path(), "/login", "{reason}");
        assert!(page.body.contains("role=\"alert\""), "{}", page.body);
        assert_eq!(who(&mut browser).await, "hello stranger at /", "{reason}");
        assert_eq!(refusals(&world).await, [reason]);
    }
}

#[tokio::test]
async fn user_info_about_somebody_else_lets_nobody_in() {
    let fake = Fake::start().await;
    fake.each_world(async |world| {
        // The ID token has no address, so that the provider is asked for more.
        fake.provider.change_claims(|claims| drop(claims.remove("email")));
        let page = fake.arrive(&mut world.browser(), alice()).await;
        assert_eq!(page.body, greeting(ALICE));
        let other = json!({"sub": "mallory", "email": ALICE, "email_verified": true});
        fake.provider.answer_at("/userinfo", 200, other.to_string());
        let page = fake.arrive(&mut world.browser(), FakeUser::new("bob")).await;
        assert_eq!(page.url.query().unwrap(), "notice=provider-failed");
        assert_eq!(refusals(&world).await, ["user_info"]);
        fake.provider.mend("/userinfo");
        fake.provider.change_claims(|_| {});
    })
    .await;
}

/// RFC 9207: the browser was sent to one provider, and the other answers.
#[tokio::test]
async fn two_providers_are_not_mixed_up() {
    let (honest, evil) = (Fake::start().await, Fake::start().await);
    let both = [&honest, &evil];
    let egress = donjon::http::Egress::builder()
        .danger_allow(["127.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap()));
    let egress = both.iter().fold(egress, |egress, fake| {
        egress.extra_roots(fake.provider.certificate().as_bytes()).unwrap()
    });
    let egress = egress.build();
    each_world_with(
        |builder| {
            let clients = [honest.provider.client(), evil.provider.client().called("evil", "Evil")];
            builder.social(Social::new(clients).egress(egress.clone()))
        },
        async |world| {
            honest.provider.log_in(alice());
            let mut browser = world.browser();
            let to_evil = browser.get("/login/with/evil").await;
            let to_honest = browser.get(BEGIN).await;
            let code = honest.callback(&to_honest);
            // An honest code with the state of the login that the evil one began, at either door.
            let fields = |text: &str| {
                let url = url::Url::parse(text).unwrap();
                url.query_pairs().into_owned().collect::<std::collections::BTreeMap<_, _>>()
            };
            let (given, begun) = (fields(&code), fields(to_evil.location().unwrap().as_str()));
            for door in ["/login/with/evil", BEGIN] {
                for iss in [Some(given["iss"].as_str()), None] {
                    let mut query = url::form_urlencoded::Serializer::new(String::new());
                    query.append_pair("code", &given["code"]).append_pair("state", &begun["state"]);
                    query.extend_pairs(iss.map(|iss| ("iss", iss)));
                    let mut twin = browser.clone();
                    let page = twin.get(&format!("{door}/callback?{}", query.finish())).await;
                    assert_eq!(page.location().unwrap().path(), "/login");
                    assert_eq!(who(&mut twin).await, "hello stranger at /", "{door} {iss:?}");
                }
            }
            assert_eq!(evil.provider.requests("/token"), 0, "the code was given away");
            let page = browser.get(&code).await;
            assert_eq!(browser.follow(page).await.body, greeting(ALICE));
        },
    )
    .await;
}

#[tokio::test]
async fn a_provider_changes_its_keys_and_nobody_makes_us_flood_it() {
    let fake = Fake::start().await;
    let database = Database::sqlite();
    let world = World::over(database, &|builder| fake.known(builder)).await;
    let page = fake.arrive(&mut world.browser(), alice()).await;
    assert_eq!(page.body, greeting(ALICE));
    fake.provider.rotate_key().unwrap();
    fake.advance(&world, Duration::seconds(11));
    let page = fake.arrive(&mut world.browser(), alice()).await;
    assert_eq!(page.body, greeting(ALICE), "a new key is found");
    assert_eq!(fake.provider.requests("/jwks"), 2);
    // A kid that nobody knows, again and again.
    fake.provider.rotate_key().unwrap();
    for _ in 0..20 {
        fake.provider.answer_at("/jwks", 200, "{\"keys\":[]}");
        let page = fake.arrive(&mut world.browser(), alice()).await;
        assert_eq!(page.url.path(), "/login");
    }
    assert!(fake.provider.requests("/jwks") <= 3, "{}", fake.provider.requests("/jwks"));
    assert_eq!(fake.provider.requests("/.well-known/openid-configuration"), 1);
}

#[tokio::test]
async fn metadata_of_somebody_else_lead_nowhere() {
    let fake = Fake::start().await;
    let database = Database::sqlite();
    let world = World::over(database, &|builder| fake.known(builder)).await;
    let metadata = |issuer: &str| {
        json!({
            "issuer": issuer, "authorization_endpoint": "https://evil.example/a",
            "token_endpoint": "https://evil.example/t", "jwks_uri": "https://evil.example/j",
        })
        .to_string()
    };
    let (path, mine) = ("/.well-known/openid-configuration", fake.provider.issuer());
    let unsafe_one = metadata(&mine).replace("https://evil.example/t", "http://evil.example/t");
    for (body, notice) in [
        (metadata("https://evil.example"), "provider-failed"),
        (metadata(&format!("{mine}/")), "provider-failed"),
        (unsafe_one, "provider-unavailable"),
        ("a".repeat(300 * 1024), "provider-unavailable"),
    ] {
        fake.provider.answer_at(path, 200, body);
        let page = world.browser().get(BEGIN).await;
        assert_eq!(page.location().unwrap().query().unwrap(), format!("notice={notice}"));
        fake.advance(&world, Duration::days(2));
    }
    fake.provider.keep_silent_at(path);
    let page = world.browser().get(BEGIN).await;
    assert_eq!(page.location().unwrap().query().unwrap(), "notice=provider-unavailable");
}

#[tokio::test]
async fn only_where_the_host_says_so_is_a_browser_sent_to_its_own_machine() {
    let fake = Fake::start().await;
    let mine = fake.provider.issuer();
    let body = json!({
        "issuer": mine, "authorization_endpoint": "http://127.0.0.1:9/authorize",
        "token_endpoint": format!("{mine}/token"), "jwks_uri": format!("{mine}/jwks"),
    });
    fake.provider.answer_at("/.well-known/openid-configuration", 200, body.to_string());
    for (permitted, begins) in [
        (false, "http://127.0.0.1:3000/login?notice=provider-failed"),
        (true, "http://127.0.0.1:9/authorize?"),
    ] {
        let change = |client: Provider| {
            if permitted { client.danger_authorize_on_loopback() } else { client }
        };
        let known = |builder| fake.known_as(builder, change);
        let world = World::over(Database::sqlite(), &known).await;
        let page = world.browser().get(BEGIN).await;
        let location = page.location().unwrap();
        assert!(location.as_str().starts_with(begins), "{location}");
    }
}

#[tokio::test]
async fn a_provider_on_the_inside_is_not_asked_unless_the_host_says_so() {
    let fake = Fake::start().await;
    let database = Database::sqlite();
    let known =
        |builder: AccountLayerBuilder| builder.social(Social::new([fake.provider.client()]));
    let world = World::over(database, &known).await;
    let page = world.browser().get(BEGIN).await;
    assert_eq!(page.location().unwrap().query().unwrap(), "notice=provider-unavailable");
    assert_eq!(fake.provider.requests("/.well-known/openid-configuration"), 0);
}

#[tokio::test]
async fn a_provider_that_cannot_work_is_refused_when_building() {
    let store = Database::sqlite().store().await;
    let keyring = Keyring::ephemeral(&SystemRandom);
    let acme = || Provider::openid("acme", "Acme", "https://id.acme.example", "me");
    for providers in [
        vec![acme().parameter("state", "mine")],
        vec![acme(), acme()],
        vec![acme().called("../evil", "Evil")],
    ] {
        let social = Social::new(providers);
        let built = AccountLayer::builder(&store, &keyring, ORIGIN).social(social).build();
        assert!(matches!(built, Err(BuildError::Provider { .. })), "{built:?}");
    }
}

/// The fake one is for tests: it sends nobody away from this machine.
#[tokio::test]
async fn the_fake_provider_refuses_whoever_is_not_on_this_machine() {
    let fake = FakeOpenIdProvider::start().await.unwrap();
    let request = |redirect: &str| {
        format!(
            "{}/authorize?response_type=code&client_id=fake-client&scope=openid&state=s&nonce=n\
             &code_challenge=c&code_challenge_method=S256&redirect_uri={redirect}",
            fake.issuer()
        )
    };
    assert!(fake.approve(&request("http://127.0.0.1:3000/c")).is_ok());
    for away in ["https://app.example/c", "https://127.0.0.1.evil.example/c", "x", ""] {
        assert!(fake.approve(&request(away)).is_err(), "{away}");
    }
    let plain = request("http://127.0.0.1/c").replace("S256", "plain");
    assert!(fake.approve(&plain).is_err());
    assert!(fake.approve("https://evil.example/authorize").is_err());
}
