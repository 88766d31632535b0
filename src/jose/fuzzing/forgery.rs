//! What every forged token is held against.

use serde_json::Value;

use super::signed::{ISSUER, NOW, SIGNED, Use, keys};
use crate::jose::{Algorithm, ClaimRules, JwtVerifier, Typ, TypRule, VerifyRules, verify};

/// Header and payload: what a signature is over.
pub(super) fn signing_input(token: &str) -> &str {
    token.rsplit_once('.').map_or("", |(input, _)| input)
}

/// Verifies a token as each kind there is; it passes only if it is one that was signed, and only as
/// the kind that it was signed as.
///
/// An ECDSA signature can be turned into another good one by anybody, so that it is the signed
/// bytes that must be the same, not those of the signature.
pub(super) fn judge_each_way(token: &str) -> bool {
    let keys = keys();
    let rules = || ClaimRules::new().issuer(ISSUER).audience("spa");
    let access = JwtVerifier::access_token(&Algorithm::ALL, rules());
    let id = JwtVerifier::id_token(&Algorithm::ALL, rules());
    let access = access.verify::<Value>(token, &keys, NOW).map(|jwt| jwt.into_claims());
    let id = id.verify::<Value>(token, &keys, NOW).map(|jwt| jwt.into_claims());
    let original = SIGNED.iter().find(|s| signing_input(s.token) == signing_input(token));
    for (claims, usage) in [(&access, Use::Access), (&id, Use::Id)] {
        let Ok(claims) = claims else { continue };
        assert_eq!(original.map(|original| original.usage), Some(usage), "forged: {token}");
        assert_eq!(claims["sub"], "alice");
    }
    passes_nowhere_else(token);
    access.is_ok() || id.is_ok()
}

/// Neither as another kind of token, nor by an algorithm that is not allowed, nor with one key
/// taken for another, nor without any.
fn passes_nowhere_else(token: &str) {
    let keys = keys();
    let rules =
        |algorithms: &[Algorithm], typ| VerifyRules::new(algorithms, typ, ClaimRules::new());
    let logout = rules(&Algorithm::ALL, TypRule::Exactly(Typ::LOGOUT_TOKEN));
    let other = rules(
        &[Algorithm::PS256, Algorithm::RS512],
        TypRule::AbsentOr(&[Typ::JWT, Typ::ACCESS_TOKEN]),
    );
    let any = rules(&Algorithm::ALL, TypRule::AbsentOr(&[Typ::JWT, Typ::ACCESS_TOKEN]));
    assert!(verify::<Value>(token, &keys, &logout, NOW).is_err());
    assert!(verify::<Value>(token, &keys, &other, NOW).is_err());
    assert!(verify::<Value>(token, &[], &any, NOW).is_err());
    let opened_by = keys
        .iter()
        .filter(|key| verify::<Value>(token, std::slice::from_ref(key), &any, NOW).is_ok());
    assert!(opened_by.count() <= 1);
}
