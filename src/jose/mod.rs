//! JSON Web Keys, Signatures and Tokens: no I/O, no clock.
//!
//! | to … | use |
//! |---|---|
//! | hold a private key | [`SigningKey`] |
//! | publish or read public keys | [`Jwk`], [`JwkSet`], [`Thumbprint`] |
//! | make a token | [`AccessTokenJwt::sign`](Jwt::sign), [`IdTokenJwt::sign`](Jwt::sign), [`sign_jwt`] |
//! | verify one of ours | [`JwtVerifier`], which gives a [`VerifiedJwt`] |
//! | verify one of a client's | [`UnverifiedJws::parse`], then [`UnverifiedJws::verify`] |
//!
//! What cannot happen here: an unsigned or HMAC token (there is no such [`Algorithm`]); a key used
//! with another algorithm than its own type and `alg` allow; a token of one [`Typ`] taken for
//! another; two readings of one token (duplicate members and loose base64url are refused); an
//! unknown `crit`; claims believed before the signature is.
//!
//! ```
//! use donjon::jose::{Algorithm, ClaimRules, SigningKey, Typ, TypRule, VerifyRules, sign_jwt, verify};
//! use serde_json::{Value, json};
//! use time::macros::datetime;
//!
//! let key = SigningKey::generate(Algorithm::EdDSA)?;
//! let token = sign_jwt(&key, Typ::LOGOUT_TOKEN, &json!({ "sub": "alice", "exp": 1_800_000_000 }))?;
//!
//! let rules = VerifyRules::new(
//!     &[Algorithm::EdDSA],
//!     TypRule::Exactly(Typ::LOGOUT_TOKEN),
//!     ClaimRules::new(),
//! );
//! let now = datetime!(2026-11-01 12:00 UTC);
//! let keys = [key.verifying_key().clone()];
//! let verified = verify::<Value>(&token, &keys, &rules, now).unwrap();
//! assert_eq!(verified.claims()["sub"], "alice");
//! # Ok::<(), donjon::jose::SigningError>(())
//! ```

mod access_token;
mod algorithm;
mod base64url;
mod claim_rules;
mod claims;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod half_hash;
mod header;
mod jwk;
mod jwk_set;
mod jws;
mod jwt;
mod public_key;
mod sign;
mod signing_key;
mod strict_json;
mod thumbprint;
mod typ;
mod verify;
mod verifying_key;

#[cfg(test)]
mod vectors;

pub use access_token::{AccessTokenClaims, AccessTokenError, TokenAuthority, verify_access_token};
pub use algorithm::{Algorithm, UnsupportedAlgorithm};
pub use claim_rules::{ClaimError, ClaimRules, DEFAULT_LEEWAY};
pub use claims::{Audience, NumericDate, RegisteredClaims};
pub use half_hash::left_half_hash;
pub use header::Header;
pub use jwk::{Jwk, JwkError};
pub use jwk_set::JwkSet;
pub use jws::{JwsError, MAX_TOKEN_BYTES, UnverifiedJws};
pub use jwt::{
    AccessToken, AccessTokenJwt, IdToken, IdTokenJwt, Jwt, JwtVerifier, Kind, VerifiedAccessToken,
    VerifiedIdToken, VerifiedJwt,
};
pub use sign::sign_jwt;
pub use signing_key::{Pkcs8, SigningError, SigningKey};
pub use thumbprint::Thumbprint;
pub use typ::{Typ, TypRule};
pub use verify::{VerifiedJws, VerifyRules, verify};
pub use verifying_key::VerifyingKey;
