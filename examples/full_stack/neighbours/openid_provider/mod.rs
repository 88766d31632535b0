//! "Lantern", where people who work nowhere in particular have accounts: an OpenID Provider that the
//! host's users may come from. What it tells servers, it tells over TLS; where it shows pages, it is
//! on this machine, as all of the demo is.

mod pages;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Form, Query, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{BoxError, Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use self::token::Signer;
use super::random;
use super::tls::Identity;

/// Where people see it: `http://127.0.0.1:3003`.
pub(crate) const PORT: u16 = 3003;
/// Where servers find it.
pub(crate) const ISSUER: &str = "https://localhost:3443";
const TLS_PORT: u16 = 3443;
/// What the host is called there.
pub(crate) const CLIENT: &str = "donjon-demo";
/// Codes that nobody came for are forgotten.
const MOST_CODES: usize = 100;

/// Somebody who has an account there.
struct Person {
    id: &'static str,
    name: &'static str,
    email: &'static str,
}

const PEOPLE: [Person; 2] = [
    Person { id: "nora", name: "Nora Field", email: "nora@lantern.example" },
    Person { id: "otto", name: "Otto Bell", email: "otto@lantern.example" },
];

/// What the host registered there.
pub(crate) struct Registration {
    pub(crate) secret: String,
    pub(crate) redirect_uri: String,
}

struct Provider {
    registration: Registration,
    signer: Signer,
    codes: Mutex<HashMap<String, Grant>>,
}

/// What a code stands for.
struct Grant {
    person: &'static Person,
    request: Request,
}

/// What comes by the browser (OpenID Connect Core, section 3.1.2.1), as far as it matters here.
#[derive(Clone, Deserialize, Serialize)]
struct Request {
    client_id: String,
    redirect_uri: String,
    state: String,
    nonce: String,
    code_challenge: String,
    code_challenge_method: String,
}

/// Who is at the browser, and what they came with.
#[derive(Deserialize)]
struct Choice {
    person: String,
    #[serde(flatten)]
    request: Request,
}

/// What comes from the host's server (RFC 6749, section 4.1.3).
#[derive(Deserialize)]
struct Redemption {
    code: String,
    redirect_uri: String,
    code_verifier: String,
}

/// Starts it, for one application.
pub(crate) async fn start(identity: &Identity, registration: Registration) -> Result<(), BoxError> {
    let signer = Signer::generate()?;
    let provider = Arc::new(Provider { registration, signer, codes: Mutex::default() });
    let pages = Router::new()
        .route("/", get(async || pages::welcome()))
        .route("/authorize", get(authorize).post(choose))
        .with_state(Arc::clone(&provider));
    let servers = Router::new()
        .route("/.well-known/openid-configuration", get(async || Json(metadata())))
        .route("/keys", get(keys))
        .route("/token", post(redeem))
        .with_state(provider);
    super::serve(PORT, pages).await?;
    Ok(identity.serve(TLS_PORT, servers).await?)
}

fn metadata() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": format!("http://127.0.0.1:{PORT}/authorize"),
        "token_endpoint": format!("{ISSUER}/token"),
        "jwks_uri": format!("{ISSUER}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "authorization_response_iss_parameter_supported": true,
    })
}

async fn keys(State(provider): State<Arc<Provider>>) -> Json<Value> {
    Json(provider.signer.jwks())
}

/// A browser has come with a request: asks who is at it.
async fn authorize(
    State(provider): State<Arc<Provider>>,
    Query(request): Query<Request>,
) -> Response {
    if provider.knows(&request) { pages::who_are_you(&request) } else { pages::refused() }
}

/// Somebody has been chosen: sends the browser back with a code.
async fn choose(State(provider): State<Arc<Provider>>, Form(choice): Form<Choice>) -> Response {
    let person = PEOPLE.iter().find(|person| person.id == choice.person);
    let (Some(person), true) = (person, provider.knows(&choice.request)) else {
        return pages::refused();
    };
    let Ok(mut back) = Url::parse(&choice.request.redirect_uri) else { return pages::refused() };
    let code = random::token();
    back.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", &choice.request.state)
        .append_pair("iss", ISSUER);
    let mut codes = provider.codes.lock().unwrap_or_else(PoisonError::into_inner);
    if codes.len() >= MOST_CODES {
        codes.clear();
    }
    codes.insert(code, Grant { person, request: choice.request });
    (StatusCode::SEE_OTHER, [(LOCATION, String::from(back))]).into_response()
}

/// The host's server brings the code: once, with its secret and the verifier.
async fn redeem(
    State(provider): State<Arc<Provider>>,
    headers: HeaderMap,
    Form(redemption): Form<Redemption>,
) -> Response {
    let error = |error| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    if !token::is_client(&headers, &provider.registration.secret) {
        let body = Json(json!({ "error": "invalid_client" }));
        return (StatusCode::UNAUTHORIZED, body).into_response();
    }
    let mut codes = provider.codes.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(Grant { person, request }) = codes.remove(&redemption.code) else {
        return error("invalid_grant");
    };
    let proven = token::challenge(&redemption.code_verifier) == request.code_challenge;
    if !proven || redemption.redirect_uri != request.redirect_uri {
        return error("invalid_grant");
    }
    match provider.signer.id_token(person, &request.nonce) {
        Ok(id_token) => Json(json!({
            "access_token": random::token(),
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": id_token,
        }))
        .into_response(),
        Err(fault) => {
            tracing::error!(%fault, "an ID token could not be signed");
            error("server_error")
        }
    }
}

impl Provider {
    /// Whether a request is of the application that is registered, and goes back to it.
    fn knows(&self, request: &Request) -> bool {
        request.client_id == CLIENT
            && request.redirect_uri == self.registration.redirect_uri
            && request.code_challenge_method == "S256"
    }
}
