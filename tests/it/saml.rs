//! SAML: the store's contract, and the layer over HTTP, with responses that pysaml2 and xmlsec1
//! signed.

mod limits;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use donjon::crypto::{Keyring, Random, SystemRandom};
use donjon::http::Body;
use donjon::saml::{Connection, LoginRequests, MapperError, SamlLayer, SamlLogin, UserMapper};
use donjon::scope::{Account, CurrentScope, UserId};
use donjon::session::{SessionLayer, UserSource, UserSourceError};
use donjon::store::SqlStore;
use donjon::testing::{ManualClock, contract};
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{Request, Response, StatusCode};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use tower::util::BoxCloneSyncService;
use tower::{Layer as _, ServiceExt as _};

use crate::support::database::{Database, databases};

#[tokio::test(flavor = "multi_thread")]
async fn each_database_keeps_the_contract_of_saml_logins() {
    for database in databases().await {
        let outcome = contract::saml(database.store().await.into()).await;
        assert!(outcome.is_ok(), "{}: {outcome:?}", database.name);
    }
}

const BASE: &str = "https://sp.example";

/// Randomness, but for the 20 bytes of a request's ID: those that the fixtures answer.
#[derive(Debug)]
struct FixtureRequest;

impl Random for FixtureRequest {
    fn fill(&self, bytes: &mut [u8]) {
        SystemRandom.fill(bytes);
        if bytes.len() == 20 {
            let id = "4fee3b046395c4e751011e97f8900b5273d56685";
            for (index, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::from_str_radix(&id[index * 2..index * 2 + 2], 16).unwrap();
            }
        }
    }
}

/// Knows alice, by her name at the identity provider.
#[derive(Debug, Default)]
struct Mapper {
    logins: Mutex<Vec<String>>,
    refuse: bool,
}

#[async_trait::async_trait]
impl UserMapper for Mapper {
    async fn map_user(&self, login: SamlLogin<'_>) -> Result<Account, MapperError> {
        if self.refuse {
            return Err(MapperError::Refused("You have no account here.".into()));
        }
        let name = format!("{}:{}", login.connection, login.facts.name_id.value);
        self.logins.lock().unwrap().push(name.clone());
        Ok(Account::new(UserId::new(name).unwrap()))
    }
}

struct App {
    service: BoxCloneSyncService<Request<Body>, Response<String>, Infallible>,
    clock: Arc<ManualClock>,
    mapper: Arc<Mapper>,
}

/// The moment the fixtures were made for.
fn fixture_time() -> OffsetDateTime {
    let manifest: serde_json::Value = serde_json::from_str(&fixture("manifest.json")).unwrap();
    OffsetDateTime::parse(manifest["responses"][0]["now"].as_str().unwrap(), &Rfc3339).unwrap()
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/fixtures/saml/{name}", env!("CARGO_MANIFEST_DIR")))
        .unwrap()
}

impl App {
    async fn new(database: &Database) -> Self {
        Self::with(database.store().await, Mapper::default())
    }

    fn with(store: SqlStore, mapper: Mapper) -> Self {
        Self::with_users(store, mapper, None)
    }

    fn with_users(store: SqlStore, mapper: Mapper, users: Option<Arc<dyn UserSource>>) -> Self {
        Self::made(store, mapper, users, LoginRequests::default())
    }

    fn limited(store: SqlStore, limits: LoginRequests) -> Self {
        Self::made(store, Mapper::default(), None, limits)
    }

    fn made(
        store: SqlStore,
        mapper: Mapper,
        users: Option<Arc<dyn UserSource>>,
        limits: LoginRequests,
    ) -> Self {
        let (clock, mapper) = (Arc::new(ManualClock::new(fixture_time())), Arc::new(mapper));
        let keyring = Keyring::ephemeral(&SystemRandom);
        let metadata = fixture("idp-metadata.xml");
        let connection =
            |id| Connection::from_metadata(id, metadata.as_bytes(), fixture_time()).unwrap();
        let saml = SamlLayer::builder(&store, &keyring, BASE, mapper.clone())
            .connection(connection("acme"))
            .connection(connection("other"))
            .clock(clock.clone())
            .random(Arc::new(FixtureRequest))
            .login_requests(limits)
            .build()
            .unwrap();
        let mut sessions =
            SessionLayer::new(&store, &keyring).clock(clock.clone()).without_sweeper();
        if let Some(users) = users {
            sessions = sessions.user_source(users);
        }
        let service =
            sessions.layer(saml.layer(tower::service_fn(who))).and_then(async |response| {
                let (parts, body) = Response::into_parts(response);
                let bytes = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
                Ok(Response::from_parts(parts, String::from_utf8(bytes.to_vec()).unwrap()))
            });
        Self { service: BoxCloneSyncService::new(service), clock, mapper }
    }

    async fn send(&self, request: http::request::Builder, body: String) -> Response<String> {
        self.service.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap()
    }

    async fn get(&self, path: &str, cookies: &str) -> Response<String> {
        self.send(Request::get(path).header(COOKIE, cookies), String::new()).await
    }

    /// Begins a login: the browser's cookie, and the relay state.
    async fn begin(&self) -> (String, String) {
        let response = self.get("/saml/acme/login?return_to=/after", "").await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{}", response.body());
        let location = url::Url::parse(response.headers()[LOCATION].to_str().unwrap()).unwrap();
        let relay_state = location.query_pairs().find(|(name, _)| name == "RelayState").unwrap().1;
        (cookie(&response), relay_state.into_owned())
    }

    /// Posts a response to the assertion consumer service, from another site: without cookies.
    async fn post(&self, path: &str, xml: &str, relay_state: &str) -> Response<String> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("SAMLResponse", &STANDARD.encode(xml))
            .append_pair("RelayState", relay_state)
            .finish();
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", "https://idp.example")
            .header("sec-fetch-site", "cross-site");
        self.send(request, form).await
    }

    /// The whole login with one of the fixtures; the answer to the last request.
    async fn log_in(&self, name: &str) -> Response<String> {
        let (browser, relay_state) = self.begin().await;
        let posted = self.post("/saml/acme/acs", &fixture(name), &relay_state).await;
        if posted.status() != StatusCode::SEE_OTHER {
            return posted;
        }
        self.get(&next(&posted), &browser).await
    }
}

async fn who(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let scope = request.extensions().get::<CurrentScope>().unwrap();
    let who = scope.account().map_or("nobody".to_owned(), |account| account.id().to_string());
    Ok(Response::new(Body::from(who)))
}

/// The path a response sends the browser to.
fn next(response: &Response<String>) -> String {
    let location = response.headers()[LOCATION].to_str().unwrap();
    location.strip_prefix(BASE).unwrap_or(location).to_owned()
}

fn cookie(response: &Response<String>) -> String {
    let set = response.headers()[SET_COOKIE].to_str().unwrap();
    assert!(set.starts_with("__Host-") && set.contains("; Secure"), "{set}");
    set.split(';').next().unwrap().to_owned()
}

/// The code on the error page.
fn code(response: &Response<String>) -> String {
    let page = response.body();
    let Some((_, rest)) = page.split_once("id=\"error\"") else {
        panic!("{} {page}", response.status())
    };
    rest.split_once('>').unwrap().1.split_once('<').unwrap().0.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_ends_in_the_session() {
    for database in databases().await {
        let app = App::new(&database).await;
        let done = app.log_in("assertion-signed.xml").await;
        assert_eq!(done.status(), StatusCode::SEE_OTHER, "{}", done.body());
        assert_eq!(next(&done), "/after");
        assert_eq!(app.get("/", &cookie(&done)).await.body(), "acme:alice@example.test");
        assert_eq!(*app.mapper.logins.lock().unwrap(), ["acme:alice@example.test"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_told_of_with_its_session_and_says_how_it_was_vouched_for() {
    for database in databases().await {
        let store = database.store().await;
        let app = App::with(store.clone(), Mapper::default());
        app.log_in("assertion-signed.xml").await;
        // A response that was used already logs nobody in, and is no login in the log either.
        app.log_in("assertion-signed.xml").await;
        let log = donjon::audit::AuditLog::new(&store);
        let told = log.query().action("session.log_in").newest(10).await.unwrap().entries;
        let user = UserId::new("acme:alice@example.test").unwrap();
        assert_eq!(told.len(), 1, "{}: {told:?}", database.name);
        assert_eq!((&told[0].user, &told[0].actor), (&Some(user.clone()), &Some(user.clone())));
        assert_eq!(told[0].subject.as_deref(), Some("acme"));
        assert_eq!(told[0].metadata["methods"], serde_json::json!(["fed"]));
        let sessions = store.sessions_of(&user, fixture_time()).await.unwrap();
        let class = sessions[0].login.as_ref().unwrap().authentication.context_class.clone();
        let expected = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
        assert_eq!(class.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn the_metadata_names_the_paths() {
    let app = App::new(&Database::sqlite()).await;
    let metadata = app.get("/saml/acme/metadata", "").await;
    assert_eq!(metadata.headers()["content-type"], "application/samlmetadata+xml");
    assert!(metadata.body().contains("entityID=\"https://sp.example/saml/acme/metadata\""));
    assert!(metadata.body().contains("Location=\"https://sp.example/saml/acme/acs\""));
    for missing in ["/saml/unknown/metadata", "/saml/unknown/login"] {
        let response = app.get(missing, "").await;
        assert_eq!(
            (response.status(), code(&response)),
            (StatusCode::NOT_FOUND, "connection_not_found".into())
        );
    }
    for passed_on in ["/saml/acme/else", "/saml/acme", "/saml", "/samlx/acme/login"] {
        assert_eq!(app.get(passed_on, "").await.body(), "nobody", "{passed_on}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_posts_of_one_response_are_one_login() {
    for database in databases().await {
        let app = Arc::new(App::new(&database).await);
        let (browser, relay_state) = app.begin().await;
        let mut race = tokio::task::JoinSet::new();
        for _ in 0..32 {
            let (app, browser, relay_state) = (app.clone(), browser.clone(), relay_state.clone());
            race.spawn(async move {
                let posted = app
                    .post("/saml/acme/acs", &fixture("assertion-signed.xml"), &relay_state)
                    .await;
                app.get(&next(&posted), &browser).await
            });
        }
        let responses = race.join_all().await;
        let won = responses.iter().filter(|r| r.status() == StatusCode::SEE_OTHER).count();
        assert_eq!(won, 1, "{}", database.name);
        for lost in responses.iter().filter(|r| r.status() != StatusCode::SEE_OTHER) {
            assert_eq!(code(lost), "replayed_assertion");
            assert!(!lost.headers().contains_key(SET_COOKIE));
        }
        assert_eq!(app.mapper.logins.lock().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_is_good_for_one_login_only() {
    for database in databases().await {
        let app = App::new(&database).await;
        assert_eq!(app.log_in("assertion-signed.xml").await.status(), StatusCode::SEE_OTHER);
        assert_eq!(code(&app.log_in("assertion-signed.xml").await), "replayed_assertion");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_logs_in_only_the_browser_that_asked() {
    for database in databases().await {
        let app = App::new(&database).await;
        let (_attacker, relay_state) = app.begin().await;
        let (victim, _) = app.begin().await;
        let xml = fixture("assertion-signed.xml");
        for browser in [victim.as_str(), "", "__Host-saml=x", &format!("{victim}; {victim}")] {
            let posted = app.post("/saml/acme/acs", &xml, &relay_state).await;
            let refused = app.get(&next(&posted), browser).await;
            assert_eq!(code(&refused), "browser_mismatch", "{browser:?}");
            assert!(!refused.headers().contains_key(SET_COOKIE));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_works_once_and_not_for_long() {
    for database in databases().await {
        let app = App::new(&database).await;
        let (browser, relay_state) = app.begin().await;
        let xml = fixture("assertion-signed.xml");
        let posted = app.post("/saml/acme/acs", &xml, &relay_state).await;
        app.clock.advance(Duration::minutes(1));
        assert_eq!(code(&app.get(&next(&posted), &browser).await), "request_intent_consumed");
        app.clock.advance(-Duration::minutes(1));
        let posted = app.post("/saml/acme/acs", &xml, &relay_state).await;
        assert_eq!(app.get(&next(&posted), "").await.status(), StatusCode::BAD_REQUEST);
        assert_eq!(code(&app.get(&next(&posted), &browser).await), "request_intent_consumed");
        for bad in ["/saml/acme/acs", "/saml/acme/acs?handle=x", "/saml/acme/acs?handle=a&handle=b"]
        {
            assert_eq!(app.get(bad, &browser).await.status(), StatusCode::BAD_REQUEST, "{bad}");
        }
        let posted = app.post("/saml/acme/acs", &xml, &relay_state).await;
        let elsewhere = next(&posted).replace("/acme/", "/other/");
        assert_eq!(code(&app.get(&elsewhere, &browser).await), "connection_binding_mismatch");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_asked_for_or_not_signed_is_refused_at_the_door() {
    let app = App::new(&Database::sqlite()).await;
    let (_, relay_state) = app.begin().await;
    let good = fixture("assertion-signed.xml");
    let (acme, other) = ("/saml/acme/acs", "/saml/other/acs");
    let unknown = format!("rs_{}", "A".repeat(43));
    let forged = good.replace("alice@example.test", "admin@example.test");
    for (path, xml, relay_state, expected) in [
        (acme, &good, unknown.as_str(), "request_intent_not_found"),
        (acme, &good, "https://evil.example/", "request_intent_not_found"),
        (acme, &good, "", "invalid_binding_payload"),
        (other, &good, relay_state.as_str(), "connection_binding_mismatch"),
        (acme, &forged, &relay_state, "digest_mismatch"),
        (acme, &String::new(), &relay_state, "invalid_binding_payload"),
        (acme, &"<x/>".to_owned(), &relay_state, "missing_protocol_field"),
        (acme, &fixture("response-signed.xml"), &relay_state, "missing_signature"),
        (acme, &fixture("error-signed.xml"), &relay_state, "unsupported_status"),
    ] {
        let refused = app.post(path, xml, relay_state).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
        assert_eq!(code(&refused), expected, "{path} {}", refused.body());
        assert!(!refused.body().contains("alice"), "nothing of the message is shown");
    }
    let long = "x".repeat(600_000);
    let flooded = app.post(acme, &long, &relay_state).await;
    assert_eq!(flooded.status(), StatusCode::PAYLOAD_TOO_LARGE);
    app.clock.advance(Duration::minutes(5));
    assert_eq!(code(&app.post(acme, &good, &relay_state).await), "request_intent_expired");
}

/// What one database keeps and another does not is no reason to fail.
#[tokio::test(flavor = "multi_thread")]
async fn no_text_is_too_odd_for_the_store() {
    for database in databases().await {
        let app = App::new(&database).await;
        let (browser, _) = app.begin().await;
        let good = fixture("assertion-signed.xml");
        for odd in ["\0", "rs_\0", "rs_a\0b", "\u{1}", "\u{fffe}"] {
            let refused = app.post("/saml/acme/acs", &good, odd).await;
            assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{odd:?}");
        }
        for path in [
            "/saml/acme/login?return_to=%00&prompt=%00",
            "/saml/acme/login?return_to=/%00",
            "/saml/acme/acs?handle=%00",
            "/saml/a%00/login",
            "/saml/%00/metadata",
        ] {
            let answer = app.get(path, &browser).await;
            assert!(answer.status().as_u16() < 500, "{path}: {}", answer.body());
        }
    }
}

#[tokio::test]
async fn the_host_may_refuse_and_must_have_a_session_layer() {
    let database = Database::sqlite();
    let mapper = Mapper { refuse: true, ..Mapper::default() };
    let app = App::with(database.store().await, mapper);
    let refused = app.log_in("assertion-signed.xml").await;
    assert_eq!((refused.status(), code(&refused)), (StatusCode::FORBIDDEN, "user_refused".into()));
    assert!(refused.body().contains("You have no account here."));
    assert!(!refused.headers().contains_key(SET_COOKIE));
}

/// A table of users that the mapper knows nothing of.
struct Table(Result<(), &'static str>);

#[async_trait::async_trait]
impl UserSource for Table {
    async fn load_user(&self, _: &UserId) -> Result<Option<Account>, UserSourceError> {
        self.0?;
        Ok(None)
    }
}

#[tokio::test]
async fn whom_the_hosts_own_table_does_not_know_is_not_let_in() {
    for (table, status, expected) in [
        (Table(Ok(())), StatusCode::FORBIDDEN, "user_gone"),
        (Table(Err("locked")), StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
    ] {
        let store = Database::sqlite().store().await;
        let app = App::with_users(store, Mapper::default(), Some(Arc::new(table)));
        let refused = app.log_in("assertion-signed.xml").await;
        assert_eq!((refused.status(), code(&refused)), (status, expected.into()));
        assert!(!refused.headers().contains_key(SET_COOKIE));
    }
}

#[tokio::test]
async fn return_to_stays_on_this_host() {
    let app = App::new(&Database::sqlite()).await;
    for evil in ["https://evil.example/", "//evil.example", "/\\evil.example"] {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("return_to", evil)
            .finish();
        let begun = app.get(&format!("/saml/acme/login?{query}"), "").await;
        let location = url::Url::parse(begun.headers()[LOCATION].to_str().unwrap()).unwrap();
        let relay_state = location.query_pairs().find(|(n, _)| n == "RelayState").unwrap().1;
        let xml = fixture("assertion-signed.xml");
        let posted = app.post("/saml/acme/acs", &xml, &relay_state).await;
        let done = app.get(&next(&posted), &cookie(&begun)).await;
        if done.status() == StatusCode::SEE_OTHER {
            assert_eq!(next(&done), "/", "{evil}");
        } else {
            assert_eq!(code(&done), "replayed_assertion", "the one assertion there is was used");
        }
    }
}

#[tokio::test]
async fn who_is_logged_in_is_asked_to_prove_it_anew() {
    let app = App::new(&Database::sqlite()).await;
    let done = app.log_in("assertion-signed.xml").await;
    for (cookies, forced) in [("", false), (cookie(&done).as_str(), true)] {
        let response = app.get("/saml/acme/login", cookies).await;
        let location = url::Url::parse(response.headers()[LOCATION].to_str().unwrap()).unwrap();
        let request = location.query_pairs().find(|(n, _)| n == "SAMLRequest").unwrap().1;
        let deflated = STANDARD.decode(request.as_bytes()).unwrap();
        let mut xml = String::new();
        std::io::Read::read_to_string(
            &mut flate2::read::DeflateDecoder::new(&deflated[..]),
            &mut xml,
        )
        .unwrap();
        assert_eq!(xml.contains("ForceAuthn=\"true\""), forced, "{xml}");
    }
}

/// What another party vouches for: a login of an hour ago, for ten minutes more.
async fn vouched(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let session = request.extensions().get::<donjon::session::Session>().unwrap().clone();
    if request.uri().path() == "/login" {
        let account = Account::new(UserId::new("ann").unwrap());
        let proof = donjon::session::Proof::by([donjon::scope::Method::FEDERATED])
            .proven_at(fixture_time() - Duration::hours(1))
            .ends_at(Some(fixture_time() + Duration::minutes(10)));
        let scope = session.log_in(account, proof).await.unwrap();
        let authentication = scope.authentication().unwrap();
        assert_eq!(authentication.at, fixture_time() - Duration::hours(1));
        assert!(authentication.fresh_until.unwrap() < fixture_time(), "nobody proved it just now");
    }
    who(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_as_old_and_ends_as_early_as_its_voucher_says() {
    for database in databases().await {
        let clock = Arc::new(ManualClock::new(fixture_time()));
        let store = database.store().await;
        let keyring = Keyring::ephemeral(&SystemRandom);
        let sessions = SessionLayer::new(&store, &keyring).clock(clock.clone()).without_sweeper();
        let service = sessions.layer(tower::service_fn(vouched));
        let send = |path: &str, cookie: &str| {
            let request = Request::get(path).header(COOKIE, cookie).body(Body::empty()).unwrap();
            service.clone().oneshot(request)
        };
        let response = send("/login", "").await.unwrap();
        let set = response.headers()[SET_COOKIE].to_str().unwrap().to_owned();
        let cookie = set.split(';').next().unwrap();
        for (advance, expected) in [
            (Duration::ZERO, "ann"),
            (Duration::minutes(9), "ann"),
            (Duration::minutes(1), "nobody"),
        ] {
            clock.advance(advance);
            let body = send("/", cookie).await.unwrap().into_body();
            let bytes = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
            assert_eq!(bytes, expected, "{}: {advance}", database.name);
        }
    }
}
