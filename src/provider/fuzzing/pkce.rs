use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{CONFIDENTIAL, PUBLIC};
use crate::crypto::sha256;
use crate::fuzzing::{Input, Outcome};
use crate::http::Form;
use crate::provider::check::{check_code_challenge, check_code_verifier};

/// A challenge is one of S256, or a client that may do without sends a nonce; its verifier, and no
/// other, redeems the code, and no verifier redeems a code that was asked for without.
///
/// The first line is the verifier, the second the query of the authorization request, the third the
/// form of the token request.
pub fn pkce(data: &[u8]) -> Outcome {
    let mut input = Input::new(data);
    let verifier = input.line();
    let forms = (Form::parse(input.line()), Form::parse(input.rest()));
    let (Ok(request), Ok(redemption)) = forms else { return Outcome::Refused };

    let well_formed = is_verifier(verifier);
    let challenge = URL_SAFE_NO_PAD.encode(sha256(verifier));
    let own = str::from_utf8(verifier).ok().map(|v| form(&[("code_verifier", v)]));
    let redeems = |form: &Form| check_code_verifier(form, Some(&challenge)).is_ok();
    assert_eq!(own.as_ref().is_some_and(redeems), well_formed);
    if redeems(&redemption) {
        assert!(
            redemption.get("code_verifier").is_ok_and(|v| v.map(str::as_bytes) == Some(verifier))
        );
    }
    let sent = redemption.all("code_verifier").any(|verifier| !verifier.is_empty());
    assert!(!sent || check_code_verifier(&redemption, None).is_err());

    let scopes = [String::from("openid")];
    let nonce = request.get("nonce").unwrap_or_default();
    for client in [&*PUBLIC, &*CONFIDENTIAL] {
        match check_code_challenge(&request, client, &scopes, nonce) {
            Err(_) => {}
            Ok(None) => assert!(!client.is_public() && nonce.is_some()),
            Ok(Some(asked)) => {
                assert_eq!(request.get("code_challenge_method"), Ok(Some("S256")));
                assert_eq!(asked.len(), 43);
                let redeemed = check_code_verifier(&redemption, Some(&asked)).is_ok();
                assert!(!redeemed || hashes_to(&redemption, &asked));
            }
        }
    }
    Outcome::accepted(well_formed)
}

/// RFC 7636, section 4.1.
fn is_verifier(text: &[u8]) -> bool {
    let unreserved =
        |b: &u8| matches!(b, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~');
    (43..=128).contains(&text.len()) && text.iter().all(unreserved)
}

fn hashes_to(form: &Form, challenge: &str) -> bool {
    let verifier = form.get("code_verifier").ok().flatten().unwrap_or_default();
    URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())) == challenge
}

fn form(fields: &[(&str, &str)]) -> Form {
    let text = serde_urlencoded::to_string(fields).unwrap_or_default();
    Form::parse(text.as_bytes()).unwrap_or_default()
}
