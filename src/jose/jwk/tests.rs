use super::*;
use crate::jose::vectors::{RFC7515_A2_JWK, RFC7515_A3_JWK, RFC7638_JWK, RFC8037_JWK};

fn read(json: &str) -> Result<Jwk, JwkError> {
    Jwk::from_json(json.as_bytes())
}

/// `jwk` with another member in front.
fn with(jwk: &str, member: &str) -> String {
    jwk.replacen('{', &format!("{{{member},"), 1)
}

fn rsa(n: &[u8], e: &[u8]) -> Result<Jwk, JwkError> {
    let (n, e) = (base64url::encode(n), base64url::encode(e));
    read(&format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#))
}

#[test]
fn public_keys_round_trip_and_show_public_members_only() {
    for json in [RFC7638_JWK, RFC7515_A2_JWK, RFC7515_A3_JWK, RFC8037_JWK] {
        let jwk = read(json).unwrap();
        let written = serde_json::to_value(&jwk).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(json).unwrap());
        assert_eq!(serde_json::from_value::<Jwk>(written).unwrap(), jwk);
    }
}

#[test]
fn descriptive_members_are_kept() {
    let members = r#""use":"sig","key_ops":["verify"],"alg":"ES256","kid":"k1","x5t":"ignored""#;
    let jwk = read(&with(RFC7515_A3_JWK, members)).unwrap();
    assert_eq!((jwk.usage(), jwk.alg(), jwk.kid()), (Some("sig"), Some("ES256"), Some("k1")));
    assert!(jwk.may_verify());
    assert_eq!(read(&serde_json::to_string(&jwk).unwrap()).unwrap(), jwk);
}

#[test]
fn private_members_are_refused() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"] {
        for value in ["\"AA\"", "null", "[]", "1"] {
            let json = with(RFC7515_A2_JWK, &format!(r#""{member}":{value}"#));
            assert_eq!(read(&json), Err(JwkError::PrivateMember), "{member}: {value}");
        }
    }
}

#[test]
fn a_symmetric_key_is_a_private_key() {
    assert_eq!(read(r#"{"kty":"oct","k":"c2VjcmV0"}"#), Err(JwkError::PrivateMember));
}

#[test]
fn duplicate_members_are_refused() {
    for member in [r#""kty":"EC""#, r#""\u006bty":"EC""#, r#""a":1,"a":1"#] {
        let json = with(RFC7515_A3_JWK, member);
        assert_eq!(read(&json), Err(JwkError::DuplicateMember), "{member}");
    }
}

#[test]
fn points_off_the_curve_are_refused() {
    let flipped = RFC7515_A3_JWK.replace("x_FEzRu9", "x_FEzRu8");
    assert_eq!(read(&flipped), Err(JwkError::NotOnCurve));

    let zero = base64url::encode([0; 32]);
    let origin = format!(r#"{{"kty":"EC","crv":"P-256","x":"{zero}","y":"{zero}"}}"#);
    assert_eq!(read(&origin), Err(JwkError::NotOnCurve));

    let over = base64url::encode([0xff; 32]);
    let beyond = format!(r#"{{"kty":"EC","crv":"P-256","x":"{over}","y":"{over}"}}"#);
    assert_eq!(read(&beyond), Err(JwkError::NotOnCurve));

    let other_curve = RFC7515_A3_JWK.replace("P-256", "P-384");
    assert_eq!(read(&other_curve), Err(JwkError::InvalidSize("x")));
}

#[test]
fn coordinates_have_full_length() {
    for (bytes, fault) in [(31, "x"), (33, "x"), (0, "x")] {
        let x = base64url::encode(vec![1; bytes]);
        let json = RFC7515_A3_JWK.replace("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", &x);
        assert_eq!(read(&json), Err(JwkError::InvalidSize(fault)));
        let json = RFC8037_JWK.replace("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", &x);
        assert_eq!(read(&json), Err(JwkError::InvalidSize(fault)));
    }
}

#[test]
fn rsa_moduli_have_2048_to_8192_bits() {
    for bits in [512, 1024, 2040, 8200, 16_384] {
        assert_eq!(
            rsa(&vec![0xff; bits / 8], &[1, 0, 1]),
            Err(JwkError::InvalidSize("n")),
            "{bits}"
        );
    }
    assert!(rsa(&[0xff; 256], &[1, 0, 1]).is_ok());
    assert!(rsa(&[0xff; 1024], &[1, 0, 1]).is_ok());
    let mut just_short = [0xff; 256];
    just_short[0] = 0x7f;
    assert_eq!(rsa(&just_short, &[1, 0, 1]), Err(JwkError::InvalidSize("n")));
}

#[test]
fn a_number_has_one_spelling() {
    let mut leading_zero = vec![0xff; 257];
    leading_zero[0] = 0;
    assert_eq!(rsa(&leading_zero, &[1, 0, 1]), Err(JwkError::InvalidModulus));
    let mut even = vec![0xff; 256];
    even[255] = 0xfe;
    assert_eq!(rsa(&even, &[1, 0, 1]), Err(JwkError::InvalidModulus));
    for e in [&[][..], &[0], &[1], &[2], &[0, 1, 0, 1], &[1, 0, 0, 0, 1]] {
        assert_eq!(rsa(&[0xff; 256], e), Err(JwkError::InvalidExponent), "{e:?}");
    }
    assert!(rsa(&[0xff; 256], &[3]).is_ok());

    for e in ["AQAB=", "AQ AB", "AQA", "AQAB\\n"] {
        let json = RFC7515_A2_JWK.replace("\"AQAB\"", &format!("\"{e}\""));
        assert!(read(&json).is_err(), "{e}");
    }
    let padded = RFC8037_JWK.replace("URo\"", "URo=\"");
    assert_eq!(read(&padded), Err(JwkError::InvalidEncoding("x")));
    let trailing_bits = RFC8037_JWK.replace("URo\"", "URp\"");
    assert_eq!(read(&trailing_bits), Err(JwkError::InvalidEncoding("x")));
}

#[test]
fn unknown_types_curves_and_missing_members() {
    for (json, fault) in [
        (r#"{"kty":"AKP"}"#, JwkError::UnsupportedKeyType),
        (r#"{"kty":"EC","crv":"P-521","x":"AA","y":"AA"}"#, JwkError::UnsupportedKeyType),
        (r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#, JwkError::UnsupportedKeyType),
        (r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#, JwkError::UnsupportedKeyType),
        (r#"{"kty":"ec","crv":"P-256"}"#, JwkError::UnsupportedKeyType),
        (r#"{"kty":"EC"}"#, JwkError::MissingMember("crv")),
        (r#"{"kty":"EC","crv":"P-256"}"#, JwkError::MissingMember("x")),
        (r#"{"kty":"RSA","n":"AA"}"#, JwkError::MissingMember("e")),
        (r#"{"crv":"P-256"}"#, JwkError::Malformed),
        (r#"{"kty":1}"#, JwkError::Malformed),
        ("[]", JwkError::Malformed),
    ] {
        assert_eq!(read(json), Err(fault), "{json}");
    }
}

#[test]
fn use_key_ops_and_alg_bind() {
    for member in [
        r#""use":"enc""#,
        r#""use":"SIG""#,
        r#""key_ops":["sign"]"#,
        r#""key_ops":[]"#,
        r#""alg":"ECDH-ES""#,
        r#""alg":"none""#,
    ] {
        assert!(!read(&with(RFC7515_A3_JWK, member)).unwrap().may_verify(), "{member}");
    }
    for alg in ["RS256", "EdDSA", "ES384"] {
        let json = with(RFC7515_A3_JWK, &format!(r#""alg":"{alg}""#));
        assert_eq!(read(&json), Err(JwkError::AlgorithmMismatch), "{alg}");
    }
}

#[test]
fn a_key_fits_only_what_its_type_and_alg_say() {
    use Algorithm::{ES256, EdDSA, PS256, RS256, RS384, RS512};
    let fitting = |json: &str| -> Vec<_> {
        let jwk = read(json).unwrap();
        Algorithm::ALL.into_iter().filter(|alg| jwk.fits(*alg)).collect()
    };
    assert_eq!(fitting(RFC7515_A3_JWK), [ES256]);
    assert_eq!(fitting(RFC8037_JWK), [EdDSA]);
    assert_eq!(fitting(RFC7515_A2_JWK), [RS256, RS384, RS512, PS256]);
    assert_eq!(fitting(RFC7638_JWK), [RS256]);
    assert_eq!(fitting(&with(RFC7515_A2_JWK, r#""alg":"RSA-OAEP""#)), []);
}

#[test]
fn lengths_are_bounded() {
    let long = "k".repeat(MAX_KID_BYTES + 1);
    for (member, fault) in [
        (format!(r#""kid":"{long}""#), JwkError::MemberTooLong("kid")),
        (format!(r#""alg":"{long}""#), JwkError::MemberTooLong("alg")),
        (format!(r#""use":"{long}""#), JwkError::MemberTooLong("use")),
        (format!(r#""key_ops":["{long}"]"#), JwkError::MemberTooLong("key_ops")),
        (format!(r#""a":"{}""#, "a".repeat(MAX_JWK_BYTES)), JwkError::TooLong),
    ] {
        assert_eq!(read(&with(RFC8037_JWK, &member)), Err(fault));
    }
}
