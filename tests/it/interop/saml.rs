//! PyPI `pysaml2` and xmlsec1 as a customer's identity provider.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::agent::{self, Agent, Answer};
use super::host::{Client, Host, Setting, USER};
use super::trip;
use crate::support::database::databases;
use crate::support::{process, tools};

const LIMIT: Duration = Duration::from_secs(60);
const EMPLOYEE: &str = "bob@example.test";

/// The identity provider's files: its key, and the metadata that the host is given.
struct IdentityProvider {
    folder: TempDir,
}

impl IdentityProvider {
    async fn new() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let names = json!({
            "entity_id": "http://localhost:9/metadata",
            "sso_url": "http://localhost:9/sso",
        });
        run(folder.path(), "metadata", &names).await?;
        Some(Self { folder })
    }

    /// The form that answers the login request in `location`.
    async fn respond(&self, host: &Host, location: &Answer, user: &str, knobs: Value) -> Value {
        let metadata = Agent::default().get(&host.url("/saml/acme/metadata")).await;
        assert_eq!(metadata.status, 200, "{metadata}");
        let mut request = json!({
            "location": location.location().unwrap().as_str(),
            "sp_metadata": metadata.body,
            "user": user,
            "attributes": {"mail": [user], "displayName": ["Bob & <Co>"], "givenName": ["Bob"]},
        });
        request.as_object_mut().unwrap().extend(knobs.as_object().unwrap().clone());
        run(self.folder.path(), "respond", &request).await.unwrap()
    }
}

async fn run(folder: &Path, command: &str, input: &Value) -> Option<Value> {
    let mut python = tools::python("saml/idp.py")?;
    python.arg(folder).arg(command);
    Some(process::run(python, input, LIMIT).await)
}

/// Goes to the identity provider and comes back with its answer to the assertion consumer.
async fn attempt(
    agent: &mut Agent,
    host: &Host,
    idp: &IdentityProvider,
    user: &str,
    knobs: Value,
) -> (Value, Answer) {
    let away = agent.get(&host.url("/saml/acme/login")).await;
    assert!(away.location().unwrap().as_str().starts_with("http://localhost:9/sso"), "{away}");
    let form = idp.respond(host, &away, user, knobs).await;
    let answer = post(agent, host, &form).await;
    (form, answer)
}

/// The cross-site POST of the identity provider's page, and what the browser sees in the end.
async fn post(agent: &mut Agent, host: &Host, form: &Value) -> Answer {
    assert_eq!(form["action"], host.url("/saml/acme/acs"));
    let fields = form["fields"].as_object().unwrap().iter();
    let fields: Vec<_> =
        fields.map(|(name, value)| (name.clone(), value.as_str().unwrap().into())).collect();
    let elsewhere = "http://localhost:9/sso".parse().unwrap();
    let answer = agent.post(&elsewhere, form["action"].as_str().unwrap(), &fields).await;
    agent.follow(answer, "never").await
}

async fn subject_of_session(agent: &mut Agent, host: &Host, client: &Client) -> String {
    let at = trip::open(agent, &host.base, client).await;
    assert!(!at.has("password"), "not logged in: {at}");
    let code = trip::code(agent, at).await;
    let tokens = trip::redeem(host, client, &code).await;
    trip::subject(host, &tokens).await
}

#[tokio::test]
async fn a_login_signed_by_pysaml2_leads_to_the_same_subject_each_time() {
    let Some(idp) = IdentityProvider::new().await else { return };
    let client = Client::confidential("app", "client_secret_basic");
    for database in databases().await {
        let host = host(&database.url, &client, &idp).await;
        let mut subjects = Vec::new();
        for sign in [json!(["assertion"]), json!(["assertion", "response"])] {
            let mut agent = Agent::default();
            let knobs = json!({"sign": sign});
            let (_, page) = attempt(&mut agent, &host, &idp, EMPLOYEE, knobs).await;
            assert_eq!(page.status, 200, "signed {sign} on {}: {page}", database.name);
            subjects.push(subject_of_session(&mut agent, &host, &client).await);
        }
        subjects.dedup();
        assert_eq!(subjects.len(), 1, "{subjects:?}");

        let other = by_saml(&host, &idp, &client, "carol@example.test").await;
        assert_ne!(other, subjects[0], "two people are one");
    }
}

#[tokio::test]
async fn the_trip_of_an_application_goes_on_after_a_saml_login() {
    let Some(idp) = IdentityProvider::new().await else { return };
    let client = Client::confidential("app", "client_secret_basic");
    for database in databases().await {
        let host = host(&database.url, &client, &idp).await;
        let mut agent = Agent::default();
        let login = trip::open(&mut agent, &host.base, &client).await;
        assert!(login.has("password"), "{login}");

        let door = login.link("Log in with acme");
        let away = agent.get(door.as_str()).await;
        let form = idp.respond(&host, &away, EMPLOYEE, json!({})).await;
        let consent = post(&mut agent, &host, &form).await;
        assert!(consent.has("approve"), "on {}: {consent}", database.name);
        assert!(consent.body.contains(EMPLOYEE), "{consent}");

        let code = trip::code(&mut agent, consent).await;
        let tokens = trip::redeem(&host, &client, &code).await;
        let subject = trip::subject(&host, &tokens).await;
        assert_eq!(by_saml(&host, &idp, &client, EMPLOYEE).await, subject);
    }
}

#[tokio::test]
async fn password_and_saml_lead_to_the_same_subject() {
    let Some(idp) = IdentityProvider::new().await else { return };
    let client = Client::confidential("app", "client_secret_basic");
    for database in databases().await {
        let host = host(&database.url, &client, &idp).await;
        let mut agent = Agent::default();
        let page = trip::open(&mut agent, &host.base, &client).await;
        let page = trip::log_in(&mut agent, &page).await;
        let code = trip::code(&mut agent, page).await;
        let tokens = trip::redeem(&host, &client, &code).await;
        let by_password = trip::subject(&host, &tokens).await;
        assert_eq!(by_saml(&host, &idp, &client, USER.email).await, by_password);
    }
}

#[tokio::test]
async fn an_address_in_other_hands_does_not_open_the_account() {
    let Some(idp) = IdentityProvider::new().await else { return };
    let client = Client::confidential("app", "client_secret_basic");
    let knobs = json!({
        "name_id_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        "attributes": {"mail": [USER.email]},
    });
    for database in databases().await {
        let host = host(&database.url, &client, &idp).await;
        let attempt = async |name: &str| {
            let mut agent = Agent::default();
            let (_, page) = attempt(&mut agent, &host, &idp, name, knobs.clone()).await;
            (agent, page)
        };
        let (mut alice, page) = attempt("employee 1").await;
        assert_eq!(page.status, 200, "on {}: {page}", database.name);
        let subject = subject_of_session(&mut alice, &host, &client).await;

        let (mut mallory, page) = attempt("employee 2").await;
        assert_eq!(page.status, 403, "on {}: {page}", database.name);
        assert!(page.body.contains("another name at your identity provider"), "{page}");
        assert!(trip::open(&mut mallory, &host.base, &client).await.has("password"));

        let (mut alice, _) = attempt("employee 1").await;
        let at = trip::open(&mut alice, &host.base, &client).await;
        let code = trip::code(&mut alice, at).await;
        let tokens = trip::redeem(&host, &client, &code).await;
        assert_eq!(trip::subject(&host, &tokens).await, subject);
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let url = host.url("/oauth/userinfo");
        let told = agent::call(http::Method::GET, host.port, &url, &bearer, &[]).await;
        assert_eq!(told.json()["email"], USER.email, "{told}");
        assert!(!told.body.contains("employee 1"), "a client learns of the link: {told}");
    }
}

#[tokio::test]
async fn what_the_identity_provider_must_not_say() {
    let Some(idp) = IdentityProvider::new().await else { return };
    let client = Client::confidential("app", "client_secret_basic");
    let host = host("sqlite::memory:", &client, &idp).await;
    for (what, knobs) in [
        ("nothing is signed", json!({"sign": []})),
        ("only the response is signed", json!({"sign": ["response"]})),
        ("answers another request", json!({"in_response_to": "_another"})),
        ("for another audience", json!({"audience": "http://another.test/metadata"})),
        ("for another place", json!({"destination": "http://another.test/acs"})),
    ] {
        let mut agent = Agent::default();
        let (_, page) = attempt(&mut agent, &host, &idp, EMPLOYEE, knobs).await;
        assert!(page.status.is_client_error(), "{what}: {page}");
        let at = trip::open(&mut agent, &host.base, &client).await;
        assert!(at.has("password"), "{what}: logged in");
    }
}

#[tokio::test]
async fn a_response_is_good_once_and_in_its_own_browser() {
    let Some(idp) = IdentityProvider::new().await else { return };
    let client = Client::confidential("app", "client_secret_basic");
    let host = host("sqlite::memory:", &client, &idp).await;

    let mut agent = Agent::default();
    let (form, page) = attempt(&mut agent, &host, &idp, EMPLOYEE, json!({})).await;
    assert_eq!(page.status, 200, "{page}");
    let mut thief = Agent::default();
    let again = post(&mut thief, &host, &form).await;
    assert!(again.status.is_client_error(), "replayed: {again}");

    let mut victim = Agent::default();
    let away = Agent::default().get(&host.url("/saml/acme/login")).await;
    let attackers = idp.respond(&host, &away, "mallory@example.test", json!({})).await;
    let planted = post(&mut victim, &host, &attackers).await;
    assert!(planted.status.is_client_error(), "another browser's login: {planted}");
    assert!(trip::open(&mut victim, &host.base, &client).await.has("password"));
}

async fn host(database_url: &str, client: &Client, idp: &IdentityProvider) -> Host {
    Host::start(Setting {
        database_url,
        clients: std::slice::from_ref(client),
        idp_metadata: Some(idp.folder.path().join("idp.xml")),
        ..Setting::default()
    })
    .await
}

async fn by_saml(host: &Host, idp: &IdentityProvider, client: &Client, user: &str) -> String {
    let mut agent = Agent::default();
    let (_, page) = attempt(&mut agent, host, idp, user, json!({})).await;
    assert_eq!(page.status, 200, "{page}");
    subject_of_session(&mut agent, host, client).await
}
