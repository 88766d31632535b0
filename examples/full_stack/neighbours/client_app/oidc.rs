//! The client's side of OpenID Connect: begin, come back, verify, call.

use aws_lc_rs::digest;
use axum::BoxError;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::login::{Callback, Claims, LoggedIn, LoginError, PendingLogin};
use super::{REDIRECT_URI, Registration, id_token};
use crate::neighbours::http::Http;

const SCOPE: &str = "openid profile email api:read";

/// The provider, as its client sees it.
pub(super) struct Provider {
    http: Http,
    registration: Registration,
}

/// What is published at `/.well-known/openid-configuration`.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    id_token: String,
}

/// What the API answered.
pub(super) struct ApiAnswer {
    pub(super) status: StatusCode,
    pub(super) challenge: Option<String>,
    pub(super) body: String,
}

impl Provider {
    pub(super) fn new(registration: Registration) -> Self {
        Self { http: Http::new(), registration }
    }

    /// The address to send the browser to, and what to keep meanwhile.
    pub(super) async fn begin_login(&self) -> Result<(String, PendingLogin), LoginError> {
        let metadata = self.discover().await?;
        let pending = PendingLogin::new();
        let challenge = digest::digest(&digest::SHA256, pending.verifier.as_bytes());
        let mut url = Url::parse(&metadata.authorization_endpoint).map_err(BoxError::from)?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.registration.client_id)
            .append_pair("redirect_uri", REDIRECT_URI)
            .append_pair("scope", SCOPE)
            .append_pair("state", &pending.state)
            .append_pair("nonce", &pending.nonce)
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(challenge))
            .append_pair("code_challenge_method", "S256");
        Ok((url.into(), pending))
    }

    /// Redeems what the browser brought back, and verifies who the user is.
    pub(super) async fn finish_login(
        &self,
        pending: &PendingLogin,
        callback: Callback,
    ) -> Result<LoggedIn, LoginError> {
        if callback.state.as_ref() != Some(&pending.state) {
            return Err(LoginError::WrongState);
        }
        if callback.iss.as_ref() != Some(&self.registration.issuer) {
            return Err(LoginError::WrongIssuer);
        }
        if let Some(error) = callback.error {
            let description = callback.error_description.unwrap_or_default();
            return Err(LoginError::Refused { error, description });
        }
        let code = callback.code.ok_or(LoginError::NoCode)?;
        let metadata = self.discover().await?;
        let tokens = self.redeem(&metadata, &code, &pending.verifier).await?;
        let keys = self.http.get(&metadata.jwks_uri).await?;
        let id_token =
            id_token::verify(&tokens.id_token, &keys, &self.registration, &pending.nonce)?;
        let userinfo = self.userinfo(&metadata, &tokens.access_token).await?;
        if userinfo.get("sub") != id_token.get("sub") {
            return Err(LoginError::WrongSubject);
        }
        Ok(LoggedIn { id_token, userinfo, access_token: tokens.access_token })
    }

    /// OpenID Connect Core, section 5.3.
    async fn userinfo(
        &self,
        metadata: &Metadata,
        access_token: &str,
    ) -> Result<Claims, LoginError> {
        let request = Request::get(&metadata.userinfo_endpoint)
            .header(AUTHORIZATION, format!("Bearer {access_token}"));
        match self.http.send(request, String::new()).await? {
            (StatusCode::OK, _, body) => Ok(serde_json::from_slice(&body).map_err(BoxError::from)?),
            (status, ..) => Err(BoxError::from(format!("userinfo answered {status}")).into()),
        }
    }

    /// `GET /api/me` in the user's name.
    pub(super) async fn call_api(&self, user: &LoggedIn) -> ApiAnswer {
        let request = Request::get(format!("{}/api/me", self.registration.issuer))
            .header(AUTHORIZATION, format!("Bearer {}", user.access_token));
        match self.http.send(request, String::new()).await {
            Ok((status, headers, body)) => ApiAnswer {
                status,
                challenge: headers
                    .get(WWW_AUTHENTICATE)
                    .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
                body: indented(&body),
            },
            Err(error) => ApiAnswer {
                status: StatusCode::BAD_GATEWAY,
                challenge: None,
                body: error.to_string(),
            },
        }
    }

    /// OpenID Connect Discovery, section 4.3: the document must be of the issuer asked.
    async fn discover(&self) -> Result<Metadata, LoginError> {
        let url = format!("{}/.well-known/openid-configuration", self.registration.issuer);
        let metadata: Metadata =
            serde_json::from_slice(&self.http.get(&url).await?).map_err(BoxError::from)?;
        if metadata.issuer != self.registration.issuer {
            return Err(LoginError::WrongIssuer);
        }
        Ok(metadata)
    }

    /// RFC 6749, section 4.1.3, with `client_secret_basic` (section 2.3.1) and PKCE (RFC 7636).
    async fn redeem(
        &self,
        metadata: &Metadata,
        code: &str,
        verifier: &str,
    ) -> Result<Tokens, LoginError> {
        let Registration { client_id, client_secret, .. } = &self.registration;
        let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let basic = STANDARD.encode(format!("{}:{}", encode(client_id), encode(client_secret)));
        let form = Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", REDIRECT_URI)
            .append_pair("code_verifier", verifier)
            .finish();
        let request = Request::post(&metadata.token_endpoint)
            .header(AUTHORIZATION, format!("Basic {basic}"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let (status, _, body) = self.http.send(request, form).await?;
        if status != StatusCode::OK {
            let description = String::from_utf8_lossy(&body).into_owned();
            return Err(LoginError::Refused { error: status.to_string(), description });
        }
        Ok(serde_json::from_slice(&body).map_err(BoxError::from)?)
    }
}

/// JSON as people read it; anything else as it is.
fn indented(body: &[u8]) -> String {
    serde_json::from_slice::<serde_json::Value>(body)
        .map(|json| format!("{json:#}"))
        .unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned())
}
