//! Each check with the attack it stops.

use serde_json::{Value, json};
use time::macros::datetime;

use super::*;
use crate::jose::{IdTokenJwt, SigningKey, Typ, sign_jwt};

const NOW: OffsetDateTime = datetime!(2026-11-01 12:00 UTC);
const ISSUER: &str = "https://op.example";

const ENTRA: EmailTrust = EmailTrust::Microsoft { one_tenant: false };
const ONE_TENANT: EmailTrust = EmailTrust::Microsoft { one_tenant: true };

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "alice", "aud": "me", "nonce": "n",
        "iat": NOW.unix_timestamp(), "exp": NOW.unix_timestamp() + 300,
        "email": "Alice@Example.test", "email_verified": true, "name": "Alice",
        "amr": ["pwd", "mfa"],
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

struct World {
    key: SigningKey,
    issuer: IssuerRule,
    anew_since: Option<OffsetDateTime>,
}

impl World {
    fn new() -> Self {
        let key = SigningKey::generate(Algorithm::ES256).unwrap();
        Self { key, issuer: IssuerRule::Exact(ISSUER.into()), anew_since: None }
    }

    fn check(&self, token: &str) -> Result<VerifiedIdToken, IdTokenError> {
        let expected = Expected {
            issuer: &self.issuer,
            client_id: "me",
            algorithms: &[Algorithm::ES256, Algorithm::RS256],
            nonce: "n",
            access_token: "an access token",
            anew_since: self.anew_since,
        };
        validate(token, &[self.key.verifying_key().clone()], &expected, NOW)
    }

    fn read(&self, claims: &Value) -> Result<VerifiedIdToken, IdTokenError> {
        self.check(IdTokenJwt::sign(&self.key, claims).unwrap().as_str())
    }

    #[track_caller]
    fn refuses(&self, claims: &Value, expected: IdTokenError) {
        assert_eq!(self.read(claims).map(drop), Err(expected), "{claims}");
    }
}

#[test]
fn a_good_token_says_who_somebody_is() {
    let hash = left_half_hash(Algorithm::ES256, "an access token");
    let profile = World::new().read(&with("at_hash", json!(hash))).unwrap();
    let profile = profile.into_profile(EmailTrust::Verified, None);
    let expected = Profile {
        subject: "alice".into(),
        email: Some("alice@example.test".into()),
        email_trusted: true,
        backing: Backing::Owner,
        name: Some("Alice".into()),
        amr: vec!["pwd".into(), "mfa".into()],
        auth_time: None,
    };
    assert_eq!(profile, expected);
    for aud in [json!(["me"]), json!("me")] {
        let mut claims = with("aud", aud);
        claims["azp"] = json!("me");
        assert!(World::new().read(&claims).is_ok());
    }
    let mut shared = with("aud", json!(["me", "friend"]));
    shared["azp"] = json!("me");
    assert!(World::new().read(&shared).is_ok());
}

#[test]
fn a_token_of_another_login_is_refused() {
    let world = World::new();
    for nonce in [json!("other"), json!(""), Value::Null, json!("n ")] {
        world.refuses(&with("nonce", nonce), IdTokenError::Nonce);
    }
    world.refuses(&with("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ")), IdTokenError::AccessToken);
    world.refuses(&with("at_hash", json!("")), IdTokenError::AccessToken);
}

#[test]
fn a_token_for_somebody_else_is_refused() {
    let world = World::new();
    let audience = IdTokenError::Jws(JwsError::Claim(crate::jose::ClaimError::WrongAudience));
    for aud in [json!("other"), json!(["other"]), json!([]), json!("ME")] {
        world.refuses(&with("aud", aud), audience);
    }
    world.refuses(&with("aud", json!(["me", "friend"])), IdTokenError::Audience);
    world.refuses(&with("azp", json!("friend")), IdTokenError::Audience);
    let mut shared = with("aud", json!(["me", "friend"]));
    shared["azp"] = json!("friend");
    world.refuses(&shared, IdTokenError::Audience);
}

#[test]
fn a_token_from_somebody_else_is_refused() {
    let world = World::new();
    for iss in ["https://evil.example", "https://op.example/", "op.example", ""] {
        world.refuses(&with("iss", json!(iss)), IdTokenError::Issuer);
    }
    let stranger = SigningKey::generate(Algorithm::ES256).unwrap();
    let forged = IdTokenJwt::sign(&stranger, &claims()).unwrap();
    let refused = world.check(forged.as_str()).map(drop).unwrap_err();
    assert!(refused.may_be_old_keys(), "{refused}");
    assert!(!IdTokenError::Nonce.may_be_old_keys());
}

#[test]
fn a_token_that_is_not_signed_as_announced_is_refused() {
    use base64::Engine as _;
    let b64 = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let world = World::new();
    let body = b64(&claims().to_string());
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS256"}"#, r#"{"alg":"none","typ":"JWT"}"#] {
        for signature in ["", "AAAA"] {
            let token = format!("{}.{body}.{signature}", b64(header));
            let refused = world.check(&token).map(drop).unwrap_err();
            assert!(
                matches!(refused, IdTokenError::Jws(JwsError::UnsupportedAlgorithm(_))),
                "{header} {refused}"
            );
        }
    }
    let unannounced = SigningKey::generate(Algorithm::EdDSA).unwrap();
    let world = World { key: unannounced, ..world };
    world.refuses(&claims(), IdTokenError::Jws(JwsError::AlgorithmNotAllowed));
    let world = World::new();
    let access = sign_jwt(&world.key, Typ::ACCESS_TOKEN, &claims()).unwrap();
    assert_eq!(world.check(&access).map(drop), Err(IdTokenError::Jws(JwsError::WrongType)));
}

#[test]
fn a_token_of_another_time_is_refused() {
    let world = World::new();
    let now = NOW.unix_timestamp();
    for (name, value) in [
        ("exp", json!(now - 31)),
        ("exp", Value::Null),
        ("iat", json!(now + 31)),
        ("iat", json!(now - 631)),
        ("iat", Value::Null),
        ("nbf", json!(now + 31)),
    ] {
        let refused = world.read(&with(name, value)).map(drop).unwrap_err();
        assert!(matches!(refused, IdTokenError::Jws(JwsError::Claim(_))), "{name}: {refused}");
    }
}

#[test]
fn a_token_about_nobody_is_refused() {
    let world = World::new();
    for sub in [json!(""), json!("a".repeat(256)), json!("ä"), json!("a\u{0}")] {
        world.refuses(&with("sub", sub), IdTokenError::Subject);
    }
    for sub in [Value::Null, json!(7), json!(["alice"])] {
        world.refuses(&with("sub", sub), IdTokenError::Jws(JwsError::Malformed));
    }
}

#[test]
fn who_had_to_prove_it_anew_did() {
    let world = World { anew_since: Some(NOW), ..World::new() };
    world.refuses(&claims(), IdTokenError::NotAnew);
    world.refuses(&with("auth_time", json!(NOW.unix_timestamp() - 31)), IdTokenError::NotAnew);
    assert!(world.read(&with("auth_time", json!(NOW.unix_timestamp()))).is_ok());
}

#[test]
fn an_address_is_trusted_by_the_rule_of_its_provider() {
    let world = World::new();
    let trusted = |claims: &Value, trust| {
        world.read(claims).unwrap().into_profile(trust, None).trusted_email().is_some()
    };
    assert!(!trusted(&claims(), EmailTrust::Never));
    assert!(trusted(&with("email_verified", json!("true")), EmailTrust::Verified));
    for no in [json!(false), json!("false"), Value::Null, json!("yes")] {
        assert!(!trusted(&with("email_verified", no), EmailTrust::Verified));
    }
    assert!(!trusted(&with("email", json!("no address")), EmailTrust::Verified));

    // Google hands out addresses of its own, and of organizations that are with it.
    assert!(!trusted(&claims(), EmailTrust::Google));
    assert!(trusted(&with("hd", json!("example.test")), EmailTrust::Google));
    let mut gmail = with("email", json!("Alice@GMail.com"));
    assert!(trusted(&gmail, EmailTrust::Google));
    gmail["email_verified"] = json!(false);
    assert!(!trusted(&gmail, EmailTrust::Google));

    // Microsoft's `email_verified` is nobody's word.
    assert!(!trusted(&claims(), ENTRA));
    for yes in [json!(true), json!("1"), json!(1)] {
        assert!(trusted(&with("xms_edov", yes), ENTRA));
    }
    let mut refuted = with("xms_edov", json!(false));
    refuted["tid"] = json!("a tenant");
    assert!(!trusted(&refuted, ENTRA));
    let profile = world.read(&refuted).unwrap().into_profile(ENTRA, None);
    assert_eq!(profile.subject, "a tenant.alice");
}

fn all(pairs: &[(&str, Value)]) -> Value {
    let mut claims = claims();
    for (name, value) in pairs {
        claims[*name] = value.clone();
    }
    claims
}

/// A consumer's account can have an address of any domain, verified.
#[test]
fn a_domain_is_spoken_for_by_the_rule_of_the_provider() {
    let world = World::new();
    let backing =
        |claims: &Value, trust| world.read(claims).unwrap().into_profile(trust, None).backing;
    let hosted = |domain: &str| Backing::Hosted(domain.into());

    assert_eq!(backing(&claims(), EmailTrust::Verified), Backing::Owner);
    for trust in [EmailTrust::Never, EmailTrust::Mailed, EmailTrust::Google, ENTRA] {
        assert_eq!(backing(&claims(), trust), Backing::Nobody, "{trust:?}");
        let unverified = with("email_verified", json!(false));
        assert_eq!(backing(&unverified, trust), Backing::Nobody, "{trust:?}");
    }
    assert_eq!(
        backing(&with("email_verified", json!(false)), EmailTrust::Verified),
        Backing::Nobody
    );

    // Google: the organization's domain, and only what it says of addresses that it hands out.
    for (hd, expected) in [
        (json!("Example.test"), hosted("example.test")),
        (json!("other.test"), hosted("other.test")),
        (json!(""), Backing::Nobody),
        (Value::Null, Backing::Nobody),
    ] {
        assert_eq!(backing(&with("hd", hd.clone()), EmailTrust::Google), expected, "{hd}");
    }
    let unverified = all(&[("hd", json!("example.test")), ("email_verified", json!(false))]);
    assert_eq!(backing(&unverified, EmailTrust::Google), Backing::Nobody);
    let gmail = with("email", json!("alice@gmail.com"));
    assert_eq!(backing(&gmail, EmailTrust::Google), Backing::Nobody);
    // Nobody else's `hd` says anything.
    assert_eq!(backing(&with("hd", json!("example.test")), EmailTrust::Mailed), Backing::Nobody);
}

/// The owner of the domain is said to vouch for the address of personal accounts and guests, too.
#[test]
fn of_microsoft_only_a_tenants_own_users_have_its_word_for_their_domain() {
    let world = World::new();
    let backing =
        |claims: &Value, trust| world.read(claims).unwrap().into_profile(trust, None).backing;
    let edov = ("xms_edov", json!(true));
    let tenant = ("tid", json!("t"));
    let own = all(&[edov.clone(), tenant.clone()]);
    assert_eq!(backing(&own, ENTRA), Backing::Nobody, "of any tenant");
    assert_eq!(backing(&own, ONE_TENANT), Backing::Owner);
    assert_eq!(backing(&with("tid", json!("t")), ONE_TENANT), Backing::Nobody, "nOAuth");
    for (name, value, expected) in [
        ("idp", json!(ISSUER), Backing::Owner),
        ("idp", json!("https://sts.windows.net/t/"), Backing::Owner),
        ("idp", json!("https://sts.windows.net/other/"), Backing::Nobody),
        ("idp", json!("live.com"), Backing::Nobody),
        ("idp", json!("mail"), Backing::Nobody),
        ("idp", json!(["live.com"]), Backing::Nobody),
        ("acct", json!(0), Backing::Owner),
        ("acct", json!(1), Backing::Nobody),
        ("acct", json!("1"), Backing::Nobody),
    ] {
        let claims = all(&[edov.clone(), tenant.clone(), (name, value)]);
        assert_eq!(backing(&claims, ONE_TENANT), expected, "{claims}");
    }
    // Nor does its word about one address count for another.
    let silent = all(&[edov, tenant, ("email", Value::Null)]);
    let info = UserInfo::read(br#"{"sub":"alice","email":"b@b.test"}"#, "alice").unwrap();
    let profile = world.read(&silent).unwrap().into_profile(ONE_TENANT, Some(info));
    assert!(!profile.email_trusted && profile.backing == Backing::Nobody);
}

#[test]
fn user_info_adds_what_the_token_left_out_and_changes_nothing() {
    let world = World::new();
    let info = br#"{"sub":"alice","email":"b@b.test","email_verified":true,"name":"Other"}"#;
    let info = UserInfo::read(info, "alice").unwrap();
    let token = world.read(&with("email_verified", json!(false))).unwrap();
    assert!(!token.lacks_email());
    let profile = token.into_profile(EmailTrust::Verified, Some(info.clone()));
    assert_eq!(profile.email.as_deref(), Some("alice@example.test"));
    assert!(!profile.email_trusted && profile.name.as_deref() == Some("Alice"));

    // The word of the token about another address does not count for this one.
    let token = world.read(&with("email", Value::Null)).unwrap();
    assert!(token.lacks_email());
    let unverified = UserInfo::read(br#"{"sub":"alice","email":"b@b.test"}"#, "alice").unwrap();
    let profile = token.clone().into_profile(EmailTrust::Verified, Some(unverified));
    assert!(profile.email.as_deref() == Some("b@b.test") && !profile.email_trusted);
    let profile = token.into_profile(EmailTrust::Verified, Some(info));
    assert_eq!(profile.trusted_email().unwrap().as_str(), "b@b.test");
}
