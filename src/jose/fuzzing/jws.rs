use serde_json::Value;

use super::forgery::{judge_each_way, signing_input};
use super::signed::SIGNED;
use crate::fuzzing::Outcome;
use crate::jose::{UnverifiedJws, base64url};

/// A token that is taken apart has one spelling; it verifies only if it is one that was signed, as
/// what it was signed for.
pub fn jws(data: &[u8]) -> Outcome {
    let Ok(token) = str::from_utf8(data) else { return Outcome::Refused };
    let accepted = judge_each_way(token);
    let Ok(jws) = UnverifiedJws::parse(token) else {
        assert!(!accepted);
        return Outcome::Refused;
    };
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3);
    for part in [parts[0], parts[2]] {
        assert_eq!(base64url::decode(part).map(base64url::encode).as_deref(), Some(part));
    }
    let header = base64url::decode(parts[0]).unwrap_or_default();
    let header: Value = serde_json::from_slice(&header).unwrap_or_default();
    assert_eq!(header["alg"].as_str(), Some(jws.header().algorithm().name()));
    assert_eq!(header["kid"].as_str(), jws.header().kid());
    assert_eq!(header["typ"].as_str(), jws.header().typ());
    assert_eq!(header.get("crit"), None);
    if let Ok(claims) = jws.danger_unverified_claims::<Value>() {
        let payload = base64url::decode(parts[1]).unwrap_or_default();
        assert_eq!(serde_json::from_slice::<Value>(&payload).ok(), Some(claims));
    }
    let signed = SIGNED.iter().any(|s| signing_input(s.token) == signing_input(token));
    assert!(signed || !accepted);
    Outcome::accepted(accepted)
}
