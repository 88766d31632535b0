use super::*;
use crate::jose::sign::sign_compact;
use crate::jose::vectors::{RFC7515_A2_JWK, RFC7515_A2_TOKEN, RFC7515_A3_JWK, RFC7515_A3_TOKEN};
use crate::jose::{
    AccessTokenJwt, ClaimError, IdTokenJwt, Jwk, JwkSet, JwtVerifier, SigningKey, Typ,
    UnsupportedAlgorithm, base64url, sign_jwt,
};
use aws_lc_rs::hmac;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;
use time::Duration;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-11-01 12:00:00 UTC);

static ES256: LazyLock<SigningKey> = LazyLock::new(|| key(Algorithm::ES256));
static RS256: LazyLock<SigningKey> = LazyLock::new(|| key(Algorithm::RS256));
static EDDSA: LazyLock<SigningKey> = LazyLock::new(|| key(Algorithm::EdDSA));

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm).unwrap()
}

fn claims() -> Value {
    let now = NOW.unix_timestamp();
    json!({ "iss": "https://app.example", "sub": "alice", "aud": "api", "iat": now, "exp": now + 300 })
}

fn token(key: &SigningKey) -> String {
    sign_jwt(key, Typ::ACCESS_TOKEN, &claims()).unwrap()
}

/// A token with a good signature over any header and payload at all.
fn forge(key: &SigningKey, header: &str, payload: &str) -> String {
    sign_compact(key, header.as_bytes(), payload.as_bytes()).unwrap()
}

fn rules(algorithms: &[Algorithm]) -> VerifyRules {
    let claims = ClaimRules::new().issuer("https://app.example").audience("api");
    VerifyRules::new(algorithms, TypRule::Exactly(Typ::ACCESS_TOKEN), claims)
}

fn check(token: &str, keys: &[&SigningKey]) -> Result<Value, JwsError> {
    let keys: Vec<_> = keys.iter().map(|key| key.verifying_key().clone()).collect();
    verify(token, &keys, &rules(&Algorithm::ALL), NOW).map(VerifiedJws::into_claims)
}

#[test]
fn every_algorithm_round_trips_and_says_who_and_what() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let jwt = token(&key);
        assert_eq!(check(&jwt, &[&key]), Ok(claims()));
        let header = UnverifiedJws::parse(&jwt).unwrap().header().clone();
        assert_eq!(header.algorithm(), algorithm);
        assert_eq!((header.typ(), header.kid()), (Some("at+jwt"), Some(key.kid())));
    }
}

#[test]
fn the_registered_claims_are_there_too() {
    let keys = [ES256.verifying_key().clone()];
    let verified: VerifiedJws<Value> =
        verify(&token(&ES256), &keys, &rules(&[Algorithm::ES256]), NOW).unwrap();
    assert_eq!(verified.registered().sub.as_deref(), Some("alice"));
    assert_eq!(verified.registered().iat.unwrap().seconds(), NOW.unix_timestamp());
}

#[test]
fn keys_are_chosen_by_kid() {
    let other = key(Algorithm::ES256);
    assert!(check(&token(&ES256), &[&other, &RS256, &ES256]).is_ok());
    assert_eq!(check(&token(&ES256), &[&other, &RS256]), Err(JwsError::UnknownKey));
    assert_eq!(check(&token(&ES256), &[]), Err(JwsError::UnknownKey));
}

#[test]
fn another_keys_kid_does_not_help() {
    let thief = key(Algorithm::ES256);
    let header = format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{}"}}"#, ES256.kid());
    let jwt = forge(&thief, &header, &claims().to_string());
    assert_eq!(check(&jwt, &[&ES256]), Err(JwsError::BadSignature));
}

#[test]
fn without_kid_all_fitting_keys_are_tried() {
    let header = r#"{"alg":"ES256","typ":"at+jwt"}"#;
    let jwt = forge(&ES256, header, &claims().to_string());
    assert!(check(&jwt, &[&RS256, &key(Algorithm::ES256), &ES256]).is_ok());
    assert_eq!(check(&jwt, &[&RS256]), Err(JwsError::KeyMismatch));
    assert_eq!(check(&jwt, &[&key(Algorithm::ES256)]), Err(JwsError::BadSignature));
}

#[test]
fn an_embedded_key_is_not_trusted() {
    let thief = key(Algorithm::ES256);
    let jwk = serde_json::to_string(thief.public_jwk()).unwrap();
    let header = format!(r#"{{"alg":"ES256","typ":"at+jwt","jwk":{jwk}}}"#);
    let jwt = forge(&thief, &header, &claims().to_string());
    assert_eq!(check(&jwt, &[&ES256]), Err(JwsError::BadSignature));
}

#[test]
fn unsigned_tokens_are_refused() {
    let payload = base64url::encode(claims().to_string());
    for alg in ["none", "None", "NONE", ""] {
        let header = base64url::encode(format!(r#"{{"alg":"{alg}","typ":"at+jwt"}}"#));
        for jwt in [format!("{header}.{payload}."), format!("{header}.{payload}.AA")] {
            let error = JwsError::UnsupportedAlgorithm(UnsupportedAlgorithm);
            assert_eq!(check(&jwt, &[&ES256]), Err(error));
        }
    }
    let header = format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{}"}}"#, ES256.kid());
    let jwt = format!("{}.{payload}.", base64url::encode(header));
    assert_eq!(check(&jwt, &[&ES256]), Err(JwsError::BadSignature));
}

/// CVE-2015-9235 and its kin: the public key, in any of its spellings, as an HMAC secret.
#[test]
fn a_public_key_is_no_hmac_secret() {
    let jwk = serde_json::to_string(RS256.public_jwk()).unwrap();
    let n = serde_json::to_value(RS256.public_jwk()).unwrap()["n"].as_str().unwrap().to_owned();
    for secret in [jwk.as_bytes(), n.as_bytes(), &base64url::decode(&n).unwrap()] {
        let header = format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{}"}}"#, RS256.kid());
        let input =
            format!("{}.{}", base64url::encode(header), base64url::encode(claims().to_string()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
        let jwt = format!("{input}.{}", base64url::encode(tag));
        let error = JwsError::UnsupportedAlgorithm(UnsupportedAlgorithm);
        assert_eq!(check(&jwt, &[&RS256]), Err(error));
    }
}

#[test]
fn a_key_verifies_only_its_own_algorithm() {
    for (alg, key) in [("RS256", &*ES256), ("EdDSA", &ES256), ("ES384", &ES256), ("PS256", &RS256)]
    {
        let header = format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"{}"}}"#, key.kid());
        let jwt = forge(key, &header, &claims().to_string());
        assert_eq!(check(&jwt, &[key]), Err(JwsError::KeyMismatch), "{alg}");
    }
}

#[test]
fn an_algorithm_must_be_allowed() {
    let keys = [ES256.verifying_key().clone(), RS256.verifying_key().clone()];
    let only_es256 = rules(&[Algorithm::ES256]);
    assert!(verify::<Value>(&token(&ES256), &keys, &only_es256, NOW).is_ok());
    let refused = verify::<Value>(&token(&RS256), &keys, &only_es256, NOW);
    assert_eq!(refused.unwrap_err(), JwsError::AlgorithmNotAllowed);
    let refused = verify::<Value>(&token(&ES256), &keys, &rules(&[]), NOW);
    assert_eq!(refused.unwrap_err(), JwsError::AlgorithmNotAllowed);
}

#[test]
fn an_encryption_key_verifies_nothing() {
    let enc = RFC7515_A2_JWK.replacen('{', r#"{"use":"enc","#, 1);
    let set = JwkSet::from_json(format!(r#"{{"keys":[{enc}]}}"#).as_bytes()).unwrap();
    let rules = VerifyRules::new(&Algorithm::ALL, TypRule::AbsentOr(&[]), ClaimRules::new());
    let refused = verify::<Value>(RFC7515_A2_TOKEN, &set.verifying_keys(), &rules, NOW);
    assert_eq!(refused.unwrap_err(), JwsError::UnknownKey);
}

#[test]
fn rfc_7515_tokens_verify_until_they_expire() {
    let before = datetime!(2011-03-22 18:42:59 UTC);
    let rules = VerifyRules::new(
        &[Algorithm::RS256, Algorithm::ES256],
        TypRule::AbsentOr(&[]),
        ClaimRules::new().issuer("joe"),
    );
    for (token, jwk) in [(RFC7515_A2_TOKEN, RFC7515_A2_JWK), (RFC7515_A3_TOKEN, RFC7515_A3_JWK)] {
        let keys = [VerifyingKey::new(&Jwk::from_json(jwk.as_bytes()).unwrap()).unwrap()];
        let verified = verify::<Value>(token, &keys, &rules, before).unwrap();
        assert_eq!(verified.claims()["http://example.com/is_root"], true);
        let late = verify::<Value>(token, &keys, &rules, NOW).unwrap_err();
        assert_eq!(late, JwsError::Claim(ClaimError::Expired));
    }
}

#[test]
fn a_token_of_another_type_is_refused() {
    for typ in [Typ::JWT, Typ::LOGOUT_TOKEN, Typ::DPOP_PROOF] {
        let jwt = sign_jwt(&ES256, typ, &claims()).unwrap();
        assert_eq!(check(&jwt, &[&ES256]), Err(JwsError::WrongType), "{typ}");
    }
    let untyped = forge(&ES256, r#"{"alg":"ES256"}"#, &claims().to_string());
    assert_eq!(check(&untyped, &[&ES256]), Err(JwsError::WrongType));
}

#[test]
fn an_id_token_and_an_access_token_never_pass_for_each_other() {
    let keys = [ES256.verifying_key().clone()];
    let access = AccessTokenJwt::sign(&ES256, &claims()).unwrap();
    let id = IdTokenJwt::sign(&ES256, &claims()).unwrap();
    assert_eq!(format!("{access:?} {id:?}"), "Jwt([redacted]) Jwt([redacted])");

    let api = JwtVerifier::access_token(&[Algorithm::ES256], ClaimRules::new());
    assert!(api.verify::<Value>(access.as_str(), &keys, NOW).is_ok());
    let refused = api.verify::<Value>(id.as_str(), &keys, NOW).unwrap_err();
    assert_eq!(refused, JwsError::WrongType);

    let client = JwtVerifier::id_token(&[Algorithm::ES256], ClaimRules::new());
    assert!(client.verify::<Value>(id.as_str(), &keys, NOW).is_ok());
    let refused = client.verify::<Value>(access.as_str(), &keys, NOW).unwrap_err();
    assert_eq!(refused, JwsError::WrongType);
}

#[test]
fn signed_claims_that_read_two_ways_are_refused() {
    let header = r#"{"alg":"ES256","typ":"at+jwt"}"#;
    let good = claims().to_string();
    for (payload, error) in [
        (good.replacen('{', r#"{"sub":"mallory","#, 1), JwsError::DuplicateMember),
        (good.replacen('{', r#"{"s\u0075b":"mallory","#, 1), JwsError::DuplicateMember),
        (good.replacen('{', r#"{"cnf":{"jkt":"a","jkt":"b"},"#, 1), JwsError::DuplicateMember),
        (format!("{good}{good}"), JwsError::Malformed),
        ("[]".to_owned(), JwsError::Malformed),
        ("null".to_owned(), JwsError::Malformed),
        (good.replace("\"api\"", "1"), JwsError::Malformed),
        (good.replace("\"iat\":", "\"iat\":-"), JwsError::Malformed),
    ] {
        assert_eq!(check(&forge(&ES256, header, &payload), &[&ES256]), Err(error), "{payload}");
    }
}

#[test]
fn claims_are_checked_at_the_given_moment() {
    let keys = [ES256.verifying_key().clone()];
    let at = |now| {
        let verified = verify::<Value>(&token(&ES256), &keys, &rules(&[Algorithm::ES256]), now);
        verified.map(drop)
    };
    assert_eq!(at(NOW + Duration::seconds(329)), Ok(()));
    assert_eq!(at(NOW + Duration::seconds(330)), Err(ClaimError::Expired.into()));
    assert_eq!(at(NOW - Duration::seconds(31)), Err(ClaimError::IssuedInFuture.into()));
}

#[test]
fn a_bad_signature_is_told_before_a_bad_claim() {
    let mut expired = claims();
    expired["exp"] = json!(1);
    let jwt = sign_jwt(&ES256, Typ::ACCESS_TOKEN, &expired).unwrap();
    assert_eq!(check(&jwt, &[&ES256]), Err(ClaimError::Expired.into()));
    let (input, _) = jwt.rsplit_once('.').unwrap();
    let unsigned = format!("{input}.{}", base64url::encode([1; 64]));
    assert_eq!(check(&unsigned, &[&ES256]), Err(JwsError::BadSignature));
}

#[test]
fn a_signature_has_its_whole_length_and_one_encoding() {
    for key in [&*ES256, &RS256, &EDDSA] {
        let jwt = token(key);
        let (input, signature) = jwt.rsplit_once('.').unwrap();
        let signature = base64url::decode(signature).unwrap();
        let with = |signature: &[u8]| format!("{input}.{}", base64url::encode(signature));
        assert!(check(&with(&signature), &[key]).is_ok());
        for len in [0, 1, 32, 63, signature.len() - 1] {
            let cut = with(&signature[..len]);
            assert_eq!(check(&cut, &[key]), Err(JwsError::BadSignature), "{len}");
        }
        for longer in [[&signature[..], &[0]].concat(), [&[0], &signature[..]].concat()] {
            assert_eq!(check(&with(&longer), &[key]), Err(JwsError::BadSignature));
        }
    }
}

#[test]
fn der_encoded_ecdsa_signatures_are_refused() {
    use aws_lc_rs::{rand::SystemRandom, signature::*};
    let jwt = token(&ES256);
    let (input, _) = jwt.rsplit_once('.').unwrap();
    let pkcs8 = ES256.to_pkcs8().unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_bytes()).unwrap();
    let der = pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    let jwt = format!("{input}.{}", base64url::encode(der));
    assert_eq!(check(&jwt, &[&ES256]), Err(JwsError::BadSignature));
}

/// CVE-2022-21449: r = s = 0, and values that are not below the order.
#[test]
fn degenerate_ecdsa_signatures_are_refused() {
    let jwt = token(&ES256);
    let (input, _) = jwt.rsplit_once('.').unwrap();
    for byte in [0, 0xff] {
        let jwt = format!("{input}.{}", base64url::encode([byte; 64]));
        assert_eq!(check(&jwt, &[&ES256]), Err(JwsError::BadSignature));
    }
}

/// Another implementation's whole path agrees: its decoder, its checks, its idea of a JWK.
#[test]
fn jsonwebtoken_accepts_our_tokens() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let jwk: jsonwebtoken::jwk::Jwk =
            serde_json::from_value(serde_json::to_value(key.public_jwk()).unwrap()).unwrap();
        let decoding = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
        let mut validation = jsonwebtoken::Validation::new(algorithm.name().parse().unwrap());
        validation.validate_exp = false;
        validation.set_issuer(&["https://app.example"]);
        validation.set_audience(&["api"]);
        let decoded = jsonwebtoken::decode::<Value>(token(&key), &decoding, &validation).unwrap();
        assert_eq!(decoded.claims, claims());
        assert_eq!(decoded.header.kid.as_deref(), Some(key.kid()));
        let theirs = jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap();
        assert_eq!(theirs, key.kid());
    }
}

/// And we accept its tokens.
#[test]
fn we_accept_the_tokens_of_jsonwebtoken() {
    use jsonwebtoken::EncodingKey;
    for key in [&*ES256, &EDDSA] {
        let pkcs8 = key.to_pkcs8().unwrap();
        let encoding = match key.algorithm() {
            Algorithm::ES256 => EncodingKey::from_ec_der(pkcs8.as_bytes()),
            _ => EncodingKey::from_ed_der(pkcs8.as_bytes()),
        };
        let mut header = jsonwebtoken::Header::new(key.algorithm().name().parse().unwrap());
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(key.kid().to_owned());
        let jwt = jsonwebtoken::encode(&header, &claims(), &encoding).unwrap();
        assert_eq!(check(&jwt, &[key]), Ok(claims()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// One byte changed, anywhere, to anything: no longer a good token.
    #[test]
    fn no_byte_of_a_token_can_change(which in 0..3usize, at in any::<prop::sample::Index>(), to in 0..128u8) {
        static TOKENS: LazyLock<[String; 3]> =
            LazyLock::new(|| [token(&ES256), token(&EDDSA), token(&RS256)]);
        let jwt = &TOKENS[which];
        let mut bytes = jwt.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        let changed = String::from_utf8(bytes).unwrap();
        prop_assert!(check(&changed, &[&ES256, &EDDSA, &RS256]).is_err());
    }

    /// Whatever comes in, the answer is an error and not a panic.
    #[test]
    fn garbage_is_refused(text in "[A-Za-z0-9_.=\\-]{0,200}") {
        prop_assert!(check(&text, &[&ES256]).is_err());
    }

    /// Any JSON in the header: refused, or read without a panic.
    #[test]
    fn any_header_is_read_or_refused(header in "\\{(\"(alg|kid|typ|crit|jwk)\":(\"ES256\"|1|null|\\[\\]|\\{\\}),?){0,4}\\}") {
        let _ = check(&forge(&ES256, &header, "{}"), &[&ES256]);
    }
}

/// The last character of a signature has unused bits; setting them must not give a second token.
#[test]
fn unused_bits_of_the_last_character_are_refused() {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for key in [&*ES256, &RS256, &EDDSA] {
        let jwt = token(key);
        let (rest, last) = jwt.split_at(jwt.len() - 1);
        for other in ALPHABET.chars().filter(|c| !last.contains(*c)) {
            assert!(check(&format!("{rest}{other}"), &[key]).is_err(), "{other}");
        }
    }
}
