use super::*;
use crate::jose::vectors::{
    RFC7515_A1_TOKEN, RFC7515_A2_JWK, RFC7515_A2_TOKEN, RFC7515_A3_JWK, RFC7515_A3_TOKEN,
    RFC7515_A5_TOKEN, RFC8037_JWK, RFC8037_TOKEN,
};
use crate::jose::{Algorithm, Jwk};

fn key(jwk: &str) -> VerifyingKey {
    VerifyingKey::new(&Jwk::from_json(jwk.as_bytes()).unwrap()).unwrap()
}

fn parse(header: &str) -> Result<Header, JwsError> {
    let token = format!("{}.e30.AA", base64url::encode(header));
    UnverifiedJws::parse(&token).map(UnverifiedJws::into_header)
}

#[test]
fn rfc_7515_a_2_and_a_3_and_rfc_8037_a_4_verify() {
    for (token, jwk) in [
        (RFC7515_A2_TOKEN, RFC7515_A2_JWK),
        (RFC7515_A3_TOKEN, RFC7515_A3_JWK),
        (RFC8037_TOKEN, RFC8037_JWK),
    ] {
        let jws = UnverifiedJws::parse(token).unwrap();
        assert_eq!(jws.check_signature(&[key(jwk)]), Ok(()));
    }
    let payload = UnverifiedJws::parse(RFC8037_TOKEN).unwrap().payload().unwrap();
    assert_eq!(payload, b"Example of Ed25519 signing");
}

#[test]
fn rfc_7515_hmac_and_unsecured_tokens_are_refused() {
    for token in [RFC7515_A1_TOKEN, RFC7515_A5_TOKEN] {
        let error = UnverifiedJws::parse(token).unwrap_err();
        assert_eq!(error, JwsError::UnsupportedAlgorithm(UnsupportedAlgorithm));
    }
}

#[test]
fn a_token_has_three_canonical_parts() {
    let [header, payload, signature] = ["eyJhbGciOiJFUzI1NiJ9", "e30", "AA"];
    assert!(UnverifiedJws::parse(&format!("{header}.{payload}.{signature}")).is_ok());
    for (token, error) in [
        (String::new(), JwsError::Malformed),
        (header.to_owned(), JwsError::Malformed),
        (format!("{header}.{payload}"), JwsError::Malformed),
        (format!("{header}.{payload}.{signature}.x"), JwsError::Malformed),
        (format!("{header}.a.b.c.d"), JwsError::Encrypted),
        (format!("{header}..{signature}"), JwsError::DetachedPayload),
        (format!(".{payload}.{signature}"), JwsError::Malformed),
        (format!("{header}=.{payload}.{signature}"), JwsError::Malformed),
        (format!("{header}.{payload}.{signature}=="), JwsError::Malformed),
        (format!("{header}.{payload}.AB"), JwsError::Malformed),
        (format!(" {header}.{payload}.{signature}"), JwsError::Malformed),
        (format!("{header}.{payload}.{signature}\n"), JwsError::Malformed),
    ] {
        assert_eq!(UnverifiedJws::parse(&token).unwrap_err(), error, "{token}");
    }
}

#[test]
fn headers_that_change_the_rules_are_refused() {
    for (header, error) in [
        (r#"{"alg":"ES256","crit":["exp"],"exp":1}"#, JwsError::CriticalHeader),
        (r#"{"alg":"ES256","crit":[]}"#, JwsError::CriticalHeader),
        (r#"{"alg":"ES256","crit":null}"#, JwsError::CriticalHeader),
        (r#"{"alg":"ES256","b64":false,"crit":["b64"]}"#, JwsError::CriticalHeader),
        (r#"{"alg":"ES256","b64":false}"#, JwsError::UnencodedPayload),
        (r#"{"alg":"ES256","b64":true}"#, JwsError::UnencodedPayload),
        (r#"{"alg":"ES256","alg":"none"}"#, JwsError::DuplicateMember),
        (r#"{"alg":"ES256","\u0061lg":"none"}"#, JwsError::DuplicateMember),
        (r#"{"alg":"ES256","x":{"y":1,"y":2}}"#, JwsError::DuplicateMember),
        (r#"{"typ":"JWT"}"#, JwsError::Malformed),
        (r#"{"alg":["ES256"]}"#, JwsError::Malformed),
        (r#"{"alg":"ES256","kid":1}"#, JwsError::Malformed),
        (r#""ES256""#, JwsError::Malformed),
    ] {
        assert_eq!(parse(header).unwrap_err(), error, "{header}");
    }
}

#[test]
fn unknown_header_members_are_ignored() {
    let header = parse(r#"{"alg":"ES256","kid":"k","typ":"JWT","x5u":"https://evil.example"}"#);
    let header = header.unwrap();
    assert_eq!(header.algorithm(), Algorithm::ES256);
    assert_eq!((header.kid(), header.typ(), header.jwk()), (Some("k"), Some("JWT"), None));
}

#[test]
fn an_embedded_key_is_public_or_refused() {
    let header = parse(&format!(r#"{{"alg":"EdDSA","jwk":{RFC8037_JWK}}}"#)).unwrap();
    assert_eq!(header.jwk(), Some(&Jwk::from_json(RFC8037_JWK.as_bytes()).unwrap()));

    let private = RFC8037_JWK.replacen('{', r#"{"d":"AA","#, 1);
    assert_eq!(
        parse(&format!(r#"{{"alg":"EdDSA","jwk":{private}}}"#)).unwrap_err(),
        JwsError::EmbeddedKey(JwkError::PrivateMember)
    );
}

#[test]
fn lengths_are_bounded() {
    let token = format!("{RFC7515_A3_TOKEN}{}", "A".repeat(MAX_TOKEN_BYTES));
    assert_eq!(UnverifiedJws::parse(&token).unwrap_err(), JwsError::TooLong);
    for (name, len) in [("kid", 257), ("typ", 129), ("x", 9000)] {
        let header = format!(r#"{{"alg":"ES256","{name}":"{}"}}"#, "a".repeat(len));
        assert_eq!(parse(&header).unwrap_err(), JwsError::TooLong, "{name}");
    }
}
