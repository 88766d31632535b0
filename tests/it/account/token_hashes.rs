//! What is stored of each kind of token, and that it is nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use donjon::account::app::{App, AppSessions};
use donjon::account::token::{ApiTokens, TokenRequest};
use donjon::crypto::sha256;
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use sqlx::{Row as _, SqlitePool};
use time::Duration;

use super::world::{ALICE, World, log_in};
use crate::support::database::Database;

const APP: &str = "acme-ios";
const LEADS_BACK: &str = "com.example.acme:/logged-in";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// How a kind of token is written, which decides how it is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// 32 bytes in base64url: hashed decoded.
    Bytes,
    /// A prefix, random characters and a checksum: hashed whole.
    Text,
}

/// Whether some column of some table is, or holds, these bytes.
async fn holds(database: &SqlitePool, bytes: &[u8]) -> bool {
    let columns = "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c \
                   WHERE m.type = 'table'";
    for column in sqlx::query(columns).fetch_all(database).await.unwrap() {
        let (table, column): (String, String) = (column.get(0), column.get(1));
        let query =
            format!("SELECT count(*) FROM \"{table}\" WHERE instr(CAST(\"{column}\" AS BLOB), ?)");
        let found = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(query)).bind(bytes);
        if found.fetch_one(database).await.unwrap() > 0 {
            return true;
        }
    }
    false
}

/// It is stored by the hash that its form says, and by nothing that opens anything.
async fn is_stored_as(database: &SqlitePool, kind: &str, token: &str, form: Form) {
    let decoded = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == 32);
    assert_eq!(decoded.is_some(), form == Form::Bytes, "{kind}");
    let hash = sha256(decoded.as_deref().unwrap_or(token.as_bytes()));
    assert!(holds(database, &hash).await, "{kind}: its hash is not stored");
    assert!(!holds(database, token.as_bytes()).await, "{kind}: its text is stored");
    if let Some(decoded) = decoded {
        assert!(!holds(database, &decoded).await, "{kind}: its bytes are stored");
        assert!(!holds(database, &sha256(token.as_bytes())).await, "{kind}: by both rules");
    }
}

#[tokio::test]
async fn each_kind_of_token_is_stored_by_the_one_hash_of_its_form() {
    let directory = tempfile::tempdir().unwrap();
    let mut database = Database::sqlite();
    database.url = format!("sqlite://{}", directory.path().join("a.db").display());
    let url = database.url.clone();
    let world = World::new(database, super::world::ORIGIN, &|store, clock, builder| {
        let tokens = ApiTokens::new(store, "acme".parse().unwrap()).scopes(["api:read"]).unwrap();
        let app = App::new(APP, "Acme").redirect_uri(LEADS_BACK).scopes(["api:read"]);
        let apps = AppSessions::new(store, "acmeapp".parse().unwrap()).clock(clock);
        builder.api_tokens(&tokens).apps(&apps.app(app).unwrap())
    })
    .await;
    let behind = SqlitePool::connect(&url).await.unwrap();
    let stored = async |kind: &str, token: &str, form| {
        is_stored_as(&behind, kind, token, form).await;
    };

    // Mailed links.
    let mut browser = world.browser();
    let fields = [("email", "new@example.test"), ("password", "another password")];
    browser.post("/register", &fields).await;
    let link = world.link_to("new@example.test").await;
    stored("confirmation", token_in(&link), Form::Bytes).await;
    world.user(ALICE).await;
    stored("reset", token_in(&world.reset_link(ALICE).await), Form::Bytes).await;
    world.browser().post("/login/link", &[("email", ALICE)]).await;
    stored("login link", token_in(&world.link_to(ALICE).await), Form::Bytes).await;

    // The session.
    let mut browser = world.browser();
    log_in(&mut browser, ALICE, super::world::PASSWORD).await;
    let cookies = browser.cookies.values().filter_map(|value| value.split_once('.'));
    let sessions: Vec<_> = cookies.map(|(token, _)| token).filter(|it| it.len() == 43).collect();
    assert_eq!(sessions.len(), 1, "{:?}", browser.cookies);
    stored("session", sessions[0], Form::Bytes).await;

    // The API's, of a user and of a program.
    let tokens = ApiTokens::new(&world.store, "acme".parse().unwrap())
        .scopes(["api:read"])
        .unwrap()
        .clock(world.clock.clone());
    let alice = world.accounts.accounts().find_by_email(ALICE).await.unwrap().unwrap();
    let ask = TokenRequest {
        name: "script".into(),
        scopes: vec!["api:read".into()],
        lifetime: Some(Duration::DAY),
    };
    let (token, _) = tokens.create(alice.id(), &ask).await.unwrap();
    stored("API token", token.expose(), Form::Text).await;
    let programs = tokens.service_accounts();
    let robot = programs.create("robot", None).await.unwrap();
    let (token, _) = programs.create_credential(&robot.id, &ask).await.unwrap();
    stored("credential", token.expose(), Form::Text).await;

    // An app's.
    let challenge = URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()));
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("app", APP)
        .append_pair("redirect_uri", LEADS_BACK)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .finish();
    let page = browser.get(&format!("/app/login?{query}")).await;
    let page = browser.submit(&page, &[("decision", "approve")]).await;
    let target = url::Url::parse(page.headers["location"].to_str().unwrap()).unwrap();
    let code = target.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    stored("code of an app", &code, Form::Bytes).await;
    let exchange =
        json!({ "app": APP, "code": code, "code_verifier": VERIFIER, "redirect_uri": LEADS_BACK });
    let request = Request::post("/app/session")
        .header("host", "127.0.0.1:3000")
        .header("content-type", "application/json")
        .body(Full::from(exchange.to_string()))
        .unwrap();
    let (parts, body) = world.browser().send(request).await.into_parts();
    assert_eq!(parts.status, StatusCode::OK);
    let told: Value = serde_json::from_slice(&body).unwrap();
    for kind in ["access_token", "refresh_token"] {
        stored(kind, told[kind].as_str().unwrap(), Form::Text).await;
    }

    #[cfg(feature = "provider")]
    the_providers(&stored, &world).await;
}

/// The code and the refresh token of an application of somebody else's.
#[cfg(feature = "provider")]
async fn the_providers(stored: &impl AsyncFn(&str, &str, Form), world: &World) {
    let provider = crate::provider_token::world::World::new(world.store.clone()).await;
    let scope = "openid offline_access";
    let code = provider.code("spa", scope).await;
    stored("authorization code", &code, Form::Bytes).await;
    let tokens = provider.exchange("spa", &code).await.tokens();
    stored("refresh token", tokens.refresh(), Form::Bytes).await;
}

fn token_in(link: &str) -> &str {
    let (_, token) = link.split_once("token=").unwrap();
    token.split('&').next().unwrap()
}
