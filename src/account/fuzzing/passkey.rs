//! Fuzz targets of what comes back from an authenticator.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::Value;

use crate::account::passkey::{
    AssertionResponse, Challenge, CredentialId, KnownCredential, Naming, OtherAttestation,
    PasskeyPublicKey, RegistrationResponse, RelyingParty, UserHandle, UserVerification,
    verify_assertion, verify_registration,
};
use crate::fuzzing::Outcome;
use crate::scope::UserId;

const ORIGIN: &str = "https://app.example.com";
/// What the seeds answer.
const CHALLENGE: [u8; 32] = [7; 32];
const SECRET: [u8; 32] = [7; 32];
const CREDENTIAL: [u8; 32] = [9; 32];
/// An answer that was really given.
const GOOD: &str = include_str!("../../../fuzz/seeds/passkey_assertion/good");

/// What is registered is a credential of this party, with a sound key, which is read again as it
/// was; its client data are, for a reader of plain JSON, those of this very ceremony.
pub fn passkey_registration(data: &[u8]) -> Outcome {
    let Ok(text) = str::from_utf8(data) else { return Outcome::Refused };
    let Ok(answer) = RegistrationResponse::parse(text) else { return Outcome::Refused };
    let (party, challenge) = (party(), Challenge::from_bytes(CHALLENGE));
    let client_data = answer.client_data().to_vec();
    let (asked, other) = (UserVerification::Required, OtherAttestation::Ignored);
    let Ok(made) = verify_registration(answer, &challenge, &party, asked, other) else {
        return Outcome::Refused;
    };
    let client_data: Value = serde_json::from_slice(&client_data).unwrap_or_default();
    let said = |name: &str| client_data.get(name).and_then(Value::as_str);
    assert_eq!(said("type"), Some("webauthn.create"));
    assert_eq!(said("origin"), Some(ORIGIN));
    assert_eq!(said("challenge"), Some(challenge.expose().as_str()));
    assert!(client_data.get("crossOrigin") != Some(&true.into()) && said("topOrigin").is_none());
    assert!((16..=1023).contains(&made.id().as_bytes().len()));
    assert!(made.user_verified() && (made.backup_eligible() || !made.backed_up()));
    let again = PasskeyPublicKey::from_bytes(made.public_key().as_bytes());
    assert_eq!(again.map(|key| key.algorithm()), Ok(made.public_key().algorithm()));
    Outcome::Accepted
}

/// Without the key nobody makes another answer than the one that was given.
pub fn passkey_assertion(data: &[u8]) -> Outcome {
    let Ok(text) = str::from_utf8(data) else { return Outcome::Refused };
    let Ok(answer) = AssertionResponse::parse(text) else { return Outcome::Refused };
    let (Some(key), Some(id)) = (key(), CredentialId::from_bytes(CREDENTIAL.to_vec())) else {
        return Outcome::Refused;
    };
    let (party, challenge) = (party(), Challenge::from_bytes(CHALLENGE));
    let user = user(&party);
    let known = KnownCredential { id: &id, key: &key, user: &user, backup_eligible: false };
    let asked = (UserVerification::Required, Naming::Required);
    if verify_assertion(&answer, known, &challenge, &party, asked).is_err() {
        return Outcome::Refused;
    }
    assert_eq!(AssertionResponse::parse(GOOD).as_ref(), Ok(&answer), "forged: {text}");
    Outcome::Accepted
}

#[expect(clippy::expect_used, reason = "the origin is written above")]
fn party() -> RelyingParty {
    RelyingParty::at(ORIGIN).expect("a domain")
}

#[expect(clippy::expect_used, reason = "the id is written here")]
fn user(party: &RelyingParty) -> UserHandle {
    UserHandle::of(&UserId::new("alice").expect("an id"), party)
}

fn key() -> Option<PasskeyPublicKey> {
    let pair = Ed25519KeyPair::from_seed_unchecked(&SECRET).ok()?;
    let head = [0xA4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20];
    PasskeyPublicKey::from_bytes(&[&head, pair.public_key().as_ref()].concat()).ok()
}

/// Seeds: answers of a soft passkey, good ones and others.
#[cfg(test)]
#[cfg(feature = "testing")]
pub(crate) fn seeds() -> Vec<(&'static str, &'static str, String)> {
    use crate::account::passkey::{CreationOptions, PasskeyAlgorithm, RequestOptions};
    use crate::testing::SoftPasskey;

    let (party, challenge) = (party(), Challenge::from_bytes(CHALLENGE));
    let user = user(&party);
    let created = |challenge: &Challenge, algorithm| {
        let name = "alice@example.com";
        let options = CreationOptions {
            party: &party,
            product: "Example",
            user: &user,
            name,
            challenge,
            existing: &[],
        };
        let mut passkey = SoftPasskey::at(ORIGIN).with_algorithm(algorithm);
        passkey.create(&options.to_json()).unwrap()
    };
    let used = |challenge: &Challenge| {
        let (verification, allowed) = (UserVerification::Required, &[]);
        let options = RequestOptions { party: &party, challenge, verification, allowed };
        let held = (SECRET, CREDENTIAL.to_vec(), user.as_bytes());
        SoftPasskey::fixed(ORIGIN, party.id(), held).get(&options.to_json()).unwrap()
    };
    let stale = Challenge::from_bytes([8; 32]);
    let [es256, eddsa, rs256] = PasskeyAlgorithm::ALL;
    vec![
        ("passkey_registration", "es256", created(&challenge, es256)),
        ("passkey_registration", "eddsa", created(&challenge, eddsa)),
        ("passkey_registration", "rs256", created(&challenge, rs256)),
        ("passkey_registration", "stale", created(&stale, es256)),
        ("passkey_registration", "assertion", used(&challenge)),
        ("passkey_assertion", "good", used(&challenge)),
        ("passkey_assertion", "stale", used(&stale)),
        ("passkey_assertion", "registration", created(&challenge, es256)),
    ]
}
