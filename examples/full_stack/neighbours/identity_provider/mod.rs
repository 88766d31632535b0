//! "Acme", a demo SAML identity provider: shows who works there, and vouches for whom you click.
//! It shares no code with the library, so that the two cannot agree on a mistake.

mod directory;
mod exchange;
mod pages;
mod response;
mod signer;
mod xml;

use std::io;
use std::sync::Arc;

use axum::extract::{Form, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{BoxError, Router};
use serde::{Deserialize, Serialize};

use self::exchange::{LoginRequest, ServiceProvider};
use self::signer::Signer;
use super::http::Http;

/// Where it listens: `http://127.0.0.1:3002`.
pub(crate) const PORT: u16 = 3002;
/// Its name, and where its metadata is.
pub(crate) const ENTITY_ID: &str = "http://127.0.0.1:3002/metadata";
const SSO_URL: &str = "http://127.0.0.1:3002/sso";

struct IdentityProvider {
    signer: Signer,
    http: Http,
    application: Application,
}

/// What Acme's administrator wrote down of the one application they use.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) name: String,
    /// Where its metadata is published.
    pub(crate) metadata: String,
}

/// The query of the HTTP-Redirect binding (SAML Bindings, section 3.4).
#[derive(Deserialize, Serialize)]
struct SsoQuery {
    #[serde(rename = "SAMLRequest")]
    request: String,
    #[serde(rename = "RelayState", default)]
    relay_state: String,
}

/// The form of the page that asks who you are.
#[derive(Deserialize)]
struct Choice {
    user: String,
    #[serde(flatten)]
    query: SsoQuery,
}

/// Starts it, with a fresh key, for one application. Returns its own metadata.
pub(crate) async fn start(application: Application) -> io::Result<String> {
    let signer = Signer::generate().map_err(io::Error::other)?;
    let metadata = exchange::metadata(&signer.certificate);
    let published = metadata.clone();
    let state = IdentityProvider { signer, http: Http::new(), application };
    let app = Router::new()
        .route("/", get(async || pages::welcome()))
        .route(
            "/metadata",
            get(async || ([(CONTENT_TYPE, "application/samlmetadata+xml")], published)),
        )
        .route("/sso", get(ask))
        .route("/sso/login", post(answer))
        .with_state(Arc::new(state));
    super::serve(PORT, app).await?;
    Ok(metadata)
}

/// A login request has come: asks who is at the browser.
async fn ask(
    State(state): State<Arc<IdentityProvider>>,
    Query(query): Query<SsoQuery>,
) -> Response {
    match state.read(&query).await {
        Ok(_) => pages::who_are_you(&query, &state.application.name),
        Err(error) => pages::refused(&error.to_string()),
    }
}

/// Somebody has been chosen: signs a response, which the browser takes to the application.
async fn answer(
    State(state): State<Arc<IdentityProvider>>,
    Form(choice): Form<Choice>,
) -> Response {
    let Some(employee) = directory::find(&choice.user) else {
        return pages::refused("Nobody of that name works here.");
    };
    let signed = async {
        let (request, application) = state.read(&choice.query).await?;
        let response = response::sign(&state.signer, employee, &request, &application)?;
        Ok::<_, BoxError>((response, application))
    };
    match signed.await {
        Ok((response, application)) => {
            pages::carry_on(employee, &application.acs_url, &response, &choice.query.relay_state)
        }
        Err(error) => pages::refused(&error.to_string()).into_response(),
    }
}

impl IdentityProvider {
    /// Reads a login request, which must be of the application it serves.
    async fn read(&self, query: &SsoQuery) -> Result<(LoginRequest, ServiceProvider), BoxError> {
        let request = LoginRequest::read(&query.request)?;
        let metadata = self.http.get(&self.application.metadata).await?;
        let application = ServiceProvider::read(&metadata)?;
        if request.issuer != application.entity_id {
            return Err(format!("No application called {:?} is known here.", request.issuer).into());
        }
        if request.acs_url.as_ref().is_some_and(|url| *url != application.acs_url) {
            return Err(
                "The request wants the answer at an address that was not registered.".into()
            );
        }
        Ok((request, application))
    }
}

#[cfg(test)]
pub(crate) mod tests;
