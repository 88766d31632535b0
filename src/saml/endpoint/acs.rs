use bytes::Bytes;
use http::{Request, Response};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::login::RELAY_STATE_PREFIX;
use crate::audit::{Action, AuditActor, AuditEntry, Entry};
use crate::crypto::{OpaqueToken, Purpose, RandomExt as _, TokenHash};
use crate::http::{Body, Form, respond};
use crate::saml::browser::BrowserBinding;
use crate::saml::protocol::{ExpectedResponse, LoginFacts, validate_response};
use crate::saml::service_provider::ServiceProvider;
use crate::saml::{Connection, LoginError, SamlLogin};
use crate::scope::{Method, UserId};
use crate::session::{Proof, Session};
use crate::store::{AssertionUse, Effects, LoginIntent, ParkedMessage};

const PARKED: Purpose = Purpose::new("saml/parked response");
/// How long a browser may take to follow one redirect.
const PARKED_FOR: Duration = Duration::minutes(1);

/// A response that waits for its browser.
#[derive(Serialize, Deserialize)]
struct Parked {
    saml_response: String,
    relay_state: String,
}

/// `POST /saml/{connection}/acs`: takes a response from wherever the browser brings it
/// (Bindings 3.5). The post comes from another site, so that our cookies are not with it; a good
/// response is kept, and the browser sent on to fetch the result as itself. What is not good is
/// refused at once, and never stored.
pub(in crate::saml) async fn receive(
    provider: &ServiceProvider,
    connection: &Connection,
    request: &Request<Bytes>,
) -> Result<Response<Body>, LoginError> {
    let form = Form::of_body(request.headers(), request.body())?;
    let parked = Parked {
        saml_response: form.require("SAMLResponse")?.to_owned(),
        relay_state: form.require("RelayState")?.to_owned(),
    };
    let now = provider.clock.now();
    let intent = load_intent(provider, connection, &parked, now).await?;
    validate(provider, connection, &intent, &parked, now)?;

    let handle = provider.random.token();
    let context = handle.hash();
    let plain =
        serde_json::to_vec(&parked).map_err(|error| LoginError::Unavailable(error.into()))?;
    let random = provider.random.as_ref();
    let message = provider.keyring.seal(random, PARKED, context.as_bytes(), &plain);
    let message = ParkedMessage { handle: context, message, expires_at: now + PARKED_FOR };
    provider.store.park_message(&message).await?;
    let acs = provider.acs_url(connection);
    Ok(respond::see_other(&format!("{acs}?handle={}", handle.expose())))
}

/// `GET /saml/{connection}/acs?handle=…`: logs in. The response is used up, the host says who it
/// is, and the session is written.
pub(in crate::saml) async fn complete(
    provider: &ServiceProvider,
    connection: &Connection,
    request: &Request<Bytes>,
) -> Result<Response<Body>, LoginError> {
    let session = request.extensions().get::<Session>().ok_or(LoginError::NoSessionLayer)?;
    let now = provider.clock.now();
    let parked = take(provider, request, now).await?;
    let intent = load_intent(provider, connection, &parked, now).await?;
    check_browser(provider, &intent, request)?;
    let facts = validate(provider, connection, &intent, &parked, now)?;
    consume(provider, connection, &intent, &facts, now).await?;

    let login = SamlLogin::new(&connection.id, &facts);
    let account = provider.mapper.map_user(login).await?;
    let mut proof = Proof::by([Method::FEDERATED])
        .through(provider.login_path(connection))
        .proven_at(facts.authenticated_at(intent.forced_at, connection.clock_skew, now))
        .ends_at(facts.session_ends_at(connection.clock_skew));
    if let Some(class) = &facts.authn_context {
        proof = proof.with_context_class(class);
    }
    let along = Effects::from(entry(provider, connection, session, account.id(), now));
    session.log_in_along(account, proof, along.clone()).await?;
    along.announce();
    Ok(respond::see_other(&intent.return_to))
}

/// What the audit log tells of the login.
fn entry(
    provider: &ServiceProvider,
    connection: &Connection,
    session: &Session,
    user: &UserId,
    now: OffsetDateTime,
) -> AuditEntry {
    let device = session.device();
    let entry = Entry::new(Action::LOG_IN).by(AuditActor::User(user.clone())).about(user);
    let entry = entry.to("saml_connection", &connection.id);
    let entry = entry.with("methods", vec![Method::FEDERATED.as_str()]);
    let entry = entry.from(device.address, device.user_agent.as_deref());
    entry.at(now, &*provider.random)
}

async fn take(
    provider: &ServiceProvider,
    request: &Request<Bytes>,
    now: OffsetDateTime,
) -> Result<Parked, LoginError> {
    let query = Form::of_query(request.uri())?;
    let handle = OpaqueToken::parse(query.require("handle")?).ok_or(LoginError::IntentNotFound)?;
    let handle = handle.hash();
    let taken = provider.store.take_message(&handle, now).await?;
    let taken = taken.ok_or(LoginError::IntentConsumed)?;
    let plain = provider.keyring.open(PARKED, handle.as_bytes(), &taken.message);
    let plain = plain.map_err(|error| LoginError::Unavailable(error.into()))?;
    serde_json::from_slice(&plain).map_err(|error| LoginError::Unavailable(error.into()))
}

/// The intent that the relay state names, if it is this connection's and still open.
async fn load_intent(
    provider: &ServiceProvider,
    connection: &Connection,
    parked: &Parked,
    now: OffsetDateTime,
) -> Result<LoginIntent, LoginError> {
    let handle = parked.relay_state.strip_prefix(RELAY_STATE_PREFIX).and_then(OpaqueToken::parse);
    let handle = handle.ok_or(LoginError::IntentNotFound)?.hash();
    let intent = provider.store.load_intent(&handle).await?.ok_or(LoginError::IntentNotFound)?;
    if intent.connection_id != connection.id {
        return Err(LoginError::ConnectionMismatch);
    }
    if now >= intent.expires_at {
        return Err(LoginError::IntentExpired);
    }
    Ok(intent)
}

fn check_browser(
    provider: &ServiceProvider,
    intent: &LoginIntent,
    request: &Request<Bytes>,
) -> Result<(), LoginError> {
    let binding = BrowserBinding::of(provider.cookies, request.headers());
    let same = binding.is_some_and(|binding| binding.is(&intent.browser));
    if same { Ok(()) } else { Err(LoginError::BrowserMismatch) }
}

fn validate(
    provider: &ServiceProvider,
    connection: &Connection,
    intent: &LoginIntent,
    parked: &Parked,
    now: OffsetDateTime,
) -> Result<LoginFacts, LoginError> {
    let expected = ExpectedResponse {
        request_id: Some(&intent.request_id),
        acs_url: &provider.acs_url(connection),
        sp_entity_id: &provider.entity_id(connection),
        idp_entity_id: &connection.idp_entity_id,
        certificates: &connection.certificates,
        signature_policy: connection.signature_policy,
        clock_skew: connection.clock_skew,
    };
    Ok(validate_response(parked.saml_response.as_bytes(), &expected, now)?)
}

/// Uses up request, response and assertion in one transition.
async fn consume(
    provider: &ServiceProvider,
    connection: &Connection,
    intent: &LoginIntent,
    facts: &LoginFacts,
    now: OffsetDateTime,
) -> Result<(), LoginError> {
    let key = |kind: &str, id: &str| {
        TokenHash::of([kind, &connection.id, &facts.issuer, id].join("\0").as_bytes())
    };
    let assertion = Some(key("assertion", &facts.assertion_id));
    let response = facts.response_id.as_deref().map(|id| key("response", id));
    let used = AssertionUse {
        relay_state: intent.relay_state,
        replay_keys: assertion.into_iter().chain(response).collect(),
        keep_until: facts.replay_until(now, connection.clock_skew),
    };
    LoginError::of_consumption(provider.store.consume_assertion(&used, now).await?)
}
