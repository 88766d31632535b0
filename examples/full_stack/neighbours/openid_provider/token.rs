use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest;
use axum::BoxError;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::KeyPair;
use serde_json::{Value, json};

use super::{CLIENT, ISSUER, Person};

/// How long an ID token is good for, in seconds.
const LIFETIME: u64 = 300;
const KEY_ID: &str = "lantern-1";

/// The key that ID tokens are signed with.
pub(super) struct Signer {
    key: EncodingKey,
    /// Its public half, as x and y.
    point: [String; 2],
}

impl Signer {
    /// A key on P-256.
    pub(super) fn generate() -> Result<Self, BoxError> {
        let pair = KeyPair::generate()?;
        // Uncompressed: 4, then x and y.
        let point = pair.public_key_raw();
        let (Some(x), Some(y)) = (point.get(1..33), point.get(33..65)) else {
            return Err("the key is not on P-256".into());
        };
        let point = [x, y].map(|half| URL_SAFE_NO_PAD.encode(half));
        Ok(Self { key: EncodingKey::from_ec_der(&pair.serialize_der()), point })
    }

    pub(super) fn jwks(&self) -> Value {
        let [x, y] = &self.point;
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KEY_ID, "x": x, "y": y,
        }] })
    }

    /// Says who this is (OpenID Connect Core, section 2).
    #[expect(clippy::disallowed_methods, reason = "a program of its own, with a clock of its own")]
    pub(super) fn id_token(
        &self,
        person: &Person,
        nonce: &str,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = json!({
            "iss": ISSUER,
            "sub": format!("lantern|{}", person.id),
            "aud": CLIENT,
            "iat": now,
            "exp": now + LIFETIME,
            "auth_time": now,
            "nonce": nonce,
            "name": person.name,
            "email": person.email,
            "email_verified": true,
        });
        let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&header, &claims, &self.key)
    }
}

/// S256 (RFC 7636, section 4.2).
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// Whether the host's server calls, by `client_secret_basic`. Neither its name nor its secret has
/// anything that would be escaped.
pub(super) fn is_client(headers: &HeaderMap, secret: &str) -> bool {
    let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{secret}")));
    headers.get(AUTHORIZATION).is_some_and(|given| given.as_bytes() == expected.as_bytes())
}
