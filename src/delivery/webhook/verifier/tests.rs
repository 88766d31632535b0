use http::HeaderValue;
use proptest::prelude::*;
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::crypto::{RandomExt as _, SystemRandom};
use crate::delivery::webhook::sign;

const NOW: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);
const BODY: &[u8] = br#"{"type":"user.created"}"#;

fn secret() -> WebhookSecret {
    WebhookSecret::generate(&SystemRandom)
}

fn signed(secret: &WebhookSecret) -> HeaderMap {
    sign([secret], SystemRandom.uuid_v7(NOW), NOW, BODY)
}

fn with(headers: &HeaderMap, name: HeaderName, value: &str) -> HeaderMap {
    let mut headers = headers.clone();
    headers.insert(name, HeaderValue::from_str(value).unwrap());
    headers
}

fn text(headers: &HeaderMap, name: HeaderName) -> String {
    headers[name].to_str().unwrap().to_owned()
}

#[test]
fn a_good_message_is_known_by_its_id_and_time() {
    let secret = secret();
    let headers = signed(&secret);
    let message = WebhookVerifier::new([secret]).verify(&headers, BODY, NOW).unwrap();
    assert_eq!(message.id, text(&headers, HEADER_ID));
    assert_eq!(message.sent_at, NOW);
}

#[test]
fn nothing_of_a_message_can_be_changed() {
    let secret = secret();
    let headers = signed(&secret);
    let verifier = WebhookVerifier::new([secret]);
    let refused =
        |headers: &HeaderMap, body: &[u8]| verifier.verify(headers, body, NOW).unwrap_err();

    assert_eq!(refused(&headers, b""), WebhookError::Signature);
    assert_eq!(refused(&headers, &[BODY, b" "].concat()), WebhookError::Signature);
    let other_id = with(&headers, HEADER_ID, "msg_other");
    assert_eq!(refused(&other_id, BODY), WebhookError::Signature);
    let later = (NOW.unix_timestamp() + 1).to_string();
    let other_time = with(&headers, HEADER_TIMESTAMP, &later);
    assert_eq!(refused(&other_time, BODY), WebhookError::Signature);
    // The same number, written another way, is another message.
    let padded = with(&headers, HEADER_TIMESTAMP, &format!("0{}", NOW.unix_timestamp()));
    assert_eq!(refused(&padded, BODY), WebhookError::Signature);
}

#[test]
fn a_stranger_signs_nothing() {
    let headers = signed(&secret());
    let verifier = WebhookVerifier::new([secret()]);
    assert_eq!(verifier.verify(&headers, BODY, NOW), Err(WebhookError::Signature));
    let nobody = WebhookVerifier::new([]);
    assert_eq!(nobody.verify(&headers, BODY, NOW), Err(WebhookError::Signature));
    let unsigned = sign([], Uuid::nil(), NOW, BODY);
    assert_eq!(nobody.verify(&unsigned, BODY, NOW), Err(WebhookError::Header(HEADER_SIGNATURE)));
}

/// What was signed as one message must not verify as another, cut elsewhere.
#[test]
fn the_cuts_between_id_time_and_body_cannot_move() {
    let secret = secret();
    let seconds = NOW.unix_timestamp().to_string();
    // As if a sender had signed the id "a", the time 1, and a body that begins with digits.
    let mac = secret.mac("a", "1", format!("{seconds}.rest").as_bytes());
    let headers = HeaderMap::from_iter([
        (HEADER_ID, HeaderValue::from_static("a.1")),
        (HEADER_TIMESTAMP, HeaderValue::from_str(&seconds).unwrap()),
        (HEADER_SIGNATURE, format!("v1,{}", STANDARD.encode(mac)).parse().unwrap()),
    ]);
    assert_eq!(secret.mac("a.1", &seconds, b"rest"), mac);
    let verifier = WebhookVerifier::new([secret]);
    assert_eq!(verifier.verify(&headers, b"rest", NOW), Err(WebhookError::Header(HEADER_ID)));
}

#[test]
fn a_message_is_good_for_five_minutes() {
    let secret = secret();
    let headers = signed(&secret);
    let verifier = WebhookVerifier::new([secret]);
    for (seconds, good) in [(-301, false), (-300, true), (0, true), (300, true), (301, false)] {
        let result = verifier.verify(&headers, BODY, NOW + Duration::seconds(seconds));
        let expected = if good { None } else { Some(WebhookError::Timestamp) };
        assert_eq!(result.err(), expected, "{seconds}");
    }
    let strict = verifier.tolerance(Duration::seconds(10));
    assert!(strict.verify(&headers, BODY, NOW + Duration::seconds(10)).is_ok());
    assert!(strict.verify(&headers, BODY, NOW + Duration::seconds(11)).is_err());
}

#[test]
fn a_secret_rotates_without_a_gap_on_either_side() {
    let (old, new) = (secret(), secret());
    let both = sign([&new, &old], Uuid::nil(), NOW, BODY);
    for secrets in [vec![old.clone()], vec![new.clone()], vec![old.clone(), new.clone()]] {
        assert!(WebhookVerifier::new(secrets).verify(&both, BODY, NOW).is_ok());
    }
    let receiver = WebhookVerifier::new([new.clone(), old.clone()]);
    assert!(receiver.verify(&signed(&old), BODY, NOW).is_ok());
    assert!(receiver.verify(&signed(&new), BODY, NOW).is_ok());
}

#[test]
fn other_versions_and_broken_signatures_beside_a_good_one_do_no_harm() {
    let secret = secret();
    let headers = signed(&secret);
    let good = text(&headers, HEADER_SIGNATURE);
    let mac = good.strip_prefix("v1,").unwrap();
    let verifier = WebhookVerifier::new([secret]);
    for (signatures, expected) in [
        (format!("v1a,{mac} {good}"), true),
        (format!("v1,!! {good} v2,x"), true),
        (format!("nonsense {good}"), true),
        (format!("  {good}  "), true),
        (format!("v1a,{mac}"), false),
        (format!("v2,{mac}"), false),
        (format!("V1,{mac}"), false),
        (mac.to_owned(), false),
        (format!("v1,{}", &mac[..43]), false),
        (format!("v1,{}", STANDARD.encode([0; 31])), false),
        ("v1,".to_owned(), false),
        (format!("{}{good}", "v1,AAAA ".repeat(16)), false),
    ] {
        let headers = with(&headers, HEADER_SIGNATURE, &signatures);
        assert_eq!(verifier.verify(&headers, BODY, NOW).is_ok(), expected, "{signatures}");
    }
}

#[test]
fn missing_doubled_and_unreadable_headers_are_refused() {
    let secret = secret();
    let headers = signed(&secret);
    let verifier = WebhookVerifier::new([secret]);
    for name in [HEADER_ID, HEADER_TIMESTAMP, HEADER_SIGNATURE] {
        let expected = Err(WebhookError::Header(name.clone()));
        let mut missing = headers.clone();
        missing.remove(&name);
        assert_eq!(verifier.verify(&missing, BODY, NOW), expected);
        let mut twice = headers.clone();
        twice.append(&name, headers[&name].clone());
        assert_eq!(verifier.verify(&twice, BODY, NOW), expected);
        let mut bytes = headers.clone();
        bytes.insert(&name, HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(verifier.verify(&bytes, BODY, NOW), expected);
    }
    for bad in ["-1", "+1", "1.5", "1e9", "", "now", "1000000000000000", "１"] {
        let mut headers = headers.clone();
        headers.insert(HEADER_TIMESTAMP, HeaderValue::from_bytes(bad.as_bytes()).unwrap());
        let expected = Err(WebhookError::Header(HEADER_TIMESTAMP));
        assert_eq!(verifier.verify(&headers, BODY, NOW), expected, "{bad:?}");
    }
    let far = with(&headers, HEADER_TIMESTAMP, "999999999999999");
    assert_eq!(verifier.verify(&far, BODY, NOW), Err(WebhookError::Timestamp));
}

proptest! {
    #[test]
    fn whatever_was_signed_verifies_and_nothing_else(
        body in prop::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
        bit in 0..8u8,
    ) {
        let secret = secret();
        let headers = sign([&secret], SystemRandom.uuid_v7(NOW), NOW, &body);
        let verifier = WebhookVerifier::new([secret]);
        prop_assert!(verifier.verify(&headers, &body, NOW).is_ok());
        if !body.is_empty() {
            let mut changed = body;
            let at = at.index(changed.len());
            changed[at] ^= 1 << bit;
            prop_assert!(verifier.verify(&headers, &changed, NOW).is_err());
        }
    }

    #[test]
    fn any_headers_at_all_are_refused(
        id in "[ -~]{0,20}", timestamp in "[0-9.+-]{0,12}|[ -~]{0,12}", signature in "(v1,)?[ -~]{0,80}",
    ) {
        let headers = HeaderMap::from_iter([
            (HEADER_ID, HeaderValue::from_str(&id).unwrap()),
            (HEADER_TIMESTAMP, HeaderValue::from_str(&timestamp).unwrap()),
            (HEADER_SIGNATURE, HeaderValue::from_str(&signature).unwrap()),
        ]);
        prop_assert!(WebhookVerifier::new([secret()]).verify(&headers, BODY, NOW).is_err());
    }
}
