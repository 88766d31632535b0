//! Apple: a client secret that is a token, signed on demand.

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::jose::{Algorithm, SigningError, SigningKey, Typ, sign_jwt};

/// How long a secret works: it is made for one request.
const LASTS: Duration = Duration::minutes(5);
const AUDIENCE: &str = "https://appleid.apple.com";

/// What the secrets at Apple are made with: the key that Apple gave the host, its id, and that of the
/// team.
#[derive(Clone, Debug)]
pub struct AppleSecret {
    team_id: String,
    key: SigningKey,
}

impl AppleSecret {
    /// The key (the `.p8` file, PEM) that Apple calls `key_id`, of the team `team_id`.
    ///
    /// # Errors
    /// [`SigningError::KeyRejected`] if it is no ECDSA key on P-256, or an id is none of Apple's.
    pub fn new(team_id: impl Into<String>, key_id: &str, pem: &[u8]) -> Result<Self, SigningError> {
        let team_id = team_id.into();
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| SigningError::KeyRejected)?;
        let der = der.secret_pkcs8_der();
        let key = SigningKey::from_pkcs8(Algorithm::ES256, der)?.named(key_id)?;
        Ok(Self { team_id, key })
    }

    /// A fresh secret for this client.
    pub(in crate::account::social) fn mint(
        &self,
        client_id: &str,
        now: OffsetDateTime,
    ) -> Result<String, SigningError> {
        let claims = json!({
            "iss": self.team_id,
            "iat": now.unix_timestamp(),
            "exp": (now + LASTS).unix_timestamp(),
            "aud": AUDIENCE,
            "sub": client_id,
        });
        sign_jwt(&self.key, Typ::JWT, &claims)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::jose::{ClaimRules, TypRule, VerifyRules, verify};

    const NOW: OffsetDateTime = time::macros::datetime!(2026-11-01 12:00 UTC);

    #[test]
    fn a_secret_is_signed_with_the_key_that_apple_knows_by_its_id() {
        let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let secret = AppleSecret::new("TEAM123456", "KEY1234567", pem.as_bytes()).unwrap();
        let token = secret.mint("com.example.app", NOW).unwrap();
        let key = [secret.key.verifying_key().clone()];
        let rules = VerifyRules::new(
            &[Algorithm::ES256],
            TypRule::Exactly(Typ::JWT),
            ClaimRules::new().issuer("TEAM123456").audience(AUDIENCE),
        );
        let verified = verify::<Value>(&token, &key, &rules, NOW).unwrap();
        assert_eq!(verified.header().kid(), Some("KEY1234567"));
        assert_eq!(verified.claims()["sub"], "com.example.app");
        assert_eq!(verified.claims()["exp"], NOW.unix_timestamp() + 300);
        assert!(!format!("{secret:?}").contains("BEGIN"));
    }

    #[test]
    fn what_is_no_key_of_apples_is_refused() {
        let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
        for key_id in ["", "a\"b", "a b", &"a".repeat(300)] {
            assert!(AppleSecret::new("T", key_id, pem.as_bytes()).is_err(), "{key_id}");
        }
        let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().serialize_pem();
        for pem in ["", "nonsense", other.as_str()] {
            assert!(AppleSecret::new("T", "K", pem.as_bytes()).is_err(), "{pem}");
        }
    }
}
