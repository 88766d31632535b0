//! Codes and tokens.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use url::Url;

use super::{CLIENT_ID, CLIENT_SECRET, FakeUser, Inner, NotForTests, State, is_loopback};
use crate::crypto::{RandomExt as _, SystemRandom, sha256};
use crate::http::Form;
use crate::jose::{Algorithm, IdTokenJwt, left_half_hash};

/// What a code is good for.
pub(super) struct Grant {
    user: FakeUser,
    redirect_uri: String,
    nonce: String,
    challenge: String,
}

impl State {
    /// Where a browser goes that was sent here with this request.
    pub(super) fn answer(
        &self,
        location: &str,
        error: Option<&str>,
    ) -> Result<String, NotForTests> {
        let wrong = |what: &str| NotForTests(what.to_owned());
        let url = Url::parse(location).map_err(|_| wrong("the request is no URL"))?;
        let query = Form::parse(url.query().unwrap_or_default().as_bytes());
        let query = query.map_err(|error| NotForTests(error.to_string()))?;
        let field = |name: &'static str| {
            query.require(name).map_err(|error| NotForTests(error.to_string()))
        };
        let expected = format!("{}/authorize", self.issuer());
        if !location.starts_with(&expected) {
            return Err(wrong("the request is for somebody else"));
        }
        let mut target = Url::parse(field("redirect_uri")?)
            .ok()
            .filter(is_loopback)
            .ok_or_else(|| wrong("the redirect URI is not on this machine"))?;
        let as_expected = field("client_id")? == CLIENT_ID
            && field("response_type")? == "code"
            && field("code_challenge_method")? == "S256"
            && field("scope")?.split(' ').any(|scope| scope == "openid");
        if !as_expected {
            return Err(wrong("not the code flow of OpenID Connect with PKCE, or another client"));
        }
        let mut inner = self.inner();
        let code = SystemRandom.token().expose();
        let grant = Grant {
            user: inner.user.clone(),
            redirect_uri: field("redirect_uri")?.to_owned(),
            nonce: field("nonce")?.to_owned(),
            challenge: field("code_challenge")?.to_owned(),
        };
        let issuer = inner.issuer_in_answers.clone().unwrap_or_else(|| self.issuer());
        let mut pairs = target.query_pairs_mut();
        pairs.append_pair("state", field("state")?).append_pair("iss", &issuer);
        match error {
            Some(error) => pairs.append_pair("error", error),
            None => pairs.append_pair("code", &code),
        };
        drop(pairs);
        inner.grants.insert(code, grant);
        Ok(target.into())
    }

    /// The answer of the token endpoint.
    pub(super) fn tokens(&self, authorization: Option<&str>, form: &Form) -> (u16, Value) {
        let no = |error: &str| (400, json!({ "error": error }));
        if !is_client(authorization) {
            return (401, json!({ "error": "invalid_client" }));
        }
        let field = |name| form.get(name).ok().flatten().unwrap_or_default();
        let mut inner = self.inner();
        match field("grant_type") {
            "authorization_code" => {
                let Some(grant) = inner.grants.remove(field("code")) else {
                    return no("invalid_grant");
                };
                let challenge = URL_SAFE_NO_PAD.encode(sha256(field("code_verifier").as_bytes()));
                if challenge != grant.challenge || field("redirect_uri") != grant.redirect_uri {
                    return no("invalid_grant");
                }
                let mut tokens = inner.issue(grant.user.clone());
                let token = tokens.get("access_token").and_then(Value::as_str).unwrap_or_default();
                let id_token = self.id_token(&inner, &grant, token);
                tokens.insert("id_token".into(), id_token.into());
                (200, tokens.into())
            }
            "refresh_token" => match inner.refresh_tokens.remove(field("refresh_token")) {
                Some(user) => {
                    if !inner.gives_refresh_tokens {
                        let token = field("refresh_token").to_owned();
                        inner.refresh_tokens.insert(token, user.clone());
                    }
                    (200, inner.issue(user).into())
                }
                None => no("invalid_grant"),
            },
            _ => no("unsupported_grant_type"),
        }
    }

    /// The answer of the revocation endpoint.
    pub(super) fn revoke(&self, authorization: Option<&str>, form: &Form) -> (u16, Value) {
        if !is_client(authorization) {
            return (401, json!({ "error": "invalid_client" }));
        }
        let token = form.get("token").ok().flatten().unwrap_or_default().to_owned();
        let mut inner = self.inner();
        inner.refresh_tokens.remove(&token);
        inner.revoked.push(token);
        (200, json!({}))
    }

    fn id_token(&self, inner: &Inner, grant: &Grant, access_token: &str) -> String {
        let now = self.clock.now().unix_timestamp();
        let user = &grant.user;
        let mut claims = user.claims();
        claims.extend(
            [
                ("iss", json!(self.issuer())),
                ("aud", json!(CLIENT_ID)),
                ("iat", json!(now)),
                // Its users log in each time.
                ("auth_time", json!(now)),
                ("exp", json!(now + 300)),
                ("nonce", json!(grant.nonce)),
                ("at_hash", json!(left_half_hash(Algorithm::ES256, access_token))),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        if !user.amr.is_empty() {
            claims.insert("amr".into(), json!(user.amr));
        }
        (inner.change)(&mut claims);
        if inner.unsigned {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            return format!("{}.{}.", part(&json!({ "alg": "none" })), part(&claims.into()));
        }
        let key = inner.forgery.as_ref().unwrap_or(&inner.key);
        IdTokenJwt::sign(key, &claims).map_or_else(|_| String::new(), |token| token.into_string())
    }
}

/// Whether it is the one client there is.
fn is_client(authorization: Option<&str>) -> bool {
    let client = STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
    authorization == Some(&format!("Basic {client}"))
}

impl Inner {
    fn issue(&mut self, user: FakeUser) -> Map<String, Value> {
        self.issued += 1;
        let mut issued: Map<String, Value> = [
            ("access_token", json!(format!("access-{}", self.issued))),
            ("token_type", json!("Bearer")),
            ("expires_in", json!(self.token_life)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect();
        if self.gives_refresh_tokens {
            let refresh = format!("refresh-{}", self.issued);
            issued.insert("refresh_token".into(), json!(refresh));
            self.refresh_tokens.insert(refresh, user);
        }
        issued
    }
}

impl FakeUser {
    pub(super) fn claims(&self) -> Map<String, Value> {
        let mut claims = Map::new();
        claims.insert("sub".into(), json!(self.subject));
        if let Some((email, verified)) = &self.email {
            claims.insert("email".into(), json!(email));
            claims.insert("email_verified".into(), json!(verified));
        }
        if let Some(name) = &self.name {
            claims.insert("name".into(), json!(name));
        }
        claims
    }
}
