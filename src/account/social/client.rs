//! What is asked of providers directly, all of it by the guarded client.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, StatusCode};
use time::Duration;
use tower::BoxError;
use url::form_urlencoded::Serializer;

use super::fault::Fault;
use super::pending::Attempt;
use super::preset::{facebook, github};
use super::protocol::id_token::{Expected, IdTokenError, validate};
use super::protocol::issuer::IssuerRule;
use super::protocol::metadata::{Metadata, MetadataError};
use super::protocol::profile::Profile;
use super::protocol::token::{Issued, TokenError};
use super::protocol::userinfo::UserInfo;
use super::provider::{ClientSecret, Freshness, Protocol, Provider};
use crate::crypto::{Clock, Redacted};
use crate::http::{Egress, RemoteDocuments, RemoteError, RemoteKind};
use crate::jose::{JwkError, JwkSet, VerifyingKey};

/// How long metadata are taken as they are.
const METADATA: Duration = Duration::HOUR;
/// How long keys are.
const KEYS: Duration = Duration::minutes(10);
const JSON: &str = "application/json";

/// Asks providers, and remembers what they publish.
#[derive(Debug)]
pub(super) struct Client {
    egress: Egress,
    clock: Arc<dyn Clock>,
    metadata: RemoteDocuments<Metadata, MetadataError>,
    keys: RemoteDocuments<Vec<VerifyingKey>, JwkError>,
}

/// Where a provider takes requests.
pub(super) struct Endpoints {
    pub(super) authorize: String,
    token: String,
    /// Where tokens are revoked (RFC 7009).
    revoke: Option<String>,
    secret_in_form: bool,
    /// In whose name an answer is (RFC 9207).
    issuer: IssuerRule,
    /// Whether every answer says in whose.
    names_issuer: bool,
}

impl Endpoints {
    /// Whether an answer with this `iss` is from the provider that was asked (RFC 9207, section
    /// 2.4).
    pub(super) fn may_answer(&self, iss: Option<&str>) -> bool {
        iss.map_or(!self.names_issuer, |iss| self.issuer.answers_as(iss))
    }
}

impl Client {
    pub(super) fn new(egress: Egress, clock: Arc<dyn Clock>) -> Self {
        let kind = RemoteKind { accept: JSON, read: Metadata::read, fresh: METADATA };
        let metadata = RemoteDocuments::new(egress.clone(), Arc::clone(&clock), kind);
        let accept = "application/jwk-set+json, application/json";
        let kind = RemoteKind { accept, read: JwkSet::read_verifying_keys, fresh: KEYS };
        let keys = RemoteDocuments::new(egress.clone(), Arc::clone(&clock), kind);
        Self { egress, clock, metadata, keys }
    }

    /// Where the provider takes requests.
    pub(super) async fn endpoints(&self, provider: &Provider) -> Result<Endpoints, Fault> {
        Ok(match &provider.protocol {
            Protocol::OpenId { discovery, issuer } => {
                let metadata = self.metadata(discovery, issuer).await?;
                if !provider.on_loopback && !metadata.is_public() {
                    return Err(Fault::Metadata);
                }
                Endpoints {
                    authorize: metadata.authorization_endpoint.clone(),
                    token: metadata.token_endpoint.clone(),
                    revoke: metadata.revocation_endpoint.clone(),
                    secret_in_form: metadata.secret_in_form,
                    issuer: issuer.clone(),
                    names_issuer: metadata.names_issuer,
                }
            }
            Protocol::GitHub(github) => Endpoints {
                authorize: github.authorize(),
                token: github.token(),
                revoke: None,
                secret_in_form: true,
                // GitHub names it since 2026, and publishes nowhere that it always does.
                issuer: IssuerRule::Exact(github.issuer()),
                names_issuer: false,
            },
            Protocol::Facebook(facebook) => Endpoints {
                authorize: facebook.authorize(),
                token: facebook.token(),
                revoke: None,
                secret_in_form: true,
                // Facebook names none yet, and has one.
                issuer: IssuerRule::Exact(facebook.issuer()),
                names_issuer: false,
            },
        })
    }

    async fn metadata(&self, address: &str, issuer: &IssuerRule) -> Result<Arc<Metadata>, Fault> {
        let metadata = self.metadata.get(address).await.map_err(unavailable)?;
        // OpenID Connect Discovery 1.0, section 4.3.
        if issuer.publishes(&metadata.issuer) { Ok(metadata) } else { Err(Fault::Metadata) }
    }

    /// Redeems a code of an answer in the name of this issuer, and finds out who the user is.
    pub(super) async fn redeem(
        &self,
        provider: &Provider,
        attempt: &Attempt,
        ((code, iss), redirect_uri): ((&str, Option<&str>), &str),
    ) -> Result<(Profile, Issued), Fault> {
        let endpoints = self.endpoints(provider).await?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", attempt.verifier.as_str()),
        ];
        let issued = self.ask_for_tokens(provider, &endpoints, &fields).await?;
        let profile = match &provider.protocol {
            Protocol::OpenId { discovery, issuer } => {
                let metadata = self.metadata(discovery, issuer).await?;
                let issuer = issuer.as_answered(iss);
                self.by_id_token(provider, (&issuer, &metadata), attempt, &issued).await?
            }
            Protocol::GitHub(github) => {
                let token = &issued.access_token;
                let user = self.call_with(&github.user(), token).await?.ok_or(Fault::Profile)?;
                let emails = self.call_with(&github.emails(), token).await?;
                github::read(&user, emails.as_deref())?
            }
            Protocol::Facebook(facebook) => {
                let token = &issued.access_token;
                let mut query = vec![("fields", "id,name,email".to_owned())];
                if let ClientSecret::Text(secret) = &provider.secret {
                    query.push(("appsecret_proof", facebook::proof(&token.0, &secret.0)));
                }
                let me = format!("{}?{}", facebook.me(), encoded(&query));
                facebook::read(&self.call_with(&me, token).await?.ok_or(Fault::Profile)?)?
            }
        };
        Ok((profile, issued))
    }

    /// Puts fresh tokens in the place of these.
    pub(super) async fn refresh(
        &self,
        provider: &Provider,
        refresh_token: &str,
    ) -> Result<Issued, Fault> {
        let endpoints = self.endpoints(provider).await?;
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        self.ask_for_tokens(provider, &endpoints, &fields).await
    }

    async fn by_id_token(
        &self,
        provider: &Provider,
        (issuer, metadata): (&IssuerRule, &Metadata),
        attempt: &Attempt,
        issued: &Issued,
    ) -> Result<Profile, Fault> {
        let token = issued.id_token.as_ref().ok_or(Fault::NoIdToken)?;
        let anew = attempt.anew && provider.freshness == Freshness::Dated;
        let expected = Expected {
            issuer,
            client_id: &provider.client_id,
            algorithms: &metadata.algorithms,
            nonce: &attempt.nonce,
            access_token: &issued.access_token.0,
            anew_since: anew.then_some(attempt.begun),
        };
        let now = self.clock.now();
        let validated = self.keys.attempt(
            &metadata.jwks_uri,
            |keys| validate(&token.0, keys, &expected, now),
            IdTokenError::may_be_old_keys,
        );
        let verified = validated.await.map_err(unavailable)??;
        let more = match &metadata.userinfo_endpoint {
            Some(endpoint) if verified.lacks_email() => {
                match self.call_with(endpoint, &issued.access_token).await? {
                    Some(json) => Some(UserInfo::read(&json, verified.subject())?),
                    None => None,
                }
            }
            _ => None,
        };
        Ok(verified.into_profile(provider.trust, more))
    }

    async fn ask_for_tokens(
        &self,
        provider: &Provider,
        endpoints: &Endpoints,
        fields: &[(&str, &str)],
    ) -> Result<Issued, Fault> {
        let response = self.post(provider, endpoints, (&endpoints.token, fields)).await?;
        match (response.status(), Issued::read(response.body())) {
            (status, _) if status.is_server_error() => Err(status_fault(status)),
            (_, Err(TokenError::Refused(code))) => Err(TokenError::Refused(code).into()),
            (StatusCode::OK, issued) => Ok(issued?),
            (status, _) => Err(status_fault(status)),
        }
    }

    /// Has a token revoked, and with it whatever rests on the same consent (RFC 7009, section 2).
    /// Nothing happens where the provider publishes no address for it.
    pub(super) async fn revoke(
        &self,
        provider: &Provider,
        token: &str,
        hint: &str,
    ) -> Result<(), Fault> {
        let endpoints = self.endpoints(provider).await?;
        let Some(address) = &endpoints.revoke else { return Ok(()) };
        let fields = [("token", token), ("token_type_hint", hint)];
        let response = self.post(provider, &endpoints, (address, &fields)).await?;
        match (response.status(), Issued::read(response.body())) {
            (status, _) if status.is_success() => Ok(()),
            // A token that is none any more is what was wanted; some say so.
            (StatusCode::BAD_REQUEST, Err(TokenError::Refused(code)))
                if code == "invalid_token" || code == "invalid_grant" =>
            {
                Ok(())
            }
            (_, Err(TokenError::Refused(code))) => Err(TokenError::Refused(code).into()),
            (status, _) => Err(status_fault(status)),
        }
    }

    /// Posts a form in the client's name (RFC 6749, section 2.3.1).
    async fn post(
        &self,
        provider: &Provider,
        endpoints: &Endpoints,
        (address, fields): (&str, &[(&str, &str)]),
    ) -> Result<http::Response<Bytes>, Fault> {
        let mut fields = fields.to_vec();
        let secret = self.secret(provider)?;
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(address)
            .header(ACCEPT, JSON)
            .header(USER_AGENT, "donjon")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        match &secret {
            Some(secret) if !endpoints.secret_in_form => {
                request = request.header(AUTHORIZATION, basic(&provider.client_id, &secret.0));
            }
            secret => {
                fields.push(("client_id", &provider.client_id));
                fields.extend(secret.as_ref().map(|secret| ("client_secret", secret.0.as_str())));
            }
        }
        let request = request.body(Bytes::from(encoded(&fields))).map_err(http_fault)?;
        Ok(self.egress.send(request).await?)
    }

    fn secret(&self, provider: &Provider) -> Result<Option<Redacted<String>>, Fault> {
        match &provider.secret {
            ClientSecret::Public => Ok(None),
            ClientSecret::Text(secret) => Ok(Some(secret.clone())),
            ClientSecret::Apple(key) => {
                let secret = key.mint(&provider.client_id, self.clock.now());
                secret.map(|secret| Some(Redacted(secret))).map_err(Fault::Secret)
            }
        }
    }

    /// Calls a provider's API with its token; `None` if the token does not allow it.
    async fn call_with(
        &self,
        address: &str,
        token: &Redacted<String>,
    ) -> Result<Option<Bytes>, Fault> {
        let request = Request::builder()
            .uri(address)
            .header(ACCEPT, JSON)
            .header(USER_AGENT, "donjon")
            .header(AUTHORIZATION, format!("Bearer {}", token.0))
            .body(Bytes::new())
            .map_err(http_fault)?;
        let response = self.egress.send(request).await?;
        match response.status() {
            StatusCode::OK => Ok(Some(response.into_body())),
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Ok(None),
            status => Err(status_fault(status)),
        }
    }
}

fn encoded<V: AsRef<str>>(fields: &[(&str, V)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// RFC 6749, section 2.3.1: both are form-encoded first.
fn basic(client_id: &str, secret: &str) -> String {
    let encode =
        |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let pair = format!("{}:{}", encode(client_id), encode(secret));
    format!("Basic {}", STANDARD.encode(pair))
}

fn unavailable<E: std::error::Error + Send + Sync + 'static>(error: RemoteError<E>) -> Fault {
    Fault::Unavailable(error.into())
}

fn http_fault(error: http::Error) -> Fault {
    Fault::Unavailable(error.into())
}

fn status_fault(status: StatusCode) -> Fault {
    Fault::Unavailable(BoxError::from(format!("it answers {status}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_answer_it_is_must_be_said_where_it_always_is() {
        let op = "https://op.example";
        let endpoints = |names_issuer| Endpoints {
            authorize: String::new(),
            token: String::new(),
            revoke: None,
            secret_in_form: false,
            issuer: IssuerRule::Exact(op.to_owned()),
            names_issuer,
        };
        for (always, iss, may) in [
            (true, Some(op), true),
            (true, None, false),
            (true, Some("https://evil.example"), false),
            (false, None, true),
            (false, Some(op), true),
            (false, Some("https://op.example/"), false),
            (false, Some(""), false),
        ] {
            assert_eq!(endpoints(always).may_answer(iss), may, "{always} {iss:?}");
        }
    }

    /// The client of RFC 6749, section 2.3.1, and one that needs encoding.
    #[test]
    fn a_client_presents_its_secret_as_the_rfc_says() {
        assert_eq!(
            basic("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw"),
            "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"
        );
        let decoded = STANDARD.decode(&basic("a:b", "c d%é")[6..]).unwrap();
        assert_eq!(String::from_utf8(decoded).unwrap(), "a%3Ab:c+d%25%C3%A9");
    }
}
