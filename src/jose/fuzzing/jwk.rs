use serde_json::Value;

use crate::fuzzing::Outcome;
use crate::jose::{Algorithm, Jwk, JwkError, JwkSet, VerifyingKey};

const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// A key that is read was public, is written and read again as itself, and is the same in a set; a
/// set holds what its keys are one by one.
pub fn jwk(data: &[u8]) -> Outcome {
    let members: Value = serde_json::from_slice(data).unwrap_or_default();
    let alone = Jwk::from_json(data);
    if let Ok(jwk) = &alone {
        assert!(!has_private(&members));
        is_stable(jwk);
    }
    agrees_with_a_set_of_one(data, &alone);
    let set = JwkSet::from_json(data);
    if let Ok(set) = &set {
        assert!(set.keys().len() <= 32);
        assert!(!members["keys"].as_array().is_some_and(|keys| keys.iter().any(has_private)));
        let json = serde_json::to_vec(set).unwrap_or_default();
        assert_eq!(JwkSet::from_json(&json).as_ref(), Ok(set));
        set.keys().iter().for_each(is_stable);
        assert!(set.verifying_keys().len() <= set.keys().len());
    }
    Outcome::accepted(alone.is_ok() || set.is_ok_and(|set| !set.keys().is_empty()))
}

fn has_private(key: &Value) -> bool {
    PRIVATE.iter().any(|name| key.get(name).is_some())
}

fn is_stable(jwk: &Jwk) {
    let json = serde_json::to_vec(jwk).unwrap_or_default();
    let again = Jwk::from_json(&json);
    assert_eq!(again.as_ref(), Ok(jwk));
    assert_eq!(again.map(|again| again.thumbprint()), Ok(jwk.thumbprint()));
    assert!(!has_private(&serde_json::from_slice(&json).unwrap_or_default()));
    if let Ok(key) = VerifyingKey::new(jwk) {
        let fitting = Algorithm::ALL.into_iter().filter(|algorithm| key.fits(*algorithm)).count();
        assert!((1..=4).contains(&fitting));
    }
}

fn agrees_with_a_set_of_one(data: &[u8], alone: &Result<Jwk, JwkError>) {
    let set = JwkSet::from_json(&[b"{\"keys\":[", data, b"]}"].concat());
    match (alone, set) {
        (Ok(jwk), set) => assert_eq!(set.map(|set| set.keys().to_vec()), Ok(vec![jwk.clone()])),
        (Err(JwkError::PrivateMember), set) => assert_eq!(set, Err(JwkError::PrivateMember)),
        (Err(_), Ok(set)) => {
            assert!(!set.keys().iter().any(|key| Jwk::from_json(data).as_ref() == Ok(key)))
        }
        (Err(_), Err(_)) => {}
    }
}
