use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::account::social::protocol::id_token::{EmailTrust, Expected, validate};
use crate::account::social::protocol::issuer::{IssuerRule, Tenant};
use crate::account::social::protocol::profile::{Backing, is_subject};
use crate::fuzzing::{Input, Outcome};
use crate::jose::Algorithm;
use crate::jose::fuzzing::sign_payload;

const MICROSOFT: EmailTrust = EmailTrust::Microsoft { one_tenant: true };
const NOW: OffsetDateTime = datetime!(2026-11-01 12:00 UTC);

/// Whatever a provider signs, who is let in was vouched for by it, for us, for this login, just now;
/// and an address counts only if the rule of the provider says so.
///
/// The first byte chooses the provider.
pub fn social_id_token(data: &[u8]) -> Outcome {
    let mut input = Input::new(data);
    let (issuer, trust) = match input.byte() {
        b'm' => {
            let authority = "https://ms.example".to_owned();
            (IssuerRule::Microsoft(authority, Tenant::Any), MICROSOFT)
        }
        b'g' => (IssuerRule::Google("https://op.example".to_owned()), EmailTrust::Google),
        _ => (IssuerRule::Exact("https://op.example".to_owned()), EmailTrust::Verified),
    };
    let payload = input.rest();
    let Some((token, key)) = sign_payload(payload) else { return Outcome::Refused };
    let expected = Expected {
        issuer: &issuer,
        client_id: "me",
        algorithms: &[Algorithm::EdDSA],
        nonce: "n",
        access_token: "a",
        anew_since: None,
    };
    let Ok(verified) = validate(&token, &[key], &expected, NOW) else { return Outcome::Refused };
    let Ok(claims) = serde_json::from_slice::<Map<String, Value>>(payload) else {
        panic!("signed claims are no object");
    };
    assert_eq!(claims["nonce"], "n");
    assert!(match &claims["aud"] {
        Value::Array(all) => all.contains(&"me".into()),
        one => one == "me",
    });
    assert!(claims.get("azp").is_none_or(|azp| azp.is_null() || azp == "me"));
    let iss = claims["iss"].as_str().unwrap_or_default();
    match &issuer {
        IssuerRule::Microsoft(..) => {
            let tenant = claims["tid"].as_str().unwrap_or_default();
            assert_eq!(iss, format!("https://ms.example/{tenant}/v2.0"));
        }
        IssuerRule::Google(_) => assert!(iss.trim_start_matches("https://") == "op.example"),
        IssuerRule::Exact(_) => assert_eq!(iss, "https://op.example"),
    }
    let said = |name: &str| {
        claims.get(name).is_some_and(|value| {
            *value == true
                || value.as_u64() == Some(1)
                || matches!(value.as_str(), Some("true" | "True" | "1"))
        })
    };
    let profile = verified.into_profile(trust, None);
    assert!(is_subject(&profile.subject) || trust == MICROSOFT);
    if let Some(email) = profile.trusted_email() {
        let address = claims["email"].as_str().unwrap_or_default();
        assert_eq!(crate::account::Email::parse(address), Ok(email));
        let word = if trust == MICROSOFT { "xms_edov" } else { "email_verified" };
        assert!(said(word));
    }
    match &profile.backing {
        Backing::Nobody => {}
        Backing::Owner => assert!(profile.email_trusted && trust != EmailTrust::Google),
        Backing::Hosted(domain) => {
            let hd = claims["hd"].as_str().unwrap_or_default();
            assert!(profile.email_trusted && trust == EmailTrust::Google);
            assert_eq!(Backing::by(hd), Backing::Hosted(domain.clone()));
        }
    }
    Outcome::Accepted
}
