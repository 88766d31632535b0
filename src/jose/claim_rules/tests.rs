use super::*;
use serde_json::{Value, json};
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-11-01 12:00:00 UTC);
const LEEWAY: i64 = 30;

fn now() -> i64 {
    NOW.unix_timestamp()
}

fn check(rules: &ClaimRules, claims: Value) -> Result<(), ClaimError> {
    rules.check(&serde_json::from_value(claims).unwrap(), NOW)
}

#[test]
fn expiry_is_required_and_exclusive() {
    let rules = ClaimRules::new();
    assert_eq!(check(&rules, json!({})), Err(ClaimError::Missing("exp")));
    assert_eq!(check(&rules, json!({ "exp": now() - LEEWAY + 1 })), Ok(()));
    assert_eq!(check(&rules, json!({ "exp": now() - LEEWAY })), Err(ClaimError::Expired));
    assert_eq!(check(&rules, json!({ "exp": 0 })), Err(ClaimError::Expired));

    let strict = rules.leeway(Duration::ZERO);
    assert_eq!(check(&strict, json!({ "exp": now() })), Err(ClaimError::Expired));
    assert_eq!(check(&strict, json!({ "exp": now() as f64 + 0.5 })), Ok(()));
}

#[test]
fn expiry_can_be_optional_but_still_binds() {
    let rules = ClaimRules::new().expiry_optional();
    assert_eq!(check(&rules, json!({})), Ok(()));
    assert_eq!(check(&rules, json!({ "exp": now() - LEEWAY })), Err(ClaimError::Expired));
    let hint = ClaimRules::new().danger_ignore_expiry();
    assert_eq!(check(&hint, json!({ "exp": 1 })), Ok(()));
}

#[test]
fn not_before_and_issued_at_are_not_in_the_future() {
    let rules = ClaimRules::new().expiry_optional();
    assert_eq!(check(&rules, json!({ "nbf": now() + LEEWAY })), Ok(()));
    assert_eq!(check(&rules, json!({ "nbf": now() + LEEWAY + 1 })), Err(ClaimError::NotYetValid));
    assert_eq!(check(&rules, json!({ "iat": now() + LEEWAY })), Ok(()));
    assert_eq!(
        check(&rules, json!({ "iat": now() + LEEWAY + 1 })),
        Err(ClaimError::IssuedInFuture)
    );
}

#[test]
fn lifetime_and_age_are_bounded_on_request() {
    let rules = ClaimRules::new().max_lifetime(Duration::from_secs(600));
    assert_eq!(check(&rules, json!({ "exp": now() + 600 + LEEWAY })), Ok(()));
    assert_eq!(
        check(&rules, json!({ "exp": now() + 600 + LEEWAY + 1 })),
        Err(ClaimError::LifetimeTooLong)
    );

    let rules = ClaimRules::new().expiry_optional().max_age(Duration::from_secs(300));
    assert_eq!(check(&rules, json!({})), Err(ClaimError::Missing("iat")));
    assert_eq!(check(&rules, json!({ "iat": now() - 300 - LEEWAY })), Ok(()));
    assert_eq!(check(&rules, json!({ "iat": now() - 300 - LEEWAY - 1 })), Err(ClaimError::TooOld));
}

#[test]
fn extreme_values_do_not_overflow() {
    let rules =
        ClaimRules::new().leeway(Duration::MAX).max_lifetime(Duration::MAX).max_age(Duration::MAX);
    let claims = json!({ "exp": 253_402_300_799_i64, "iat": 0, "nbf": 253_402_300_799_i64 });
    assert_eq!(check(&rules, claims), Ok(()));
}

#[test]
fn the_issuer_is_compared_byte_for_byte() {
    let rules = ClaimRules::new().danger_ignore_expiry().issuer("https://app.example");
    assert_eq!(check(&rules, json!({ "iss": "https://app.example" })), Ok(()));
    assert_eq!(check(&rules, json!({})), Err(ClaimError::Missing("iss")));
    for iss in ["https://app.example/", "HTTPS://app.example", "https://app.example.evil", ""] {
        assert_eq!(check(&rules, json!({ "iss": iss })), Err(ClaimError::WrongIssuer), "{iss}");
    }
}

#[test]
fn one_expected_audience_must_be_named() {
    let rules = ClaimRules::new().danger_ignore_expiry().audience("api").audience("admin");
    for aud in [json!("api"), json!("admin"), json!(["x", "api"])] {
        assert_eq!(check(&rules, json!({ "aud": aud })), Ok(()), "{aud}");
    }
    for aud in [json!("x"), json!([]), json!(["API"]), json!("api admin"), json!("")] {
        assert_eq!(check(&rules, json!({ "aud": aud })), Err(ClaimError::WrongAudience), "{aud}");
    }
    assert_eq!(check(&rules, json!({})), Err(ClaimError::Missing("aud")));
    assert_eq!(check(&rules, json!({ "aud": null })), Err(ClaimError::Missing("aud")));
}
