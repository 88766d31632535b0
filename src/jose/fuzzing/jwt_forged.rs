use aws_lc_rs::hmac;
use serde_json::Value;

use super::forgery::judge_each_way;
use super::signed::{FOREIGN, PRIVATE, SIGNED};
use crate::fuzzing::{Input, Outcome};
use crate::jose::base64url;

const HEADER_MEMBERS: [&str; 12] = [
    r#""alg":"none""#,
    r#""alg":"HS256""#,
    r#""alg":"EdDSA""#,
    r#""alg":"ES256""#,
    r#""alg":"PS256""#,
    r#""typ":"JWT""#,
    r#""typ":"at+jwt""#,
    r#""crit":["exp"],"exp":1"#,
    r#""b64":false"#,
    r#""kid":"""#,
    r#""jku":"https://evil.example/jwks.json""#,
    r#""x":{"alg":"EdDSA"}"#,
];
const CLAIMS: [&str; 6] = [
    r#""sub":"admin""#,
    r#""exp":253402300799"#,
    r#""scope":"admin""#,
    r#""iss":"https://op.example""#,
    r#""aud":["spa","evil"]"#,
    r#""x":[{"sub":"admin"}]"#,
];

/// Somebody who has good tokens, and keys of their own, makes another: none verifies but the good
/// ones.
///
/// The bytes are a program: which token to begin with, then one change after the other.
pub fn jwt_forged(data: &[u8]) -> Outcome {
    let mut input = Input::new(data);
    let mut token = Parts::of(input.pick(&SIGNED).token);
    for _ in 0..12 {
        if input.is_empty() {
            break;
        }
        token.change(&mut input);
    }
    Outcome::accepted(judge_each_way(&token.compact()))
}

/// The three parts, decoded, and how the first is told from the rest.
struct Parts {
    header: Vec<u8>,
    payload: Vec<u8>,
    signature: Vec<u8>,
    spelling: u8,
}

impl Parts {
    fn of(token: &str) -> Self {
        let mut parts = token.split('.').map(|part| base64url::decode(part).unwrap_or_default());
        let mut next = || parts.next().unwrap_or_default();
        Self { header: next(), payload: next(), signature: next(), spelling: 0 }
    }

    fn change(&mut self, input: &mut Input<'_>) {
        match input.byte() % 12 {
            0 => add_member(&mut self.header, input.pick(&HEADER_MEMBERS), input.byte()),
            1 => add_member(&mut self.payload, input.pick(&CLAIMS), input.byte()),
            2 => set_member(&mut self.header, input.pick(&HEADER_MEMBERS)),
            3 => set_member(&mut self.payload, input.pick(&CLAIMS)),
            4 => self.name_a_key(input),
            5 => self.swap_a_part(input),
            6 => edit(&mut self.header, input),
            7 => edit(&mut self.payload, input),
            8 => edit(&mut self.signature, input),
            9 => self.signature = worthless(input, self.signature.len()),
            10 => self.sign(input),
            _ => self.spelling = input.byte(),
        }
    }

    /// The header names, or holds, another key.
    fn name_a_key(&mut self, input: &mut Input<'_>) {
        let keys: Vec<_> = PRIVATE.iter().chain([&*FOREIGN]).collect();
        let key = input.pick(&keys);
        if input.byte().is_multiple_of(2) {
            set_member(&mut self.header, &format!(r#""kid":"{}""#, key.kid()));
        } else {
            let jwk = serde_json::to_string(key.public_jwk()).unwrap_or_default();
            set_member(&mut self.header, &format!(r#""jwk":{jwk}"#));
        }
    }

    fn swap_a_part(&mut self, input: &mut Input<'_>) {
        let other = Self::of(input.pick(&SIGNED).token);
        match input.byte() % 3 {
            0 => self.header = other.header,
            1 => self.payload = other.payload,
            _ => self.signature = other.signature,
        }
    }

    /// Signs with a key of somebody else's, or with what is public of ours as if it were a secret.
    fn sign(&mut self, input: &mut Input<'_>) {
        let message = self.signing_input();
        let public = input.pick(&PRIVATE.each_ref()).public_jwk();
        let secret = match input.byte() % 4 {
            0 => {
                self.signature = FOREIGN.sign(message.as_bytes()).unwrap_or_default();
                return;
            }
            1 => serde_json::to_vec(public).unwrap_or_default(),
            2 => public.thumbprint().to_string().into_bytes(),
            _ => Vec::new(),
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        self.signature = hmac::sign(&key, message.as_bytes()).as_ref().to_vec();
    }

    fn signing_input(&self) -> String {
        [base64url::encode(&self.header), base64url::encode(&self.payload)].join(".")
    }

    /// The token, in the right spelling or one of the wrong ones.
    fn compact(&self) -> String {
        let token = format!("{}.{}", self.signing_input(), base64url::encode(&self.signature));
        match self.spelling % 10 {
            1 => format!("{token}="),
            2 => format!("{token}."),
            3 => format!(".{token}"),
            4 => format!(" {token}"),
            5 => format!("{token}\n"),
            6 => token.replace('-', "+").replace('_', "/"),
            7 => token.replacen('.', "=.", 1),
            8 => format!("{token}.."),
            9 => with_trailing_bits(token),
            _ => token,
        }
    }
}

/// The same signature, were the bits after its last byte not looked at.
fn with_trailing_bits(mut token: String) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = token.pop().and_then(|c| ALPHABET.iter().position(|b| char::from(*b) == c));
    token.push(char::from(ALPHABET[last.unwrap_or(0) ^ 1]));
    token
}

/// Writes a member in, as the first or the last, whether or not there is one of its name.
fn add_member(json: &mut Vec<u8>, member: &str, place: u8) {
    let text = String::from_utf8_lossy(json);
    let inner = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or_default();
    let first = place.is_multiple_of(2);
    let (left, right) = if first { (member, inner) } else { (inner, member) };
    *json = format!("{{{left},{right}}}").into_bytes();
}

/// Writes a member in, in the place of that of its name.
fn set_member(json: &mut Vec<u8>, member: &str) {
    let object = |json: &[u8]| serde_json::from_slice::<Value>(json).ok();
    let added = object(format!("{{{member}}}").as_bytes());
    let (Some(Value::Object(mut members)), Some(Value::Object(added))) = (object(json), added)
    else {
        return;
    };
    members.extend(added);
    *json = serde_json::to_vec(&members).unwrap_or_default();
}

/// Changes, drops or doubles some bytes.
fn edit(bytes: &mut Vec<u8>, input: &mut Input<'_>) {
    let at = input.below(bytes.len() + 1);
    let length = usize::from(input.byte() % 8).min(bytes.len() - at);
    let new = match input.byte() % 4 {
        0 => vec![input.byte()],
        1 => Vec::new(),
        2 => bytes[at..at + length].repeat(2),
        _ => bytes[at..at + length].iter().map(|byte| byte ^ 0x20).collect(),
    };
    bytes.splice(at..at + length, new);
}

/// Signatures that were good somewhere once.
fn worthless(input: &mut Input<'_>, length: usize) -> Vec<u8> {
    match input.byte() % 5 {
        0 => Vec::new(),
        1 => vec![0; length],
        2 => vec![0xFF; length],
        3 => vec![0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00],
        _ => vec![0; input.below(1024)],
    }
}
