use std::time::Duration;

use time::OffsetDateTime;

use crate::crypto::TokenHash;
use crate::jose::{
    Algorithm, ClaimRules, DEFAULT_LEEWAY, RegisteredClaims, Typ, TypRule, VerifiedJws,
    VerifyRules, VerifyingKey, verify,
};
use crate::provider::registry::Endpoint;
use crate::provider::server::Provider;
use crate::provider::{Client, ProviderError};
use crate::store::ClientAssertionUse;

/// How far in the future an assertion may end: it is made for one request.
const MAX_LIFETIME: Duration = Duration::from_secs(600);
/// The longest `jti`, in bytes.
const MAX_JTI: usize = 512;

/// RFC 7523, section 3, and OpenID Connect Core, section 9 (`private_key_jwt`): signed with a key
/// the client registered, by the client about itself, for us, not over, and with an id to use up.
/// We are the issuer, or, as OpenID Connect has it, the token endpoint.
pub(super) async fn check_assertion(
    provider: &Provider,
    client: &Client,
    jwt: &str,
) -> Result<ClientAssertionUse, ProviderError> {
    let token_endpoint = provider.issuer.url(provider.registry.path(Endpoint::Token));
    let audiences = [provider.issuer.as_str(), token_endpoint.as_str()];
    let (rules, now) = (rules(client, audiences), provider.now());
    let attempt = |keys: &[VerifyingKey]| verify::<RegisteredClaims>(jwt, keys, &rules, now);
    let verified = match &client.metadata().jwks_uri {
        None => attempt(client.keys()).map_err(|fault| fault.to_string()),
        Some(uri) => {
            provider.remote_jwks.verify(uri, attempt).await.map_err(|fault| fault.to_string())
        }
    };
    verified.and_then(|verified| read_claims(client, &verified, now)).map_err(|fault| {
        tracing::info!(client_id = client.id(), %fault, "a client assertion was refused");
        ProviderError::InvalidClientAssertion
    })
}

fn rules(client: &Client, audiences: [&str; 2]) -> VerifyRules {
    let only = client.metadata().token_endpoint_auth_signing_alg;
    let algorithms = only.map_or(Algorithm::ALL.to_vec(), |algorithm| vec![algorithm]);
    let typ = TypRule::AbsentOr(&[Typ::JWT, Typ::CLIENT_AUTHENTICATION]);
    let rules = ClaimRules::new().issuer(client.id()).max_lifetime(MAX_LIFETIME);
    let rules = audiences.into_iter().fold(rules, ClaimRules::audience);
    VerifyRules::new(&algorithms, typ, rules)
}

fn read_claims(
    client: &Client,
    verified: &VerifiedJws<RegisteredClaims>,
    now: OffsetDateTime,
) -> Result<ClientAssertionUse, String> {
    let claims = verified.claims();
    if claims.sub.as_deref() != Some(client.id()) {
        return Err("the claim `sub` is not the client".into());
    }
    let jti = claims.jti.as_deref().filter(|jti| (1..=MAX_JTI).contains(&jti.len()));
    let jti = jti.ok_or("the claim `jti` is missing or too long")?;
    // Verified, so it is there, and not far away.
    let exp = claims.exp.map_or(0, |exp| exp.seconds().saturating_add(1));
    let expires_at = OffsetDateTime::from_unix_timestamp(exp).unwrap_or(now) + DEFAULT_LEEWAY;
    Ok(ClientAssertionUse {
        client_id: client.id().to_owned(),
        jti: TokenHash::of(jti.as_bytes()),
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::macros::datetime;

    use super::*;
    use crate::jose::{JwkSet, SigningKey, sign_jwt};
    use crate::provider::{AuthMethod, ClientMetadata};

    const NOW: OffsetDateTime = datetime!(2026-11-01 12:00 UTC);
    const AUDIENCES: [&str; 2] = ["https://op.example", "https://op.example/oauth/token"];

    fn check(
        client: &Client,
        audiences: [&str; 2],
        jwt: &str,
        now: OffsetDateTime,
    ) -> Result<ClientAssertionUse, String> {
        let verified = verify(jwt, client.keys(), &rules(client, audiences), now);
        verified
            .map_err(|fault| fault.to_string())
            .and_then(|verified| read_claims(client, &verified, now))
    }

    struct Fixture {
        key: SigningKey,
        client: Client,
    }

    fn fixture() -> Fixture {
        let key = SigningKey::generate(Algorithm::ES256).unwrap();
        let mut metadata = ClientMetadata::new("machine");
        metadata.redirect_uris = vec!["https://client.example/cb".into()];
        metadata.token_endpoint_auth_method = Some(AuthMethod::PrivateKeyJwt);
        metadata.jwks = Some(JwkSet::new([key.public_jwk().clone()]).unwrap());
        Fixture { key, client: Client::new(metadata).unwrap() }
    }

    fn claims() -> Value {
        let now = NOW.unix_timestamp();
        json!({
            "iss": "machine", "sub": "machine", "aud": "https://op.example",
            "exp": now + 60, "iat": now, "jti": "1",
        })
    }

    impl Fixture {
        fn check(&self, claims: &Value) -> Result<ClientAssertionUse, String> {
            let jwt = sign_jwt(&self.key, Typ::JWT, claims).unwrap();
            check(&self.client, AUDIENCES, &jwt, NOW)
        }
    }

    #[test]
    fn an_assertion_for_the_issuer_or_the_token_endpoint_is_used_up_by_its_id() {
        let fixture = fixture();
        let used = fixture.check(&claims()).unwrap();
        assert_eq!((used.client_id.as_str(), used.jti), ("machine", TokenHash::of(b"1")));
        assert!(used.expires_at > NOW + Duration::from_secs(60) + DEFAULT_LEEWAY);
        for aud in [json!("https://op.example/oauth/token"), json!(["x", "https://op.example"])] {
            let mut claims = claims();
            claims["aud"] = aud;
            assert!(fixture.check(&claims).is_ok());
        }
    }

    #[test]
    fn what_it_must_say_it_must_say() {
        let fixture = fixture();
        let now = NOW.unix_timestamp();
        for (claim, wrong) in [
            ("iss", json!("other")),
            ("sub", json!("other")),
            ("aud", json!("https://other.example")),
            ("aud", json!([])),
            ("aud", json!("https://op.example/")),
            ("exp", json!(now - 31)),
            ("exp", json!(now + 700)),
            ("iat", json!(now + 62)),
            ("nbf", json!(now + 62)),
            ("jti", json!("")),
            ("jti", json!("x".repeat(MAX_JTI + 1))),
        ] {
            let mut claims = claims();
            claims[claim] = wrong.clone();
            assert!(fixture.check(&claims).is_err(), "{claim} {wrong}");
        }
        for claim in ["iss", "sub", "aud", "exp", "jti"] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(claim);
            assert!(fixture.check(&claims).is_err(), "{claim} missing");
        }
    }

    #[test]
    fn only_the_clients_own_key_and_algorithm_count() {
        let fixture = fixture();
        let stranger = SigningKey::generate(Algorithm::ES256).unwrap();
        let forged = sign_jwt(&stranger, Typ::JWT, &claims()).unwrap();
        assert!(check(&fixture.client, AUDIENCES, &forged, NOW).is_err());
        let other_kind = sign_jwt(&fixture.key, Typ::LOGOUT_TOKEN, &claims()).unwrap();
        assert!(check(&fixture.client, AUDIENCES, &other_kind, NOW).is_err());

        let mut metadata = fixture.client.metadata().clone();
        metadata.token_endpoint_auth_signing_alg = Some(Algorithm::RS256);
        let strict = Client::new(metadata).unwrap();
        let jwt = sign_jwt(&fixture.key, Typ::JWT, &claims()).unwrap();
        assert!(check(&strict, AUDIENCES, &jwt, NOW).is_err());
    }
}
