use proptest::prelude::*;
use time::Duration;
use url::Url;

use super::*;
use crate::crypto::SystemRandom;

const RFC_SECRET: &[u8; 20] = b"12345678901234567890";

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap()
}

/// RFC 6238, appendix B, of whose eight digits ours are the last six.
#[test]
fn vectors_of_the_rfc() {
    let secret = TotpSecret::from_bytes(*RFC_SECRET);
    for (seconds, eight) in [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ] {
        assert_eq!(secret.code_at(at(seconds)), eight[2..], "{seconds}");
        assert_eq!(secret.check(&eight[2..], at(seconds), None), Some(TotpStep(seconds / 30)));
        assert_eq!(secret.check(eight, at(seconds), None), None);
    }
}

/// RFC 4226, appendix D.
#[test]
fn vectors_of_hotp() {
    let secret = TotpSecret::from_bytes(*RFC_SECRET);
    let codes = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583"];
    for (step, code) in (0..).zip(codes) {
        assert_eq!(secret.code(step).text(), code, "{step}");
    }
}

#[test]
fn a_code_is_good_one_step_early_and_one_step_late() {
    let secret = TotpSecret::from_bytes(*RFC_SECRET);
    let shown = at(1_800_000_015);
    let step = TotpStep(60_000_000);
    let code = secret.code_at(shown);
    for (drift, expected) in [
        (-46, None),
        (-45, Some(step)),
        (0, Some(step)),
        (44, Some(step)),
        (45, None),
        (86_400, None),
    ] {
        let now = shown + Duration::seconds(drift);
        assert_eq!(secret.check(&code, now, None), expected, "{drift}");
    }
}

#[test]
fn a_used_code_and_all_before_it_are_refused() {
    let secret = TotpSecret::from_bytes(*RFC_SECRET);
    let now = at(1_800_000_015);
    let [before, present, after] =
        [-30, 0, 30].map(|drift| secret.code_at(now + Duration::seconds(drift)));
    let used = secret.check(&present, now, None);
    assert_eq!(used, Some(TotpStep(60_000_000)));
    assert_eq!(secret.check(&present, now, used), None);
    assert_eq!(secret.check(&before, now, used), None);
    assert_eq!(secret.check(&after, now, used), Some(TotpStep(60_000_001)));
    let used = secret.check(&after, now, used);
    assert_eq!(secret.check(&present, now, used), None);
}

/// Once in a million steps two neighbours share a code: it must not work for one after the other.
#[test]
fn a_code_of_two_steps_is_used_up_for_both() {
    let secret = TotpSecret::from_bytes(*RFC_SECRET);
    let first = 59_061_240;
    let code = secret.code(first).text();
    assert_eq!(secret.code(first + 1).text(), code);
    let now = at(first * 30);
    let used = secret.check(&code, now, None);
    assert_eq!(used, Some(TotpStep(first + 1)));
    assert_eq!(secret.check(&code, now + Duration::seconds(30), used), None);
}

#[test]
fn a_clock_before_1970_is_no_reason_to_fail() {
    let secret = TotpSecret::generate(&SystemRandom);
    for seconds in [-1, 0, -1_000_000_000] {
        let code = secret.code_at(at(seconds));
        assert!(secret.check(&code, at(seconds), None).is_some(), "{seconds}");
    }
}

#[test]
fn a_secret_is_shown_only_when_asked() {
    let secret = TotpSecret::from_bytes(*RFC_SECRET);
    assert_eq!(format!("{secret:?}"), "TotpSecret([redacted])");
    assert_eq!(secret.expose(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
    assert_ne!(TotpSecret::generate(&SystemRandom).as_bytes(), secret.as_bytes());
}

#[test]
fn the_uri_is_escaped_the_way_apps_read_it() {
    let secret = TotpSecret::from_bytes(*RFC_SECRET);
    assert_eq!(
        secret.expose_uri("Acme & Co", "alice+home@example.test"),
        "otpauth://totp/Acme%20%26%20Co:alice%2Bhome%40example.test\
         ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Acme%20%26%20Co\
         &algorithm=SHA1&digits=6&period=30"
    );
    assert!(secret.expose_uri(" : ", "alice").starts_with("otpauth://totp/alice?secret="));
    assert!(secret.expose_uri("A: b", "c:d").starts_with("otpauth://totp/A%20b:cd?"));
}

proptest! {
    /// Nothing that is in a name can add a parameter, end the label, or change the secret.
    #[test]
    fn names_stay_names(issuer in "\\PC{1,40}", account in "\\PC{0,60}") {
        let secret = TotpSecret::from_bytes(*RFC_SECRET);
        let uri = Url::parse(&secret.expose_uri(&issuer, &account)).unwrap();
        prop_assert_eq!((uri.scheme(), uri.host_str()), ("otpauth", Some("totp")));
        let clean = |text: &str| text.replace(':', "").trim().to_owned();
        let names: Vec<String> =
            uri.query_pairs().map(|(name, _)| name.into_owned()).filter(|name| name != "issuer").collect();
        prop_assert_eq!(names, ["secret", "algorithm", "digits", "period"]);
        let shown = uri.query_pairs().find(|(name, _)| name == "issuer");
        prop_assert_eq!(shown.map(|(_, value)| value.into_owned()).unwrap_or_default(), clean(&issuer));
        prop_assert!(!uri.path().trim_start_matches('/').contains(['/', '?', '#', ' ', '"', '<']));
        prop_assert!(uri.fragment().is_none());
    }

    /// Whatever is typed, it is a code of the window or nothing.
    #[test]
    fn what_is_typed_is_in_the_window_or_refused(typed in ".{0,80}", seconds in 0..4_000_000_000i64) {
        let secret = TotpSecret::from_bytes(*RFC_SECRET);
        if let Some(TotpStep(step)) = secret.check(&typed, at(seconds), None) {
            prop_assert!((step - seconds / 30).abs() <= 1);
        }
    }

    #[test]
    fn the_code_of_any_moment_is_accepted_at_that_moment(
        bytes in any::<[u8; 20]>(), seconds in 0..4_000_000_000i64, drift in -30..=30i64,
    ) {
        let secret = TotpSecret::from_bytes(bytes);
        let code = secret.code_at(at(seconds));
        prop_assert!(secret.check(&code, at(seconds + drift), None).is_some());
    }
}
