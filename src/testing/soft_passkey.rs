use aws_lc_rs::rand::SystemRandom as Entropy;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value as Cbor;
use ciborium::value::Integer;
use serde_json::{Value, json};

use crate::account::passkey::PasskeyAlgorithm;
use crate::crypto::{RandomExt as _, SystemRandom, sha256};

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP: u8 = 1 << 3 | 1 << 4;
const ATTESTED: u8 = 1 << 6;

/// An authenticator without hardware or a browser, for tests: it answers the options that a page
/// carries as our script and an authenticator would together.
///
/// It verifies its user, signs with ES256, and counts; each can be changed.
///
/// ```
/// use donjon::account::passkey::*;
/// use donjon::crypto::SystemRandom;
/// use donjon::scope::UserId;
/// use donjon::testing::SoftPasskey;
///
/// let party = RelyingParty::at("https://app.example.com")?;
/// let user = UserHandle::of(&UserId::new("alice")?, &party);
/// let challenge = Challenge::generate(&SystemRandom);
/// let options = CreationOptions {
///     party: &party,
///     product: "Example",
///     user: &user,
///     name: "alice@example.com",
///     challenge: &challenge,
///     existing: &[],
/// };
///
/// let mut passkey = SoftPasskey::at("https://app.example.com");
/// let answer = RegistrationResponse::parse(&passkey.create(&options.to_json())?)?;
/// let (asked, other) = (UserVerification::Required, OtherAttestation::Refused);
/// let made = verify_registration(answer, &challenge, &party, asked, other)?;
/// assert!(made.user_verified());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SoftPasskey {
    origin: String,
    algorithm: PasskeyAlgorithm,
    verifies: bool,
    synced: bool,
    held: Vec<Held>,
}

/// Why a [`SoftPasskey`] gave no answer, as a browser would not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SoftPasskeyRefusal {
    /// The options are not JSON, or lack something.
    #[error("the options are not those of WebAuthn")]
    Options,
    /// The domain of the options is not that of the page, nor a parent of it.
    #[error("the options are for another domain than the page's")]
    Domain,
    /// It holds one of the credentials that exist already.
    #[error("it holds a credential of this user already")]
    Excluded,
    /// It holds no credential that would do, or cannot do what is asked.
    #[error("it holds nothing that would do")]
    Nothing,
    /// No key could be made.
    #[error("no key could be made")]
    Key,
}

type Refusable<T> = Result<T, SoftPasskeyRefusal>;

#[derive(Debug)]
struct Held {
    id: Vec<u8>,
    rp_id: String,
    user: Vec<u8>,
    key: Key,
    sign_count: u32,
}

#[derive(Debug)]
enum Key {
    Es256(Box<EcdsaKeyPair>),
    EdDsa(Box<Ed25519KeyPair>),
    Rs256(Box<RsaKeyPair>),
}

impl SoftPasskey {
    /// One without credentials, used at pages of this origin.
    pub fn at(origin: impl Into<String>) -> Self {
        let origin = origin.into();
        let algorithm = PasskeyAlgorithm::Es256;
        Self { origin, algorithm, verifies: true, synced: false, held: Vec::new() }
    }

    /// The same, with credentials of this algorithm from now on.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: PasskeyAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// The same, which cannot verify its user: a security key without a PIN.
    #[must_use]
    pub fn without_user_verification(mut self) -> Self {
        self.verifies = false;
        self
    }

    /// The same, on all devices of its user at once: it does not count.
    #[must_use]
    pub fn synced(mut self) -> Self {
        self.synced = true;
        self
    }

    /// Sets how often each credential has signed, as a copy of the authenticator would.
    pub fn set_sign_count(&mut self, count: u32) {
        self.held.iter_mut().for_each(|held| held.sign_count = count);
    }

    /// Makes a credential: the answer to creation options, as JSON for the field `credential`.
    ///
    /// # Errors
    /// [`SoftPasskeyRefusal`].
    pub fn create(&mut self, options: &str) -> Refusable<String> {
        let options = parse(options)?;
        let rp_id = text(&options, "/rp/id")?;
        self.check_domain(rp_id)?;
        if !self.among(&options, "/excludeCredentials").is_empty() {
            return Err(SoftPasskeyRefusal::Excluded);
        }
        let wanted = options.pointer("/pubKeyCredParams").and_then(Value::as_array);
        let number = self.algorithm.number();
        if !wanted.is_some_and(|wanted| wanted.iter().any(|one| one["alg"] == number)) {
            return Err(SoftPasskeyRefusal::Nothing);
        }
        let user = bytes(&options, "/user/id")?;
        let held = Held {
            id: SystemRandom.bytes::<32>().to_vec(),
            rp_id: rp_id.to_owned(),
            user,
            key: Key::generate(self.algorithm)?,
            sign_count: 0,
        };
        let data = self.authenticator_data(&held, true);
        let client = self.client_data("webauthn.create", text(&options, "/challenge")?);
        let object = encode(&Cbor::Map(vec![
            (Cbor::from("fmt"), Cbor::from("none")),
            (Cbor::from("attStmt"), Cbor::Map(Vec::new())),
            (Cbor::from("authData"), Cbor::Bytes(data)),
        ]));
        let id = encoded(&held.id);
        // An authenticator keeps one credential for each user of a relying party.
        self.held.retain(|other| other.rp_id != held.rp_id || other.user != held.user);
        self.held.push(held);
        let response = json!({
            "clientDataJSON": encoded(&client),
            "attestationObject": encoded(&object),
            "transports": ["internal"],
        });
        Ok(answer(&id, response))
    }

    /// Uses a credential: the answer to request options, as JSON for the field `credential`.
    ///
    /// # Errors
    /// [`SoftPasskeyRefusal`].
    pub fn get(&mut self, options: &str) -> Refusable<String> {
        let options = parse(options)?;
        let rp_id = text(&options, "/rpId")?;
        self.check_domain(rp_id)?;
        if text(&options, "/userVerification")? == "required" && !self.verifies {
            return Err(SoftPasskeyRefusal::Nothing);
        }
        let any = options.pointer("/allowCredentials").and_then(Value::as_array);
        let allowed = match any {
            Some(list) if !list.is_empty() => self.among(&options, "/allowCredentials"),
            _ => (0..self.held.len()).collect(),
        };
        let counts = u32::from(!self.synced);
        let mut fitting = self.held.iter_mut().enumerate();
        let held = fitting
            .rfind(|(index, held)| allowed.contains(index) && held.rp_id == rp_id)
            .ok_or(SoftPasskeyRefusal::Nothing)?;
        held.1.sign_count += counts;
        let index = held.0;
        let client = self.client_data("webauthn.get", text(&options, "/challenge")?);
        let held = self.held.get(index).ok_or(SoftPasskeyRefusal::Nothing)?;
        let data = self.authenticator_data(held, false);
        let signature = held.sign(&data, &client)?;
        let response = json!({
            "clientDataJSON": encoded(&client),
            "authenticatorData": encoded(&data),
            "signature": encoded(&signature),
            "userHandle": encoded(&held.user),
        });
        Ok(answer(&encoded(&held.id), response))
    }

    /// Signs whatever it is told to, with its last credential: for forgeries.
    #[cfg(test)]
    pub(crate) fn sign(&self, authenticator_data: &[u8], client_data: &[u8]) -> Vec<u8> {
        self.held.last().unwrap().sign(authenticator_data, client_data).unwrap()
    }

    /// A credential that is the same in every run.
    #[cfg(test)]
    pub(crate) fn fixed(
        origin: &str,
        rp_id: &str,
        (secret, id, user): ([u8; 32], Vec<u8>, &[u8]),
    ) -> Self {
        let key = Key::EdDsa(Box::new(Ed25519KeyPair::from_seed_unchecked(&secret).unwrap()));
        let held = Held { id, rp_id: rp_id.into(), user: user.into(), key, sign_count: 0 };
        Self { held: vec![held], ..Self::at(origin) }
    }

    fn check_domain(&self, rp_id: &str) -> Refusable<()> {
        let url = url::Url::parse(&self.origin).map_err(|_| SoftPasskeyRefusal::Domain)?;
        let host = url.host_str().unwrap_or_default();
        let below =
            host.strip_suffix(rp_id).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        if below { Ok(()) } else { Err(SoftPasskeyRefusal::Domain) }
    }

    /// Which of its credentials are on a list of the options.
    fn among(&self, options: &Value, list: &str) -> Vec<usize> {
        let listed = options.pointer(list).and_then(Value::as_array);
        let listed: Vec<&str> =
            listed.into_iter().flatten().filter_map(|one| one["id"].as_str()).collect();
        let mine = self.held.iter().enumerate();
        mine.filter(|(_, held)| listed.contains(&encoded(&held.id).as_str()))
            .map(|(index, _)| index)
            .collect()
    }

    fn client_data(&self, kind: &str, challenge: &str) -> Vec<u8> {
        let data = json!({
            "type": kind,
            "challenge": challenge,
            "origin": self.origin,
            "crossOrigin": false,
        });
        data.to_string().into_bytes()
    }

    fn authenticator_data(&self, held: &Held, attested: bool) -> Vec<u8> {
        let mut flags = USER_PRESENT;
        flags |= if self.verifies { USER_VERIFIED } else { 0 };
        flags |= if self.synced { BACKUP } else { 0 };
        flags |= if attested { ATTESTED } else { 0 };
        let mut data = sha256(held.rp_id.as_bytes()).to_vec();
        data.push(flags);
        data.extend(held.sign_count.to_be_bytes());
        if attested {
            data.extend([0; 16]);
            data.extend([0, 32]);
            data.extend(&held.id);
            data.extend(encode(&held.key.cose()));
        }
        data
    }
}

impl Held {
    fn sign(&self, authenticator_data: &[u8], client_data: &[u8]) -> Refusable<Vec<u8>> {
        let message = [authenticator_data, &sha256(client_data)].concat();
        let entropy = Entropy::new();
        let failed = |_| SoftPasskeyRefusal::Key;
        match &self.key {
            Key::Es256(key) => {
                key.sign(&entropy, &message).map(|s| s.as_ref().to_vec()).map_err(failed)
            }
            Key::EdDsa(key) => Ok(key.sign(&message).as_ref().to_vec()),
            Key::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let signed = key.sign(&RSA_PKCS1_SHA256, &entropy, &message, &mut signature);
                signed.map(|()| signature).map_err(failed)
            }
        }
    }
}

impl Key {
    fn generate(algorithm: PasskeyAlgorithm) -> Refusable<Self> {
        let failed = |_| SoftPasskeyRefusal::Key;
        Ok(match algorithm {
            PasskeyAlgorithm::Es256 => {
                let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING);
                Self::Es256(Box::new(key.map_err(failed)?))
            }
            PasskeyAlgorithm::EdDsa => {
                Self::EdDsa(Box::new(Ed25519KeyPair::generate().map_err(failed)?))
            }
            PasskeyAlgorithm::Rs256 => {
                let key = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048);
                Self::Rs256(Box::new(key.map_err(failed)?))
            }
        })
    }

    fn cose(&self) -> Cbor {
        let member = |name: i64, value: Cbor| (Cbor::from(name), value);
        let number = |value: i64| Cbor::Integer(Integer::from(value));
        let bytes = |value: &[u8]| Cbor::Bytes(value.to_vec());
        Cbor::Map(match self {
            Self::Es256(key) => {
                let point = key.public_key().as_ref();
                let (x, y) = point.split_at_checked(33).unwrap_or_default();
                vec![
                    member(1, number(2)),
                    member(3, number(-7)),
                    member(-1, number(1)),
                    member(-2, bytes(x.get(1..).unwrap_or_default())),
                    member(-3, bytes(y)),
                ]
            }
            Self::EdDsa(key) => vec![
                member(1, number(1)),
                member(3, number(-8)),
                member(-1, number(6)),
                member(-2, bytes(key.public_key().as_ref())),
            ],
            Self::Rs256(key) => {
                let modulus = key.public_key().modulus();
                vec![
                    member(1, number(3)),
                    member(3, number(-257)),
                    member(-1, bytes(modulus.big_endian_without_leading_zero())),
                    member(-2, bytes(&[1, 0, 1])),
                ]
            }
        })
    }
}

fn answer(id: &str, response: Value) -> String {
    json!({
        "id": id,
        "rawId": id,
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "clientExtensionResults": {},
        "response": response,
    })
    .to_string()
}

fn parse(options: &str) -> Refusable<Value> {
    serde_json::from_str(options).map_err(|_| SoftPasskeyRefusal::Options)
}

fn text<'o>(options: &'o Value, pointer: &str) -> Refusable<&'o str> {
    options.pointer(pointer).and_then(Value::as_str).ok_or(SoftPasskeyRefusal::Options)
}

fn bytes(options: &Value, pointer: &str) -> Refusable<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text(options, pointer)?).map_err(|_| SoftPasskeyRefusal::Options)
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn encode(value: &Cbor) -> Vec<u8> {
    let mut written = Vec::new();
    // Into memory nothing fails.
    let _ = ciborium::into_writer(value, &mut written);
    written
}
