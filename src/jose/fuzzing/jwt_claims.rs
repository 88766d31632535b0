use serde_json::{Map, Value};

use super::signed::{ISSUER, NOW, PRIVATE, keys};
use crate::fuzzing::Outcome;
use crate::jose::sign::sign_compact;
use crate::jose::{
    AccessTokenClaims, Algorithm, ClaimRules, DEFAULT_LEEWAY, Typ, TypRule, VerifyRules, verify,
};

/// Claims that are signed, whatever they are, pass only if they say what the rules ask for, as a
/// reader of plain JSON sees them.
pub fn jwt_claims(data: &[u8]) -> Outcome {
    let key = &PRIVATE[1];
    let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{}"}}"#, key.kid());
    let Ok(token) = sign_compact(key, header.as_bytes(), data) else { return Outcome::Refused };
    let typ = TypRule::Exactly(Typ::ACCESS_TOKEN);
    let rules = |claims| VerifyRules::new(&Algorithm::ALL, typ, claims);
    let strict = rules(ClaimRules::new().issuer(ISSUER).audience("spa"));
    let loose = rules(ClaimRules::new().danger_ignore_expiry());
    let plain = serde_json::from_slice::<Map<String, Value>>(data);

    if let Ok(verified) = verify::<Map<String, Value>>(&token, &keys(), &loose, NOW) {
        assert_eq!(plain.as_ref().ok(), Some(verified.claims()));
    }
    if let Ok(verified) = verify::<AccessTokenClaims>(&token, &keys(), &strict, NOW) {
        let claims = verified.into_claims();
        let json = serde_json::to_vec(&claims).unwrap_or_default();
        let again = serde_json::from_slice::<AccessTokenClaims>(&json);
        assert!(again.is_ok_and(|again| again.sub == claims.sub && again.aud == claims.aud));
        assert!(claims.scopes().all(|scope| !scope.is_empty() && !scope.contains(' ')));
    }
    let Ok(verified) = verify::<Map<String, Value>>(&token, &keys(), &strict, NOW) else {
        return Outcome::Refused;
    };
    keeps_the_rules(verified.claims());
    Outcome::Accepted
}

fn keeps_the_rules(claims: &Map<String, Value>) {
    assert_eq!(claims["iss"], ISSUER);
    match &claims["aud"] {
        Value::Array(audiences) => assert!(audiences.contains(&"spa".into())),
        audience => assert_eq!(audience, "spa"),
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds of this century are precise enough")]
    let now = NOW.unix_timestamp() as f64;
    let leeway = DEFAULT_LEEWAY.as_secs_f64();
    let time = |name: &str| claims.get(name).and_then(Value::as_f64);
    assert!(time("exp").is_some_and(|exp| now < exp + leeway));
    for past in ["iat", "nbf"] {
        assert!(
            claims.get(past).is_none_or(Value::is_null)
                || time(past).is_some_and(|at| at <= now + leeway + 0.000_001)
        );
    }
}
