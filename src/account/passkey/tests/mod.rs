//! Every step of a ceremony, with the attack that it stops.

mod assertion;
mod makers;
mod registration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value as Cbor;
use serde_json::{Value, json};

use super::*;
use crate::crypto::SystemRandom;
use crate::scope::UserId;
use crate::testing::SoftPasskey;

const ORIGIN: &str = "https://app.example.com";

/// Where a ceremony takes place.
struct Stage {
    party: RelyingParty,
    user: UserHandle,
    challenge: Challenge,
}

impl Stage {
    fn new() -> Self {
        let party = RelyingParty::at(ORIGIN).unwrap();
        let user = UserHandle::of(&UserId::new("alice").unwrap(), &party);
        Self { party, user, challenge: Challenge::generate(&SystemRandom) }
    }

    /// A registration answered by this authenticator.
    fn registered(&self, passkey: &mut SoftPasskey) -> Value {
        serde_json::from_str(&passkey.create(&self.creation().to_json()).unwrap()).unwrap()
    }

    fn creation(&self) -> CreationOptions<'_> {
        CreationOptions {
            party: &self.party,
            product: "Example",
            user: &self.user,
            name: "alice@example.com",
            challenge: &self.challenge,
            existing: &[],
        }
    }

    fn request(&self) -> RequestOptions<'_> {
        RequestOptions {
            party: &self.party,
            challenge: &self.challenge,
            verification: UserVerification::Preferred,
            allowed: &[],
        }
    }

    fn verify_registration(&self, answer: &Value) -> Result<RegisteredCredential, PasskeyFault> {
        self.verify_registration_as(answer, UserVerification::Required, OtherAttestation::Refused)
    }

    fn verify_registration_as(
        &self,
        answer: &Value,
        verification: UserVerification,
        other: OtherAttestation,
    ) -> Result<RegisteredCredential, PasskeyFault> {
        let answer = RegistrationResponse::parse(&answer.to_string())?;
        super::verify_registration(answer, &self.challenge, &self.party, verification, other)
    }
}

fn decode(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap()
}

fn encode(bytes: &[u8]) -> Value {
    URL_SAFE_NO_PAD.encode(bytes).into()
}

/// The answer with another part.
fn with(answer: &Value, part: &str, bytes: &[u8]) -> Value {
    let mut changed = answer.clone();
    changed["response"][part] = encode(bytes);
    changed
}

/// The answer with this member of the client data replaced, or added.
fn with_client_data(answer: &Value, name: &str, value: Value) -> Value {
    let mut data: Value = serde_json::from_slice(&client_data(answer)).unwrap();
    data[name] = value;
    with(answer, "clientDataJSON", data.to_string().as_bytes())
}

fn client_data(answer: &Value) -> Vec<u8> {
    decode(&answer["response"]["clientDataJSON"])
}

fn from_cbor(bytes: &[u8]) -> Cbor {
    ciborium::from_reader(bytes).unwrap()
}

fn to_cbor(value: &Cbor) -> Vec<u8> {
    let mut written = Vec::new();
    ciborium::into_writer(value, &mut written).unwrap();
    written
}

/// What an attacker writes into client data, whichever ceremony it is.
fn foreign_client_data(answer: &Value) -> Vec<(&'static str, Value, PasskeyFault)> {
    let own = String::from_utf8(client_data(answer)).unwrap();
    let other = Challenge::generate(&SystemRandom).expose();
    let set = |name, value| with_client_data(answer, name, value);
    let raw = |text: &str| with(answer, "clientDataJSON", text.as_bytes());
    let twice = own.replacen('{', "{\"origin\":\"https://evil.example\",", 1);
    let long = own.replacen('{', &format!("{{\"padding\":\"{}\",", "x".repeat(8 * 1024)), 1);
    vec![
        ("another challenge", set("challenge", other.into()), PasskeyFault::Challenge),
        ("no challenge", set("challenge", "".into()), PasskeyFault::Challenge),
        (
            "a phishing page",
            set("origin", "https://app.example.com.evil.example".into()),
            PasskeyFault::Origin,
        ),
        ("a sibling", set("origin", "https://other.example.com".into()), PasskeyFault::Origin),
        ("plain http", set("origin", "http://app.example.com".into()), PasskeyFault::Origin),
        ("a port", set("origin", "https://app.example.com:8443".into()), PasskeyFault::Origin),
        ("a slash", set("origin", "https://app.example.com/".into()), PasskeyFault::Origin),
        ("a frame", set("crossOrigin", true.into()), PasskeyFault::CrossOrigin),
        ("a top page", set("topOrigin", "https://evil.example".into()), PasskeyFault::CrossOrigin),
        ("two origins", raw(&twice), PasskeyFault::ClientData),
        ("no JSON", raw("webauthn.get"), PasskeyFault::ClientData),
        ("a list", raw("[]"), PasskeyFault::ClientData),
        ("nothing", raw(""), PasskeyFault::ClientData),
        ("more behind", raw(&format!("{own}{{}}")), PasskeyFault::ClientData),
        ("too long", raw(&long), PasskeyFault::Json),
    ]
}

/// What an attacker does to the JSON around.
fn foreign_json(answer: &Value) -> Vec<(&'static str, Value, PasskeyFault)> {
    let set = |name: &str, value: Value| {
        let mut changed = answer.clone();
        changed[name] = value;
        changed
    };
    vec![
        ("another type", set("type", "password".into()), PasskeyFault::Json),
        ("another raw id", set("rawId", encode(&[1; 32])), PasskeyFault::Credential),
        ("a short id", set("id", encode(&[1; 15])), PasskeyFault::Credential),
        ("padding", set("id", "AAAA=".into()), PasskeyFault::Json),
        ("no response", set("response", Value::Null), PasskeyFault::Json),
        ("a long one", set("more", "x".repeat(MAX_RESPONSE).into()), PasskeyFault::Json),
    ]
}
